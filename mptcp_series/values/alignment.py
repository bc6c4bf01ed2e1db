# SPDX-License-Identifier: MIT
"""What alignment did to a base's owned paths, as plain values: no change of the base is gone without an entry here.

The JSON shape is `docs/reference/json.md`; its keys are stable.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

__all__ = ["Alignment", "HalfRetracted", "Lost", "Reinstated", "Remedy", "Restored", "Retracted"]

Json = Mapping[str, object]


@attrs.frozen(kw_only=True)
class Retracted:
    """A change of the base to owned paths that alignment took out, and the patch that brings it back."""

    commit: str | None
    subject: str
    upstream: str | None
    covered_by: str | None
    path: str | None = None
    hunk: str | None = None

    def to_json(self) -> Json:
        return attrs.asdict(self)


class Remedy(enum.Enum):
    """How a change that nothing covers was put back."""

    PICKED = "picked"
    """The same upstream commit, from the source."""
    CARRIED = "carried"
    """The base's own change, merged three-way."""


@attrs.frozen(kw_only=True)
class Restored:
    """A change nothing covered, put back at the end of the queue."""

    commit: str | None
    subject: str
    how: Remedy
    origin: str
    """The commit picked, or where the carried change comes from."""
    name: str
    """The queue entry that brings it."""

    def to_json(self) -> Json:
        return {
            "commit": self.commit,
            "subject": self.subject,
            "how": self.how.value,
            "from": self.origin,
            "name": self.name,
        }


@attrs.frozen(kw_only=True)
class Lost:
    """A change of the base that nothing brings back."""

    commit: str | None
    subject: str
    upstream: str | None
    path: str | None = None
    hunk: str | None = None
    reason: str | None = None
    """Why a person accepts it; only of an acknowledged one."""

    def __str__(self) -> str:
        what = self.commit[:12] if self.commit is not None else f"{self.path}#{self.hunk}"
        return f"{what} {self.subject}"

    def to_json(self) -> Json:
        json = attrs.asdict(self)
        if self.reason is None:
            del json["reason"]
        return json


@attrs.frozen(kw_only=True)
class Reinstated:
    """A change the base had and took back, and the queue brings again."""

    commit: str | None
    """The revert."""
    subject: str
    name: str
    """The patch that brings it again."""

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class HalfRetracted:
    """A retracted commit that also changed shared files, whose part there is not retracted.

    `whole` tells whether its covering patch found that part in place (`upstream`); where it did not, a
    person has to look. Between the retraction and the covering patch the tree need not build.
    """

    commit: str
    subject: str
    path: str
    covered_by: str | None
    whole: bool

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Alignment:
    """The account of what alignment did to the base's owned paths."""

    retracted: tuple[Retracted, ...] = ()
    restored: tuple[Restored, ...] = ()
    acknowledged: tuple[Lost, ...] = ()
    reinstated: tuple[Reinstated, ...] = ()
    lost: tuple[Lost, ...] = ()
    half_retracted: tuple[HalfRetracted, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def window(self) -> tuple[str, ...]:
        """Names of the patches at which half-retracted changes become whole again."""
        return tuple(dict.fromkeys(half.covered_by for half in self.half_retracted if half.covered_by is not None))

    def to_json(self) -> Json:
        return {
            "retracted": [entry.to_json() for entry in self.retracted],
            "restored": [entry.to_json() for entry in self.restored],
            "acknowledged": [entry.to_json() for entry in self.acknowledged],
            "reinstated": [entry.to_json() for entry in self.reinstated],
            "lost": [entry.to_json() for entry in self.lost],
            "half_retracted": [entry.to_json() for entry in self.half_retracted],
            "window": list(self.window),
            "warnings": list(self.warnings),
        }
