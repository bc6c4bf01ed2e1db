# SPDX-License-Identifier: MIT
"""What became of a build, as lines for people and as the document of `--json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from ..values.built import Blame, Build, Builds, Finding, Hidden, PatchFate
from .console import printable
from .jsons import SCHEMA, Json
from .tables import counted

__all__ = ["build_document", "build_lines", "builds_lines"]

_INDENT = "  "
_WIDTH = 10
_SHOWN = 5
_HOW = {
    Blame.LINE: "its line",
    Blame.USE: "its line uses it",
    Blame.REMOVED: "it took away or changed what the line uses",
    Blame.NOBODY: "a line of the base, and no patch was found",
}


def build_document(build: Build) -> Json:
    """The document of one base."""
    return {"schema": SCHEMA, "command": "build", "series": build.series, **build.to_json()}


def build_lines(build: Build, *, verbose: bool) -> Iterator[str]:
    """The report of one base: what does not compile by patch, what is new, what was not looked at."""
    base = build.base
    commit = "" if base.commit is None else f", commit {base.commit[:12]}"
    yield click.style(f"{build.series} on {base.rev}: Linux {base.version}{commit}", bold=True)
    yield f"{build.directory}: " + ", ".join(map(printable, (build.arch, build.compiler, *build.arguments)))
    yield (
        f"{counted(build.compiled, 'object')} compiled in "
        f"{counted(len(build.directories), 'directory', 'directories')}; {counted(len(build.errors), 'error')}, "
        f"{counted(len(build.warnings), 'new warning')}"
    )
    for word, findings in (("error", build.errors), ("warning", build.warnings)):
        for patch, of_patch in groupby(findings, key=lambda one: one.patch):
            yield ""
            yield click.style(printable(patch or "the base"), bold=True)
            for finding in of_patch:
                yield from _finding(word, finding, verbose)
    yield ""
    yield from _patches(build, verbose)
    yield from _bisected(build)
    yield from _remarks(build, verbose)


def _finding(word: str, finding: Finding, verbose: bool) -> Iterator[str]:
    one = finding.diagnostic
    where = ":".join(str(part) for part in (one.path, one.line, one.column) if part is not None)
    colour = "red" if word == "error" else "yellow"
    option = "" if one.option is None else f" [{one.option}]"
    yield f"{_INDENT}{click.style(f'{word:<{_WIDTH}}', fg=colour)}{printable(where)}"
    yield f"{_INDENT}{'':<{_WIDTH}}{printable(one.message + option)}"
    if finding.blame is not Blame.LINE:
        yield _field("laid here", _HOW[finding.blame])
    units = [unit for unit in finding.units if unit != one.path]
    if units:
        yield _field("seen in", _some(units, verbose))
    if finding.behind is not None:
        yield _field("perhaps", f"a consequence: an empty file stood for the missing {printable(finding.behind)}")
    if finding.cure is not None:
        yield _field("cure", printable(finding.cure))


def _patches(build: Build, verbose: bool) -> Iterator[str]:
    if build.patches is None:
        return
    numbers = {fate: sum(patch.fate is fate for patch in build.patches) for fate in PatchFate}
    said = ", ".join(f"{number} {fate.value}" for fate, number in numbers.items() if number)
    yield f"patch by patch: {counted(len(build.patches), 'patch', 'patches')}: {said or 'none'}"
    for patch in build.patches:
        good = patch.fate in (PatchFate.BUILDS, PatchFate.NOTHING)
        if good and not verbose:
            continue
        since = "" if patch.since is None else f", since {printable(patch.since)}"
        line = f"{_INDENT}{patch.fate.value:<20}{printable(patch.name)}{since}"
        yield click.style(line, fg="red") if patch.fate is PatchFate.FAILS else line
        shown = patch.errors if verbose or patch.fate is PatchFate.FAILS else ()
        yield from (f"{_INDENT}{'':<20}{printable(error)}" for error in shown[: None if verbose else _SHOWN])


def _bisected(build: Build) -> Iterator[str]:
    found = build.bisected
    if found is None:
        return
    tried = counted(len(found.tried), "tree")
    if found.patch is None:
        yield f"bisected over {tried}: no patch fails by what it touches alone"
    else:
        yield f"bisected over {tried}: the first patch that does not build is {printable(found.patch)}"
        yield from (f"{_INDENT}{printable(error)}" for error in found.errors[:_SHOWN])
    if found.window:
        yield f"{_INDENT}not tried: {counted(len(found.window), 'patch', 'patches')} before the window's end"


def _remarks(build: Build, verbose: bool) -> Iterator[str]:
    for entry in build.renamed:
        yield f"{click.style('warning:', fg='yellow')} {printable(str(entry))}; set the new one in your configuration"
    if build.unfulfilled:
        yield f"not set by Kconfig, though asked for: {_some(build.unfulfilled, verbose)}"
    if build.known:
        yield f"{counted(len(build.known), 'error')} of the base, with or without the queue:"
        yield from (f"{_INDENT}{printable(one)}" for one in build.known[: None if verbose else _SHOWN])
    if build.old_warnings:
        yield f"{counted(build.old_warnings, 'warning')} the base has as well"
    for note in build.notes:
        yield f"note: {printable(note)}"
    if build.passes > 1:
        yield f"compiled in {build.passes} passes, until the set of errors stood still"
    yield from _hidden(build.hidden, verbose)
    if build.image is not None:
        yield f"image: {printable(build.image)}"


def _hidden(hidden: Hidden, verbose: bool) -> Iterator[str]:
    """Where more errors may be."""
    for files, said in (
        (hidden.behind, "compiled only with empty headers for missing ones"),
        (hidden.unread, "not read to the end by the compiler"),
        (hidden.not_compiled, "touched, and not compiled in this configuration"),
        (hidden.outside, "touched, and no part of the kernel"),
        (hidden.left_out, "left out, their content is missing"),
    ):
        if files:
            yield f"not seen: {counted(len(files), 'file')} {said}: {_some(files, verbose)}"
    if not hidden.linked:
        yield "not seen: what only linking shows; --image links the kernel"


def builds_lines(found: Builds, *, verbose: bool) -> Iterator[str]:
    """A row a base."""
    yield click.style(f"{found.series} on {counted(len(found.rows), 'base')}", bold=True)
    yield ""
    width = max([len(row.base.rev) for row in found.rows] + [4])
    yield f"{'base':<{width}}  objects  errors  new warnings"
    for row in found.rows:
        rev = f"{printable(row.base.rev):<{width}}"
        if row.build is None:
            said = row.error if row.error is not None else row.reasons[0]
            yield f"{rev}  {click.style(printable(said), fg='red')}"
            continue
        build = row.build
        line = f"{rev}  {build.compiled:>7}  {len(build.errors):>6}  {len(build.warnings):>12}"
        yield click.style(line, fg="red") if row.reasons else line
        if verbose:
            yield from (f"{'':<{width}}  {printable(reason)}" for reason in row.reasons)
    yield ""
    good = sum(row.error is None and not row.reasons for row in found.rows)
    yield f"{good} of {counted(len(found.rows), 'base')} build"


def _field(word: str, said: str) -> str:
    return f"{_INDENT}{word:<{_WIDTH}}{said}"


def _some(names: Sequence[str], verbose: bool) -> str:
    shown = list(names) if verbose else list(names[:_SHOWN])
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return ", ".join(map(printable, shown)) + more
