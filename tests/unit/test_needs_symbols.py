# SPDX-License-Identifier: MIT
"""What a file defines: kinds told apart, and everything the kernel does that breaks parsers of C."""

from __future__ import annotations

import pytest

from mptcp_series.engine.needs.grammar import cleaned, parse, skeleton
from mptcp_series.engine.needs.symbols import Definition, c_definitions, kconfig_definitions, tree_definitions


def kinds(text: bytes) -> list[str]:
    return [f"{found.kind.value} {found.name}" for found in c_definitions(text)]


def only(text: bytes, name: str) -> Definition:
    (found,) = (found for found in c_definitions(text) if found.name == name)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"int f(void);", ["function f"]),
        (b"static inline int f(void) { return g(); }", ["function f"]),
        (b"struct sock *f(struct sock *sk);", ["function f"]),
        (b"extern int v;", ["variable v"]),
        (b"int a, *b, c[3];", ["variable a", "variable b", "variable c"]),
        (b"int (*callback)(int);", ["variable callback"]),
        (b"#define OBJECT 3\n", ["macro OBJECT"]),
        (b"#define CALL(x) (x)\n", ["macro CALL"]),
        (b"struct s { int f; };", ["struct s", "field f"]),
        (b"union u { int f; };", ["union u", "field f"]),
        (b"enum e { A, B = 2 };", ["enum e", "enum constant A", "enum constant B"]),
        (b"typedef unsigned int u32;", ["typedef u32"]),
        (b"typedef struct { int counter; } atomic_t;", ["field counter", "typedef atomic_t"]),
        (b"typedef int (*cb_t)(int);", ["typedef cb_t"]),
        (b"struct named;", []),
        (b"struct named *p;", ["variable p"]),
    ],
)
def test_each_kind(text: bytes, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Annotations stand where C has no place for a name.
        (b"static int __init __must_check f(void) { return 1; }", ["function f"]),
        (b"int __printf(2, 3) f(const char *fmt, ...);", ["function f"]),
        (b"asmlinkage __visible void __sched notrace f(void);", ["function f"]),
        (b"extern struct s v __read_mostly;", ["variable v"]),
        (b"struct s { int f; } __packed __aligned(8);", ["struct s", "field f"]),
        (b"void *f(int n) __attribute__((malloc, alloc_size(1)));", ["function f"]),
        (b"int f(char __user *p, void __rcu **q);", ["function f"]),
        # Macros at file scope.
        (b"EXPORT_SYMBOL(f);\nEXPORT_SYMBOL_GPL(g);\nint after;", ["variable after"]),
        (b"DEFINE_PER_CPU(struct s, count);\nint after;", ["variable count", "variable after"]),
        (b"DECLARE_STATIC_KEY_FALSE(key);", ["variable key"]),
        (b"static DEFINE_MUTEX(lock);\nint after;", ["variable lock", "variable after"]),
        (b"INDIRECT_CALLABLE_DECLARE(int tcp_v4_rcv(struct sk_buff *));", ["function tcp_v4_rcv"]),
        (
            b"TRACE_EVENT(get_subflow, TP_PROTO(int a), TP_fast_assign(__entry->family = a;));",
            ["function trace_get_subflow"],
        ),
        (b"DECLARE_EVENT_CLASS(dump, TP_PROTO(int a), TP_fast_assign(__entry->family = a;));", []),
        (b"DEFINE_EVENT(dump, get_mapping,\n\tTP_PROTO(int a));", ["function trace_get_mapping"]),
        # As functions were written before C89.
        (b"int f(a, b)\n\tint a;\n\tchar *b;\n{\n\treturn a;\n}\nint after;", ["function f", "variable after"]),
        # Both branches are read.
        (b"#ifdef CONFIG_X\nint f(void);\n#else\n#define f() 0\n#endif\n", ["function f", "macro f"]),
        (b"#if A\nint f(int a)\n#else\nint f(long a)\n#endif\n{\n\treturn 0;\n}\nint after;", "int f and after"),
        (b'#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n', ["function f"]),
        # Bytes that are not ASCII.
        (b"/* caf\xe9 \xff */\nint before; // \xe9\nint after;", ["variable before", "variable after"]),
        (b'static const char *name = "caf\xe9";\nint after;', ["variable name", "variable after"]),
    ],
)
def test_what_the_kernel_does_to_c(text: bytes, expected: list[str] | str) -> None:
    if expected == "int f and after":
        assert set(kinds(text)) >= {"function f", "variable after"}
    else:
        assert kinds(text) == expected


def test_a_field_is_of_its_structure() -> None:
    text = b"struct a { int b; struct { int c; }; union { int d; struct e { int f; } g; } h; };"
    fields = {found.name: found.owner for found in c_definitions(text) if found.owner is not None}
    # What has no name belongs to what it is in; what has a tag to its tag.
    assert fields == {"b": "a", "c": "a", "d": "a.h", "f": "e", "g": "a.h", "h": "a"}


