# SPDX-License-Identifier: MIT
"""Whether a change stands in a file, told by content alone.

For changes that no id follows: a squashed base, a covering patch that was left out. Calling a lost fix
covered is the dangerous mistake, so a line that stands somewhere proves nothing. What counts:

* the very same change at the same place, as a three-way merge sees it; or
* the added lines in a row, in the function they were added to, with a neighbour of theirs unless they
  tell enough by themselves, and only if that function did not have the same row before;
* and nothing of what was removed is left in that function.

A function that a patch moved to another owned file is looked for there. Where none of this can be told, the
change does not stand: restoring it shows a person what is the matter.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import attrs

from ...values.hunk import Hunk, hunk_ids, split_lines
from ...values.result import Fate
from ..replay.change import diff_hunks
from ..text.merge import is_binary, merge, merge_fates

__all__ = ["Block", "FileDelta", "Text", "blocks"]

ENOUGH = 24
"""Letters, digits and underscores, those of common words not counted, by which lines are told from others."""
PLENTY = 72
"""The same, for lines whose function cannot be found any more."""

_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,}")
_COMMON = frozenset(
    b"auto bool break case char const continue default double else enum err error exit extern false fallthrough fi"
    b" float for goto if inline int local long memset null NULL out return ret short signed size_t sizeof static struct"
    b" switch then true typedef u16 u32 u64 u8 union unlikely likely unlock unsigned void volatile while".split()
)
_CALLED = re.compile(rb"([A-Za-z_]\w*)[ \t]*\(([^\n]*)")
_DECLARED = re.compile(rb"(?:static |const |extern )*(?:struct|union|enum)\b[^;()]*\{")
_AT_MARGIN = re.compile(rb"^[A-Za-z_}][^\n]*\n", re.MULTILINE)
_NEWLINE = 0x0A
_FAR = 4
"""How many lines away a neighbour may be: blank lines and braces are stepped over."""

Span = tuple[int, int]


def weight(lines: Iterable[bytes]) -> int:
    """How much lines tell: characters of their words, common words and error names not counted."""
    return sum(
        len(word)
        for line in lines
        for word in _WORD.findall(line)
        if word not in _COMMON and not (word.isupper() and word[:1] == b"E")
    )


class Text:
    """A file, its lines, and the functions it has. Places are byte offsets: most files are only searched."""

    def __init__(self, content: bytes) -> None:
        self.raw = content
        """As it is; elsewhere its last line is ended as all others are."""
        self.content = content if content.endswith(b"\n") or not content else content + b"\n"

    @cached_property
    def lines(self) -> list[bytes]:
        return split_lines(self.content)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line starts; the file's end after the last."""
        return [0, *itertools.accumulate(map(len, self.lines))]

    @cached_property
    def scopes(self) -> dict[bytes, list[Span]]:
        """Where each function or declared type is, by name; several of one name are one."""
        found: dict[bytes, list[Span]] = {}
        start: int | None = None
        name = b""
        for match in _AT_MARGIN.finditer(self.content):
            line = match[0]
            if line[:1] == b"}":
                if start is not None:
                    found.setdefault(name, []).append((start, match.end()))
                    start = None
            elif (begun := scope_name(line)) is not None:
                if start is not None:
                    found.setdefault(name, []).append((start, match.start()))
                start, name = match.start(), begun
        if start is not None:
            found.setdefault(name, []).append((start, len(self.content)))
        return found

    @property
    def whole(self) -> list[Span]:
        return [(0, len(self.content))]

    def scope_of(self, line: int) -> bytes | None:
        """Name of what a line lies in, below its first line; None outside of everything."""
        at = self.starts[line]
        for name, spans in self.scopes.items():
            if any(low < at < high for low, high in spans):
                return name
        return None

    def spans(self, name: bytes | None) -> list[Span]:
        """Where something of that name is; the whole file for None."""
        return self.whole if name is None else self.scopes.get(name, [])

    def find(self, run: bytes, spans: Iterable[Span]) -> Iterator[int]:
        """Where a text of whole lines stands within spans."""
        for low, high in spans:
            at = self.content.find(run, low, high) if run else -1
            while at >= 0:
                if at == 0 or self.content[at - 1] == _NEWLINE:
                    yield at
                at = self.content.find(run, at + 1, high)

    def has(self, run: bytes, spans: Iterable[Span]) -> bool:
        return next(self.find(run, spans), None) is not None

    def above(self, at: int) -> bytes:
        """The line that ends where another one starts."""
        return self.content[self.content.rfind(b"\n", 0, max(0, at - 1)) + 1 : at]

    def below(self, at: int) -> bytes:
        """The line that starts at a place; nothing at the end."""
        return self.content[at : self.content.find(b"\n", at) + 1]


