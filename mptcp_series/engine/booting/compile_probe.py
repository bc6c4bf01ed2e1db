# SPDX-License-Identifier: MIT
"""Compiles the probe on this machine, as one static program: a guest has no libraries."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...errors import EnvironmentFault, ToolMissing
from ...values.bootreport import GuestEnd
from .process import run_bounded

__all__ = ["FLAGS", "INSTALL", "SOURCES", "compile_probe"]

SOURCES = Path(__file__).parents[2] / "probe"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-static")
INSTALL = "install one (Debian, Ubuntu: gcc libc6-dev; Fedora: gcc glibc-static), or name another with --cc"

_SECONDS = 120.0
_MOST = 1 << 20
_NO_STATIC_LIBRARY = ("cannot find -lc", "unable to find library -lc", "cannot find -l:libc.a")
_NO_HEADERS = ("fatal error:", "file not found")


def compile_probe(compiler: str, *, seconds: float = _SECONDS) -> bytes:
    """The probe as an ELF program.

    Raises ToolMissing where there is no compiler, no static C library or no header of the kernel's interface, and
    EnvironmentFault where the compiler ends otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="mptcp-series-probe-") as name:
        place = Path(name)
        program = place / "probe"
        command = (compiler, *FLAGS, "-o", str(program), *map(str, sorted(SOURCES.glob("*.c"))))
        seconds = min(seconds, _SECONDS)
        ended = run_bounded(command, seconds=seconds, output=place / "output", most=_MOST, install=INSTALL)
        if ended.end is not GuestEnd.ITSELF:
            raise EnvironmentFault(f"{compiler}: the probe was not compiled within {seconds:g} seconds")
        if ended.status == 0:
            return program.read_bytes()
    last = ended.errors.splitlines()[-1] if ended.errors else f"exit status {ended.status}"
    if any(sign in ended.errors for sign in _NO_STATIC_LIBRARY):
        raise ToolMissing(f"{compiler}: no static C library; {INSTALL}")
    if any(sign in ended.errors for sign in _NO_HEADERS):
        missing = next(line for line in ended.errors.splitlines() if any(sign in line for sign in _NO_HEADERS))
        raise ToolMissing(f"{missing}; {INSTALL}")
    raise EnvironmentFault(f"{compiler}: the probe does not compile: {last}")
