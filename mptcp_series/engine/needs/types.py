# SPDX-License-Identifier: MIT
"""Of which structure a field is that an expression or an initializer names.

Almost every structure has a field `flags`; that a base lacks `genl_multicast_group.flags` is only seen if the type of
what stands before the field is known. Declarations of the function and the file, fields of structures and the results
of functions are followed; what a macro makes is not, and then the answer is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tree_sitter import Node

from ...values.need import NeedKind
from .declarators import result_type
from .grammar import captures, children, text_of
from .lookup import View
from .symbols import Definition
from .uses import enclosing_function

__all__ = ["Types", "local_types", "spelled_types"]

_TAGGED = ("struct_specifier", "union_specifier")
_DECLARATIONS = "(declaration) @declaration (parameter_declaration) @declaration"
_UNWRAPPED = frozenset({"parenthesized_expression", "pointer_expression", "subscript_expression"})


def local_types(function: Node) -> Mapping[str, str | None]:
    """The parameters and local variables of a function, with the names of their types where these have any."""
    found: dict[str, str | None] = {}
    for declaration in captures(_DECLARATIONS, function).get("declaration", ()):
        for declarator in declaration.children_by_field_name("declarator"):
            name = _declared_name(declarator)
            if name is not None:
                found[name] = _type_name(declaration)
    head = function.child_by_field_name("declarator")
    for name_only in captures("(parameter_list (identifier) @name)", head or function).get("name", ()):
        # As it was before C89: the types stand behind.
        found.setdefault(text_of(name_only), None)
    own = None if head is None else _declared_name(head)
    if own is not None:
        found.pop(own, None)
    return found


def spelled_types(function: Node) -> Mapping[str, str]:
    """The parameters and local variables of a function with their types written out; arrays and functions are not."""
    found: dict[str, str] = {}
    for declaration in captures(_DECLARATIONS, function).get("declaration", ()):
        for declarator in declaration.children_by_field_name("declarator"):
            plain = declarator.child_by_field_name("declarator") if declarator.type == "init_declarator" else declarator
            name = None if plain is None else _declared_name(plain)
            if plain is not None and name is not None and _is_plain(plain):
                found[name] = result_type(declaration, plain)
    return found


def _is_plain(declarator: Node) -> bool:
    node: Node | None = declarator
    while node is not None and node.type == "pointer_declarator":
        node = node.child_by_field_name("declarator")
    return node is not None and node.type == "identifier"


def _declared_name(declarator: Node) -> str | None:
    node: Node | None = declarator
    while node is not None and node.type not in ("identifier", "field_identifier"):
        inner = node.child_by_field_name("declarator")
        node = inner or next((child for child in children(node) if child.type.endswith(("declarator", "tifier"))), None)
    return None if node is None or node.is_missing else text_of(node)


def _type_name(node: Node) -> str | None:
    found = node.child_by_field_name("type")
    if found is not None and found.type in _TAGGED:
        found = found.child_by_field_name("name")
    return None if found is None or found.type != "type_identifier" else text_of(found)


class Types:
    """Types as a file sees them in one tree."""

    def __init__(self, view: View, headers: Sequence[str]) -> None:
        self._view = view
        self._headers = headers
        self._structures: dict[tuple[str, str], Mapping[str, Definition]] = {}
        self._results: dict[tuple[str, str], str | None] = {}
        self._locals: dict[tuple[str, int], Mapping[str, str | None]] = {}
        self._spelled: dict[tuple[str, int], Mapping[str, str]] = {}

    def owner(self, field: Node, path: str) -> str | None:
        """The structure of a field that is accessed (`a->b`), or initialized (`.b = `), in a file."""
        parent = field.parent
        if parent is None:
            return None
        if parent.type == "field_expression":
            argument = parent.child_by_field_name("argument")
            return None if argument is None else self._expression(argument, path)
        if parent.type == "field_designator":
            return self._designated(parent, path)
        return None

    def locals_of(self, function: Node, path: str) -> Mapping[str, str | None]:
        key = (path, function.start_byte)
        if key not in self._locals:
            self._locals[key] = local_types(function)
        return self._locals[key]

    def given(self, call: Node, path: str) -> frozenset[tuple[int, str]]:
        """The types of a call's arguments, with their places from 0, where they are plain parameters or locals."""
        function, arguments = enclosing_function(call), call.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.has_error:
            return frozenset()
        key = (path, function.start_byte)
        if key not in self._spelled:
            self._spelled[key] = spelled_types(function)
        known = self._spelled[key]
        places = enumerate(child for child in children(arguments) if child.type != "comment")
        return frozenset((at, known[text_of(one)]) for at, one in places if text_of(one) in known)

    def field(self, structure: str, name: str, path: str) -> Definition | None:
        """A field of a structure that a file sees."""
        return self.structure(structure, path).get(name)

    def structure(self, name: str, path: str) -> Mapping[str, Definition]:
        """The fields of a structure that a file sees; none where it sees no such structure."""
        outer = name.partition(".")[0]
        key = (name, path if self._defines(path, outer) else "")
        if key not in self._structures:
            places = [path] if key[1] else [header for header in self._headers if self._defines(header, outer)]
            found: dict[str, Definition] = {}
            for place in places:
                for definitions in self._view.around(place, outer).values():
                    for definition in definitions:
                        if definition.kind is NeedKind.FIELD and definition.owner == name:
                            found.setdefault(definition.name, definition)
            self._structures[key] = found
        return self._structures[key]

    def _defines(self, path: str, name: str) -> bool:
        data = self._view.data(path)
        word = name.encode()
        if data is None or word not in data:
            return False
        return re.search(rb"(?:struct|union)\s+%s\s*\{|\}[^;{}]*\b%s\s*;" % (word, word), data) is not None

    def _expression(self, node: Node, path: str) -> str | None:
        if node.type == "identifier":
            return self._variable(node, path)
        if node.type == "field_expression":
            name = node.child_by_field_name("field")
            owner = None if name is None else self.owner(name, path)
            found = None if owner is None or name is None else self.field(owner, text_of(name), path)
            return None if found is None else found.type
        if node.type == "call_expression":
            called = node.child_by_field_name("function")
            return None if called is None or called.type != "identifier" else self._result(text_of(called), path)
        if node.type == "cast_expression":
            kind = node.child_by_field_name("type")
            return None if kind is None else _type_name(kind)
        if node.type in _UNWRAPPED:
            inner = node.child_by_field_name("argument") or next(children(node), None)
            return None if inner is None else self._expression(inner, path)
        return None

    def _variable(self, node: Node, path: str) -> str | None:
        name = text_of(node)
        function = enclosing_function(node)
        if function is not None:
            found = self.locals_of(function, path)
            if name in found:
                return found[name]
        for definition in self._view.named(path, name):
            if definition.kind is NeedKind.VARIABLE:
                return definition.type
        pattern = re.compile(rb"^extern\s[^;{}]*\b%s\b" % name.encode(), re.MULTILINE)
        return self._outside(name, path, pattern, NeedKind.VARIABLE)

    def _result(self, name: str, path: str) -> str | None:
        """The type of what a function gives."""
        for definition in self._view.named(path, name):
            if definition.kind is NeedKind.FUNCTION:
                return definition.type
        # A declaration begins in the first column; a call does not.
        pattern = re.compile(rb"^[A-Za-z_][^;={}()]*\b%s\s*\(" % name.encode(), re.MULTILINE)
        return self._outside(name, path, pattern, NeedKind.FUNCTION)

    def _outside(self, name: str, path: str, pattern: re.Pattern[bytes], kind: NeedKind) -> str | None:
        key = (name, kind.value)
        if key not in self._results:
            self._results[key] = None
            for header in self._headers:
                data = self._view.data(header)
                if data is None or name.encode() not in data or pattern.search(data) is None:
                    continue
                types = [found.type for found in self._view.named(header, name) if found.kind is kind]
                if types:
                    self._results[key] = types[0]
                    break
        return self._results[key]

    def _designated(self, designator: Node, path: str) -> str | None:
        """The structure whose initializer a designator stands in."""
        pair = designator.parent
        if pair is None or pair.type != "initializer_pair":
            return None
        before = []
        for other in pair.children_by_field_name("designator"):
            if other == designator:
                break
            if other.type == "field_designator":
                before.append(text_of(other).lstrip(". \t\n"))
        owner = None if pair.parent is None else self._initialized(pair.parent, path)
        return self._through(owner, before, path)

    def _through(self, owner: str | None, names: Sequence[str], path: str) -> str | None:
        for name in names:
            found = None if owner is None else self.field(owner, name, path)
            owner = None if found is None else found.type
        return owner

    def _initialized(self, braces: Node, path: str) -> str | None:
        """The structure that a list in braces initializes."""
        parent = braces.parent
        if parent is None:
            return None
        if parent.type == "init_declarator":
            declaration = parent.parent
            return None if declaration is None else _type_name(declaration)
        if parent.type == "compound_literal_expression":
            kind = parent.child_by_field_name("type")
            return None if kind is None else _type_name(kind)
        if parent.type == "initializer_list":
            # An element of an array; of a structure only by its place, which is not counted here.
            outer = parent.parent
            declarator = None if outer is None else outer.child_by_field_name("declarator")
            return self._initialized(parent, path) if _is_array(declarator) else None
        if parent.type == "initializer_pair" and parent.parent is not None:
            names = [
                text_of(designator).lstrip(". \t\n")
                for designator in parent.children_by_field_name("designator")
                if designator.type == "field_designator"
            ]
            return self._through(self._initialized(parent.parent, path), names, path)
        return None


def _is_array(declarator: Node | None) -> bool:
    return declarator is not None and declarator.type == "array_declarator"