def scope_name(line: bytes) -> bytes | None:
    """Name of the function or type a line at the left margin begins; None if it begins none.

    >>> scope_name(b"static int mptcp_join(struct sock *sk,\\n"), scope_name(b"EXPORT_SYMBOL(mptcp_join);\\n")
    (b'mptcp_join', None)
    >>> scope_name(b"static const struct nla_policy mptcp_policy[] = {\\n")
    b'static const struct nla_policy mptcp_policy[] ='
    """
    text = line.rstrip()
    declared = _DECLARED.match(text)
    if declared is not None:
        return declared[0][:-1].rstrip()
    if text.endswith(b";") or b"=" in text.split(b"(", 1)[0]:
        return None
    called = _CALLED.search(text)
    if called is None:
        return None
    # TRACE_EVENT(name, and the like: the macro is the same for all of them.
    return called[1] + b"(" + called[2].rstrip(b", )") if called[1].isupper() else called[1]


@attrs.frozen(kw_only=True)
class Block:
    """One run of changed lines: half-open line ranges in the file before and after."""

    old: Span
    new: Span


def blocks(hunk: Hunk) -> list[Block]:
    """The runs of changed lines of a hunk, in order.

    >>> hunk = Hunk(old_start=3, old_count=2, new_start=3, new_count=2, lines=(b" a\\n", b"-b\\n", b"+c\\n"))
    >>> blocks(hunk)
    [Block(old=(3, 4), new=(3, 4))]
    """
    found: list[Block] = []
    old, new = hunk.old_index, hunk.new_index
    start = (old, new)
    for line in (*hunk.lines, b" "):
        column = line[:1]
        if column == b"\\":
            continue
        if column == b"-":
            old += 1
        elif column == b"+":
            new += 1
        else:
            if (old, new) != start:
                found.append(Block(old=(start[0], old), new=(start[1], new)))
            old, new = old + 1, new + 1
            start = (old, new)
    return found


Elsewhere = Callable[[bytes], Iterable[Text]]
"""Gives the other owned files that have a function of a name."""


def _nowhere(name: bytes) -> Iterable[Text]:
    return ()


