# SPDX-License-Identifier: MIT
"""What a queue needs from outside the stack, and what of the base needs what the queue takes away.

Values only; `engine.needs` finds them. The JSON shape is `docs/reference/json.md`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cached_property

import attrs

from .condition import Condition

__all__ = ["Introduction", "Need", "NeedKind", "Needs", "Place", "Proposal", "Reverse", "Step", "Use"]

Json = Mapping[str, object]


class NeedKind(enum.Enum):
    """What an identifier stands for. The same name as another kind is another thing."""

    FUNCTION = "function"
    MACRO = "macro"
    VARIABLE = "variable"
    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"
    TYPEDEF = "typedef"
    FIELD = "field"
    CONSTANT = "enum constant"
    INCLUDE = "include file"
    CONFIG = "Kconfig symbol"


@attrs.frozen(kw_only=True, order=True)
class Place:
    """A line of a file of the kernel; `line` is 1-based."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True, order=True)
class Use:
    """A line of the result that uses the identifier, and the entry of the queue that the line is of."""

    path: str
    line: int
    name: str
    """Name of the entry, as in the series."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def to_json(self) -> Json:
        return {"path": self.path, "line": self.line, "patch": self.name}


class Step(enum.Enum):
    """What kind of commit a definition comes with. Only a change can be picked."""

    CHANGE = "change"
    RELEASE = "release"
    """A whole release in one commit: it sets the version of the Makefile as well."""
    MERGE = "merge"
    """No parent of the merge has it: who merged wrote it."""
    OLDEST = "oldest"
    """The source's history begins with it, or is cut there."""


@attrs.frozen(kw_only=True)
class Introduction:
    """The commit of the source with which a definition is there first."""

    commit: str
    subject: str
    upstream: str | None = None
    """The mainline commit it says it is a backport of."""
    release: str | None = None
    """The first release of the target's line, else of mainline, that has it."""
    step: Step = Step.CHANGE
    former: Introduction | None = None
    """Where the commit only renames something that the base lacks under the old name too: what introduces that."""

    @property
    def exact(self) -> bool:
        """Whether it is the change itself."""
        return self.step is Step.CHANGE

    def to_json(self) -> Json:
        return {
            "commit": self.commit,
            "subject": self.subject,
            "upstream": self.upstream,
            "release": self.release,
            "step": self.step.value,
            "former": None if self.former is None else self.former.to_json(),
        }


@attrs.frozen(kw_only=True, slots=False)
class Need:
    """An identifier that code of the queue uses, that the base does not define, and the target does.

    A field is named with its structure (`genl_multicast_group.flags`), an include file by its name between the
    brackets (`crypto/sha2.h`), a Kconfig symbol without `CONFIG_`.
    """

    identifier: str
    kind: NeedKind
    defined_in: str
    """Where the target defines it: a path, and `line`, 1-based."""
    line: int
    used_by: tuple[Use, ...]
    introduced_by: Introduction | None = None
    """None where the source's history does not tell."""
    former_name: str | None = None
    """What the base calls it: another name, or the same one of a `static` of one .c file."""
    former_place: Place | None = None
    """Where the base defines it under that name."""
    base_release: str | None = None
    """The first later release of the base's own line that defines it (v5.10.N)."""
    brought_by: str | None = None
    """The entry of the queue that brings the definition; None: it is missing."""
    answered_by: str | None = None
    """The commit of the recipe that would bring it and is not in the series yet."""
    change: str | None = None
    """How the definition of the base differs, where it has one of that name and kind."""
    when: Condition | None = None
    """What holds for a base that lacks it."""

    @property
    def unmet(self) -> bool:
        """Whether nothing brings it: not the queue, and not what the recipe names."""
        return self.brought_by is None and self.answered_by is None

    @property
    def place(self) -> Place:
        return Place(path=self.defined_in, line=self.line)

    @property
    def word(self) -> str:
        """The bare identifier, as the code has it."""
        return self.identifier.rpartition(".")[2] if self.kind is NeedKind.FIELD else self.identifier

    def to_json(self) -> Json:
        return {
            "identifier": self.identifier,
            "kind": self.kind.value,
            "defined_in": self.defined_in,
            "line": self.line,
            "used_by": [use.to_json() for use in self.used_by],
            "introduced_by": None if self.introduced_by is None else self.introduced_by.to_json(),
            "former_name": self.former_name,
            "former_place": None if self.former_place is None else self.former_place.to_json(),
            "base_release": self.base_release,
            "brought_by": self.brought_by,
            "answered_by": self.answered_by,
            "change": self.change,
            "when": None if self.when is None else str(self.when),
        }


