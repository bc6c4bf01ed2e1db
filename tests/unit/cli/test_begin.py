# SPDX-License-Identifier: MIT
"""The beginning of the process: Ctrl-C ends it quietly, whatever is being loaded (tests/compat sends the signal)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mptcp_series import __main__ as begin
from mptcp_series.cli import main
from mptcp_series.cli.failures import ExitCode


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _Loading:
    """In the place of `cli.main`: tells who would get Ctrl-C while it is loaded."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self.handlers: list[object] = []

    @property
    def script(self) -> Callable[[], None]:
        self.handlers.append(signal.getsignal(signal.SIGINT))
        return self._run


def test_ctrl_c_while_the_program_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = _Loading(lambda: None)
    monkeypatch.setitem(sys.modules, "mptcp_series.cli.main", loading)
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    begin.script()
    (handler,) = loading.handlers
    assert callable(handler)
    handler(signal.SIGINT, None)
    assert codes == [ExitCode.INTERRUPTED]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "from then on the commands tell"


def test_ctrl_c_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = _Loading(lambda: None)
    monkeypatch.setitem(sys.modules, "mptcp_series.cli.main", loading)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin.script()
    assert loading.handlers == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_ctrl_c_before_the_command_begins_or_after_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "script", run)
    with pytest.raises(SystemExit) as caught:
        begin.script()
    assert caught.value.code == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_the_console_script_begins_here() -> None:
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert f'\n[project.scripts]\nmptcp-series = "{begin.__name__}:{begin.script.__name__}"\n' in project
