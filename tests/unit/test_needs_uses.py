# SPDX-License-Identifier: MIT
"""What lines use, as what, and of which structure a field is."""

from __future__ import annotations

import pytest

from mptcp_series.engine.needs.bindings import bindings
from mptcp_series.engine.needs.grammar import captures, parse, text_of
from mptcp_series.engine.needs.lookup import Sources, View
from mptcp_series.engine.needs.symbols import c_definitions
from mptcp_series.engine.needs.types import Types, local_types
from mptcp_series.engine.needs.uses import c_uses, kconfig_uses, makefile_uses

from .conftest import Lab


def used(text: bytes, *lines: int) -> list[str]:
    found = c_uses(parse(text), lines=set(lines) or None)
    return [
        f"{use.role.value} {use.name}" + ("" if use.arguments is None else f"/{use.arguments}")
        for use in sorted(found, key=lambda use: (use.line, use.name))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"void f(void) { g(a, b); }", ["value a", "value b", "call g/2"]),
        (b"void f(void) { g(); }", ["call g/0"]),
        (b"void f(void) { h = g; }", ["value g", "value h"]),
        (b"void f(void) { a->b = c.d; }", ["value a", "field b", "value c", "field d"]),
        (b"void f(void) { a->call(x); }", ["value a", "field call/1", "value x"]),
        (b"struct s v;", ["struct s"]),
        (b"union u v; enum e w;", ["enum e", "union u"]),
        (b"u32 v;", ["type u32"]),
        (b"int f(gfp_t flags);", ["type gfp_t"]),
        (b"struct s { int f; };", []),
        (b"typedef int t;", []),
        (b"struct ops o = { .f = g, .h = { .i = 1 } };", ["field f", "value g", "field h", "field i", "struct ops"]),
        (b"void f(void) { switch (a) { case SO_X: goto out; } out: return; }", ["value SO_X", "value a"]),
        (b'#include <net/tcp.h>\n#include "own.h"\n', ["include <net/tcp.h>", 'include "own.h"']),
        (b"#include OTHER\n", ["value OTHER"]),
        (b"#if IS_ENABLED(CONFIG_X)\nint a;\n#endif\n", ["call IS_ENABLED/1", "config X"]),
        (b"#ifdef CONFIG_Y_MODULE\n#endif\n", ["config Y"]),
        (b"#ifdef NOT_HERE\n#endif\n#if defined(NEITHER)\n#endif\n", []),
        (b"int f(void) { return IS_ENABLED(CONFIG_Z); }", ["call IS_ENABLED/1", "config Z"]),
        (b'/* g(x) */ // h(x)\nchar *s = "i(x)";', []),
        (b"#define M(x) do { g(x, y->z); } while (0)\n", ["call g", "value y", "field z"]),
        (b'#define M "g(x)" struct s /* h() */\n', ["struct s"]),
    ],
)
def test_each_role(text: bytes, expected: list[str]) -> None:
    assert used(text) == sorted(
        expected, key=lambda entry: [text.count(b"\n", 0, text.find(_name(entry))), _name(entry)]
    )


def _name(entry: str) -> bytes:
    return entry.split()[1].partition("/")[0].encode()


def test_only_the_lines_asked_for() -> None:
    text = b"void f(void)\n{\n\ta();\n\tb();\n}\n#define M \\\n\tc() \\\n\td()\n"
    assert used(text, 4, 8) == ["call b/0", "call d"]


def test_a_macro_does_not_use_its_parameters_or_pasted_names() -> None:
    assert used(b"#define M(x, y) x + y + #x + z\n") == ["value z"]


def test_only_the_names_asked_for() -> None:
    found = c_uses(parse(b"void f(void) { a(); b(); }\n#define M a()\n"), names={"a"})
    assert [(use.name, use.line) for use in found] == [("a", 1), ("a", 2)]


def test_latin_1_and_annotations_do_not_move_lines() -> None:
    text = b"/* caf\xe9\n */\nstatic int __init\nf(void)\n{\n\treturn g();\n}\n"
    assert [(use.name, use.line) for use in c_uses(parse(text))] == [("g", 6)]


def test_a_function_that_is_defined_is_not_used() -> None:
    text = b"static int f(struct s *a)\n{\n\treturn 0;\n}\nint g(void);\n"
    assert used(text) == ["struct s"]


def test_locals_of_a_function() -> None:
    tree = parse(
        b"int f(struct sock *sk, int n)\n{\n\tstruct msk *a, *b = g();\n\tfor (u8 i = 0; i; i++)\n\t\th();\n}\n"
    )
    (function,) = captures("(function_definition) @f", tree.root_node)["f"]
    assert local_types(function) == {"sk": "sock", "n": None, "a": "msk", "b": "msk", "i": "u8"}


