# SPDX-License-Identifier: MIT
"""`mptcp-series apply`: the replay, and its commits on a branch that moves once, or its files in a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..engine.store.files import read_input
from ..errors import AlreadyApplied
from ..values.alignment import Alignment
from ..values.person import Person
from ..values.result import COUNT_ORDER, BaseInfo, OverrideAccount
from ..values.version import KernelVersion
from .console import printable
from .inputs import head_start, load_queue, replay
from .options import COMMITTER, FUZZ, NO_ALIGN, Run, takes
from .tables import counted, result_lines, warning_lines, was

if TYPE_CHECKING:
    from ..engine.result import Result

__all__ = ["apply"]


@click.command(short_help="Replay the queue as commits of a branch, or into a directory.")
@click.option(
    "--branch",
    metavar="NAME",
    help="Branch of the repository to write, another than the base's. One that is there is replaced; the report says "
    "what it was.",
)
@click.option("--partial", is_flag=True, help="On a conflict, write the patches before it.")
@NO_ALIGN
@FUZZ
@COMMITTER
@takes("source", "repo", "base", "series", "overrides")
def apply(run: Run, branch: str | None, partial: bool, no_align: bool, fuzz: int, committer: Person | None) -> None:
    """Replay the queue on a base and write one commit per patch to a branch, or patch a source directory.

    In a repository nothing is checked out, and the branch moves only with a complete result, unless --partial is
    given. The same input gives the same commit ids.

    A source directory without git is patched where it is: all files or none. What a killed run left is resumed or
    undone first. A directory that has this very queue already is left as it is.

    Exit status 1: a person is needed; without --partial nothing was written.
    """
    ahead = head_start(run)
    from ..engine.store.repository import plain_directory

    place = run.target()[0]
    plain = plain_directory(place)
    _check(plain is not None, place, branch, committer)
    if plain is not None:
        _recover(run, plain)
    try:
        result = replay(run, align=not no_align, committer=committer, fuzz=fuzz, ahead=ahead)
    except AlreadyApplied as applied:
        if not applied.same:
            raise
        _nothing(run, place, applied)
        return
    if result.complete or partial:
        if plain is not None:
            result = result.write_directory(partial=partial)
        else:
            assert branch is not None
            result = result.write_branch(branch, partial=partial)
    run.answer(
        document=lambda: result.to_json("apply"),
        report=lambda: result_lines(result, verbose=run.console.verbose, closing=[_ending(result)]),
    )
    result.require()


def _check(plain: bool, place: str, branch: str | None, committer: Person | None) -> None:
    """Raises UsageError where options do not go with what is patched."""
    context = click.get_current_context()
    if not plain and branch is None:
        raise click.UsageError(f"{place} is a git repository: name the branch to write with --branch", context)
    for option, given in (("--branch", branch), ("--committer", committer)):
        if plain and given is not None:
            raise click.UsageError(f"{option} is for git repositories, and {place} is a directory without git", context)


def _recover(run: Run, place: Path) -> None:
    # Only directories need what writes them.
    from ..engine.directory.target import recover_directory

    recovered = recover_directory(place)
    if recovered is not None:
        done = "resumed" if recovered.resumed else "undone"
        run.console.warn(f"a run that was killed in {place} was {done}: {counted(len(recovered.paths), 'file')}")


def _nothing(run: Run, place: str, applied: AlreadyApplied) -> None:
    """Answer for a directory that has the queue already."""
    run.answer(
        document=lambda: _document_of_nothing(run, place, applied.warnings),
        report=lambda: [printable(str(applied)), *warning_lines(applied.warnings), "nothing to do"],
    )


def _document_of_nothing(run: Run, place: str, warnings: tuple[str, ...]) -> dict[str, object]:
    """The document of `apply` for a queue that was not replayed: every key, and nothing counted."""
    queue = load_queue(run)
    version = KernelVersion.from_makefile(read_input(Path(place) / "Makefile"))
    return {
        "schema": 1,
        "command": "apply",
        "already_applied": True,
        "series": queue.name,
        "stack": [one.name for one in queue.stack],
        "base": BaseInfo(rev=place, commit=None, version=str(version)).to_json(),
        "result": {"commit": None, "tree": None, "branch": None, "directory": place, "files": []},
        "counts": {status.value: 0 for status in COUNT_ORDER},
        "alignment": Alignment(warnings=warnings).to_json(),
        "overrides": OverrideAccount().to_json(),
        "patches": [],
    }


def _ending(result: Result) -> str:
    """What the branch or the directory holds now."""
    if result.directory is not None:
        return _directory_ending(result)
    commits = counted(sum(patch.result_commit is not None for patch in result.patches), "commit")
    if result.branch is None:
        return f"nothing was written; --partial writes the {commits} before the first that needs a person"
    if result.complete:
        return f"branch {result.branch}: {commits}, tip {result.commit}{was(result)}"
    return f"branch {result.branch}: the {commits} before the first that needs a person{was(result)}"


def _directory_ending(result: Result) -> str:
    patches = counted(result.brought, "patch", "patches")
    if result.patched is None:
        return f"nothing was written; --partial writes the {patches} before the first that needs a person"
    which = patches if result.complete else f"the {patches} before the first that needs a person"
    return f"directory {printable(str(result.directory))}: {which}, {counted(len(result.patched), 'file')} written"
