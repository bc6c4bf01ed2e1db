# SPDX-License-Identifier: MIT
"""Placement of hunks that come without the blobs they were made from.

Used for materialised patches and for the diffs of overrides, in git and in directories. A hunk goes where it says it
belongs when its pre-image stands there with all its context; else to the one other place that has it. Two possible
places, or none, is a conflict that names them; a hunk whose post-image stands there already is present. GNU patch
and `git apply` would take the nearest of several places.

What the others leave a hunk counts, too. Of several places it goes to the one that leaves room for the hunks behind it
(`order`), if that is the nearest to where it says as well. Hunks of the same text go where they fill all their places
in one way (`twins`).

Fuzz is applied only when asked for, and only where a hunk stands nowhere with all its context: context lines are
left out from the outside in, as GNU patch counts them, until one place fits. Where several do it is a conflict.

Once a hunk of a file was found elsewhere, the lines the later ones name are no longer right: they
must fit in one place only.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...values.hunk import Hunk
from ...values.result import Fate
from .order import Order, nearest
from .search import SHOWN, Cut, Text
from .twins import Twins

__all__ = ["Placed", "Placement", "place"]

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


def place(content: bytes, hunks: Sequence[Hunk], *, fuzz: int = 0) -> Placement:
    """Place the hunks of one file, in order, each after the one before it.

    fuzz: how many lines of context may be left out at either end where a hunk fits nowhere with all of it. Where all
    hunks fit without, nothing is left out.
    """
    text = Text(content)
    exact = _Placing(text, hunks, 0).run()
    return exact if not fuzz or exact.complete else _Placing(text, hunks, fuzz).run()


_Found = tuple[Placed, int | None]
"""What becomes of a hunk, and the line it stands at; None for a conflict."""


class _Placing:
    """The hunks of one file on their way into it."""

    def __init__(self, text: Text, hunks: Sequence[Hunk], fuzz: int) -> None:
        self._text = text
        self._hunks = hunks
        self._fuzz = fuzz
        self._twins = Twins(self._text, hunks)
        self._order = Order(self._text, hunks)
        self._spans: list[tuple[int, int]] = []
        """The lines of the hunks that stand."""
        self._done = 0
        """Lines of the content that are settled; a hunk may not reach back over them."""
        self._changed = 0
        """Lines up to the last change so far: after them comes the context of the hunk that made it."""
        self._shift = 0
        """By how many lines the content is off from the pre-image, as far as the hunks before tell."""
        self._grown = 0
        """By how many lines the hunks before make the file longer."""
        self._failed = False
        """Whether a hunk before has no place: then it is not known what room is taken, and the order proves nothing."""

    def run(self) -> Placement:
        out: list[bytes] = []
        results = []
        for number, hunk in enumerate(self._hunks):
            placed, at = self._place_one(number, hunk)
            results.append(placed)
            if at is None:
                self._failed = True
                continue
            cut = Cut(hunk=hunk, fuzz=placed.fuzz)
            end = at + len(cut.post_image if placed.fate is Fate.PRESENT else cut.pre_image)
            # All of it is settled, its context too, as with git apply. GNU patch takes context after a change for that
            # before the next one as well, and so finds places that git does not.
            out += self._text.lines[self._done : at]
            out += cut.post_image
            self._spans.append((at, end))
            self._done = end
            self._changed = end - cut.trailing
            self._shift = end - (hunk.old_index + cut.skipped + len(cut.pre_image))
            if placed.fate is Fate.APPLIED:
                self._grown += len(hunk.post_image) - len(hunk.pre_image)
        out += self._text.lines[self._done :]
        return Placement(content=b"".join(out), hunks=tuple(results))

    def _place_one(self, number: int, hunk: Hunk) -> _Found:
        stated, text = hunk.old_index, self._text
        if not hunk.pre_image:
            return self._place_bare(hunk, stated + self._shift)
        if (known := self._twins.place_of(number)) is not None:
            return self._place_twin(hunk, *known)
        whole = Cut(hunk=hunk, fuzz=0)
        if not self._shift and stated >= self._done:
            if text.stands(hunk.pre_image, stated, whole):
                return Placed(fate=Fate.APPLIED), stated
            if text.stands(hunk.post_image, stated, whole):
                return Placed(fate=Fate.PRESENT), stated
        before = text.places(hunk.pre_image, whole, self._done)
        after = text.places(hunk.post_image, whole, self._done)
        if len(before) == 1 and not after:
            return Placed(fate=Fate.APPLIED, offset=before[0] - stated), before[0]
        if not before and len(after) == 1:
            return Placed(fate=Fate.PRESENT, offset=after[0] - stated), after[0]
        if not before and not after:
            return self._place_with_fuzz(number, hunk)
        if before and not after and self._fill(number, whole):
            return self._place_one(number, hunk)
        only = self._only_in_order(number, hunk, before, after)
        if only is not None and self._nearest(whole, only):
            return Placed(fate=Fate.APPLIED, offset=only - stated), only
        if before and after:
            why = (
                f"ambiguous: could be applied at line {_listed(before)}, and stands already at line {_listed(after)}; "
                "which is meant cannot be told"
            )
        elif before:
            why = f"ambiguous: fits equally at lines {_listed(before)}" + self._one_of(number)
        else:
            why = f"ambiguous: stands already at lines {_listed(after)}, and nowhere else to apply"
        if only is not None:
            why += f"; only line {only + 1} leaves room for the hunks behind it"
        return Placed(fate=Fate.CONFLICT, why=why), None

    def _only_in_order(self, number: int, hunk: Hunk, before: Sequence[int], after: Sequence[int]) -> int | None:
        """The one place where a hunk can be applied such that those behind it can stand, too."""
        if self._failed:
            return None
        end = self._order.end(number)
        fits = [at for at in before if at + len(hunk.pre_image) <= end]
        stands = any(at + len(hunk.post_image) <= end for at in after)
        return fits[0] if len(fits) == 1 and not stands else None

    def _nearest(self, cut: Cut, at: int) -> bool:
        """Whether GNU patch and git would take this place of all, if they came so far as this.

        GNU patch starts at the line the hunk names, as far off as the hunk before was (its `locate_hunk`); git at
        the line it leads to, in the file as far as it is patched (`find_pos` in its apply.c).
        """
        hunk = cut.hunk
        guesses = hunk.old_index + self._shift, max(0, hunk.new_start - 1) - self._grown
        return nearest(self._text, cut, at, (guess + cut.skipped for guess in guesses))

    def _fill(self, number: int, cut: Cut) -> bool:
        """Whether the hunk has a place as one of several of the same text."""
        return not self._failed and self._twins.fill(number, cut, self._changed, self._spans)

    def _one_of(self, number: int) -> str:
        count = len(self._twins.of(number))
        return f", as one of {count} hunks of this text" if count > 1 else ""

    def _place_twin(self, hunk: Hunk, cut: Cut, at: int) -> _Found:
        if at - cut.skipped < self._done:
            why = (
                f"line {at + 1} is where hunks of this text leave room for it, "
                f"and the hunk before it ends at line {self._done}"
            )
            return Placed(fate=Fate.CONFLICT, why=why), None
        if self._fuzz and not self._nearest(cut, at):
            # With fuzz a tool that took another place may still find one for the others.
            why = f"ambiguous: line {at + 1} is the place that hunks of this text leave to it, and not the nearest one"
            return Placed(fate=Fate.CONFLICT, why=why), None
        return Placed(fate=Fate.APPLIED, offset=at - cut.skipped - hunk.old_index, fuzz=cut.fuzz), at

    def _place_with_fuzz(self, number: int, hunk: Hunk) -> _Found:
        """Place a hunk that stands nowhere with all its context; with no fuzz allowed, say what would be.

        A place in the context of the hunk before is none, but one of several: it is one to GNU patch.
        """
        hint = ""
        text, fuzz, done = self._text, self._fuzz, self._done
        levels = min(max(fuzz, HINTED), max(hunk.leading, hunk.trailing))
        for level in range(levels + 1):
            cut = Cut(hunk=hunk, fuzz=level)
            # The lines left out at the start count as the hunk's, so there must be such lines (GNU patch).
            places = text.places(cut.pre_image, cut, self._changed + cut.skipped)
            if not places:
                continue
            if level <= fuzz and text.first(cut.pre_image, cut, done + cut.skipped) is None:
                hint = f"; it would stand at line {_listed(places)}, in the midst of that one"
            elif level > fuzz:
                hint = f"; with fuzz {level} it fits at line{'s' * (len(places) > 1)} {_listed(places)}"
            elif there := text.places(cut.post_image, cut, done):
                why = (
                    f"ambiguous: with fuzz {level} it could be applied at line {_listed(places)}, "
                    f"and stands already at line {_listed(there)}"
                )
                return Placed(fate=Fate.CONFLICT, why=why), None
            elif len(places) > 1 and self._fill(number, cut):
                return self._place_one(number, hunk)
            elif len(places) > 1:
                why = f"ambiguous: with fuzz {level} it fits equally at lines {_listed(places)}" + self._one_of(number)
                return Placed(fate=Fate.CONFLICT, why=why), None
            else:
                return Placed(fate=Fate.APPLIED, offset=places[0] - cut.skipped - hunk.old_index, fuzz=level), places[0]
            break
        count, line = len(hunk.pre_image), hunk.old_index + 1
        why = f"its {count} lines of pre-image, wanted at line {line}, are nowhere in the file"
        if done:
            why += f" after line {done}, where the hunk before it ends"
        if ends := _line_ends(text, hunk):
            why += f"; {ends}"
        return Placed(fate=Fate.CONFLICT, why=why + hint), None

    def _place_bare(self, hunk: Hunk, expected: int) -> _Found:
        """A hunk that only adds, without context: the whole of an empty file, or else it could stand anywhere."""
        if not self._text.lines:
            return Placed(fate=Fate.APPLIED, offset=-hunk.old_index), 0
        if self._text.stands(hunk.post_image, expected, Cut(hunk=hunk, fuzz=0)):
            return Placed(fate=Fate.PRESENT), expected
        why = "ambiguous: it adds lines and has no context, so it fits at every line of a file that is not empty"
        return Placed(fate=Fate.CONFLICT, why=why), None


def _line_ends(text: Text, hunk: Hunk) -> str:
    """Whether it is the line ends alone that differ, in words."""
    wanted = b"".join(hunk.pre_image)
    for said, image in (
        ("the patch has CR LF at the ends of lines, the file has LF", wanted.replace(b"\r\n", b"\n")),
        ("the file has CR LF at the ends of lines, the patch has LF", wanted.replace(b"\n", b"\r\n")),
    ):
        if image != wanted and b"\r\r\n" not in image and image in text.content:
            return said
    return ""


def _listed(places: Sequence[int]) -> str:
    shown = " and ".join(str(at + 1) for at in places[:SHOWN])
    return shown if len(places) <= SHOWN else f"{shown} and more"
