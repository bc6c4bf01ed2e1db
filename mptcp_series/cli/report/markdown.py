# SPDX-License-Identifier: MIT
"""The report as Markdown, short enough for a comment: what counts on top, the rest in folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from ...values.report import OverridePage, PatchPage, Report, Row
from ...values.result import COUNT_ORDER
from ..console import visible
from ..tables import counted

__all__ = ["Fold", "code", "comment", "escaped", "fenced", "inline", "render_markdown"]

_MOST = 60
"""Lines of one hunk in a comment."""
_WIDEST = 400
"""Characters of one line of code."""
_ROOM = 4_000
"""Characters for the places of one override; the first is always shown."""
_FITS = 60_000
"""Characters of a comment. GitHub refuses one of more than 65,536, and whoever posts it may want to add to it."""
_UNTOUCHED = "\u200b"
"""A space without width: forges look for names and numbers in what Markdown left, where no backslash stops them."""


@attrs.frozen
class Fold:
    """Lines behind a title, which is HTML."""

    title: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, title: str, lines: Iterable[str]) -> Fold:
        return cls(title, tuple(lines))

    def render(self) -> str:
        # GitHub and GitLab both want the blank lines.
        return "\n".join([f"<details><summary>{self.title}</summary>", "", *self.lines, "", "</details>", ""])


def render_markdown(report: Report) -> bytes:
    """The comment, UTF-8."""
    return comment(_lines(report))


def comment(parts: Iterable[str | Fold]) -> bytes:
    """Lines and folds as one comment, UTF-8; what does not fit into as much as a forge takes is named and left out."""
    left = _FITS
    texts: list[str] = []
    without = 0
    for part in parts:
        text = part if isinstance(part, str) else part.render()
        if len(text) + 1 > left and isinstance(part, Fold):
            without += 1
            text = f"* {part.title}: not shown here"
        if len(text) + 1 > left:
            without += isinstance(part, str)
            continue
        texts.append(text)
        left -= len(text) + 1
    if without:
        said = f"{counted(without, 'part')} left out, for a forge takes no longer comment; `--format json` has all."
        texts += ["", said]
    return visible("\n".join(texts).rstrip("\n") + "\n").encode("utf-8", "backslashreplace")


def inline(text: str) -> str:
    """Text that Markdown shows as it is: one line, nothing of it markup, nobody mentioned.

    >>> inline("use *_fast <b>")
    'use \\\\*\\\\_fast \\\\<b\\\\>'
    """
    line = re.sub(r"([\\`*_{}\[\]<>#|@~&$!])", r"\\\1", " ".join(text.split()))
    # Where a line begins with them they make a list or a heading.
    return _unlinked(re.sub(r"^(\d*)([-+=]|(?<=\d)[.)])", r"\1\\\2", line))


def _unlinked(text: str) -> str:
    return re.sub(r"(?<=[@#!])(?=\w)|(?<=\bGH-)(?=\d)", _UNTOUCHED, text)


def code(text: str) -> str:
    """Text as code, within a line.

    >>> code("a`b"), code("`")
    ('``a`b``', '`` ` ``')
    """
    fence = "`" * (_longest([text]) + 1)
    blank = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def _longest(lines: Iterable[str]) -> int:
    """How long the longest run of backticks is."""
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def fenced(lines: Sequence[str], language: str = "diff") -> Iterator[str]:
    """A code block that no line of it can end."""
    fence = "`" * max(3, _longest(lines) + 1)
    yield f"{fence}{language}"
    for line in lines[:_MOST]:
        yield line if len(line) <= _WIDEST else f"{line[:_WIDEST]}... {len(line) - _WIDEST} more characters"
    if len(lines) > _MOST:
        yield f"... {len(lines) - _MOST} more lines"
    yield fence


def _lines(report: Report) -> Iterator[str | Fold]:
    yield f"### {inline(report.series)} on {inline(report.base.rev)} ({report.base.version})"
    yield ""
    if report.reasons:
        yield f"**A person is needed** ({len(report.reasons)}):"
        yield ""
        yield from (f"* {inline(reason)}" for reason in report.reasons[:20])
        if len(report.reasons) > 20:
            yield f"* ... {len(report.reasons) - 20} more"
    else:
        yield "**Complete**: no conflict, no drifted override, no lost fix."
    yield ""
    heads = [status.value for status in COUNT_ORDER]
    yield "| " + " | ".join(heads) + " |"
    yield "| " + " | ".join("---:" for _ in heads) + " |"
    yield "| " + " | ".join(str(report.counts[head]) for head in heads) + " |"
    yield ""
    yield f"Hunks: {', '.join(f'{count} {fate}' for fate, count in report.hunks.items())}."
    for override in report.overrides:
        yield ""
        yield _override(override)
    changed = [patch for patch in report.patches if patch.status not in ("clean", "upstream")]
    if changed:
        yield ""
        yield Fold.of(f"{counted(len(changed), 'patch', 'patches')} not clean", _patches(changed))


def _override(page: OverridePage) -> Fold:
    title = f"<code>{escaped(page.file)}</code> {page.state}: {escaped(page.effect)}"
    return Fold.of(title, _override_body(page))


def _override_body(page: OverridePage) -> Iterator[str]:
    yield f"For {inline(page.subject or 'no patch of this queue')}."
    limits = [*([f"Base: {page.base}"] if page.base else []), *(f"When: {one}" for one in page.when)]
    if limits:
        yield ""
        yield f"Only {inline('; '.join(limits))}."
    yield ""
    yield from (f"> {inline(line)}" for line in page.reason.split("\n"))
    for drift in page.drift:
        yield ""
        yield from fenced(drift.split("\n"), "text")
    left = _ROOM
    for number, row in enumerate(page.rows):
        lines = list(_row(row))
        left -= sum(map(len, lines))
        if number and left < 0:
            yield ""
            yield f"... {counted(len(page.rows) - number, 'more place')}."
            break
        yield ""
        yield from lines


def _row(row: Row) -> Iterator[str]:
    yield code(row.path) + (f" hunk {code(row.hunk)}" if row.hunk else "")
    for title, lines, language in (
        ("Upstream does", row.upstream, "diff"),
        ("The base has", None if row.base is None else row.base.lines, "c"),
        ("We do instead", row.ours, "diff"),
    ):
        if lines:
            yield ""
            yield f"{title}:"
            yield ""
            yield from fenced(lines, language)


def _patches(patches: Sequence[PatchPage]) -> Iterator[str]:
    yield "| status | patch |"
    yield "| --- | --- |"
    yield from (f"| {patch.status} | {inline(patch.subject)} |" for patch in patches)


def escaped(text: str) -> str:
    """Text inside an HTML element of a comment; nobody mentioned."""
    return _unlinked(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
