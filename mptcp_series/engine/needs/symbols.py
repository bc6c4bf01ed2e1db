# SPDX-License-Identifier: MIT
"""What a C file or header defines at file scope, and a Kconfig file.

Kinds are told apart: a field is no function of its name. A declaration counts as a definition where it is what
another file needs to see: a function's prototype, an `extern` variable. A structure that is only named is not defined.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import attrs
from tree_sitter import Node, Tree

from ...values.need import NeedKind
from .declarators import Arity, arity_of, declared_name, function_declarator, parameter_type, result_type
from .grammar import children, line_of, parse, text_of

__all__ = ["Definition", "c_definitions", "kconfig_definitions", "spelled", "tree_definitions"]


@attrs.frozen(kw_only=True)
class Definition:
    """One name and what it stands for."""

    name: str
    kind: NeedKind
    line: int
    """1-based."""
    static: bool = False
    arity: Arity | None = None
    """Of functions, function-like macros and function pointers."""
    signature: str | None = None
    """Types of result and parameters, without names; of functions and function pointers."""
    parameters: tuple[str, ...] = ()
    """Types of the parameters, as the signature has them."""
    owner: str | None = None
    """The structure a field is of; a named one inside another as `outer.inner`."""
    type: str | None = None
    """The structure or type name of a field or variable, or of what a function gives; pointers are not told apart."""
    body: bytes | None = attrs.field(default=None, repr=False)
    """Text of a function's body."""

    def accepts(self, arguments: int | None) -> bool:
        """Whether it can be called with that many arguments; None stands for a number nobody knows."""
        if arguments is None or self.arity is None:
            return True
        least, most = self.arity
        return least <= arguments and (most is None or arguments <= most)


def c_definitions(data: bytes) -> tuple[Definition, ...]:
    """Everything a file defines at file scope, in the order of its lines.

    >>> [(found.name, found.kind.value) for found in c_definitions(b"struct a { int b; };\\nint f(void);\\n")]
    [('a', 'struct'), ('b', 'field'), ('f', 'function')]
    """
    return tuple(tree_definitions(parse(data)))


def tree_definitions(
    tree: Tree, *, names: Iterable[str] | None = None, around: str | None = None
) -> Iterator[Definition]:
    """What a parsed file defines.

    names: only definitions of these names. around: only what stands in declarations that have this word.
    """
    wanted = None if names is None else frozenset(name.encode() for name in names)
    words = wanted if around is None else (around.encode(),)
    yield from _File(wanted, words and [spelled(word) for word in words]).read(tree.root_node)


def spelled(name: bytes) -> bytes:
    """The word by which a file defines a name: `trace_x` is made by `TRACE_EVENT(x, ...)`."""
    return name.removeprefix(b"trace_")


_KCONFIG = re.compile(rb"^[ \t]*(?:menu)?config[ \t]+(\w+)", re.MULTILINE)


def kconfig_definitions(data: bytes) -> tuple[Definition, ...]:
    """The symbols a Kconfig file defines."""
    return tuple(
        Definition(
            name=match[1].decode("ascii", "replace"), kind=NeedKind.CONFIG, line=data.count(b"\n", 0, match.start()) + 1
        )
        for match in _KCONFIG.finditer(data)
    )


_TAGS = {
    "struct_specifier": NeedKind.STRUCT,
    "union_specifier": NeedKind.UNION,
    "enum_specifier": NeedKind.ENUM,
}
_NESTING = frozenset(
    {
        "translation_unit",
        "ERROR",
        "preproc_if",
        "preproc_ifdef",
        "preproc_else",
        "preproc_elif",
        "preproc_elifdef",
        "linkage_specification",
        "declaration_list",
    }
)
_MAKERS = re.compile(r"(?:DEFINE|DECLARE|DECL)_\w+|module_param\w*|__?DEFINE_\w+")
_EVENTS = frozenset({"TRACE_EVENT", "DEFINE_EVENT", "DECLARE_TRACE", "TRACE_EVENT_FN", "TRACE_EVENT_CONDITION"})
_EVENTS |= {"DEFINE_EVENT_PRINT", "DEFINE_EVENT_CONDITION", "DEFINE_EVENT_FN", "TRACE_EVENT_FN_COND"}
_NAMES_AFTER_TEMPLATE = "DEFINE_EVENT"
_PROTOTYPE = re.compile(r"(\w+)\s*\(")
_WORD = re.compile(r"[A-Za-z_]\w*")
_PLAIN = re.compile(r"[\w\s,*\[\]]*\)?;?")
_ARGUMENT = re.compile(r"(?<![\w.>])(?<!struct )(?<!union )(?<!enum )([A-Za-z_]\w*)\s*(?=[,)\[])")


