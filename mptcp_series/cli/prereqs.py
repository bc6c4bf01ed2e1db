# SPDX-License-Identifier: MIT
"""`mptcp-series prereqs`: what applies clean does not compile, for want of a line nobody backported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import click

from ..engine.needs.find import find_needs
from ..engine.needs.propose import with_answers, with_proposals
from ..engine.result import Result
from ..engine.store.files import replace_file
from ..errors import NeedsPerson
from ..values.need import Introduction, Need, Needs, Proposal, Reverse, Step
from ..values.recipe import Recipe
from ..values.result import Status
from .console import printable
from .inputs import load_queue, load_recipe
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["prereqs"]


@click.command(short_help="What the queue needs outside the stack, and what brings it.")
@click.option(
    "--write", is_flag=True, help="Append a [[prerequisite]] to recipe.toml for each commit that is proposed."
)
@takes("source", "repo", "base", "series", "overrides")
def prereqs(run: Run, write: bool) -> None:
    """List identifiers that the queue's lines use, that the base does not define, and that the target does.

    Functions, macros, structures, fields, enum constants, include files and Kconfig symbols are told apart, and looked
    for where the code can see them. The other way round, code of the base outside the stack is listed that uses what
    the queue removes or changes. Rows are shown for what nothing answers; -v shows all.

    A commit is proposed where the source's history tells the one that introduces a definition.

    Exit status 1: something is missing, or left behind, that neither the queue nor the recipe answers.
    """
    directory = run.series()
    recipe = load_recipe(directory)
    run.required("source")
    repo, base = run.repo(), run.base()
    queue = load_queue(run)
    result = queue.apply(repo, base=base)
    with run.console.progress("looking up definitions") as progress:
        found = find_needs(result, queue, progress)
    written: tuple[Proposal, ...] = ()
    if write and found.proposals:
        written = found.proposals
        replace_file(Path(recipe.file), with_proposals(recipe, written).render())
        found = with_answers(found, written)
    run.answer(
        document=lambda: _document(recipe, result, found, written),
        report=lambda: _lines(recipe, result, found, written, run.console.verbose),
    )
    reasons = [*(reason for reason in result.reasons() if reason.startswith("conflict: ")), *found.reasons()]
    if reasons:
        raise NeedsPerson(reasons)


def _document(recipe: Recipe, result: Result, found: Needs, written: tuple[Proposal, ...]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "command": "prereqs",
        "series": recipe.name,
        "base": result.base.to_json(),
        **found.to_json(),
        "written": [proposal.commit for proposal in written],
    }


def _lines(recipe: Recipe, result: Result, found: Needs, written: tuple[Proposal, ...], verbose: bool) -> Iterator[str]:
    base = result.base
    title = f"{recipe.name} on {base.rev}, Linux {base.version}: what it needs of {found.target}"
    yield click.style(printable(title), bold=True)
    for warning in found.warnings:
        yield f"{click.style('warning:', fg='yellow')} {printable(warning)}"
    if any(patch.status is Status.CONFLICT for patch in result.patches):
        yield f"{click.style('warning:', fg='yellow')} the queue is in conflict here; its own lines were taken there"
    for need in found.needs:
        if need.unmet or verbose:
            yield from _need_lines(need, found.upto)
    for entry in found.reverse:
        if entry.unmet or verbose:
            yield from _reverse_lines(entry)
    yield _summary(found)
    yield from _proposal_lines(recipe, found.proposals, written)


def _need_lines(need: Need, upto: str | None) -> Iterator[str]:
    word = click.style("missing", fg="red") if need.unmet else "brought" if need.brought_by is not None else "pending"
    yield f"{word}  {printable(f'{need.kind.value} {need.identifier}, {need.place}')}"
    use = need.used_by[0]
    more = f" and {counted(len(need.used_by) - 1, 'more line')}" if len(need.used_by) > 1 else ""
    yield from _indented(f"used by {use.name}, {use}{more}")
    if need.change is not None:
        yield from _indented(need.change)
    if need.brought_by is not None:
        yield from _indented(f"brought by {need.brought_by}")
    if need.answered_by is not None:
        yield from _indented(f"the recipe names {need.answered_by[:12]}: `mptcp-series extract` queues it")
    if need.former_place is not None:
        how = "private to its file" if need.former_name == need.word else f"called {need.former_name}"
        yield from _indented(f"in the base {how}, {need.former_place}")
    if need.introduced_by is not None:
        yield from _introduced(need.introduced_by)
    if need.base_release is not None:
        yield from _indented(f"the base's own line has it since {need.base_release}")
    elif upto is not None:
        yield from _indented(f"the base's own line does not have it up to {upto}")


_STEPS = {
    Step.CHANGE: "introduced by",
    Step.RELEASE: "introduced somewhere in a release of one commit,",
    Step.MERGE: "introduced by a merge that no parent has it of,",
    Step.OLDEST: "older than the source's history, which begins with",
}


def _introduced(found: Introduction) -> Iterator[str]:
    upstream = "" if found.upstream is None else f" (upstream {found.upstream[:12]})"
    since = "" if found.release is None else f", {found.release}"
    yield from _indented(f"{_STEPS[found.step]} {found.commit[:12]} {found.subject}{upstream}{since}")
    if found.former is not None:
        yield from _indented("which renames what the base lacks as well:")
        yield from (f"  {line}" for line in _introduced(found.former))


def _indented(text: str) -> Iterator[str]:
    yield f"  {printable(text)}"


def _reverse_lines(entry: Reverse) -> Iterator[str]:
    word = click.style("left   ", fg="red") if entry.unmet else "settled"
    yield f"{word}  {printable(f'{entry.used_in} uses {entry.kind.value} {entry.identifier}')}"
    verb = "removed" if entry.change is None else "changed"
    yield from _indented(f"{entry.defined_in}:{entry.line}, {verb} by {entry.removed_by}")
    if entry.change is not None:
        yield from _indented(entry.change)
    if entry.answered_by is not None:
        yield from _indented(f"settled by {entry.answered_by}")
    if entry.base_release is not None:
        yield from _indented(f"the base's own line does without it since {entry.base_release}")


def _summary(found: Needs) -> str:
    brought = sum(need.brought_by is not None for need in found.needs)
    pending = sum(need.answered_by is not None for need in found.needs)
    numbers = [f"{len(found.unmet)} missing", f"{brought} brought by the queue"]
    numbers += [f"{pending} pending"] if pending else []
    left = f"{len(found.broken)} of {counted(len(found.reverse), 'use')} left behind"
    return f"{counted(len(found.needs), 'need')}: {', '.join(numbers)}; {left}"


def _proposal_lines(recipe: Recipe, found: tuple[Proposal, ...], written: tuple[Proposal, ...]) -> Iterator[str]:
    if written:
        yield f"written to {printable(recipe.file)}: {counted(len(written), 'prerequisite')}; `extract` queues them"
    if not found:
        return
    yield f"append to {printable(recipe.file)}, or let --write do it:"
    # Written anew: a text that cannot be added to is no reason to show nothing.
    anew = attrs.evolve(recipe)
    for proposal in found:
        block = with_proposals(anew, (proposal,)).render()[len(anew.render()) :]
        yield ""
        yield from (f"  {printable(line)}" for line in block.decode().strip("\n").split("\n"))
