# SPDX-License-Identifier: MIT
"""What reaches a terminal: colours where one reads them, no control characters, a bar that waits."""

from __future__ import annotations

import sys

import pytest

from mptcp_series.cli.console import Console, Volume, printable

from .conftest import Kernel, run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\x00", "a\\x0db\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("Jörg", "Jörg"),
    ],
    ids=["plain", "escape", "return", "c1", "byte", "surrogate", "letters"],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_colours_only_for_a_terminal(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("check", *kernel.on("bsp"))
    coloured = run("check", *kernel.on("bsp"), color=True)
    assert "\x1b" not in plain.out + plain.err
    assert "\x1b[36mint vendor;\x1b[0m" in coloured.out
    assert "\x1b[32mint tcp5_hook;\x1b[0m" in coloured.out
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            # Errors too, which are told after the command has ended.
            assert run("check", *kernel.on("bsp"), color=True) == plain


def test_a_patch_cannot_talk_to_the_terminal(kernel: Kernel) -> None:
    evil = kernel.source.commit("main", "mptcp: \x1b[2Jgone\n", {"net/mptcp/\x1b[2J.c": b"x\n"})
    (kernel.series / "series").write_text(f"evil.patch # {evil}\n")
    outcome = run("check", "-v", *kernel.on("v5.10"), color=True)
    assert "\x1b[2J" not in outcome.out
    assert "mptcp: \\x1b[2Jgone" in outcome.out
    assert "net/mptcp/\\x1b[2J.c" in outcome.out


class _Terminal:
    """Standard error that says it is a terminal, and keeps what is written."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return _Terminal()


def work_for(seconds: float, on: _Terminal, monkeypatch: pytest.MonkeyPatch, volume: Volume = Volume.NORMAL) -> None:
    """Two steps of work, of which each takes this long by the clock."""
    clock = iter(range(10))
    # Here and not in the fixture: pytest sets its own standard error between the two.
    monkeypatch.setattr(sys, "stderr", on)
    monkeypatch.setattr("mptcp_series.cli.console.monotonic", lambda: next(clock) * seconds)
    with Console(volume=volume).progress("looking at commits") as progress:
        progress(1, None)
        progress(2, 2)


def test_a_bar_on_a_terminal(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    work_for(1, terminal, monkeypatch)
    assert "looking at commits" in terminal.text
    assert "2/2" in terminal.text


def test_a_part_of_the_work_of_which_nobody_knows_how_much_there_is(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10))
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("mptcp_series.cli.console.monotonic", lambda: next(clock))
    with Console().progress("fetching") as progress:
        progress(2, 2)
        progress(7, None)
    assert "7/?" in terminal.text


def test_a_bar_appears_only_when_it_takes_a_while(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    work_for(0.1, terminal, monkeypatch)
    assert terminal.text == ""


def test_no_bar_when_quiet(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    work_for(1, terminal, monkeypatch, Volume.QUIET)
    assert terminal.text == ""


def test_no_bar_without_a_terminal(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    work_for(1, terminal, monkeypatch)
    assert terminal.text == ""
