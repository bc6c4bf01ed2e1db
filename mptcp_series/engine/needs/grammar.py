# SPDX-License-Identifier: MIT
"""C as the kernel writes it, parsed by tree-sitter.

tree-sitter's C grammar knows no preprocessor: it parses every branch of an `#if`, which is what is wanted here, and
stumbles over macros that stand where C has no place for a name (`static int __init f(void)`). Those are blanked
before, so that every node stays on its line. Where the grammar is still lost it marks a node as an
error and goes on; whoever walks the tree looks into these too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import tree_sitter_c
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

__all__ = ["captures", "children", "cleaned", "line_of", "parse", "skeleton", "text_of"]

_LANGUAGE = Language(tree_sitter_c.language())

# Annotations of include/linux/compiler_attributes.h, compiler_types.h, init.h, linkage.h, cache.h and debug.h. A name
# that begins with two underscores and is none of these may be a function or a type.
_ANNOTATION = re.compile(
    rb"""
    \b(?:
      __(?:
        acquires|aligned|alloc_size|assume_aligned|attribute(?:__)?|cleanup|compiletime_(?:error|warning)|counted_by|
        must_hold|no_sanitize|nonnull|printf|realloc_size|releases|scanf|section
      )\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)
    |
      (?:
        __(?:
          always_(?:inline|unused)|attribute_const__|bitwise|cold|cpuidle|deprecated|designated_init|exit(?:data)?|
          flatten|force|gnu_inline|hot|init(?:const|data|_memblock|_or_module|data_or_meminit)?|inline(?:__)?|iomem|
          kernel|kprobes|latent_entropy|malloc|maybe_unused|mem(?:init|initdata|exit)|must_check|
          net_(?:exit|init|initconst|initdata)|no_(?:kasan_or_inline|kcsan|randomize_layout)|
          no_sanitize_(?:address|thread|undefined)|nocast|noclone|nonstring|noreturn|nosavedata|packed|percpu|private|
          pure|randomize_layout|rcu|read_mostly|ref|refconst|refdata|ro_after_init|sched|user|used|visible|weak
        )
      | (?:__)?__cacheline_(?:internode)?aligned(?:_in_smp)?|____cacheline_internodealigned_in_smp
      | asmlinkage|noinline(?:_for_stack)?|notrace|randomized_struct_fields_(?:start|end)|INDIRECT_CALLABLE_SCOPE
      )\b
    )
    """,
    re.VERBOSE,
)
_NOT_ASCII = bytes(byte if byte < 128 else ord("?") for byte in range(256))
_VISIBLE = re.compile(rb"[^\r\n]")


def cleaned(data: bytes) -> bytes:
    """The text without annotations, with the same lines and columns; bytes that are not ASCII are `?`.

    >>> cleaned(b"static int __init f(void);")
    b'static int        f(void);'
    """
    if not data.isascii():
        data = data.translate(_NOT_ASCII)
    return _EMPTY.sub(rb"\1", _ANNOTATION.sub(_blank, data))


# Blanks at the end of a macro without a value make the grammar take the next line for its value.
_EMPTY = re.compile(rb"^([ \t]*#[ \t]*define[ \t]+\w+(?:\([^)\n]*\))?)[ \t]+$", re.MULTILINE)


def _blank(match: re.Match[bytes]) -> bytes:
    # The line that defines an annotation must keep it.
    start = match.start()
    line = match.string[match.string.rfind(b"\n", 0, start) + 1 : start]
    if _DEFINES.fullmatch(line) is not None:
        return match[0]
    return _VISIBLE.sub(b" ", match[0])


_DEFINES = re.compile(rb"\s*#\s*(?:define|undef|ifdef|ifndef)\s+")


_BODY = re.compile(rb"(?<=\n)\{[^\S\n]*\n.*?(?<=\n)\}", re.DOTALL)
_ENDED = re.compile(rb"[^\S\n]*(?:\n|\Z)")
_COMMENT = re.compile(rb"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'\\?.'", re.DOTALL)


def skeleton(data: bytes) -> bytes:
    """The text without function bodies and block comments, with the same lines.

    A body is what stands between braces in the first column, each alone on its line, as the kernel's coding style has
    it. What defines something at file scope is left: a third of the bytes.

    >>> skeleton(b"int f(void)\\n{\\n\\treturn g;\\n}\\nint h; /* g */\\n")
    b'int f(void)\\n{\\n\\n}\\nint h;  \\n'
    """
    return _BODY.sub(_emptied, _COMMENT.sub(_without_comment, data))


def _without_comment(match: re.Match[bytes]) -> bytes:
    # A string may hold what looks like the start of a comment.
    text = match[0]
    return b"\n" * text.count(b"\n") or b" " if text.startswith(b"/") else text


def _emptied(match: re.Match[bytes]) -> bytes:
    text = match[0]
    before = match.string[max(0, match.start() - 80) : match.start()].rstrip()
    if not before.endswith(b")") or _ENDED.match(match.string, match.end()) is None:
        # A structure or an array whose brace stands alone.
        return text
    return b"{" + b"\n" * text.count(b"\n") + b"}"


def parse(data: bytes) -> Tree:
    """Parse a file; the tree refers to `cleaned(data)`."""
    return Parser(_LANGUAGE).parse(cleaned(data))


@cache
def _query(text: str) -> Query:
    return Query(_LANGUAGE, text)


def captures(pattern: str, node: Node) -> dict[str, list[Node]]:
    """Nodes below a node that a tree-sitter query finds, by the names of its captures, in the order of the text."""
    found = QueryCursor(_query(pattern)).captures(node)
    return {name: sorted(nodes, key=_start) for name, nodes in found.items()}


def _start(node: Node) -> int:
    return node.start_byte


def children(node: Node) -> Iterator[Node]:
    """The named children of a node."""
    return iter(node.named_children)


def text_of(node: Node) -> str:
    """The text of a node; it is ASCII, `cleaned` saw to that."""
    text = node.text
    assert text is not None
    return text.decode("ascii")


def line_of(node: Node) -> int:
    """The line a node begins in, 1-based."""
    return node.start_point.row + 1