class _File:
    """Walks one file. To look for a word in a declaration is a tenth of the work of taking it apart."""

    def __init__(self, names: frozenset[bytes] | None, words: Collection[bytes] | None) -> None:
        self._names = names
        self._words = words

    def wants(self, name: Node) -> bool:
        """Whether a name is asked for; one that the parser had to make up is not."""
        return not name.is_missing and (self._names is None or name.text in self._names)

    def read(self, node: Node) -> Iterator[Definition]:
        words = self._words
        for child in children(node):
            if words is not None:
                text = child.text or b""
                if not any(word in text for word in words):
                    continue
            yield from self.item(child)

    def item(self, node: Node) -> Iterator[Definition]:
        kind = node.type
        if kind == "preproc_def" or kind == "preproc_function_def":
            yield from self.macro(node)
        elif kind == "function_definition":
            yield from self.types(node, None)
            yield from self.function(node)
        elif kind == "declaration":
            yield from self.types(node, None)
            yield from self.declaration(node)
        elif kind == "type_definition":
            yield from self.typedef(node)
        elif kind in _TAGS:
            yield from self.tag(node, None)
        elif kind in _NESTING:
            yield from self.read(node)
        elif kind == "macro_type_specifier" or kind == "expression_statement" or kind == "call_expression":
            yield from self.made_by_macro(node)
        elif kind == "function_declarator":
            # Inside an error: what stands before it is lost.
            yield from self.declared(node, None, static=False)

    def function(self, node: Node) -> Iterator[Definition]:
        declarator, body = node.child_by_field_name("declarator"), node.child_by_field_name("body")
        if declarator is None:
            return
        for found in self.declared(declarator, node, static=_is_static(node)):
            text = None if body is None else body.text
            yield attrs.evolve(found, body=text) if found.kind is NeedKind.FUNCTION else found

    def declaration(self, node: Node) -> Iterator[Definition]:
        static = _is_static(node)
        made = node.child_by_field_name("type")
        if made is not None and made.type == "macro_type_specifier":
            # `DEFINE_X(type, name) = value;`
            yield from self.made_by_macro(made)
        for declarator in node.children_by_field_name("declarator"):
            yield from self.declared(declarator, node, static=static)

    def typedef(self, node: Node) -> Iterator[Definition]:
        names = [declared_name(declarator) for declarator in node.children_by_field_name("declarator")]
        yield from self.types(node, next((text_of(name) for name in names if name is not None), None))
        for name in names:
            if name is not None and self.wants(name):
                yield Definition(name=text_of(name), kind=NeedKind.TYPEDEF, line=line_of(name), type=_type(node))

    def types(self, node: Node, alias: str | None) -> Iterator[Definition]:
        """What the type of a declaration defines on the way; `alias` names a structure that has no name."""
        for child in children(node):
            if child.type in _TAGS:
                yield from self.tag(child, alias)

    def tag(self, node: Node, alias: str | None) -> Iterator[Definition]:
        body = node.child_by_field_name("body")
        if body is None:
            return
        name = node.child_by_field_name("name")
        owner = alias if name is None else text_of(name)
        if name is not None and self.wants(name):
            yield Definition(name=text_of(name), kind=_TAGS[node.type], line=line_of(name))
        if node.type == "enum_specifier":
            yield from self.constants(body)
        else:
            yield from self.fields(body, owner)

    def fields(self, node: Node, owner: str | None) -> Iterator[Definition]:
        for child in children(node):
            if child.type in _NESTING:
                yield from self.fields(child, owner)
            elif child.type in ("preproc_def", "preproc_function_def"):
                yield from self.macro(child)
            elif child.type == "field_declaration":
                yield from self.field(child, owner)

    def field(self, node: Node, owner: str | None) -> Iterator[Definition]:
        declarators = node.children_by_field_name("declarator")
        inner = next((child for child in children(node) if child.type in _TAGS), None)
        if inner is not None and inner.child_by_field_name("body") is not None:
            names = [name for declarator in declarators if (name := declared_name(declarator)) is not None]
            tagged = inner.child_by_field_name("name") is not None
            if tagged or not names:
                # Fields of a structure without a name, inside another, are the other's.
                yield from self.tag(inner, owner)
            else:
                yield from self.tag(inner, f"{owner}.{text_of(names[0])}")
        for declarator in declarators:
            for found in self.declared(declarator, node, static=False):
                kind = attrs.evolve(found, kind=NeedKind.FIELD, owner=owner)
                if inner is not None and inner.child_by_field_name("name") is None:
                    kind = attrs.evolve(kind, type=f"{owner}.{found.name}")
                yield kind

    def macro(self, node: Node) -> Iterator[Definition]:
        name = node.child_by_field_name("name")
        if name is None or not self.wants(name):
            return
        parameters = node.child_by_field_name("parameters")
        arity: Arity | None = None
        if parameters is not None:
            text = text_of(parameters)[1:-1].strip()
            count = text.count(",") + 1 if text else 0
            arity = (max(0, count - 1), None) if text.endswith("...") else (count, count)
        yield Definition(name=text_of(name), kind=NeedKind.MACRO, line=line_of(name), arity=arity)

    def constants(self, body: Node) -> Iterator[Definition]:
        for child in children(body):
            if child.type == "enumerator":
                name = child.child_by_field_name("name")
                if name is not None and self.wants(name):
                    yield Definition(name=text_of(name), kind=NeedKind.CONSTANT, line=line_of(name))
            elif child.type in _NESTING:
                yield from self.constants(child)
            elif child.type in ("preproc_def", "preproc_function_def"):
                yield from self.macro(child)

    def declared(self, declarator: Node, declaration: Node | None, *, static: bool) -> Iterator[Definition]:
        """The variable, field or function of one declarator."""
        name = declared_name(declarator)
        if name is None or not self.wants(name):
            return
        called = function_declarator(declarator)
        direct = (
            called is not None and (inner := called.child_by_field_name("declarator")) is not None and inner == name
        )
        base = None if declaration is None else _type(declaration)
        arity = signature = None
        types: tuple[str, ...] = ()
        parameters = None if called is None else called.child_by_field_name("parameters")
        if parameters is not None:
            arity, types = arity_of(parameters), tuple(filter(None, map(parameter_type, children(parameters))))
        if called is not None and declaration is not None:
            signature = f"{result_type(declaration, declarator, called)}({','.join(types)})"
        yield Definition(
            name=text_of(name),
            kind=NeedKind.FUNCTION if direct else NeedKind.VARIABLE,
            line=line_of(name),
            static=static,
            arity=arity,
            signature=signature,
            parameters=types,
            type=base,
        )

    def made_by_macro(self, node: Node) -> Iterator[Definition]:
        """What `DEFINE_X(name)` and the like make: every plain name among the arguments may be it."""
        for name, kind in _made(text_of(node)):
            if self._names is None or name.encode() in self._names:
                yield Definition(name=name, kind=kind, line=line_of(node))


