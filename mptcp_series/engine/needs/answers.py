# SPDX-License-Identifier: MIT
"""What the recipe already says of a commit that a queue needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from ...values.need import Introduction, Need
from ...values.recipe import Recipe
from ..result import Result

__all__ = ["Answers"]


@attrs.frozen(kw_only=True)
class Answers:
    """Decisions of a recipe, by commit."""

    queued: frozenset[str]
    """Commits of the series."""
    pending: frozenset[str]
    """Commits the recipe names, that the next `extract` puts into the series."""
    excluded: Mapping[str, str]
    """Reasons by commit."""

    @classmethod
    def read(cls, recipe: Recipe, result: Result) -> Answers:
        queued = frozenset(patch.commit for patch in result.patches if patch.commit is not None)
        named = {entry.commit for entry in (*recipe.prerequisites, *recipe.includes)}
        return cls(
            queued=queued,
            pending=frozenset(named - queued),
            excluded={entry.commit: entry.reason for entry in recipe.excludes},
        )

    def to(self, introduced: Introduction | None) -> str | None:
        """The commit of the recipe that would bring something, and is not in the series yet."""
        return next((name for name in _names(introduced) if name in self.pending), None)

    def decided(self, introduced: Introduction) -> bool:
        """Whether the recipe or the series names the commit in whatever way."""
        return any(name in self.queued or name in self.pending or name in self.excluded for name in _names(introduced))

    def warnings(self, needs: Iterable[Need]) -> Iterator[str]:
        """A line for each missing thing that the recipe itself leaves out."""
        for need in needs:
            for name in _names(need.introduced_by) if need.unmet else ():
                if name in self.excluded:
                    yield f"{need.identifier} is missing because the recipe excludes {name[:12]}: {self.excluded[name]}"


def _names(introduced: Introduction | None) -> list[str]:
    if introduced is None:
        return []
    return [introduced.commit, *([] if introduced.upstream is None else [introduced.upstream])]
