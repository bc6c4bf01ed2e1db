# SPDX-License-Identifier: MIT
"""The one place that knows exit codes: what went wrong, in lines for people and a number for scripts.

0 done, 1 a person is needed, 2 bad usage or bad input, 3 the environment. Beyond the contract's four: 130 after
Ctrl-C and 141 where the reader of a pipe went away (128 and the signal's number, as shells have it), 70 for a
bug of ours (sysexits.h), which must never look like a conflict.
"""

from __future__ import annotations

import enum
import sys
import traceback

import attrs
import click

from ..errors import BadInput, EnvironmentFault, MptcpSeriesError, NeedsPerson, NoRepository, ShallowSource

__all__ = ["ExitCode", "Failure", "PipeClosed", "explain"]


class ExitCode(enum.IntEnum):
    """Exit status of the process."""

    DONE = 0
    PERSON = 1
    INPUT = 2
    ENVIRONMENT = 3
    BUG = 70
    INTERRUPTED = 130
    PIPE = 141


class PipeClosed(Exception):
    """The reader of standard output went away; nobody is left to tell."""


@attrs.frozen(kw_only=True)
class Failure:
    """An exit code, one line for each problem, and what may help."""

    code: ExitCode
    lines: tuple[str, ...] = ()
    hint: str | None = None


_HINTS: tuple[tuple[type[MptcpSeriesError], str], ...] = (
    (
        NoRepository,
        "a source is a git repository, and a bare clone will do; --repo may also be a kernel source directory without "
        "git",
    ),
    (ShallowSource, "`git fetch --unshallow`, or `mptcp-series fetch` into a new directory, brings the whole range"),
)


def explain(error: BaseException) -> Failure:
    """What an exception means to the user. An exception nobody foresaw is a bug and shows its traceback."""
    hint = next((text for kind, text in _HINTS if isinstance(error, kind)), None)
    if isinstance(error, NeedsPerson):
        return Failure(code=ExitCode.PERSON, lines=error.reasons)
    if isinstance(error, BadInput):
        return Failure(code=ExitCode.INPUT, lines=tuple(map(str, error.problems)), hint=hint)
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        return Failure(code=ExitCode.INPUT, lines=(error.format_message(),))
    if isinstance(error, click.Abort | KeyboardInterrupt | EOFError):
        return Failure(code=ExitCode.INTERRUPTED, lines=("interrupted",))
    if isinstance(error, PipeClosed | BrokenPipeError):
        return Failure(code=ExitCode.PIPE)
    if isinstance(error, EnvironmentFault):
        return Failure(code=ExitCode.ENVIRONMENT, lines=_lines(str(error)), hint=hint)
    if _is_of_git(error):
        return Failure(code=ExitCode.ENVIRONMENT, lines=_lines(f"git: {error}"))
    if isinstance(error, OSError):
        return Failure(code=ExitCode.ENVIRONMENT, lines=_lines(_system(error)))
    return Failure(
        code=ExitCode.BUG,
        lines=tuple("".join(traceback.format_exception(error)).splitlines()),
        hint="this is a bug of mptcp-series; please report it with the lines above",
    )


def _is_of_git(error: BaseException) -> bool:
    """Whether libgit2 raised it. Where that was never imported, as by quilt's verbs, it did not."""
    library = sys.modules.get("pygit2")
    return library is not None and isinstance(error, library.GitError)


def _usage(error: click.UsageError) -> Failure:
    """A wrong command line. A group called without a command shows its help, which is an answer of its own."""
    message = error.format_message()
    if message.startswith("Usage: "):
        return Failure(code=ExitCode.INPUT, lines=("no command given",), hint=message)
    path = error.ctx.command_path if error.ctx is not None else "mptcp-series"
    return Failure(code=ExitCode.INPUT, lines=_lines(message), hint=f"`{path} --help` shows what it takes")


def _system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}" if error.filename is not None else what


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines()) or ("",)
