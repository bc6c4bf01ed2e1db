# SPDX-License-Identifier: MIT
"""When an override or a prerequisite is needed: by what a file of the base says.

Vendors cherry-pick, so a version range alone cannot tell what a base has. A condition asks the content: does
this file contain this text? It is a plain substring of bytes, so a reviewer can check it with grep; patterns
are refused on purpose. Text may contain blanks, the path may not.
"""

from __future__ import annotations

import enum
import re

import attrs

from ..errors import BadInput, UnsafePath
from .paths import check_tree_path

__all__ = ["Condition", "Relation"]

_CONDITION = re.compile(r"[ \t]*([^ \t]+)[ \t]+([^ \t]+)[ \t]+([^\r\n]*[^ \t\r\n])[ \t]*")
_EXPECTED = "expected 'path has text' or 'path lacks text'"


class Relation(enum.Enum):
    """What a condition says of the file."""

    HAS = "has"
    LACKS = "lacks"


def _safe(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    trouble = check_tree_path(value)
    if trouble is not None:
        raise UnsafePath(f"unsafe path {value!r}: {trouble}")
    if re.search(r"\s", value):
        raise UnsafePath(f"unsafe path {value!r}: holds a blank, which a condition's path may not")


def _one_line(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.strip(" \t") or value != value.strip(" \t") or "\n" in value or "\r" in value:
        raise BadInput(f"bad text {value!r} in a condition (expected one line without surrounding blanks)")


@attrs.frozen(kw_only=True)
class Condition:
    """`path has text` or `path lacks text`, asked of the base.

    >>> condition = Condition.parse("include/linux/sysctl.h lacks proc_dou8vec_minmax")
    >>> condition.holds(b"int proc_dou8vec_minmax(void);"), condition.holds(None)
    (False, True)
    """

    path: str = attrs.field(validator=_safe)
    relation: Relation
    text: str = attrs.field(validator=_one_line)

    def __str__(self) -> str:
        return f"{self.path} {self.relation.value} {self.text}"

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition; blanks around its parts do not count, those inside its text do.

        Raises BadInput if it is not in the form, UnsafePath for a path that leaves the tree.

        >>> Condition.parse("net/core/sock.c has void sock_set_timestamp(").text
        'void sock_set_timestamp('
        """
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise BadInput(f"bad condition {text!r} ({_EXPECTED})")
        path, relation, wanted = match.groups()
        try:
            return cls(path=path, relation=Relation(relation), text=wanted)
        except ValueError:
            raise BadInput(f"bad condition {text!r}: unknown word {relation!r} ({_EXPECTED})") from None

    def holds(self, content: bytes | None) -> bool:
        """Whether it holds for the file's content; None stands for a missing file, which lacks everything."""
        found = content is not None and self.text.encode("utf-8", "surrogateescape") in content
        return found is (self.relation is Relation.HAS)
