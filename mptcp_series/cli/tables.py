# SPDX-License-Identifier: MIT
"""What became of a queue on a base, as lines for people.

Rendering only. A patch is a row of its status and its name, with the paths that matter below it: names and paths are
long, and a box around them would wrap at 80 columns and be noise in a pipe. Colours repeat what the words say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

from ..values.alignment import Alignment
from ..values.result import Account, Conflict, EntryKind, PatchOutcome, Status
from .console import counted, printable

if TYPE_CHECKING:
    from ..engine.alignment.stable import LaterTargets
    from ..engine.result import Result

__all__ = ["conflict_lines", "counted", "diff_lines", "later_lines", "result_lines", "spaced", "warning_lines", "was"]

_COLOURS: Mapping[Status, str | None] = {
    Status.CLEAN: None,
    Status.OFFSET: "blue",
    Status.MERGED: "cyan",
    Status.OVERRIDDEN: "magenta",
    Status.UPSTREAM: "yellow",
    Status.SKIPPED: "yellow",
    Status.CONFLICT: "red",
}
_AS_MADE = frozenset({Status.CLEAN, Status.OFFSET})
"""Every hunk went in as upstream wrote it: of hundreds of such patches the count says enough."""
_LEFT_OUT = frozenset({Status.SKIPPED, Status.UPSTREAM})
"""What is so of the whole patch: its files need no rows."""
_PLACES = 3
"""So many places of a patch in conflict are shown at once."""
_WIDTH = max(len(status.value) for status in Status)
_INDENT = "  "


def result_lines(result: Result, *, verbose: bool, closing: Iterable[str] = ()) -> Iterator[str]:
    """The report of `check`, `apply` and `export`.

    verbose: a row for every patch and path, not only for those that did not go in as they were made.
    closing: what the command has to add at the end.
    """
    base = result.base
    commit = "" if base.commit is None else f", commit {base.commit[:12]}"
    yield _bold(f"{', then '.join(result.stack)} on {base.rev}: Linux {base.version}{commit}")
    if result.on_own_result:
        said = "this base has the queue already, or a part of it; name the commit that it was put on"
        yield f"{click.style('warning:', fg='yellow')} {said}"
    rows = [patch for patch in result.patches if verbose or patch.status not in _AS_MADE]
    if rows:
        yield ""
    for patch in rows:
        yield from _row(patch, verbose)
    for patch in result.patches:
        yield from conflict_lines(patch, verbose=verbose)
    yield ""
    yield from _counts(result)
    yield from _overrides(result)
    yield from _alignment(result.alignment, verbose)
    yield from closing


def _row(patch: PatchOutcome, verbose: bool) -> Iterator[str]:
    kind = "" if patch.kind is EntryKind.PATCH else f" ({patch.kind.value})"
    yield f"{_status(patch.status)}  {_bold(printable(patch.name))}{kind}"
    if verbose:
        commit = "" if patch.commit is None else f"{patch.commit[:12]} "
        yield f"{_INDENT}{_field('upstream')}  {commit}{printable(patch.subject)}"
        yield f"{_INDENT}{_field('hunks')}  {_account(patch.hunks)}"
    for path in patch.paths:
        if verbose or (path.status not in _AS_MADE and patch.status not in _LEFT_OUT):
            origin = "" if path.source_path is None else f" ({printable(path.source_path)} upstream)"
            fuzz = f" (fuzz {path.fuzz})" if path.fuzz else ""
            yield f"{_INDENT}{_status(path.status)}  {printable(path.path)}{origin}{fuzz}"
    if patch.override is not None:
        yield f"{_INDENT}{_field('override')}  {printable(patch.override)}"


def conflict_lines(patch: PatchOutcome, *, verbose: bool = True) -> Iterator[str]:
    """Each conflict of a patch with its text, and what to do next.

    verbose: else of a patch with many places only the first is shown: whoever settles it needs its files, not a report.
    """
    if not patch.conflicts:
        return
    shown = patch.conflicts if verbose or len(patch.conflicts) <= _PLACES else patch.conflicts[:1]
    for number, conflict in enumerate(shown, start=1):
        yield ""
        hunk = "" if conflict.hunk is None else f", hunk {conflict.hunk}"
        of = f" {number} of {len(patch.conflicts)}" if len(patch.conflicts) > 1 else ""
        yield click.style(f"conflict{of} in {printable(patch.name)}", fg="red", bold=True)
        yield f"{_INDENT}{printable(conflict.path)}{hunk}"
        yield from (f"{_INDENT}{_INDENT}{line}" if line else "" for line in _conflict_text(conflict))
    if len(shown) < len(patch.conflicts):
        yield f"{_INDENT}{len(patch.conflicts) - len(shown)} more places are not shown; -v shows them"
    if patch.override is not None:
        yield f"{_INDENT}next: mend {printable(patch.override)}; `mptcp-series override show` lays it beside the patch"
    elif patch.kind is EntryKind.RESTORE:
        # It is in no series, so there is no template for it.
        yield f"{_INDENT}next: mptcp-series resolve, or an [[acknowledge]] in recipe.toml"
    else:
        yield f"{_INDENT}next: mptcp-series resolve, or by hand: mptcp-series override new {printable(patch.name)}"


def _conflict_text(conflict: Conflict) -> Iterator[str]:
    lines = printable(conflict.text).removesuffix("\n").split("\n")
    if not any(line.startswith("<<<<<<< ") for line in lines):
        # What a materialised patch wanted, under a line that says why it has no place.
        yield lines[0]
        yield from diff_lines("\n".join(lines[1:])) if len(lines) > 1 else ()
        return
    colour: str | None = None
    for line in lines:
        after = {"<<<<<<< ": "cyan", "||||||| ": "yellow", "=======": "green", ">>>>>>> ": None}
        mark = next((mark for mark in after if line.startswith(mark)), None)
        if mark is None:
            yield click.style(line, fg=colour) if colour else line
        else:
            yield _bold(line)
            colour = after[mark]


def diff_lines(text: str) -> Iterator[str]:
    """A diff or hunk, coloured as git does; the text must be printable."""
    for line in text.removesuffix("\n").split("\n"):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        yield click.style(line, fg=colour) if colour else line


def was(result: Result) -> str:
    """Behind the tip of a branch, the commit that it was at before; nothing where there is none."""
    return "" if result.replaced is None else f" (was {result.replaced})"


def spaced(blocks: Iterable[Iterable[str]]) -> Iterator[str]:
    """Blocks of lines with an empty line between them.

    >>> list(spaced([["a", "b"], ["c"]]))
    ['a', 'b', '', 'c']
    """
    for number, block in enumerate(blocks):
        if number:
            yield ""
        yield from block


def _counts(result: Result) -> Iterator[str]:
    counts = {Status(word): number for word, number in result.counts.items()}
    shown = ", ".join(_coloured(f"{number} {status.value}", status) for status, number in counts.items() if number)
    yield f"{counted(sum(counts.values()), 'patch', 'patches')}: {shown or 'none'}"
    yield f"{counted(result.hunks.total, 'hunk')}: {_account(result.hunks)}"


def _account(account: Account) -> str:
    fates = {
        "applied": account.applied,
        "present": account.present,
        "dropped": account.dropped,
        "conflict": account.conflict,
    }
    return ", ".join(f"{number} {fate}" for fate, number in fates.items() if number) or "none"


def _overrides(result: Result) -> Iterator[str]:
    account = result.overrides
    if not (account.used or account.not_needed or account.drift):
        return
    drifted = len({drift.file for drift in account.drift})
    yield f"overrides: {len(account.used)} used, {len(account.not_needed)} not needed, {drifted} in drift"
    for word, files in (("used", account.used), ("not needed", account.not_needed)):
        yield from (f"{_INDENT}{word:<10}  {printable(file)}" for file in files)
    for drift in account.drift:
        yield f"{_INDENT}{click.style('drift     ', fg='red')}  {printable(str(drift))}"


def later_lines(later: LaterTargets, *, verbose: bool) -> Iterator[str]:
    """Which later target has what had to be restored or is lost; with `verbose` change by change."""
    if not later.changes:
        return
    yield f"later target: {later}" if later.target else "later target: no later release has what the queue lacks"
    if verbose:
        for change in later.changes:
            where = "in no later release" if change.target is None else f"in {change.target}"
            yield _aligned("later", _place(change.commit, change.path, change.hunk), change.subject, where)


def _alignment(alignment: Alignment, verbose: bool) -> Iterator[str]:
    """What alignment did: all that someone should look at, and with `verbose` what the queue brings back by itself."""
    yield from warning_lines(alignment.warnings)
    broken = [half for half in alignment.half_retracted if not half.whole]
    numbers = {
        "retracted": len(alignment.retracted),
        "restored": len(alignment.restored),
        "acknowledged": len(alignment.acknowledged),
        "reinstated": len(alignment.reinstated),
        "half retracted": len(broken),
        "lost": len(alignment.lost),
    }
    if not any(numbers.values()):
        return
    yield "alignment: " + ", ".join(f"{number} {word}" for word, number in numbers.items() if number)
    if verbose:
        for entry in alignment.retracted:
            covered = "nothing covers it" if entry.covered_by is None else f"covered by {entry.covered_by}"
            yield _aligned("retracted", _place(entry.commit, entry.path, entry.hunk), entry.subject, covered)
    for restored in alignment.restored:
        yield _aligned("restored", _place(restored.commit, restored.name), restored.subject, restored.how.value)
    for accepted in alignment.acknowledged:
        place = _place(accepted.commit, accepted.path, accepted.hunk)
        yield _aligned("acknowledged", place, accepted.subject, accepted.reason)
    for again in alignment.reinstated:
        yield _aligned("reinstated", _place(again.commit, again.name), again.subject, f"{again.name} brings it again")
    for half in broken:
        yield _aligned("half", _place(half.commit), half.subject, f"its part in {half.path} stays")
    for lost in alignment.lost:
        yield _aligned("lost", _place(lost.commit, lost.path, lost.hunk), lost.subject, colour="red")
    if alignment.window:
        yield f"between the retraction and {printable(alignment.window[-1])} the tree need not build"


def warning_lines(warnings: Iterable[str]) -> Iterator[str]:
    """A line for each warning of a result."""
    yield from (f"{click.style('warning:', fg='yellow')} {printable(warning)}" for warning in warnings)


def _place(commit: str | None, path: str | None = None, hunk: str | None = None) -> str:
    """What names a change: its commit, else a hunk of a file, else the entry that holds it."""
    if commit is not None:
        return commit[:12]
    return f"{path}#{hunk}" if hunk is not None else path or ""


def _aligned(word: str, place: str, subject: str, said: str | None = None, colour: str | None = None) -> str:
    text = f"{place} {subject}".strip() + ("" if said is None else f": {said}")
    return f"{_INDENT}{click.style(f'{word:<12}', fg=colour)}  {printable(text)}"


def _status(status: Status) -> str:
    return _coloured(f"{status.value:<{_WIDTH}}", status)


def _field(word: str) -> str:
    return f"{word:<{_WIDTH}}"


def _coloured(text: str, status: Status) -> str:
    colour = _COLOURS[status]
    return text if colour is None else click.style(text, fg=colour, bold=status is Status.CONFLICT)


def _bold(text: str) -> str:
    return click.style(text, bold=True)
