# SPDX-License-Identifier: MIT
"""`mptcp-series apply`: the replay, and its commits on a branch that moves once, at the end."""

from __future__ import annotations

import click

from ..engine.result import Result
from ..values.person import Person
from .inputs import replay
from .options import COMMITTER, NO_ALIGN, Run, takes
from .tables import counted, result_lines

__all__ = ["apply"]


@click.command(short_help="Replay the queue on a base as commits of a branch.")
@click.option("--branch", metavar="NAME", required=True, help="Branch of the repository to write; it is replaced.")
@click.option("--partial", is_flag=True, help="On a conflict, write the patches before it.")
@NO_ALIGN
@COMMITTER
@takes("source", "repo", "base", "series", "overrides")
def apply(run: Run, branch: str, partial: bool, no_align: bool, committer: Person | None) -> None:
    """Replay the queue on a base and write one commit per patch to a branch.

    Nothing is checked out, and the branch moves only with a complete result, unless --partial is given. The same
    input gives the same commit ids.

    Exit status 1: a person is needed; without --partial nothing was written.
    """
    result = replay(run, align=not no_align, committer=committer)
    if result.complete or partial:
        result = result.write_branch(branch, partial=partial)
    run.answer(
        document=lambda: result.to_json("apply"),
        report=lambda: result_lines(result, verbose=run.console.verbose, closing=[_ending(result)]),
    )
    result.require()


def _ending(result: Result) -> str:
    """What the branch holds now."""
    commits = counted(sum(patch.result_commit is not None for patch in result.patches), "commit")
    if result.branch is None:
        return f"nothing was written; --partial writes the {commits} before the first that needs a person"
    if result.complete:
        return f"branch {result.branch}: {commits}, tip {result.commit}"
    return f"branch {result.branch}: the {commits} before the first that needs a person"
