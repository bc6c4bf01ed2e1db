# SPDX-License-Identifier: MIT
"""Placement of hunks that come without the blobs they were made from.

Used for materialised patches and for the diffs of overrides. A hunk goes where it says it belongs
when its pre-image stands there with all its context; else to the one other place that has it. Two possible
places, or none, is a conflict that names them; a hunk whose post-image stands there already is present. GNU patch
and `git apply` would take the nearest of several places.

Fuzz is applied only when asked for, and only where a hunk stands nowhere with all its context: context lines are
left out from the outside in, as GNU patch counts them, until one place fits. Where several do it is a conflict.

Once a hunk of a file was found elsewhere, the lines the later ones name are no longer right: they
must fit in one place only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import attrs

from ...values.hunk import Hunk, split_lines
from ...values.result import Fate

__all__ = ["Placed", "Placement", "place"]

SHOWN = 1000
"""Places a message lists at most: all of them, but for files made to drown whoever reads it."""

HINTED = 2
"""Fuzz up to which a message says that it would help; GNU patch's own default."""


@attrs.frozen(kw_only=True)
class Placed:
    """One hunk: its fate, by how many lines it moved, and why it could not be placed.

    fuzz: context lines that were left out, at most, at either end; above 0 only where fuzz was asked for.
    """

    fate: Fate
    offset: int = 0
    fuzz: int = 0
    why: str = ""


@attrs.frozen(kw_only=True)
class Placement:
    """All hunks of one file, and the file with those that could be placed."""

    content: bytes
    hunks: tuple[Placed, ...]

    @property
    def complete(self) -> bool:
        return all(hunk.fate is not Fate.CONFLICT for hunk in self.hunks)

    @property
    def exact(self) -> bool:
        return all(hunk.fate is Fate.APPLIED and hunk.offset == 0 and not hunk.fuzz for hunk in self.hunks)

    @property
    def fuzz(self) -> int:
        """The most fuzz that a hunk took."""
        return max((hunk.fuzz for hunk in self.hunks), default=0)


@attrs.frozen(kw_only=True)
class _Cut:
    """A hunk without the outermost lines of its context: GNU patch's fuzz (its `locate_hunk`).

    The longer end of the context loses `fuzz` lines; the shorter one only what it has more than the rest of that.
    """

    hunk: Hunk
    fuzz: int

    @property
    def _prefix(self) -> int:
        return self.fuzz + self.hunk.leading - max(self.hunk.leading, self.hunk.trailing)

    @property
    def _suffix(self) -> int:
        return self.fuzz + self.hunk.trailing - max(self.hunk.leading, self.hunk.trailing)

    @property
    def skipped(self) -> int:
        """Lines left out at the start."""
        return max(0, self._prefix)

    @property
    def trailing(self) -> int:
        """Context lines after the change that are left."""
        return self.hunk.trailing - max(0, self._suffix)

    @property
    def pre_image(self) -> list[bytes]:
        return self._cut(self.hunk.pre_image)

    @property
    def post_image(self) -> list[bytes]:
        return self._cut(self.hunk.post_image)

    def _cut(self, image: list[bytes]) -> list[bytes]:
        return image[self.skipped : len(image) - max(0, self._suffix)]

    def may_stand(self, at: int, end: int, length: int) -> bool:
        """Whether a file of so many lines may have the hunk there: context that is cut short tells of its ends.

        To GNU patch less context before the change than after it says that this is the start of the file, and less
        after it that this is the end; to git apply the first line says the one, and no context after it the other.
        What one of them takes is taken; git apply knows no fuzz.
        """
        gnu = (self._prefix >= 0 or at == 0) and (self._suffix >= 0 or end == length)
        if gnu or self.fuzz:
            return gnu
        return (self.hunk.old_start > 1 or at == 0) and (self.hunk.trailing > 0 or end == length)

    @property
    def lacks_newline(self) -> bool:
        """Whether a side's last line has no newline; nothing can follow it."""
        return self.hunk.ends_file and self._suffix <= 0