@attrs.frozen(kw_only=True)
class Reverse:
    """An identifier that the queue removes (or changes), and that code of the base outside the stack uses."""

    identifier: str
    kind: NeedKind
    defined_in: str
    """Where the base defines it: a path, and `line`, 1-based."""
    line: int
    removed_by: str
    """The entry of the queue that takes the definition away."""
    used_in: Place
    answered_by: str | None = None
    """The entry of the queue that takes the use away too; None: the use is left without its definition."""
    change: str | None = None
    """How the definition changes, where it stays."""
    base_release: str | None = None
    """The first later release of the base's own line whose file does not use it."""

    @property
    def unmet(self) -> bool:
        return self.answered_by is None

    def to_json(self) -> Json:
        return {
            "identifier": self.identifier,
            "kind": self.kind.value,
            "defined_in": self.defined_in,
            "line": self.line,
            "removed_by": self.removed_by,
            "used_in": self.used_in.to_json(),
            "answered_by": self.answered_by,
            "change": self.change,
            "base_release": self.base_release,
        }


@attrs.frozen(kw_only=True)
class Proposal:
    """A [[prerequisite]] that would bring one or more of the missing definitions."""

    commit: str
    subject: str
    identifiers: tuple[str, ...]
    reason: str
    when: Condition | None = None

    def to_json(self) -> Json:
        return {
            "commit": self.commit,
            "subject": self.subject,
            "identifiers": list(self.identifiers),
            "reason": self.reason,
            "when": None if self.when is None else str(self.when),
        }


@attrs.frozen(kw_only=True, slots=False)
class Needs:
    """All that was found, missing ones first, then by identifier."""

    target: str
    """The revision the definitions are of."""
    upto: str | None = None
    """The newest later release of the base's own line that was looked at; None where the source has none."""
    needs: tuple[Need, ...] = ()
    reverse: tuple[Reverse, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def by_identifier(self) -> Mapping[str, Need]:
        """Every need by its identifier; a field by its bare name too, where that is not ambiguous.

        A compiler says of a field that `struct sock` has no member `sk_wait_pending`: both `sock.sk_wait_pending` and
        `sk_wait_pending` are keys. Of two kinds of one name the missing one is given.
        """
        found: dict[str, Need] = {}
        for need in self.needs:
            found.setdefault(need.identifier, need)
        words: dict[str, list[Need]] = {}
        for need in self.needs:
            words.setdefault(need.word, []).append(need)
        for word, of_word in words.items():
            if len(of_word) == 1:
                found.setdefault(word, of_word[0])
        return found

    @property
    def unmet(self) -> tuple[Need, ...]:
        return tuple(need for need in self.needs if need.unmet)

    @property
    def broken(self) -> tuple[Reverse, ...]:
        """Uses of the base that are left without their definition."""
        return tuple(entry for entry in self.reverse if entry.unmet)

    def reasons(self) -> list[str]:
        """One line for everything that nothing answers."""
        found = [
            f"missing: {need.kind.value} {need.identifier}"
            + (f" ({need.change})" if need.change is not None else "")
            + f", used by {need.used_by[0].name} ({need.used_by[0]})"
            for need in self.unmet
        ]
        found += [
            f"left behind: {entry.used_in} uses {entry.kind.value} {entry.identifier}, "
            + ("changed" if entry.change is not None else "removed")
            + f" by {entry.removed_by}"
            for entry in self.broken
        ]
        return found

    def to_json(self) -> Json:
        return {
            "target": self.target,
            "upto": self.upto,
            "needs": [need.to_json() for need in self.needs],
            "reverse": [entry.to_json() for entry in self.reverse],
            "proposals": [proposal.to_json() for proposal in self.proposals],
            "warnings": list(self.warnings),
        }