def test_fields_in_branches_and_macros_between_them() -> None:
    text = b"struct s {\n\tint a;\n#ifdef CONFIG_X\n\tint b;\n#else\n\tint c;\n#endif\n#define S_FLAG 1\n};\n"
    assert kinds(text) == ["struct s", "field a", "field b", "field c", "macro S_FLAG"]


def test_static_is_told_from_global() -> None:
    text = b"static void a(void) { }\nvoid b(void) { }\nstatic int c;\n"
    assert [found.static for found in c_definitions(text)] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        (b"int f(void);", [0], [1]),
        (b"int f(int a, int b);", [2], [0, 1, 3]),
        (b"int f(const char *fmt, ...);", [1, 5], [0]),
        (b"int f();", [0, 3], []),
        (b"#define f(a, b) a\n", [2], [1, 3]),
        (b"#define f(a, ...) a\n", [1, 4], [0]),
        (b"#define f(args...) a\n", [0, 4], []),
        (b"#define f g\n", [0, 9], []),
        (b"struct s { int (*f)(int); };", [1], [0, 2]),
    ],
)
def test_number_of_arguments(text: bytes, good: list[int], bad: list[int]) -> None:
    found = only(text, "f")
    assert [found.accepts(count) for count in good] == [True] * len(good)
    assert [found.accepts(count) for count in bad] == [False] * len(bad)
    assert found.accepts(None)


def test_a_function_has_the_type_of_the_pointer_that_may_hold_it() -> None:
    pointer = only(b"struct s { struct dst *(*route)(const struct sock *sk,\n\t\tstruct sk_buff *skb); };", "route")
    function = only(b"static struct dst *v4_route(const struct sock *sk, struct sk_buff *)\n{\n}\n", "v4_route")
    other = only(b"static struct dst *v4_route(struct sock *sk, struct sk_buff *skb)\n{\n}\n", "v4_route")
    assert pointer.signature == function.signature == "struct dst*(const struct sock*,struct sk_buff*)"
    assert other.signature != function.signature


def test_a_second_declarator_has_a_type_of_its_own() -> None:
    assert only(b"int a, (*d)(void);", "d").signature == "int(void)"


def test_lines_are_those_of_the_names() -> None:
    text = b"/*\n * A comment.\n */\nstatic inline\nint f(int a,\n      int b)\n{\n\treturn a;\n}\n\nint g;\n"
    assert [(found.name, found.line) for found in c_definitions(text)] == [("f", 5), ("g", 11)]


def test_only_what_is_asked_for() -> None:
    text = b"struct a { int flags; };\nstruct b { int flags; int other; };\nint flags_of(int flags);\n"
    text += b"TRACE_EVENT(flags, TP_PROTO(int a));\n"
    tree = parse(text)
    assert [(found.name, found.owner) for found in tree_definitions(tree, names=["flags"])] == [
        ("flags", "a"),
        ("flags", "b"),
    ]
    assert [found.name for found in tree_definitions(tree, names=["trace_flags"])] == ["trace_flags"]
    assert [found.name for found in tree_definitions(tree, around="other")] == ["b", "flags", "other"]


def test_an_annotation_can_be_defined() -> None:
    assert kinds(b"#define __init __section(.init.text)\n#define __must_check\n") == [
        "macro __init",
        "macro __must_check",
    ]


def test_cleaning_keeps_every_byte_in_its_place() -> None:
    text = b"int __aligned(sizeof(int))\n__must_check f(void); /* \xe9 */\n"
    assert cleaned(text) == b"int                       \n             f(void); /* ? */\n"


@pytest.mark.parametrize(
    "text",
    [
        b"struct s\n{\n\tint f;\n};\nint f(void)\n{\n\treturn 1;\n}\n",
        b"static int a[] =\n{\n\t1,\n};\nint f(void)\n{\n}\nint g;\n",
        b"#define M(x)\t\t\\\n{\t\t\t\\\n\tx;\t\t\\\n}\nint g;\n",
        b"/* one\n * two\n */\nint g; /* three */ int h;\n",
        b"int f(void)\n{\n\tif (a) {\n\t\tb();\n\t}\n}\n\nstruct s {\n\tint x;\n};\n",
    ],
)
def test_what_is_left_without_bodies_defines_the_same(text: bytes) -> None:
    short = skeleton(text)
    assert len(short) <= len(text)
    assert short.count(b"\n") == text.count(b"\n")
    whole = [(found.name, found.kind, found.line, found.owner) for found in c_definitions(text)]
    assert [(found.name, found.kind, found.line, found.owner) for found in c_definitions(short)] == whole


def test_bodies_and_comments_are_left_out() -> None:
    assert skeleton(b"int f(void)\n{\n\tcalled();\n}\n/* word */\n") == b"int f(void)\n{\n\n}\n \n"
    strings = b'char *s = "/*";\nint quote = \'"\';\nint f;\nchar *t = "*/";\n'
    assert skeleton(strings) == strings


def test_kconfig() -> None:
    text = b"menuconfig NET\n\tbool\n\nif NET\nconfig MPTCP\n\tdepends on INET\n\thelp\n\t  A config file.\nendif\n"
    assert [(found.name, found.line) for found in kconfig_definitions(text)] == [("NET", 1), ("MPTCP", 5)]