def place(content: bytes, hunks: Sequence[Hunk], *, fuzz: int = 0) -> Placement:
    """Place the hunks of one file, in order, each after the one before it.

    fuzz: how many lines of context may be left out at either end where a hunk fits nowhere with all of it.
    """
    text = _Text(content)
    out: list[bytes] = []
    done = 0
    """Lines of the content that are settled; a hunk may not reach back over them."""
    changed = 0
    """Lines up to the last change so far: after them comes the context of the hunk that made it."""
    shift = 0
    """By how many lines the content is off from the pre-image, as far as the hunks before tell."""
    results = []
    for hunk in hunks:
        placed, at = _place_one(text, hunk, done, changed, shift, fuzz)
        results.append(placed)
        if at is None:
            continue
        cut = _Cut(hunk=hunk, fuzz=placed.fuzz)
        end = at + len(cut.post_image if placed.fate is Fate.PRESENT else cut.pre_image)
        # All of it is settled, its context too, as with git apply. GNU patch takes context after a change for that
        # before the next one as well, and so finds places that git does not.
        out += text.lines[done:at]
        out += cut.post_image
        done = end
        changed = end - cut.trailing
        shift = end - (hunk.old_index + cut.skipped + len(cut.pre_image))
    out += text.lines[done:]
    return Placement(content=b"".join(out), hunks=tuple(results))