@attrs.define(eq=False)
class FileDelta:
    """The change of one file from `before` to `after`, hunk by hunk."""

    before: Text
    after: Text
    hunks: Sequence[Hunk]
    ids: Sequence[str]
    _fates: dict[int, list[Fate]] = attrs.field(init=False, factory=dict)
    """By the identity of the current text, which `_seen` keeps alive."""
    _seen: list[Text] = attrs.field(init=False, factory=list)

    @classmethod
    def of(cls, before: Text, after: Text) -> FileDelta:
        hunks = diff_hunks(before.raw, after.raw)
        return cls(before, after, hunks, hunk_ids(hunks))

    def stands(self, at: int, current: Text, elsewhere: Elsewhere = _nowhere) -> bool:
        """Whether hunk number `at` is in a file as it is now."""
        if current.raw == self.after.raw:
            return True
        if is_binary(current.raw):
            return False
        return self.evident(at, current, elsewhere) or self._same(at, current)

    def evident(self, at: int, current: Text, elsewhere: Elsewhere = _nowhere) -> bool:
        """The same without the merge, which costs two diffs of the file."""
        return all(self._evident(block, current, elsewhere) for block in blocks(self.hunks[at]))

    def undone(self, at: int, final: Text | None) -> bool:
        """Whether a file has none of what a hunk added and all of what it removed."""
        for block in blocks(self.hunks[at]):
            gone = [line for line in self.before.lines[slice(*block.old)] if weight([line])]
            come = [line for line in self.after.lines[slice(*block.new)] if weight([line])]
            if not (gone or come) or (final is None and gone):
                return False
            if final is not None and (
                any(final.has(line, final.whole) for line in come)
                or not all(final.has(line, final.whole) for line in gone)
            ):
                return False
        return True

    def _same(self, at: int, current: Text) -> bool:
        """Whether the file had the same lines changed to the same, at the same place."""
        fates = self._fates.get(id(current))
        if fates is None:
            result = merge(self.before.raw, current.raw, self.after.raw)
            fates = self._fates[id(current)] = merge_fates(result, self.hunks)
            self._seen.append(current)
        return fates[at] is Fate.PRESENT

    def _evident(self, block: Block, current: Text, elsewhere: Elsewhere) -> bool:
        removed = self.before.lines[slice(*block.old)]
        added = self.after.lines[slice(*block.new)]
        # What begins a function of its own belongs to no other.
        name = None
        if not any(scope_name(line) for line in (*removed, *added) if line[:1].isalpha() or line[:1] == b"_"):
            name = self.after.scope_of(block.new[0])
        texts = [current]
        spans = [current.spans(name)]
        enough = ENOUGH
        if not spans[0]:
            assert name is not None
            texts = list(elsewhere(name))
            spans = [text.spans(name) for text in texts]
        if not texts:
            # The function is nowhere: only lines that cannot be mistaken count.
            name, texts, spans, enough = None, [current], [current.whole], PLENTY
            if weight(added) < enough:
                return False
        before = self.before.spans(name) or self.before.whole
        return any(
            self._in_spans(block, removed, added, text, where, before, name, enough)
            for text, where in zip(texts, spans, strict=True)
        )

    def _in_spans(
        self,
        block: Block,
        removed: Sequence[bytes],
        added: Sequence[bytes],
        text: Text,
        spans: Sequence[Span],
        before: Sequence[Span],
        name: bytes | None,
        enough: int,
    ) -> bool:
        after = self.after.spans(name) or self.after.whole
        for line in removed:
            if weight([line]) and not self.after.has(line, after) and text.has(line, spans):
                return False
        starts = self.after.starts
        size = starts[block.new[1]] - starts[block.new[0]]
        for low, high in self._windows(block, added, enough):
            window = b"".join(self.after.lines[low:high])
            if self.before.has(window, before):
                # It had that before the change: no sign of it.
                continue
            for at in text.find(window, spans):
                start = at + starts[block.new[0]] - starts[low]
                if not self._left_over(block, removed, text, start, start + size):
                    return True
        return False

    def _windows(self, block: Block, added: Sequence[bytes], enough: int) -> list[Span]:
        """Ranges of the file after the change that prove it where they are found."""
        low, high = block.new
        above, below = self._neighbour(low, -1), self._neighbour(high - 1, 1)
        found = []
        if above is not None and below is not None:
            found.append((above, below + 1))
        if added:
            if above is not None:
                found.append((above, high))
            if below is not None:
                found.append((low, below + 1))
            if weight(added) >= enough:
                found.append((low, high))
        return found

    def _neighbour(self, at: int, step: int) -> int | None:
        """The nearest line above or below that tells something."""
        lines = self.after.lines
        for other in range(at + step, at + step * (_FAR + 1), step):
            if 0 <= other < len(lines) and weight([lines[other]]):
                return other
        return None

    def _left_over(self, block: Block, removed: Sequence[bytes], text: Text, start: int, end: int) -> bool:
        """Whether a removed line still stands beside the added ones."""
        telling = {line for line in removed if line.strip(b" \t{};\n")}
        if not telling:
            return False
        mine = (self.after.above(self.after.starts[block.new[0]]), self.after.below(self.after.starts[block.new[1]]))
        theirs = (text.above(start), text.below(end))
        return any(there in telling and there != here for here, there in zip(mine, theirs, strict=True))
