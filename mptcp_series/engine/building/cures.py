# SPDX-License-Identifier: MIT
"""What would bring a name that a compiler misses: what the recipe knows already, then what the target tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from ...errors import BadInput, EnvironmentFault
from ...values.need import Need, Needs
from ...values.recipe import Recipe
from ..needs.find import find_needs
from ..queue import Queue
from ..result import Result

__all__ = ["Cures", "from_needs", "from_recipe"]

_WORD = re.compile(r"[A-Za-z_][\w./]*")


def from_recipe(recipe: Recipe | None) -> Mapping[str, str]:
    """Prerequisites of the recipe by the names their `when` looks for."""
    found: dict[str, str] = {}
    for entry in () if recipe is None else recipe.prerequisites:
        if entry.when is not None:
            for word in _WORD.findall(entry.when.text):
                found.setdefault(word, f"prerequisite {entry.commit[:12]} of the recipe ({entry.reason})")
    return found


def from_needs(need: Need) -> str | None:
    """What brings one missing definition, in words."""
    if need.answered_by is not None:
        return f"{need.answered_by[:12]} of the recipe, once `extract` has put it into the series"
    said = []
    if need.introduced_by is not None:
        said.append(f"{need.introduced_by.commit[:12]} {need.introduced_by.subject}")
    if need.former_name is not None:
        said.append(f"the base calls it {need.former_name}")
    if need.base_release is not None:
        said.append(f"{need.base_release} has it")
    return "; ".join(said) or None


@attrs.define(kw_only=True)
class Cures:
    """What would bring a name, looked up when a compiler misses it."""

    queue: Queue
    result: Result
    notes: list[str] = attrs.field(init=False, factory=list)
    """Why the target could not be asked."""
    _needs: Needs | None = attrs.field(init=False, default=None)
    _asked: bool = attrs.field(init=False, default=False)

    def cure(self, name: str) -> str | None:
        """The cure of a name in words; None where none is known."""
        known = from_recipe(self.queue.recipe).get(name)
        if known is not None:
            return known
        if not self._asked:
            self._asked = True
            try:
                self._needs = find_needs(self.result, self.queue)
            except (BadInput, EnvironmentFault) as error:
                first = str(error).split("\n", 1)[0]
                self.notes.append(f"what would cure an error is not known: {first}")
        found = None if self._needs is None else self._needs.by_identifier.get(name)
        return None if found is None else from_needs(found)
