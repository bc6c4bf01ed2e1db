# SPDX-License-Identifier: MIT
"""Overrides as text: the list, one beside the patch it concerns, and the template of a new one. Rendering only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from ..engine.replay.item import Item
from ..engine.review.sides import effect
from ..values.hunk import Hunk
from ..values.remembered import remembered_lines
from .console import printable
from .inspection import Found, NamedHunks, Shown
from .tables import counted, diff_lines

__all__ = ["list_lines", "show_lines", "template"]

_WIDTH = 8


def list_lines(found: Found, in_force: bool | None, *, whole: bool = False) -> Iterator[str]:
    """One override of a list; `in_force` is None where no base was named, `whole` is for the whole reason."""
    override = found.override
    yield click.style(printable(str(found.path)), bold=True)
    target = override.patch if override.commit is None else override.commit
    yield _field("patch", (target or "") + (" (optional)" if override.optional else ""))
    yield _field("bases", "all" if override.base is None else str(override.base))
    yield from (_field("when", str(condition)) for condition in override.when)
    yield _field("effect", effect(found.override))
    first, *more = override.reason.split("\n")
    yield _field("reason", first)
    if whole:
        yield from (_field("", line) for line in more)
    if in_force is not None:
        yield _field("in force", "yes" if in_force else "no")


def _field(word: str, text: str) -> str:
    return f"  {word:<{_WIDTH}}  {printable(text)}"


def show_lines(shown: Shown) -> Iterator[str]:
    """An override, then what upstream does in the files it concerns: what is dropped, what stays, what is added."""
    override = shown.found.override
    yield from list_lines(shown.found, shown.in_force, whole=True)
    yield ""
    if shown.item is None:
        yield "no patch of this queue is the one it names"
    else:
        commit = "" if shown.item.commit is None else f"{shown.item.commit[:12]} "
        yield click.style(f"upstream: {printable(shown.item.name)}", bold=True)
        yield f"  {commit}{printable(shown.item.subject)}"
    for file in shown.files:
        if not shown.concerns(file.path):
            yield f"  {printable(file.path)}: {counted(len(file.hunks), 'hunk')}, as upstream has it"
    for file in shown.files:
        if shown.concerns(file.path):
            for identifier, hunk in file.hunks:
                yield from _hunk_lines(file.path, identifier, hunk, dropped=shown.drops(file.path, identifier))
    if override.diff:
        yield ""
        yield click.style("added by the override:", bold=True)
        yield from _indented(override.diff)


def _hunk_lines(path: str, identifier: str, hunk: Hunk, *, dropped: bool) -> Iterator[str]:
    yield ""
    fate = click.style("dropped", fg="red", bold=True) if dropped else click.style("kept", fg="green")
    yield f"{fate} {printable(path)}#{identifier}"
    yield from _indented(hunk.render())


def _indented(diff: bytes) -> Iterator[str]:
    yield from (f"    {line}" if line else "" for line in diff_lines(_text(diff)))


def _text(data: bytes) -> str:
    return printable(data.decode("utf-8", "surrogateescape"))


def template(item: Item, files: Sequence[NamedHunks]) -> str:
    """An override file for a patch, to be filled in: until a reason and an effect stand in it, it is refused.

    Every hunk is there as a `Drop` line behind a `#`, below its place and above the lines it changes.
    """
    lines = [
        f"# {item.name}: {_comment(item.subject)}",
        "# Take the # away from what is to take effect, and say why. Comment lines may stay or go.",
        f"Patch: {item.name}",
    ]
    if item.commit is not None:
        lines.append(f"# Commit: {item.commit}")
    lines += [
        "# Base: >=5.10.0,<5.11",
        "# When: include/net/sock.h lacks sock_set_timestamp",
        "# Skip: yes",
    ]
    for file in files:
        lines += ["#", f"# {_comment(file.path)}, {counted(len(file.hunks), 'hunk')}; to leave all of it out:"]
        lines.append(f"# Drop: {_comment(file.path)}")
        for identifier, hunk in file.hunks:
            lines += ["#", f"# {_place(hunk)}", f"# Drop: {_comment(file.path)}#{identifier}"]
            # The day the override drifts, these are what is shown beside the hunk as it is then.
            lines += remembered_lines(identifier, hunk)
    lines += [
        "#",
        "# Optional: yes",
        "Reason:",
        "---",
        "",
    ]
    return "\n".join(lines)


def _place(hunk: Hunk) -> str:
    section = _comment(hunk.section.decode("utf-8", "surrogateescape"))
    return f"line {hunk.old_start}{f' in {section}' if section else ''}"


def _comment(text: str) -> str:
    """Text as one line of a comment."""
    return " ".join(printable(text).split())
