# SPDX-License-Identifier: MIT
"""What a queue needs: each kind, and all that only looks like a need."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.needs.find import find_needs
from mptcp_series.engine.queue import Queue
from mptcp_series.errors import BadInput, EnvironmentFault
from mptcp_series.values.need import Use

from .conftest import Lab
from .needs_lab import MPTCP, RECIPE, SOCK, Upstream, one

HEAD = b"#include <net/sock.h>\n"


def told(lab: Lab, tmp_path: Path, before: bytes, after: bytes, code: bytes, stack: bytes = HEAD) -> list[str]:
    """What code needs of a header that had one content in v5.10 and has another in v5.15."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: before, MPTCP: stack})
    upstream.commit("net: more", {SOCK: after})
    upstream.commit("mptcp: use it", {MPTCP: stack + code}, tag="v5.15", pick=True)
    needs = upstream.needs().needs
    return [f"{need.kind.value} {need.identifier}" for need in sorted(needs, key=lambda need: need.line)]


STRUCT = b"struct sock {\n\tint a;\n\tvoid (*sk_error_report)(struct sock *sk);\n};\n"


@pytest.mark.parametrize(
    ("before", "after", "code", "expected"),
    [
        # Each kind.
        (b"", b"int f(void);\n", b"int x(void)\n{\n\treturn f();\n}\n", ["function f"]),
        (b"", b"static inline int f(void)\n{\n\treturn 0;\n}\n", b"int x = f();\n", ["function f"]),
        (b"", b"#define SO_X 3\n", b"int x = SO_X;\n", ["macro SO_X"]),
        (b"", b"#define f(a) (a)\n", b"int x = f(2);\n", ["macro f"]),
        (b"", b"extern int v;\n", b"int *x = &v;\n", ["variable v"]),
        (b"", b"struct s {\n\tint a;\n};\n", b"struct s x;\n", ["struct s"]),
        (b"", b"union u {\n\tint a;\n};\n", b"union u x;\n", ["union u"]),
        (b"", b"enum e {\n\tE_ONE,\n};\n", b"enum e x;\n", ["enum e"]),
        (b"", b"enum e {\n\tE_ONE,\n};\n", b"int x = E_ONE;\n", ["enum constant E_ONE"]),
        (b"", b"typedef int t;\n", b"t x;\n", ["typedef t"]),
        (
            STRUCT,
            STRUCT.replace(b"a;", b"a;\n\tint b;"),
            b"int x(struct sock *sk)\n{\n\treturn sk->b;\n}\n",
            ["field sock.b"],
        ),
        # The name is there as something else.
        (
            STRUCT,
            STRUCT + b"void sk_error_report(struct sock *sk);\n",
            b"void x(struct sock *sk)\n{\n\tsk_error_report(sk);\n}\n",
            ["function sk_error_report"],
        ),
        (
            b"struct info {\n\tint so_timestamping;\n};\n",
            b"struct info {\n\tint so_timestamping;\n};\nstruct so_timestamping {\n\tint flags;\n};\n",
            b"struct so_timestamping x = { .flags = 1 };\n",
            ["struct so_timestamping"],
        ),
        (b"struct s;\n", b"struct s {\n\tint a;\n};\n", b"struct s x;\n", ["struct s"]),
        (b"int f;\n", b"int f;\nstruct f {\n\tint a;\n};\n", b"struct f x;\n", ["struct f"]),
        (b"/* f(): a word */\n", b"int f(void);\n", b"int x = f();\n", ["function f"]),
        # A field of another structure does not do, where the code tells which is meant.
        (
            b"struct ops {\n\tint flags;\n};\nstruct grp {\n\tint a;\n};\n",
            b"struct ops {\n\tint flags;\n};\nstruct grp {\n\tint a;\n\tint flags;\n};\n",
            b"struct grp x[] = { [0] = { .flags = 1 } };\n",
            ["field grp.flags"],
        ),
        (
            b"struct ops {\n\tint flags;\n};\nstruct grp {\n\tint a;\n};\n",
            b"struct ops {\n\tint flags;\n};\nstruct grp {\n\tint a;\n\tint flags;\n};\n",
            b"struct ops x = { .flags = 1 };\n",
            [],
        ),
        # The number of arguments changed.
        (
            b"void f(int a, int b);\n",
            b"void f(int a);\n",
            b"void x(void)\n{\n\tf(1);\n}\n",
            ["function f"],
        ),
        (b"void f(int a, int b);\n", b"void f(long a, int b);\n", b"void x(void)\n{\n\tf(1, 2);\n}\n", []),
        (b"void f(int a, int b);\n", b"void f(int a);\n", b"void x(void)\n{\n\tf(1, 2);\n}\n", []),
        # A type changed: what is given is what the target takes, and not what the base takes.
        (
            b"void f(struct sock *sk);\n",
            b"void f(const struct sock *sk);\n",
            b"void x(const struct sock *sk)\n{\n\tf(sk);\n}\n",
            ["function f"],
        ),
        (
            b"void f(int n, int flags);\n",
            b"struct s {\n\tint n;\n};\nvoid f(int n, struct s flags);\n",
            b"struct s;\nvoid x(void)\n{\n\tstruct s t = y;\n\n\tf(1, t);\n}\n",
            ["struct s", "function f"],
        ),
        (
            b"void f(struct sock *sk);\n",
            b"void f(const struct sock *sk);\n",
            b"void x(struct sock *sk)\n{\n\tf(sk);\n}\n",
            [],
        ),
        (
            b"void f(struct sock *sk);\n",
            b"void f(const struct sock *sk);\n",
            b"void x(const void *sk, struct sock s[])\n{\n\tf(sk);\n\tf(s);\n}\n",
            [],
        ),
        (b"#define f(a, b) a\n", b"#define f(a) a\n", b"int x = f(1);\n", ["macro f"]),
        (b"#define f g\n", b"void f(int a);\n", b"void x(void)\n{\n\tf(1);\n}\n", []),
        # There in another way.
        (b"#define f(a) (a)\n", b"int f(int a);\n", b"int x = f(2);\n", []),
        (b"enum {\n\tSO_X = 3,\n};\n", b"#define SO_X 3\n", b"int x = SO_X;\n", []),
        (b"#ifdef CONFIG_A\nint f(void);\n#endif\n", b"int f(void);\n", b"int x = f();\n", []),
        (b"DECLARE_PER_CPU(int, v);\n", b"extern int v;\n", b"int *x = &v;\n", []),
        # Not outside at all.
        (b"", b"int f(void);\n", b"static int f(void)\n{\n\treturn 0;\n}\nint x = f();\n", []),
        (b"", b"extern int v;\n", b"int x(int v)\n{\n\treturn v;\n}\n", []),
        (b"", b"extern int v;\n", b"int x(void)\n{\n\tint v = 0;\n\treturn v;\n}\n", []),
        (b"", b"#define out 1\n", b"int x(void)\n{\n\tgoto out;\nout:\n\treturn 0;\n}\n", []),
        (b"", b"#define M 1\n", b"#ifdef M\nint x;\n#endif\n", []),
        (b"", b"int f(void);\n", b'/* f() */\nchar *x = "f()";\n', []),
        # In a macro of the stack, and beside bytes that are not ASCII.
        (b"", b"int f(void);\n", b"#define mptcp_f() \\\n\tdo { f(); } while (0)\n", ["function f"]),
        (b"/* \xe9 */\n", b"/* \xe9 */\nint f(void);\n", b"/* \xff */ int x = f();\n", ["function f"]),
        # Nobody knows it.
        (b"", b"int other(void);\n", b"int x = f();\n", []),
    ],
)
def test_kinds(lab: Lab, tmp_path: Path, before: bytes, after: bytes, code: bytes, expected: list[str]) -> None:
    assert told(lab, tmp_path, before, after, code) == expected


