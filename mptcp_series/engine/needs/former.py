# SPDX-License-Identifier: MIT
"""What the base calls a function that the target has under another name, or had to itself in one file.

`tcp_skb_entail` is `skb_entail` in the base, static in net/ipv4/tcp.c. Who backports wants to know: to rename and
export what is there is less than to pick the commit that did it. A function that was renamed is told by its body.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import attrs

from ...values.need import NeedKind, Place
from .lookup import View
from .requirement import Requirement
from .symbols import Definition

__all__ = ["Former", "Formers", "renamed_from"]

LEAST = 0.6
"""How alike two bodies must be, by words (0 to 1)."""
_SHORT = 8
"""A body of fewer words says nothing: many functions are alike then."""
_WORD = re.compile(rb"\w+|[^\w\s]")
_KINDS = frozenset({NeedKind.FUNCTION, NeedKind.VARIABLE, NeedKind.MACRO})


@attrs.frozen(kw_only=True)
class Former:
    """A definition of the base that became the one that is needed."""

    name: str
    place: Place


class Formers:
    """Looks through the .c files of some directories."""

    def __init__(self, base: View, target: View, files: Sequence[str]) -> None:
        """files: paths of .c files, of the base or of the target."""
        self._base = base
        self._target = target
        self._files = files

    def find(self, requirement: Requirement) -> Former | None:
        """What the base has instead; None where it has nothing alike."""
        if requirement.definition.kind not in _KINDS:
            return None
        return self._private(requirement.name) or self._renamed(requirement)

    def place_of(self, name: str, path: str) -> Place | None:
        """Where the base defines a function; None where that file does not."""
        found = next((found for found in self._base.all(path).get(name, ()) if found.body is not None), None)
        return None if found is None else Place(path=path, line=found.line)

    def _private(self, name: str) -> Former | None:
        """A definition of that very name which only one .c file of the base sees."""
        for path in self._files:
            if not _declares(self._base, path, name):
                continue
            for found in self._base.named(path, name):
                if found.kind in _KINDS and (found.static or found.kind is NeedKind.MACRO):
                    return Former(name=name, place=Place(path=path, line=found.line))
        return None

    def _renamed(self, requirement: Requirement) -> Former | None:
        if requirement.definition.kind is not NeedKind.FUNCTION:
            return None
        for path in (requirement.path, *self._files):
            if not _declares(self._target, path, requirement.name):
                continue
            found = renamed_from(requirement.name, self._base, self._target, path)
            if found is not None:
                return Former(name=found.name, place=Place(path=path, line=found.line))
        return None


def _declares(view: View, path: str, name: str) -> bool:
    """Whether a file has a line that may define a name: it stands in a line that begins in the first column."""
    data = view.data(path)
    if data is None or name.encode() not in data:
        return False
    return re.search(rb"^[A-Za-z_#][^;{}\n]*\b%s\b" % name.encode(), data, re.MULTILINE) is not None


def renamed_from(name: str, before: View, after: View, path: str) -> Definition | None:
    """The function of a file that has another name after, told by its body.

    One that is still there counts if its old body went: `__tcp_close()` is what `tcp_close()` was.
    """
    wanted = next((body for found in after.all(path).get(name, ()) if (body := _body(found))), None)
    if wanted is None or len(wanted) < _SHORT or before.all(path).get(name):
        return None
    there = {found.name: found for found in _functions(after.all(path))}
    best: tuple[float, Definition] | None = None
    for candidate in _functions(before.all(path)):
        body = _body(candidate)
        score = _alike(wanted, body)
        if score < LEAST or (best is not None and score <= best[0]):
            continue
        still = there.get(candidate.name)
        if still is None or _alike(_body(still), body) < score:
            best = (score, candidate)
    return None if best is None else best[1]


def _functions(definitions: Mapping[str, Sequence[Definition]]) -> Iterable[Definition]:
    return (found for named in definitions.values() for found in named if found.body is not None)


def _body(definition: Definition) -> list[bytes]:
    return [] if definition.body is None else _WORD.findall(definition.body)


def _alike(one: Sequence[bytes], other: Sequence[bytes]) -> float:
    if min(len(one), len(other)) < LEAST / (2 - LEAST) * max(len(one), len(other)):
        return 0.0
    return difflib.SequenceMatcher(a=one, b=other, autojunk=False).ratio()
