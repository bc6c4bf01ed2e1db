# SPDX-License-Identifier: MIT
"""Which identifiers some lines of a C file use, and as what.

A name that is called may be a function or a macro; behind `struct` it is a tag; behind `->` a field. The tree tells
these apart; only bodies of macros, which the grammar keeps as text, are read word by word. Names that are defined by
what stands around them (a parameter, a local variable) are no uses of anything outside.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import attrs
from tree_sitter import Node, Tree

from ...values.need import NeedKind
from .grammar import captures, children, line_of, text_of

__all__ = ["Role", "Used", "c_uses", "enclosing_function", "kconfig_uses", "makefile_uses"]


class Role(enum.Enum):
    """What an identifier is used as."""

    CALL = "call"
    VALUE = "value"
    TYPE = "type"
    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"
    FIELD = "field"
    INCLUDE = "include"
    CONFIG = "config"

    def fits(self, kind: NeedKind) -> bool:
        """Whether a definition of that kind is what such a use asks for."""
        return kind in _FITTING[self]


_FITTING = {
    Role.CALL: {NeedKind.FUNCTION, NeedKind.MACRO, NeedKind.VARIABLE},
    Role.VALUE: {NeedKind.FUNCTION, NeedKind.MACRO, NeedKind.VARIABLE, NeedKind.CONSTANT},
    Role.TYPE: {NeedKind.TYPEDEF, NeedKind.MACRO},
    Role.STRUCT: {NeedKind.STRUCT},
    Role.UNION: {NeedKind.UNION},
    Role.ENUM: {NeedKind.ENUM},
    Role.FIELD: {NeedKind.FIELD},
    Role.INCLUDE: {NeedKind.INCLUDE},
    Role.CONFIG: {NeedKind.CONFIG},
}


@attrs.frozen(kw_only=True, eq=False)
class Used:
    """One use."""

    name: str
    role: Role
    line: int
    """1-based."""
    arguments: int | None = None
    """How many it is called with; None where it is not called, or nobody can tell."""
    node: Node | None = None
    """None of a name in the body of a macro."""


_NAMES = """
(identifier) @name
(type_identifier) @name
(field_identifier) @name
(preproc_arg) @text
(preproc_include path: (_) @include)
"""
_TAGGED = {"struct_specifier": Role.STRUCT, "union_specifier": Role.UNION, "enum_specifier": Role.ENUM}
_CONDITIONS = frozenset({"preproc_ifdef", "preproc_defined", "preproc_elifdef"})
_CONFIG = re.compile(r"CONFIG_(\w+?)(?:_MODULE)?")


def c_uses(
    tree: Tree, *, lines: AbstractSet[int] | None = None, names: AbstractSet[str] | None = None
) -> Iterator[Used]:
    """The uses in a parsed file: on some lines (1-based), or of some names; None for all."""
    found = captures(_NAMES, tree.root_node)
    words = None if names is None else {name.encode() for name in names}
    for node in found.get("name", ()):
        if (words is None or node.text in words) and (lines is None or line_of(node) in lines):
            yield from _name_use(node)
    for node in found.get("text", ()):
        for used in _text_uses(node, lines):
            if names is None or used.name in names:
                yield used
    for node in found.get("include", ()) if names is None else ():
        if (lines is None or line_of(node) in lines) and node.type in ("string_literal", "system_lib_string"):
            yield Used(name=text_of(node), role=Role.INCLUDE, line=line_of(node), node=node)


def _name_use(node: Node) -> Iterator[Used]:
    parent, name, line = node.parent, text_of(node), line_of(node)
    if parent is None or node.is_missing:
        return
    config = _CONFIG.fullmatch(name)
    if config is not None:
        yield Used(name=config[1], role=Role.CONFIG, line=line, node=node)
    elif parent.type in _CONDITIONS or _defines(node, parent):
        return
    elif node.type == "field_identifier":
        arguments = _arguments(parent) if parent.type == "field_expression" else None
        yield Used(name=name, role=Role.FIELD, line=line, arguments=arguments, node=node)
    elif parent.type in _TAGGED:
        if parent.child_by_field_name("body") is None:
            yield Used(name=name, role=_TAGGED[parent.type], line=line, node=node)
    elif node.type == "type_identifier" or parent.type == "macro_type_specifier":
        # A macro may stand for a type, and `X(name);` at file scope is a macro.
        role = Role.TYPE if node.type == "type_identifier" else Role.CALL
        yield Used(name=name, role=role, line=line, node=node)
    elif parent.type == "call_expression" and parent.child_by_field_name("function") == node:
        yield Used(name=name, role=Role.CALL, line=line, arguments=_count(parent), node=node)
    else:
        yield Used(name=name, role=Role.VALUE, line=line, node=node)


def _defines(node: Node, parent: Node) -> bool:
    """Whether a name is not used but defined here, or is a label."""
    if parent.type in ("preproc_def", "preproc_function_def", "preproc_params", "enumerator", "labeled_statement"):
        return parent.child_by_field_name("value") != node
    if parent.type in ("goto_statement", "type_definition"):
        return parent.type == "goto_statement" or node in parent.children_by_field_name("declarator")
    if parent.type in ("field_declaration", "pointer_declarator", "array_declarator", "init_declarator"):
        return node in parent.children_by_field_name("declarator")
    if parent.type in ("declaration", "parameter_declaration"):
        return node in parent.children_by_field_name("declarator")
    if parent.type == "parenthesized_declarator":
        return True
    # A prototype and a definition ask for nothing; what they are made of does.
    return parent.type == "function_declarator" and parent.child_by_field_name("declarator") == node


def _arguments(field: Node) -> int | None:
    call = field.parent
    called = call is not None and call.type == "call_expression" and call.child_by_field_name("function") == field
    return _count(call) if called and call is not None else None


def _count(call: Node) -> int | None:
    arguments = call.child_by_field_name("arguments")
    if arguments is None or arguments.has_error:
        return None
    return sum(child.type != "comment" for child in children(arguments))


_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_WORD = re.compile(
    r"(?P<before>->\s*|\.\s*|\b(?:struct|union|enum)\s+|\bgoto\s+)?\b(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?"
)


def _text_uses(node: Node, lines: AbstractSet[int] | None) -> Iterator[Used]:
    """Uses in the body of a macro, or behind another directive."""
    parent = node.parent
    if parent is None or parent.type == "preproc_call":
        return
    first = line_of(node)
    text = text_of(node)
    if lines is not None and lines.isdisjoint(range(first, first + text.count("\n") + 1)):
        return
    text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    parameters = parent.child_by_field_name("parameters")
    own = set() if parameters is None else {text_of(child) for child in children(parameters)}
    for match in _WORD.finditer(text):
        line = first + text.count("\n", 0, match.start("name"))
        if (
            (lines is not None and line not in lines)
            or match["name"] in own
            or text[: match.start("name")].endswith("#")
        ):
            continue
        yield from _word_use(match, line)


_KEYWORD = re.compile(
    r"auto|break|case|char|const|continue|default|defined|do|double|else|enum|extern|float|for|if|inline|int|long|"
    r"register|return|short|signed|sizeof|static|struct|switch|typedef|typeof|union|unsigned|void|volatile|while|"
    r"asm|__asm__|__builtin_offsetof|__extension__|__typeof__|__VA_ARGS__"
)


def _word_use(match: re.Match[str], line: int) -> Iterator[Used]:
    name, before = match["name"], (match["before"] or "").strip()
    config = _CONFIG.fullmatch(name)
    if _KEYWORD.fullmatch(name) is not None:
        return
    if config is not None:
        yield Used(name=config[1], role=Role.CONFIG, line=line)
    elif before in ("->", "."):
        yield Used(name=name, role=Role.FIELD, line=line)
    elif before in ("struct", "union", "enum"):
        yield Used(name=name, role=Role(before), line=line)
    elif before != "goto":
        yield Used(name=name, role=Role.CALL if match["call"] else Role.VALUE, line=line)


def enclosing_function(node: Node) -> Node | None:
    """The function definition a node is in."""
    found = node.parent
    while found is not None and found.type != "function_definition":
        found = found.parent
    return found


_KCONFIG_LINE = re.compile(
    r"^\s*(?:depends\s+on|select|imply|visible\s+if|if|default|def_bool|def_tristate|bool|tristate)\b(?P<rest>.*)$"
)
_SYMBOL = re.compile(r"\b[A-Z0-9_]{2,}\b")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")


def kconfig_uses(data: bytes, lines: AbstractSet[int]) -> Iterator[Used]:
    """Symbols that some lines of a Kconfig file name in an expression (Documentation/kbuild/kconfig-language.rst)."""
    for number, text in enumerate(data.decode("latin-1").split("\n"), start=1):
        match = _KCONFIG_LINE.match(text) if number in lines else None
        if match is not None:
            for name in _SYMBOL.findall(_QUOTED.sub(" ", match["rest"])):
                yield Used(name=name, role=Role.CONFIG, line=number)


def makefile_uses(data: bytes, lines: AbstractSet[int]) -> Iterator[Used]:
    """Symbols that some lines of a Makefile name, as in `obj-$(CONFIG_MPTCP)`."""
    for number, text in enumerate(data.decode("latin-1").split("\n"), start=1):
        if number in lines:
            for name in re.findall(r"\bCONFIG_(\w+)", text.partition("#")[0]):
                yield Used(name=name, role=Role.CONFIG, line=number)
