# SPDX-License-Identifier: MIT
"""The entry point: the list of commands, and the way every one of them ends.

Commands raise; what an error means is decided in `failures`, and said here. click's own handling of errors is not
used: it ends a broken pipe with 1, which is a conflict to a script.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from .. import __version__
from .console import PROGRAM, complain, plain
from .failures import ExitCode, PipeClosed, explain
from .lazy import Entry, LazyGroup

__all__ = ["ENTRIES", "cli", "run", "script"]

GIT = "Called by git"
QUILT = "Quilt's verbs, in a directory with patches; some in git"

ENTRIES = {
    "demo": Entry(".demo:demo", "The whole job on a small kernel-like tree the package makes."),
    "fetch": Entry(".fetch:fetch", "Bring what a recipe needs of upstream into a local source."),
    "extract": Entry(".extract:extract", "Pick the commits of a recipe's range and write the series."),
    "import": Entry(".import_:import_", "Make a series of a queue kept elsewhere; or take patches in."),
    "check": Entry(".check:check", "Dry run on a base: the status of every patch."),
    "fixes": Entry(".fixes:fixes", "Upstream fixes and reverts of queued patches that are not queued."),
    "apply": Entry(".apply:apply", "Replay the queue as commits of a branch, or into a directory."),
    "export": Entry(".export:export", "Write the queue as it stands on a base for other tools."),
    "rebase": Entry(".rebase:rebase", "Move the queue to a new base, and say what changed and why."),
    "build": Entry(".build:build", "Compile what the queue touches; each error at its patch."),
    "boot": Entry(".boot:boot", "Boot a built kernel under QEMU and prove it over two links."),
    "matrix": Entry(".matrix:matrix", "Check the queue on many bases at once."),
    "verify": Entry(".verify:verify", "Check a result hunk by hunk, and against the target release."),
    "prereqs": Entry(".prereqs:prereqs", "What the queue needs outside the stack, and what brings it."),
    "resolve": Entry(".resolve:resolve", "Answer the first conflict, as an override."),
    "report": Entry(".report.command:report", "The review of a queue on a base: a page, a comment, a document."),
    "why": Entry(".why:why", "Why a patch is in the queue, and which patches cure a symptom."),
    "override": Entry(".override:override", "List, show, check and start override files."),
    "push": Entry(".quilt.push:push", "Apply patches of a quilt directory.", QUILT),
    "pop": Entry(".quilt.push:pop", "Take patches off a quilt directory.", QUILT),
    "goto": Entry(".quilt.push:goto", "Push or pop until a named patch is on top.", QUILT),
    "top": Entry(".quilt.listing:top", "The patch on top.", QUILT),
    "next": Entry(".quilt.listing:next_", "The patch that a push would apply.", QUILT),
    "previous": Entry(".quilt.listing:previous", "The patch below the top.", QUILT),
    "applied": Entry(".quilt.listing:applied", "The patches that are applied.", QUILT),
    "unapplied": Entry(".quilt.listing:unapplied", "The patches that are not applied.", QUILT),
    "series": Entry(".quilt.listing:series", "The patches of the series.", QUILT),
    "files": Entry(".quilt.listing:files", "The files a patch changes.", QUILT),
    "patches": Entry(".quilt.listing:patches", "The patches that change a file.", QUILT),
    "new": Entry(".quilt.naming:new", "Begin a new patch on top.", QUILT),
    "add": Entry(".quilt.members:add", "Take files into a patch, before they are edited.", QUILT),
    "remove": Entry(".quilt.members:remove", "Take files out of a patch, and put them back.", QUILT),
    "edit": Entry(".quilt.edit:edit", "Edit files of the top patch; or a patch of a queue in git.", QUILT),
    "revert": Entry(".quilt.members:revert", "Give up edits that were not refreshed.", QUILT),
    "diff": Entry(".quilt.diff:diff", "Show a patch as its files are now.", QUILT),
    "snapshot": Entry(".quilt.snapshot:snapshot", "Keep files as they are, for `diff --snapshot`.", QUILT),
    "refresh": Entry(".quilt.refresh:refresh", "Take edits into a patch.", QUILT),
    "annotate": Entry(".quilt.annotate:annotate", "Which applied patch brought each line of a file.", QUILT),
    "graph": Entry(".quilt.graph:graph", "Which applied patch stands on which other, for dot.", QUILT),
    "grep": Entry(".quilt.grep:grep", "grep(1) through the sources, without patches.", QUILT),
    "header": Entry(".quilt.header:header", "Show or change the header of a patch.", QUILT),
    "fold": Entry(".quilt.fold:fold", "A patch from standard input into the top one; or in git.", QUILT),
    "fork": Entry(".quilt.naming:fork", "Go on with a copy of the top patch.", QUILT),
    "rename": Entry(".quilt.naming:rename", "Rename a patch.", QUILT),
    "split": Entry(".quilt.reshape:split", "Make two patches of one, in git.", QUILT),
    "reorder": Entry(".quilt.reshape:reorder", "Move a patch within the queue, in git.", QUILT),
    "delete": Entry(".quilt.naming:delete", "Take a patch out of the series.", QUILT),
    "init": Entry(".quilt.init:init", "Begin a quilt directory here.", QUILT),
    "upgrade": Entry(".quilt.init:upgrade", "Whether the meta-data has quilt's present format.", QUILT),
    "merge-driver": Entry(".merge_driver:merge_driver", "Merge series files by what they say; git calls it.", GIT),
}


class _Main(LazyGroup):
    """The top command: it maps every error to an exit code, for the console script and for tests alike."""

    def invoke(self, ctx: click.Context) -> Any:
        if plain():
            ctx.color = False
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would end the process with 1 here.
            raise PipeClosed from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            outcome = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            # Only `Exit` (--help, --version) gives a number; commands give nothing.
            code = outcome if isinstance(outcome, int) else ExitCode.DONE
            sys.stdout.flush()
        except Exception as error:
            failure = explain(error)
            code = failure.code
            if code is ExitCode.PIPE:
                _silence()
            else:
                complain(failure.lines, failure.hint)
        sys.exit(int(code))


def _silence() -> None:
    """Let the interpreter's last flush of standard output go nowhere (Python's library reference, SIGPIPE)."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(cls=_Main, entries=ENTRIES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """The MPTCP stack of Linux 5.15 for kernels locked to 5.10, as a reviewable patch queue.

    `demo` shows the whole job. On a kernel of your own it is extract, check, resolve where check finds a conflict,
    and apply.

    Options win over MPTCP_SERIES_* variables, these over mptcp-series.toml in the working directory or a parent.

    Exit status: 0 done; 1 a person is needed; 2 bad usage or bad input; 3 the environment.
    """


def run() -> None:
    """The command line as a process has it; ends in SystemExit."""
    # A run makes many objects, hardly a cycle, and then ends: the collector would only look at them again and again.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets an escape, not a traceback.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    cli.main(prog_name=PROGRAM)


def script() -> None:
    """What the console script calls: `run`, and then the end of the process at once.

    What a run wrote is on the disk; to take its objects apart one by one would take a fifth of the run again.
    """
    try:
        run()
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(end.code if isinstance(end.code, int) else ExitCode.DONE)
