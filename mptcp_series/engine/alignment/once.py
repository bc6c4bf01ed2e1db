# SPDX-License-Identifier: MIT
"""What was found out about git objects, for other runs over the same ones: many bases ask the same questions.

Objects never change, so an answer that depends on their ids alone holds for ever. Answers go with the
`Objects` they are of.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ..store.objects import Objects

__all__ = ["once"]

T = TypeVar("T")

_ANSWERS: weakref.WeakKeyDictionary[Objects, dict[Hashable, Any]] = weakref.WeakKeyDictionary()


def once(objects: Objects, question: Hashable, answer: Callable[[], T]) -> T:
    """The answer to a question, worked out the first time; the question must name all that it depends on."""
    known = _ANSWERS.setdefault(objects, {})
    if question not in known:
        known[question] = answer()
    found: T = known[question]
    return found
