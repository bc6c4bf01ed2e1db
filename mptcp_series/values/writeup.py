# SPDX-License-Identifier: MIT
"""What a recipe's write-up counted.

People come to a queue with the numbers of the text that described it first. `check` sets them beside what it found,
with the reason why they differ, so that a difference is neither a riddle nor taken for a fault.
"""

from __future__ import annotations

import attrs

from ..errors import BadRecipe
from .tomlreader import TomlReader

__all__ = ["WriteUp"]

_KEYS = ("patches", "conflicts", "text")


@attrs.frozen(kw_only=True)
class WriteUp:
    """The `[write_up]` of a recipe.

    patches: how many patches the text counts. conflicts: how many conflicts it tells of, the fewest and the most.
    text: how it counted, and why that gives another number. Raises BadRecipe for numbers below zero, a range that
    runs backwards, and an empty text.
    """

    patches: int
    conflicts: tuple[int, int]
    text: str

    def __attrs_post_init__(self) -> None:
        fewest, most = self.conflicts
        if self.patches < 0 or not 0 <= fewest <= most:
            raise BadRecipe("a write-up counts from 0 up, the fewest conflicts first")
        if not self.text.strip():
            raise BadRecipe("empty text in 'text'")

    @classmethod
    def read(cls, reader: TomlReader, value: object) -> WriteUp | None:
        """The table as `reader` has it; None where something is wrong, which `reader` then has as a problem."""
        table = reader.typed(value, dict, "write_up")
        if table is None:
            return None
        reader.known(table, _KEYS, "write_up")
        missing = [key for key in _KEYS if key not in table]
        for key in missing:
            reader.problem(f"write_up.{key}", f"Missing required value in 'write_up.{key}'")
        text = reader.get(table, "text", str, "write_up")
        patches = _number(reader, table.get("patches", 0), "write_up.patches")
        both = table.get("conflicts", 0)
        pair = [both, both] if isinstance(both, int) else reader.typed(both, list, "write_up.conflicts")
        if pair is not None and len(pair) != 2:
            reader.problem(
                "write_up.conflicts", "expected a number, or the fewest and the most in 'write_up.conflicts'"
            )
            return None
        ends = [_number(reader, end, "write_up.conflicts") for end in pair or ()]
        if missing or text is None or patches is None or len(ends) != 2 or ends[0] is None or ends[1] is None:
            return None
        try:
            return cls(patches=patches, conflicts=(ends[0], ends[1]), text=text)
        except BadRecipe as error:
            reader.problem("write_up", f"{error.problems[0].message} in 'write_up'")
            return None

    @property
    def spoken(self) -> str:
        """The numbers, as one says them.

        >>> WriteUp(patches=431, conflicts=(3, 5), text="why").spoken
        '431 patches, 3 to 5 conflicts'
        """
        fewest, most = self.conflicts
        several = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        return f"{self.patches} patch{'es' * (self.patches != 1)}, {several} conflict{'s' * (most != 1)}"


def _number(reader: TomlReader, value: object, context: str) -> int | None:
    # TOML's booleans are Python's, and those are integers.
    if isinstance(value, bool):
        reader.problem(context, f"Unexpected type bool (expected int) in {context!r}")
        return None
    return reader.typed(value, int, context)
