# SPDX-License-Identifier: MIT
"""What must be there for some uses of a name to compile, to be asked of any tree."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from ...values.need import NeedKind, Use
from .symbols import Definition
from .uses import Role

__all__ = ["Requirement"]


@attrs.frozen(kw_only=True, eq=False)
class Requirement:
    """A name, what it is used as, and the target's definition of it.

    The base fulfils it by a definition of a fitting kind that takes as many arguments as the calls have; of a field,
    by one of the same structure. A function pointer that is set to a function of the queue must have its type.
    """

    name: str
    definition: Definition
    path: str
    """Where the target defines it."""
    roles: frozenset[Role]
    arguments: frozenset[int]
    """The numbers of arguments it is called with, as far as they are known."""
    uses: tuple[Use, ...]
    given: frozenset[tuple[int, str]] = frozenset()
    """Types of arguments it is called with, by their places from 0, as far as they are known."""
    owner: str | None = None
    """The structure of a field; None where the code does not tell."""
    signature: str | None = None
    """Of a function pointer that must have this type."""

    @property
    def identifier(self) -> str:
        """How the need is called in reports."""
        definition = self.definition
        if definition.kind is NeedKind.FIELD and definition.owner is not None:
            return f"{definition.owner}.{self.name}"
        return self.name

    def met_by(self, definition: Definition) -> bool:
        """Whether one definition is all that is needed."""
        return self._is_it(definition) and self.misfit(definition) is None

    def met_among(self, definitions: Iterable[Definition]) -> Definition | None:
        """The first of some definitions that is all that is needed."""
        return next((found for found in definitions if self.met_by(found)), None)

    def near_among(self, definitions: Iterable[Definition]) -> Definition | None:
        """The first of some definitions that is of that name and kind, but not as it is needed."""
        return next((found for found in definitions if self._is_it(found) and not self.met_by(found)), None)

    def misfit(self, definition: Definition) -> str | None:
        """How a definition of that name and kind differs from what is needed."""
        if self.signature is not None:
            if definition.signature != self.signature:
                return f"it is `{definition.signature}`, and the code has `{self.signature}`"
            return None
        refused = sorted(count for count in self.arguments if not definition.accepts(count))
        if refused and definition.arity is not None:
            return f"it takes {_numbered(definition.arity)}, and is given {refused[0]}"
        for place, given in sorted(self.given):
            if place < len(definition.parameters) and not _fits(given, definition.parameters[place]):
                return f"argument {place + 1} is `{definition.parameters[place]}`, and is given `{given}`"
        return None

    def same_as_target(self, definition: Definition) -> bool:
        """Whether a definition that the queue brings has the target's type; what has none is taken for it."""
        wanted = self.definition.signature
        return wanted is None or definition.signature is None or wanted == definition.signature

    def _is_it(self, definition: Definition) -> bool:
        if definition.name != self.name or not all(role.fits(definition.kind) for role in self.roles):
            return False
        return self.owner is None or definition.kind is not NeedKind.FIELD or definition.owner == self.owner


_STRUCTURE = re.compile(r"(const )?(struct|union) (\w+)(\*?)")
_SCALAR = re.compile(r"(?:const )?(?:unsigned |signed )?(?:char|short|int|long|long long|bool|[us](?:8|16|32|64))")


def _fits(given: str, wanted: str) -> bool:
    """Whether C takes an argument of a type without a word. Judged is a structure or a pointer to one, nothing else."""
    have, want = _STRUCTURE.fullmatch(given), _STRUCTURE.fullmatch(wanted)
    if have is None or (want is None and _SCALAR.fullmatch(wanted) is None):
        return True
    if want is None or have.groups()[1:] != want.groups()[1:]:
        return False
    return not (have[4] and have[1] and not want[1])


def _numbered(arity: tuple[int, int | None]) -> str:
    least, most = arity
    if most is None:
        return f"{least} arguments or more"
    return f"{most} argument{'' if most == 1 else 's'}" if least == most else f"{least} to {most} arguments"
