# SPDX-License-Identifier: MIT
"""What a C declarator says: the name it declares, how many arguments that takes, and its types in one spelling.

C declares a name as it is used: in `int (*f[2])(void)` the name is inside, and what it is around it. Signatures of two
kernels are compared as text, so names of parameters, storage classes and blanks do not count.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from .grammar import children, text_of

__all__ = ["Arity", "arity_of", "declared_name", "function_declarator", "parameter_type", "result_type"]

Arity = tuple[int, int | None]
"""Least and most number of arguments; None for any number."""


def declared_name(declarator: Node) -> Node | None:
    """The identifier that a declarator declares."""
    node: Node | None = declarator
    while node is not None:
        if node.type in ("identifier", "field_identifier", "type_identifier"):
            return node
        inner = node.child_by_field_name("declarator")
        if inner is None:
            # parenthesized_declarator and attributed_declarator have no field for it.
            inner = next((child for child in children(node) if child.type.endswith(("declarator", "identifier"))), None)
        node = inner
    return None


def function_declarator(declarator: Node) -> Node | None:
    """The function declarator that is nearest to the name: `(*f)(int)` and `f(int)` have one, an array has none."""
    found: Node | None = None
    node: Node | None = declarator
    while node is not None and node.type not in ("identifier", "field_identifier", "type_identifier"):
        if node.type == "function_declarator":
            found = node
        inner = node.child_by_field_name("declarator")
        if inner is None:
            inner = next((child for child in children(node) if child.type.endswith("declarator")), None)
        node = inner
    return found


def arity_of(parameters: Node) -> Arity | None:
    """How many arguments a list of parameters takes; None where it is not understood."""
    if any(child.type == "ERROR" or child.is_missing for child in parameters.children):
        return None
    given = [child for child in children(parameters) if child.type != "comment"]
    if not given:
        return (0, None)
    if len(given) == 1 and text_of(given[0]) == "void":
        return (0, 0)
    if given[-1].type == "variadic_parameter":
        return (len(given) - 1, None)
    return (len(given), len(given))


_PUNCTUATION = re.compile(r"\s*([^\w\s])\s*")
_STORAGE = re.compile(r"\b(?:static|extern|inline|register|__inline__|__inline)\b")


def result_type(declaration: Node, declarator: Node, called: Node | None = None) -> str:
    """What a declaration says before the name of a function, or of a variable if none is called, in one spelling.

    Of `void (*f)(struct sock *sk);` it is `void`, as of `void f(struct sock *);`: the pointer that a function pointer
    is does not count, so that a function can be held against it.
    """
    first = declaration.child_by_field_name("declarator") or declarator
    before = (declaration.text or b"")[: first.start_byte - declaration.start_byte].decode("ascii")
    end = called if called is not None else declared_name(declarator)
    outer = b"" if end is None else (declarator.text or b"")[: end.start_byte - declarator.start_byte]
    return _squeezed(_STORAGE.sub(" ", f"{before}{outer.decode('ascii')}"))


def parameter_type(node: Node) -> str:
    """The type of a parameter, in one spelling and without its name; empty for a comment."""
    if node.type == "comment":
        return ""
    declarator = node.child_by_field_name("declarator")
    name = None if declarator is None else declared_name(declarator)
    text = node.text or b""
    if name is not None:
        at = name.start_byte - node.start_byte
        text = text[:at] + b" " + text[at + len(name.text or b"") :]
    return _squeezed(text.decode("ascii"))


def _squeezed(text: str) -> str:
    return _PUNCTUATION.sub(r"\1", " ".join(text.split()))