class _Text:
    """A file's content, searched as bytes: comparing lists of lines at every line is too slow on repetitive files."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.lines = split_lines(content)
        self.starts = list(accumulate(map(len, self.lines), initial=0))

    def places(self, image: Sequence[bytes], cut: _Cut, done: int) -> list[int]:
        """0-based lines, from `done` on, at which an image stands. An image of no lines stands nowhere."""
        wanted = b"".join(image)
        found: list[int] = []
        if not wanted:
            return found
        at = self.content.find(wanted, self.starts[min(done, len(self.lines))])
        while at >= 0:
            line = bisect_left(self.starts, at)
            if self.starts[line] == at and self._fits(line, image, cut):
                found.append(line)
            # On from the next line: an image starts where a line does.
            at = self.content.find(wanted, self.starts[line + 1] if self.starts[line] == at else self.starts[line])
        return found

    def stands(self, image: Sequence[bytes], at: int, cut: _Cut) -> bool:
        """Whether a non-empty image stands at a line."""
        return self._fits(at, image, cut) and self.lines[at : at + len(image)] == image

    def _fits(self, at: int, image: Sequence[bytes], cut: _Cut) -> bool:
        end = at + len(image)
        if at < 0 or end > len(self.lines) or not image:
            return False
        if not cut.may_stand(at, end, len(self.lines)):
            return False
        # A side without final newline is the end of a file; elsewhere its last line would run into the next.
        return end == len(self.lines) or not cut.lacks_newline


def _place_one(text: _Text, hunk: Hunk, done: int, changed: int, shift: int, fuzz: int) -> tuple[Placed, int | None]:
    """What becomes of a hunk, and the line it stands at; None for a conflict."""
    stated = hunk.old_index
    if not hunk.pre_image:
        return _place_bare(text, hunk, stated + shift)
    whole = _Cut(hunk=hunk, fuzz=0)
    if not shift and stated >= done and text.stands(hunk.pre_image, stated, whole):
        return Placed(fate=Fate.APPLIED), stated
    before = text.places(hunk.pre_image, whole, done)
    after = text.places(hunk.post_image, whole, done)
    if not shift and stated in after:
        return Placed(fate=Fate.PRESENT), stated
    if len(before) == 1 and not after:
        return Placed(fate=Fate.APPLIED, offset=before[0] - stated), before[0]
    if not before and len(after) == 1:
        return Placed(fate=Fate.PRESENT, offset=after[0] - stated), after[0]
    if before and after:
        why = (
            f"ambiguous: could be applied at line {_listed(before)}, and stands already at line {_listed(after)}; "
            "which is meant cannot be told"
        )
    elif before:
        why = f"ambiguous: fits equally at lines {_listed(before)}"
    elif after:
        why = f"ambiguous: stands already at lines {_listed(after)}, and nowhere else to apply"
    else:
        return _place_with_fuzz(text, hunk, done, changed, fuzz)
    return Placed(fate=Fate.CONFLICT, why=why), None


def _place_with_fuzz(text: _Text, hunk: Hunk, done: int, changed: int, fuzz: int) -> tuple[Placed, int | None]:
    """Place a hunk that stands nowhere with all its context; with no fuzz allowed, say what would be.

    A place in the context of the hunk before is none, but one of several: it is one to GNU patch.
    """
    hint = ""
    levels = min(max(fuzz, HINTED), max(hunk.leading, hunk.trailing))
    for level in range(levels + 1):
        cut = _Cut(hunk=hunk, fuzz=level)
        # The lines left out at the start count as the hunk's, so there must be such lines (GNU patch).
        places = [at for at in text.places(cut.pre_image, cut, changed) if at - cut.skipped >= changed]
        if not places:
            continue
        if level <= fuzz and all(at - cut.skipped < done for at in places):
            hint = f"; it would stand at line {_listed(places)}, in the midst of that one"
        elif level > fuzz:
            hint = f"; with fuzz {level} it fits at line{'s' * (len(places) > 1)} {_listed(places)}"
        elif len(places) > 1:
            why = f"ambiguous: with fuzz {level} it fits equally at lines {_listed(places)}"
            return Placed(fate=Fate.CONFLICT, why=why), None
        elif cut.post_image and text.places(cut.post_image, cut, done):
            there = _listed(text.places(cut.post_image, cut, done))
            why = (
                f"ambiguous: with fuzz {level} it could be applied at line {_listed(places)}, "
                f"and stands already at line {there}"
            )
            return Placed(fate=Fate.CONFLICT, why=why), None
        else:
            return Placed(fate=Fate.APPLIED, offset=places[0] - cut.skipped - hunk.old_index, fuzz=level), places[0]
        break
    why = f"its {len(hunk.pre_image)} lines of pre-image, wanted at line {hunk.old_index + 1}, are nowhere in the file"
    if done:
        why += f" after line {done}, where the hunk before it ends"
    if ends := _line_ends(text, hunk):
        why += f"; {ends}"
    return Placed(fate=Fate.CONFLICT, why=why + hint), None


def _line_ends(text: _Text, hunk: Hunk) -> str:
    """Whether it is the line ends alone that differ, in words."""
    wanted = b"".join(hunk.pre_image)
    for said, image in (
        ("the patch has CR LF at the ends of lines, the file has LF", wanted.replace(b"\r\n", b"\n")),
        ("the file has CR LF at the ends of lines, the patch has LF", wanted.replace(b"\n", b"\r\n")),
    ):
        if image != wanted and b"\r\r\n" not in image and image in text.content:
            return said
    return ""


def _place_bare(text: _Text, hunk: Hunk, expected: int) -> tuple[Placed, int | None]:
    """A hunk that only adds, without context: the whole of an empty file, or else it could stand anywhere."""
    if not text.lines:
        return Placed(fate=Fate.APPLIED, offset=-hunk.old_index), 0
    if text.stands(hunk.post_image, expected, _Cut(hunk=hunk, fuzz=0)):
        return Placed(fate=Fate.PRESENT), expected
    why = "ambiguous: it adds lines and has no context, so it fits at every line of a file that is not empty"
    return Placed(fate=Fate.CONFLICT, why=why), None


def _listed(places: Sequence[int]) -> str:
    shown = " and ".join(str(at + 1) for at in places[:SHOWN])
    return shown if len(places) <= SHOWN else f"{shown} and {len(places) - SHOWN} more"
