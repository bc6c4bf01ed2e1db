# SPDX-License-Identifier: MIT
"""The one place of this room that starts processes: a compiler and an emulator, each with an end to its time.

A process is in a group of its own, and the whole group ends with it: when its time is over, when its output is more
than may be kept, and when the run that started it ends in any way it can see. A run that was killed sees nothing:
`timeout` of the coreutils, half a minute later, ends what it left behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import attrs

from ...errors import EnvironmentFault, ToolMissing
from ...values.bootreport import GuestEnd

__all__ = ["Ended", "run_bounded"]

_STEP = 0.1
GRACE = 5.0
_LATER = 30


@attrs.frozen(kw_only=True)
class Ended:
    """How a process ended, and the last of what it said on standard error."""

    end: GuestEnd
    status: int
    """Exit status; minus the signal's number where one ended it."""
    errors: str


def run_bounded(
    command: Sequence[str],
    *,
    seconds: float,
    output: Path,
    most: int,
    install: str,
    watch: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a command, its standard output into a file, for so many seconds and bytes at most.

    watch: called every tenth of a second. install: what to do where the program is not there.

    Raises ToolMissing where the program is not there, EnvironmentFault where it cannot be started or the file not
    written.
    """
    if shutil.which(command[0]) is None:
        raise ToolMissing(f"{command[0]}: no such program; {install}")
    deadline = monotonic() + seconds
    errors = output.with_name(output.name + ".stderr")
    try:
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                ("timeout", "--signal=KILL", f"{seconds + _LATER:.0f}", *command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
            end = GuestEnd.ITSELF
            try:
                while process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=max(0.0, min(_STEP, deadline - monotonic())))
                        break
                    watch()
                    if monotonic() >= deadline:
                        end = GuestEnd.TIMEOUT
                        break
                    if output.stat().st_size > most:
                        end = GuestEnd.NOISE
                        break
            finally:
                _end(process)
        said = errors.read_bytes()[-4096:].decode("utf-8", "backslashreplace").strip()
        return Ended(end=end, status=process.returncode, errors=said)
    except OSError as error:
        raise EnvironmentFault(f"{error.filename or command[0]}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            errors.unlink()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that is still there, with all it started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE)
            return