def test_locals_before_c89() -> None:
    tree = parse(b"int f(a, b)\n\tint a;\n\tstruct s *b;\n{\n\treturn a;\n}\n")
    (function,) = captures("(function_definition) @f", tree.root_node)["f"]
    assert local_types(function) == {"a": None, "b": "s"}


HEADER = b"""\
struct inner { int flags; };
struct outer { struct inner in; struct inner *ptr; struct { int deep; } anon; };
struct ops { int (*get)(struct outer *o); struct inner in; };
typedef struct { int counter; } atomic_t;
static inline struct outer *outer_of(int x)
{
\treturn 0;
}
extern struct outer init_outer;
"""


@pytest.mark.parametrize(
    ("code", "field", "owner"),
    [
        (b"void f(struct outer *o) { o->ptr; }", "ptr", "outer"),
        (b"void f(struct outer *o) { o->in.flags; }", "flags", "inner"),
        (b"void f(struct outer *o) { (*o).ptr->flags; }", "flags", "inner"),
        (b"void f(struct outer *o) { (&o[2])->anon.deep; }", "deep", "outer.anon"),
        (b"void f(void) { outer_of(1)->in.flags; }", "flags", "inner"),
        (b"void f(void) { init_outer.in.flags; }", "flags", "inner"),
        (b"static struct outer here; void f(void) { here.ptr; }", "ptr", "outer"),
        (b"void f(void *p) { ((struct inner *)p)->flags; }", "flags", "inner"),
        (b"void f(atomic_t *a) { a->counter; }", "counter", "atomic_t"),
        (b"void f(void) { made_by_macro(x)->flags; }", "flags", None),
        (b"void f(void) { unknown->flags; }", "flags", None),
        (b"struct inner i = { .flags = 1 };", "flags", "inner"),
        (b"struct inner i[] = { [2] = { .flags = 1 }, };", "flags", "inner"),
        (b"struct inner i[] = { { .flags = 1 }, };", "flags", "inner"),
        (b"struct outer o = { .in = { .flags = 1 } };", "flags", "inner"),
        (b"struct outer o = { .in.flags = 1 };", "flags", "inner"),
        (b"struct outer o = { { .flags = 1 } };", "flags", None),
        (b"void f(void) { g(&(struct inner){ .flags = 1 }); }", "flags", "inner"),
    ],
)
def test_the_structure_of_a_field(lab: Lab, code: bytes, field: str, owner: str | None) -> None:
    files = {"net/a.c": lab.entry(code), "include/net/a.h": lab.entry(HEADER)}
    types = Types(View(Sources.of(lab.objects), files.get), ["include/net/a.h"])
    nodes = captures("(field_identifier) @f", parse(code).root_node)["f"]
    node = next(node for node in reversed(nodes) if text_of(node) == field)
    assert types.owner(node, "net/a.c") == owner


def test_bindings() -> None:
    text = b"""\
static int get(struct sock *sk)
{
	return 0;
}
static struct ops a = { .get = get, .other = elsewhere, .number = 3 };
void init(struct ops *b)
{
	b->get = &get;
	b->get = elsewhere;
}
"""
    tree = parse(text)
    definitions = {found.name: [found] for found in c_definitions(text)}
    found = list(bindings(tree, definitions))
    assert [(one.name, one.function.name, one.line) for one in found] == [("get", "get", 5), ("get", "get", 8)]


def test_kconfig_lines() -> None:
    text = (
        b'config MPTCP\n\tbool "MPTCP: FOO protocol"\n\tdepends on INET && !BROKEN\n\tselect SKB_EXTENSIONS if NET=y\n'
        b"\timply INET_MPTCP_DIAG\n\tdefault m\n\thelp\n\t  Say Y or N; SEE ALSO.\n"
    )
    found = [(use.name, use.line) for use in kconfig_uses(text, {1, 2, 3, 4, 5, 6, 7, 8})]
    assert found == [("INET", 3), ("BROKEN", 3), ("SKB_EXTENSIONS", 4), ("NET", 4), ("INET_MPTCP_DIAG", 5)]
    assert [use.name for use in kconfig_uses(text, {5})] == ["INET_MPTCP_DIAG"]


def test_makefile_lines() -> None:
    text = b"# $(CONFIG_NOT)\nobj-$(CONFIG_MPTCP) += mptcp.o\nobj-$(CONFIG_OTHER) += o.o\n"
    assert [(use.name, use.line) for use in makefile_uses(text, {1, 2})] == [("MPTCP", 2)]