def _made(text: str) -> Iterator[tuple[str, NeedKind]]:
    """The names that a macro at file scope defines."""
    maker = _PROTOTYPE.match(text)
    if maker is None:
        return
    arguments = text[maker.end() :]
    if maker[1] in _EVENTS:
        names = _WORD.findall(arguments.split("TP_PROTO")[0])
        for name in names[1:2] if maker[1].startswith(_NAMES_AFTER_TEMPLATE) else names[:1]:
            yield f"trace_{name}", NeedKind.FUNCTION
    elif maker[1] == "INDIRECT_CALLABLE_DECLARE":
        found = _PROTOTYPE.search(arguments)
        if found is not None:
            yield found[1], NeedKind.FUNCTION
    elif _MAKERS.fullmatch(maker[1]) and _PLAIN.fullmatch(arguments):
        for name in dict.fromkeys(_ARGUMENT.findall(arguments)):
            yield name, NeedKind.VARIABLE


def _is_static(node: Node) -> bool:
    return any(child.type == "storage_class_specifier" and child.text == b"static" for child in node.children)


def _type(node: Node) -> str | None:
    """The name of a declaration's type: of a structure its tag."""
    found = node.child_by_field_name("type")
    if found is None:
        return None
    if found.type in _TAGS:
        name = found.child_by_field_name("name")
        return None if name is None else text_of(name)
    return text_of(found) if found.type in ("type_identifier", "primitive_type") else None