def test_where_it_is_defined_and_used(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    upstream.commit("net: f", {SOCK: b"int a;\nint b;\nint f(void);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f();\n"}, pick=True)
    upstream.commit("mptcp: two", {MPTCP: HEAD + b"int x = f();\nint y = f();\n"}, tag="v5.15", pick=True)
    needs = upstream.needs()
    need = one(needs)
    assert (need.defined_in, need.line) == (SOCK, 3)
    assert need.used_by == (
        Use(path=MPTCP, line=2, name="p1.patch"),
        Use(path=MPTCP, line=3, name="p2.patch"),
    )
    assert need.unmet
    assert needs.reasons() == [f"missing: function f, used by p1.patch ({MPTCP}:2)"]
    assert needs.by_identifier == {"f": need}


def test_what_a_later_patch_takes_out_is_not_needed(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f();\n"}, pick=True)
    upstream.commit("mptcp: two", {MPTCP: HEAD + b"int x = 0;\n"}, tag="v5.15", pick=True)
    assert upstream.needs().needs == ()


def test_what_an_override_rewrites_is_not_needed(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f();\n"}, tag="v5.15", pick=True)
    override = (
        f"Patch: p1.patch\nReason: no f here\n---\n--- a/{MPTCP}\n+++ b/{MPTCP}\n"
        "@@ -1,2 +1,2 @@\n #include <net/sock.h>\n-int x = f();\n+int x = 0;\n"
    )
    assert len(upstream.needs().needs) == 1
    assert upstream.needs(overrides={"one.patch": override}).needs == ()


def test_what_the_queue_brings_itself(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    upstream.commit("tcp: export f", {SOCK: b"int a;\nint f(void);\n"}, pick=True)
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f();\n"}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert (need.identifier, need.brought_by, need.unmet) == ("f", "p1.patch", False)
    assert upstream.needs().reasons() == []


def test_what_the_queue_brings_with_another_type_is_missing(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    upstream.commit("tcp: export f", {SOCK: b"int a;\nint f(int n);\n"}, pick=True)
    upstream.commit("tcp: f takes a structure", {SOCK: b"int a;\nstruct s {\n\tint n;\n};\nint f(struct s n);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f(y);\n"}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert need.unmet
    assert need.change == "p1.patch brings it as `int(int)`, the target has `int(struct s)`"


def test_the_stack_is_not_outside_itself(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {MPTCP: b""})
    files = {"net/mptcp/protocol.h": b"int mptcp_f(void);\n", MPTCP: b'#include "protocol.h"\nint x = mptcp_f();\n'}
    upstream.commit("mptcp: f", files, tag="v5.15", pick=True)
    assert upstream.needs().needs == ()


def test_what_of_the_stack_the_queue_left_out_is_missing(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {"net/mptcp/protocol.h": b"int a;\n", MPTCP: b'#include "protocol.h"\n'})
    upstream.commit("mptcp: f", {"net/mptcp/protocol.h": b"int a;\nint mptcp_f(void);\n"})
    upstream.commit("mptcp: use it", {MPTCP: b'#include "protocol.h"\nint x = mptcp_f();\n'}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert (need.identifier, need.defined_in, need.unmet) == ("mptcp_f", "net/mptcp/protocol.h", True)


def test_a_static_of_another_file_is_not_seen(lab: Lab, tmp_path: Path) -> None:
    tcp = b"static void f(int n)\n{\n\tg(n);\n}\n"
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, "net/mptcp/tcp.c": tcp})
    upstream.commit("tcp: export f", {SOCK: b"void f(int n);\n", "net/mptcp/tcp.c": tcp.replace(b"static ", b"")})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"void x(void)\n{\n\tf(1);\n}\n"}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert (need.former_name, str(need.former_place)) == ("f", "net/mptcp/tcp.c:1")


def test_a_helper_of_the_same_file(lab: Lab, tmp_path: Path) -> None:
    """A shared .c file of the target has a static function that the base's lacks."""
    path = "net/ipv4/tcp.c"
    upstream = Upstream.at(lab, tmp_path, {path: b"int a;\n"})
    upstream.commit("tcp: helper", {path: b"static int h(void)\n{\n\treturn 1;\n}\nint a;\n"})
    upstream.commit(
        "mptcp: use it",
        {path: b"static int h(void)\n{\n\treturn 1;\n}\nint a;\n\nint mptcp_x(void)\n{\n\treturn h();\n}\n"},
        tag="v5.15",
        pick=True,
    )
    need = one(upstream.needs())
    assert (need.identifier, need.defined_in, need.unmet) == ("h", path, True)


def test_a_header_that_nothing_includes_does_not_count(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", "include/media/f.h": b"int f(void);\n", MPTCP: HEAD})
    upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f();\n"}, tag="v5.15", pick=True)
    assert one(upstream.needs()).identifier == "f"


def test_headers_are_followed(lab: Lab, tmp_path: Path) -> None:
    """Through other headers, include/uapi, asm of x86 and its generic wrapper, and back to the same directory."""
    files = {
        SOCK: b"#include <uapi/net/deep.h>\n#include <linux/deep.h>\n#include <asm/own.h>\n#include <asm/wrapped.h>\n",
        "include/uapi/net/deep.h": b"",
        "include/uapi/linux/deep.h": b"#define A 1\n",
        "arch/x86/include/asm/own.h": b"#define B 1\n",
        "include/asm-generic/wrapped.h": b"#define C 1\n",
        "net/mptcp/sub/../protocol.h".replace("sub/../", ""): b'#include "../mptcp/other.h"\n',
        "net/mptcp/other.h": b"#define D 1\n",
        MPTCP: HEAD,
    }
    upstream = Upstream.at(lab, tmp_path, files)
    upstream.commit("net: all in one", {SOCK: b"#define A 1\n#define B 1\n#define C 1\n#define D 1\n#define E 1\n"})
    code = b'#include <net/sock.h>\n#include "protocol.h"\nint x = A + B + C + D + E;\n'
    upstream.commit("mptcp: one", {MPTCP: code}, tag="v5.15", pick=True)
    assert one(upstream.needs()).identifier == "E"


def test_include_files(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {"include/crypto/sha.h": b"", MPTCP: b"#include <crypto/sha.h>\n"})
    sha2 = b"#ifndef _CRYPTO_SHA2_H\n#define _CRYPTO_SHA2_H\n#endif\n"
    split = upstream.commit("crypto: split sha.h", {"include/crypto/sha.h": None, "include/crypto/sha2.h": sha2})
    upstream.commit("mptcp: follow", {MPTCP: b"#include <crypto/sha2.h>\n"}, pick=True)
    upstream.commit(
        "mptcp: more", {MPTCP: b"#include <crypto/sha2.h>\n#include <generated/x.h>\n"}, tag="v5.15", pick=True
    )
    need = one(upstream.needs())
    assert (need.kind.value, need.identifier, need.defined_in) == (
        "include file",
        "crypto/sha2.h",
        "include/crypto/sha2.h",
    )
    assert need.introduced_by is not None
    assert need.introduced_by.commit == split
    assert str(need.when) == "include/crypto/sha2.h lacks _CRYPTO_SHA2_H"


def test_an_include_file_that_the_queue_brings(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {MPTCP: b""})
    files = {"include/net/new.h": b"int f(void);\n", MPTCP: b"#include <net/new.h>\nint x = f();\n"}
    upstream.commit("mptcp: both", files, tag="v5.15", pick=True)
    needs = upstream.needs()
    assert [(need.identifier, need.brought_by) for need in needs.needs] == [
        ("f", "p1.patch"),
        ("net/new.h", "p1.patch"),
    ]


def test_kconfig_symbols(lab: Lab, tmp_path: Path) -> None:
    kconfig = "net/mptcp/Kconfig"
    base = {
        "net/Kconfig": b"config NET\n\tbool\nconfig INET\n\tbool\n",
        kconfig: b"config MPTCP\n\tbool\n\tdepends on INET\n",
        MPTCP: b"int a;\n",
    }
    upstream = Upstream.at(lab, tmp_path, base)
    upstream.commit("kunit: new", {"lib/kunit/Kconfig": b"config KUNIT\n\tbool\nconfig KUNIT_TEST\n\tbool\n"})
    changed = {
        kconfig: base[kconfig] + b"\tselect KUNIT if NET\nconfig MPTCP_TEST\n\tdepends on MPTCP\n",
        MPTCP: b"int a;\n#if IS_ENABLED(CONFIG_KUNIT_TEST) && IS_ENABLED(CONFIG_NOWHERE)\n#endif\n",
        "net/mptcp/Makefile": b"obj-$(CONFIG_MPTCP_TEST) += t.o\n",
    }
    upstream.commit("mptcp: tests", changed, tag="v5.15", pick=True)
    found = upstream.needs().needs
    assert [(need.kind.value, need.identifier, str(need.place), str(need.used_by[0])) for need in found] == [
        ("Kconfig symbol", "KUNIT", "lib/kunit/Kconfig:1", f"{kconfig}:4"),
        ("Kconfig symbol", "KUNIT_TEST", "lib/kunit/Kconfig:3", f"{MPTCP}:2"),
    ]


def test_user_space_is_left_alone(lab: Lab, tmp_path: Path) -> None:
    path = "tools/testing/selftests/net/mptcp/mptcp_connect.c"
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", path: b"#include <net/sock.h>\n"})
    upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    upstream.commit("selftests: mptcp", {path: b"#include <net/sock.h>\nint x = f();\n"}, tag="v5.15", pick=True)
    assert upstream.needs().needs == ()


CALLBACK = b"struct ops {\n\tint (*get_info)(const struct sock *sk, int n);\n};\n"
STACK = (
    HEAD
    + b"static int get(const struct sock *sk, int n)\n{\n\treturn 0;\n}\nstruct ops o = {\n\t.get_info = get,\n};\n"
)


def test_a_callback_whose_type_changed(lab: Lab, tmp_path: Path) -> None:
    """Only the function is on a changed line; what sets it never changed."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: CALLBACK, MPTCP: STACK})
    upstream.commit("tcp: not const", {SOCK: CALLBACK.replace(b"const ", b"")})
    upstream.commit("mptcp: follow", {MPTCP: STACK.replace(b"const ", b"")}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert (need.identifier, need.kind.value) == ("ops.get_info", "field")
    assert need.used_by == (Use(path=MPTCP, line=2, name="p1.patch"),)
    assert need.change == "in the base it is `int(const struct sock*,int)`, and the code has `int(struct sock*,int)`"
    assert str(need.when) == f"{SOCK} lacks int (*get_info)(struct sock *sk, int n);"


def test_a_callback_that_is_called_with_more(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: CALLBACK, MPTCP: HEAD})
    upstream.commit("tcp: one more", {SOCK: CALLBACK.replace(b"int n", b"int n, int m")})
    code = HEAD + b"int x(struct ops *o)\n{\n\treturn o->get_info(0, 1, 2);\n}\n"
    upstream.commit("mptcp: follow", {MPTCP: code}, tag="v5.15", pick=True)
    need = one(upstream.needs())
    assert (need.identifier, need.change) == ("ops.get_info", "in the base it takes 2 arguments, and is given 3")


def test_a_conflict_is_taken_as_the_patch_has_it(lab: Lab, tmp_path: Path) -> None:
    path = "net/ipv4/tcp.c"
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", path: HEAD + b"int a;\n", MPTCP: HEAD})
    vendor = upstream.branch()
    vendor.commit("vendor", {path: HEAD + b"int vendor;\n"}, tag="v5.10.1")
    upstream.commit("net: f", {SOCK: b"int f(void);\nint g(void);\n"})
    upstream.commit("mptcp: one", {path: HEAD + b"int b = f();\n"}, pick=True)
    upstream.commit("mptcp: two", {MPTCP: HEAD + b"int c = g();\n"}, tag="v5.15", pick=True)
    assert [need.identifier for need in upstream.needs("v5.10.1").needs] == ["f", "g"]


def test_a_field_by_its_name_alone(lab: Lab, tmp_path: Path) -> None:
    """What a macro gives has no type here; then any structure's field of that name will do."""
    before = b"struct a {\n\tint x;\n};\n"
    code = b"int m(void)\n{\n\treturn macro(1)->x + macro(2)->y;\n}\n"
    after = before + b"struct b {\n\tint x;\n\tint y;\n};\n"
    assert told(lab, tmp_path, before, after, code) == ["field b.y"]


def test_a_field_by_both_its_names(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"struct sock {\n\tint a;\n};\n", MPTCP: HEAD})
    upstream.commit("net: b", {SOCK: b"struct sock {\n\tint a;\n\tint b;\n};\n"})
    code = HEAD + b"int x(struct sock *sk)\n{\n\treturn sk->b;\n}\n"
    upstream.commit("mptcp: b", {MPTCP: code}, tag="v5.15", pick=True)
    needs = upstream.needs()
    assert needs.by_identifier == {"sock.b": one(needs), "b": one(needs)}


def test_the_first_later_release_of_the_base(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    stable = upstream.branch()
    stable.commit("5.10.1", {}, tag="v5.10.1")
    stable.commit("net: f", {SOCK: b"int a;\nint f(void);\n"})
    stable.commit("5.10.2", {}, tag="v5.10.2")
    stable.commit("Revert f", {SOCK: b"int a;\n"}, tag="v5.10.3")
    stable.commit(
        "net: f, again, elsewhere", {SOCK: b"#include <net/f.h>\n", "include/net/f.h": b"static inline int f(void);\n"}
    )
    stable.commit("5.10.10", {}, tag="v5.10.10")
    upstream.commit("net: both", {SOCK: b"int a;\nint f(void);\nint g(void);\n"})
    upstream.commit("mptcp: one", {MPTCP: HEAD + b"int x = f() + g();\n"}, tag="v5.15", pick=True)
    needs = upstream.needs()
    assert {need.identifier: need.base_release for need in needs.needs} == {"f": "v5.10.10", "g": None}
    assert needs.upto == "v5.10.10"


def test_no_target(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {MPTCP: b"int a;\n"})
    upstream.commit("mptcp: b", {MPTCP: b"int b;\n"}, pick=True)
    with pytest.raises(EnvironmentFault, match=r"no target to look for definitions in: .*unknown revision 'v5.16'"):
        upstream.needs(recipe=RECIPE + 'target = "v5.16"\n')


def test_no_recipe_and_no_source(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {MPTCP: b"int a;\n"})
    upstream.commit("mptcp: b", {MPTCP: b"int b;\n"}, tag="v5.15", pick=True)
    queue = upstream.queue()
    result = queue.apply(lab.repo.path, base="v5.10")
    with pytest.raises(EnvironmentFault, match="name it with --source"):
        find_needs(result, Queue.load(queue.directory))
    (queue.directory / "recipe.toml").unlink()
    with pytest.raises(BadInput, match="only a recipe names that"):
        find_needs(result, Queue.load(queue.directory, source=lab.repo.path))
