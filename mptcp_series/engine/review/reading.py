# SPDX-License-Identifier: MIT
"""A queue as reviews read it: its entries, read once, and what its files say of each of them.

A report, a comparison and an explanation ask the same things of a queue, and tell the same of it: they ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import attrs

from ...values.override import Override
from ..queue import Queue
from ..replay.item import Item
from ..replay.overrides import find_target
from ..runs import Runs
from ..store.objects import Objects

__all__ = ["Reading", "author_of", "body_of"]


@attrs.frozen(kw_only=True, eq=False)
class Reading:
    """A queue, those it is stacked on, and the entries of all of them."""

    queue: Queue
    objects: Objects
    """What the entries were read from."""
    entries: tuple[Sequence[Item], ...]
    """Of each queue of the stack, the lowest first."""

    @classmethod
    def of(cls, runs: Runs) -> Reading:
        """The entries as they are read for the runs of a queue. Raises what `Runs.items` raises."""
        return cls(queue=runs.queue, objects=runs.objects, entries=tuple(runs.items()))

    def on_base(self, read: Callable[[str], bytes | None]) -> Reading:
        """The same on one base, whose files `read` gives: a prerequisite may not be needed there."""
        pairs = zip(self.queue.stack, self.entries, strict=True)
        return attrs.evolve(self, entries=tuple(one.on_base(mine, read) for one, mine in pairs))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every entry, in the order of the stack."""
        return tuple(item for mine in self.entries for item in mine)

    @cached_property
    def by_name(self) -> Mapping[str, Item]:
        return {item.name: item for item in self.items}

    @cached_property
    def overrides(self) -> tuple[tuple[Override, Item | None], ...]:
        """Every override beside the entry it is for; None where there is not exactly one."""
        return tuple((one, find_target(one, self.items)[0]) for queue in self.queue.stack for one in queue.overrides)

    def reason(self, commit: str | None) -> str | None:
        """Why the recipes name a commit, as a prerequisite or an include; None where they do not."""
        recipes = [one.recipe for one in self.queue.stack if one.recipe is not None]
        entries = [entry for recipe in recipes for entry in (*recipe.prerequisites, *recipe.includes)]
        return next((entry.reason for entry in entries if entry.commit == commit), None)


def author_of(item: Item) -> str:
    """Name and address of whoever wrote a patch."""
    return item.raw.text(item.raw.author.rsplit(b" ", 2)[0])


def body_of(item: Item) -> str:
    """The message of a patch without its subject."""
    return item.raw.text(item.raw.message).partition("\n")[2].strip("\n")
