# SPDX-License-Identifier: MIT
"""What a check of a result found, as lines for people. Rendering only; colours repeat what the words say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import click

from ..values.certificate import Changed
from ..values.verification import Author, Difference, DifferenceKind, Explained, Parity, Unexplained, Verification
from .console import printable
from .tables import counted, diff_lines

__all__ = ["certificate_lines", "verification_lines"]

_COLOURS = {DifferenceKind.MISSING: "red", DifferenceKind.EXTRA: "yellow", DifferenceKind.ALTERED: "magenta"}
_INDENT = "  "


def verification_lines(found: Verification, *, verbose: bool) -> Iterator[str]:
    """The report of `verify`. verbose: with the diff of what is explained, too."""
    base, result = found.base, found.result
    commit = "" if base.commit is None else f", commit {base.commit[:12]}"
    yield click.style(f"{found.series} on {base.rev}: Linux {base.version}{commit}", bold=True)
    commit = "" if result.commit is None else f", commit {result.commit[:12]}"
    yield f"checked: {printable(result.place)}{commit}, tree {result.tree[:12]}"
    yield f"expected: tree {found.expected[:12]}"
    for ignored in found.ignored:
        yield f"ignored: {printable(ignored.pattern)}: {counted(ignored.files, 'file')}"
    for difference in found.differences:
        yield from _difference(difference)
    if found.differences:
        yield ""
    yield f"differences: {_counts(found.differences)}"
    for parity in found.parity:
        yield from _parity(parity, verbose)
    if not found.parity:
        yield "parity: not held against anything, as no recipe says what is owned and which release is the target"


def _counts(differences: Sequence[Difference]) -> str:
    kinds = Counter(difference.kind for difference in differences)
    return ", ".join(f"{kinds[kind]} {kind.value}" for kind in DifferenceKind if kinds[kind]) or "none"


def _difference(difference: Difference) -> Iterator[str]:
    place = difference.path if difference.line is None else f"{difference.path}:{difference.line}"
    word = click.style(f"{difference.kind.value} {difference.thing.value}", fg=_COLOURS[difference.kind], bold=True)
    yield ""
    yield f"{word}  {printable(place)}"
    for author in difference.authors:
        yield from _author(author)
    if not difference.authors:
        yield f"{_INDENT}{difference.whose}"
    if difference.detail:
        yield f"{_INDENT}{printable(difference.detail)}"
    yield from _diff(difference.diff)


def _author(author: Author) -> Iterator[str]:
    hunks = f", hunk {', '.join(author.hunks)}" if author.hunks else ""
    yield f"{_INDENT}{author.kind.value:<12}  {printable(author.name)}{hunks}"
    if author.override is not None:
        yield f"{_INDENT}{'override':<12}  {printable(author.override)}{', its diff' if author.by_override else ''}"


def _diff(diff: str) -> Iterator[str]:
    if diff:
        yield from (f"{_INDENT * 2}{line}" if line.strip() else "" for line in diff_lines(printable(diff)))


def _parity(parity: Parity, verbose: bool) -> Iterator[str]:
    for hunk in parity.unexplained:
        yield from _unexplained(hunk)
    if parity.unexplained:
        yield ""
    yield (
        f"parity of {parity.series} with {parity.target}, commit {parity.commit[:12]}: "
        f"{counted(parity.files, 'file')}, {parity.equal} equal, {parity.differing} not"
    )
    for entry in parity.explained:
        yield from _explained(entry, verbose)
    if parity.differing:
        hunks = len({(entry.path, entry.line, entry.diff) for entry in parity.explained})
        yield f"{_INDENT}{counted(hunks, 'hunk')} explained, {len(parity.unexplained)} unexplained"


def _explained(entry: Explained, verbose: bool) -> Iterator[str]:
    place = entry.path if entry.line is None else f"{entry.path}:{entry.line}"
    by = entry.name if entry.override is None else entry.override
    yield f"{_INDENT}{entry.ground.value:<15}  {printable(place)}: {printable(by)}"
    if verbose:
        for line in printable(entry.reason).split("\n") if entry.reason else ():
            yield f"{_INDENT * 2}{line}"
        yield from _diff(entry.diff)


def _unexplained(entry: Unexplained) -> Iterator[str]:
    place = entry.path if entry.line is None else f"{entry.path}:{entry.line}"
    yield ""
    yield f"{click.style('unexplained', fg='red', bold=True)}  {printable(place)}"
    yield f"{_INDENT}{printable(entry.why)}"
    yield from _diff(entry.diff)


def certificate_lines(
    asked: Sequence[str], written: Sequence[str], check: str | None, changed: Sequence[Changed]
) -> Iterator[str]:
    """Which certificates were written, and whether the filed one holds."""
    for file in asked:
        said = "written" if file in written else "not written: the result is not proven"
        yield f"certificate {printable(file)}: {said}"
    if check is None:
        return
    holds = not any(one.counts for one in changed)
    yield f"certificate {printable(check)}: {'holds' if holds else click.style('does not hold', fg='red', bold=True)}"
    yield from (f"{_INDENT}{printable(str(one))}" for one in changed)
