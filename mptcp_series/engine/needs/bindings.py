# SPDX-License-Identifier: MIT
"""Functions that a file puts into function pointers of structures.

A callback whose type changed between two releases has the same name in both, and is never called by the code that
sets it: `tcp_ulp_ops.get_info` took a `const struct sock *`, and then did not. What gives it away is the function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
from tree_sitter import Node, Tree

from ...values.need import NeedKind
from .grammar import captures, line_of, text_of
from .symbols import Definition

__all__ = ["Binding", "bindings"]


@attrs.frozen(kw_only=True, eq=False)
class Binding:
    """`.field = function` in an initializer, or `x->field = function`."""

    field: Node
    function: Definition
    line: int
    """1-based line of the binding; the function has its own."""

    @property
    def name(self) -> str:
        """Name of the function pointer."""
        return text_of(self.field)


_BINDINGS = """
(initializer_pair designator: (field_designator (field_identifier) @field)) @pair
(assignment_expression left: (field_expression field: (field_identifier) @field)) @pair
"""


def bindings(tree: Tree, definitions: Mapping[str, Sequence[Definition]]) -> Iterator[Binding]:
    """The bindings of a file to functions it defines itself."""
    for field in captures(_BINDINGS, tree.root_node).get("field", ()):
        holder = field.parent
        pair = None if holder is None else holder.parent
        if pair is None:
            continue
        value = pair.child_by_field_name("value") or pair.child_by_field_name("right")
        if value is not None and value.type == "pointer_expression":
            value = value.child_by_field_name("argument")
        if value is None or value.type != "identifier":
            continue
        for found in definitions.get(text_of(value), ()):
            if found.kind is NeedKind.FUNCTION and found.body is not None and found.signature is not None:
                yield Binding(field=field, function=found, line=line_of(field))
                break
