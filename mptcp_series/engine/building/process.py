# SPDX-License-Identifier: MIT
"""The one place of this room that starts processes: make and compilers, in English, with nothing to ask.

A process dies with the run that started it where that run ends in any way it can see. One that was killed leaves its
make behind; that make holds the directory's lock until it meets a closed pipe, so the next run cannot get in its way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import EnvironmentFault

__all__ = ["find_program", "output_of", "run_logged"]

_UNWANTED = frozenset(
    {
        *("ARCH", "C", "CONFIG_SHELL", "CROSS_COMPILE", "GNUMAKEFLAGS", "KBUILD_EXTMOD", "KBUILD_OUTPUT"),
        *("KBUILD_VERBOSE", "KCONFIG_ALLCONFIG", "KCONFIG_CONFIG", "KCONFIG_OVERWRITECONFIG", "M", "MAKEFILES"),
        *("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O", "SRCARCH", "V", "W"),
    }
)
"""Variables that would change what a kernel's Makefile does without anybody having said so here."""


def _environment() -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in _UNWANTED}, "LC_ALL": "C"}


def find_program(name: str) -> str | None:
    """Path of a program; None where it is not installed. A name with a slash is a path."""
    return shutil.which(name)


def output_of(command: Sequence[str], *, stdin: bytes = b"") -> tuple[int, str]:
    """Exit status and output, standard error included, of a short command. A missing program has status 127."""
    try:
        done = subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment(), check=False
        )
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape")


def run_logged(
    command: Sequence[str],
    *,
    directory: Path,
    log: Path,
    line: Callable[[str], None],
    keep: Sequence[int] = (),
) -> int:
    """Run a command in a directory, append all it says to a log, and hand on each line; its exit status.

    keep: descriptors the process inherits. Raises EnvironmentFault where it cannot be started or the log not written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as kept:
            kept.write(b"$ " + b" ".join(os.fsencode(word) for word in command) + b"\n")
            process = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(),
                pass_fds=tuple(keep),
            )
            try:
                assert process.stdout is not None
                with process.stdout:
                    for data in process.stdout:
                        kept.write(data)
                        # What a killed run has read must be in the log: it is what the next one knows.
                        kept.flush()
                        line(data.decode("utf-8", "surrogateescape").rstrip("\r\n"))
                return process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                process.wait()
                raise
    except OSError as error:
        raise EnvironmentFault(f"{error.filename or command[0]}: {error.strerror}") from error
