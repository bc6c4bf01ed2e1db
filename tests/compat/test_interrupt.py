# SPDX-License-Identifier: MIT
"""Ctrl-C while a real process loads the program: no traceback, and the exit code of an interrupt."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mptcp_series import __version__

_STRIKE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.{handler})
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from mptcp_series.__main__ import script
script()
"""


def _process(module: str, handler: str) -> subprocess.CompletedProcess[str]:
    """A process that gets the signal when it looks for a module."""
    code = _STRIKE.format(module=module, handler=handler)
    words = [sys.executable, "-c", code, "--version"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["click", "attrs", "mptcp_series.cli.main", "mptcp_series.cli.failures"])
def test_ctrl_c_while_the_program_is_loaded(module: str) -> None:
    done = _process(module, "default_int_handler")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_that_is_ignored() -> None:
    done = _process("click", "SIG_IGN")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mptcp-series {__version__}\n", "")


def test_what_is_loaded_before_ctrl_c_is_quiet() -> None:
    """Python's own start is not ours to mend; what the package adds to it is next to nothing."""
    code = "import sys; before = set(sys.modules); import mptcp_series.__main__; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) <= {"__future__", "mptcp_series", "mptcp_series.__main__"}
