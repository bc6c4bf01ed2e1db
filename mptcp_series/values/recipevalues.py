# SPDX-License-Identifier: MIT
"""What single values of a recipe may be: the same rules for one that is read and one that is made.

Each gives the value back, or raises BadInput that says what is wrong with it and not where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from ..errors import BadInput, BadRecipe, UnsafePath
from .paths import OwnedPaths, check_tree_path

__all__ = ["name_value", "owned_value", "path_value", "range_value", "revision_value", "text_value", "valid"]


def text_value(value: str) -> str:
    """A text that says something."""
    if not value.strip():
        raise BadInput("empty text")
    return value


def revision_value(value: str) -> str:
    """A revision as git reads it; one that git would read as an option, or that is several words, is refused."""
    if not value or value.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise BadInput(f"bad revision {value!r}")
    return value


def range_value(value: str) -> str:
    """Two revisions as `A..B`."""
    ends = value.split("..")
    if len(ends) != 2 or not all(ends) or ends[1].startswith("."):
        raise BadInput(f"bad range {value!r} (expected 'A..B')")
    for end in ends:
        revision_value(end)
    return value


def path_value(value: str) -> str:
    """A path that stays below the directory it is of."""
    if trouble := check_tree_path(value):
        raise UnsafePath(f"unsafe path {value!r}: {trouble}")
    return value


def name_value(value: str) -> str:
    """The name of a directory beside others, and of what is made of it: one word."""
    if "/" in path_value(value) or re.search(r"\s", value) or value.startswith("-"):
        raise BadInput(f"bad name {value!r} (expected one word without '/')")
    return value


def owned_value(value: str) -> str:
    """A pattern of owned paths."""
    OwnedPaths(patterns=(value,))
    return value


def valid(check: Callable[[str], object]) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """A validator for a text, a tuple of texts or None that raises BadRecipe where `check` raises BadInput."""

    def validate(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        for text in (value,) if isinstance(value, str) else value or ():
            try:
                check(text)
            except BadInput as error:
                raise BadRecipe(f"{error.problems[0].message} in {attribute.name!r}") from None

    return validate
