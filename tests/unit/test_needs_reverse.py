# SPDX-License-Identifier: MIT
"""What the base's own code loses when the queue removes something, or changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.values.need import NeedKind, Place, Reverse

from .conftest import Lab
from .needs_lab import MPTCP, RECIPE, Upstream, makefile

API = "include/net/mptcp.h"
COOKIES = "net/ipv4/syncookies.c"
INCLUDE = b"#include <net/mptcp.h>\n"


def found(lab: Lab, tmp_path: Path, before: bytes, after: bytes, user: bytes) -> list[str]:
    """What is left behind in a file that nobody touches."""
    upstream = Upstream.at(lab, tmp_path, {API: before, MPTCP: INCLUDE, COOKIES: INCLUDE + user})
    upstream.commit("mptcp: another way", {API: after, MPTCP: INCLUDE + b"int x;\n"}, tag="v5.15", pick=True)
    return [f"{entry.kind.value} {entry.identifier} {entry.used_in.line}" for entry in upstream.needs().reverse]


@pytest.mark.parametrize(
    ("before", "after", "user", "expected"),
    [
        (b"extern struct ops o;\n", b"", b"void *p = &o;\n", ["variable o 2"]),
        (b"int f(void);\n", b"", b"int x = 1;\nint y = f();\n", ["function f 3"]),
        (b"#define M 1\n", b"", b"int x = M;\n", ["macro M 2"]),
        (b"struct s {\n\tint a;\n};\n", b"", b"struct s x;\n", ["struct s 2"]),
        (b"enum {\n\tE = 1,\n};\n", b"", b"int x = E;\n", ["enum constant E 2"]),
        (
            b"struct s {\n\tint gone;\n\tint a;\n};\n",
            b"struct s {\n\tint a;\n};\n",
            b"int x(struct s *p)\n{\n\treturn p->gone;\n}\n",
            ["field s.gone 4"],
        ),
        # Changed.
        (b"void f(int a);\n", b"void f(int a, int b);\n", b"void x(void)\n{\n\tf(1);\n}\n", ["function f 4"]),
        (
            b"struct ops {\n\tint (*get)(const struct sock *sk);\n};\n",
            b"struct ops {\n\tint (*get)(struct sock *sk);\n};\n",
            b"static int g(const struct sock *sk)\n{\n\treturn 0;\n}\nstruct ops o = { .get = g };\n",
            ["field ops.get 6"],
        ),
        (b"void f(int a);\n", b"void f(long a);\n", b"void x(void)\n{\n\tf(1);\n}\n", []),
        # There in another way, not meant, or the file's own.
        (b"int f(void);\n", b"#define f() 1\n", b"int x = f();\n", []),
        (b"int f(void);\n", b"", b"/* f() */\nint x;\n", []),
        (b"int f(void);\n", b"", b"static int f(void)\n{\n\treturn 1;\n}\nint x = f();\n", []),
        (b"extern int v;\n", b"", b"int x(int v)\n{\n\treturn v;\n}\n", []),
        (b"int f(void);\n", b"", b"#include <net/other.h>\nint x = 1;\n", []),
    ],
)
def test_left_behind(lab: Lab, tmp_path: Path, before: bytes, after: bytes, user: bytes, expected: list[str]) -> None:
    assert found(lab, tmp_path, before, after, user) == expected


def test_all_that_is_told(lab: Lab, tmp_path: Path) -> None:
    before = b"int a;\nextern struct ops mptcp_ops;\n"
    user = INCLUDE + b"void *p = &mptcp_ops;\n"
    upstream = Upstream.at(lab, tmp_path, {API: before, MPTCP: b"int a;\n", COOKIES: user})
    stable = upstream.branch()
    stable.commit("5.10.1", {}, tag="v5.10.1")
    stable.commit("5.10.2", {COOKIES: INCLUDE + b"void *p;\n"}, tag="v5.10.2")
    upstream.commit("mptcp: without", {API: b"int a;\n", MPTCP: b"int b;\n"}, pick=True)
    upstream.commit("mptcp: more", {MPTCP: b"int c;\n"}, tag="v5.15", pick=True)
    needs = upstream.needs()
    assert needs.reverse == (
        Reverse(
            identifier="mptcp_ops",
            kind=NeedKind.VARIABLE,
            defined_in=API,
            line=2,
            removed_by="p1.patch",
            used_in=Place(path=COOKIES, line=2),
            base_release="v5.10.2",
        ),
    )
    assert needs.reasons() == [f"left behind: {COOKIES}:2 uses variable mptcp_ops, removed by p1.patch"]


def test_what_the_queue_follows_itself(lab: Lab, tmp_path: Path) -> None:
    files = {API: b"extern struct ops o;\n", MPTCP: b"", COOKIES: INCLUDE + b"void *p = &o;\n"}
    upstream = Upstream.at(lab, tmp_path, files)
    upstream.commit("mptcp: without", {API: b"", MPTCP: b"int b;\n"}, pick=True)
    upstream.commit("syncookies: follow", {COOKIES: INCLUDE + b"void *p;\n"}, tag="v5.15", pick=True)
    needs = upstream.needs()
    (entry,) = needs.reverse
    assert (entry.removed_by, entry.answered_by, entry.unmet) == ("p1.patch", "p2.patch", False)
    assert needs.reasons() == []


def test_a_changed_function_whose_callers_follow(lab: Lab, tmp_path: Path) -> None:
    call = INCLUDE + b"void x(void)\n{\n\tf(1);\n}\n"
    upstream = Upstream.at(lab, tmp_path, {API: b"void f(int a);\n", MPTCP: b"", COOKIES: call})
    files = {API: b"void f(int a, int b);\n", MPTCP: b"int b;\n", COOKIES: call.replace(b"f(1)", b"f(1, 2)")}
    upstream.commit("mptcp: one more", files, tag="v5.15", pick=True)
    (entry,) = upstream.needs().reverse
    assert (entry.change, entry.answered_by) == ("it was `void(int)`, and is `void(int,int)`", "p1.patch")


def test_only_subsystems_that_are_touched_are_read(lab: Lab, tmp_path: Path) -> None:
    """And nothing is if nothing is removed; a file of drivers/ is for a compiler to find."""
    files = {API: b"int f(void);\n", MPTCP: b"", "drivers/a.c": INCLUDE + b"int x = f();\n"}
    upstream = Upstream.at(lab, tmp_path, {**files, "net/core/b.c": INCLUDE + b"int y = f();\n"})
    upstream.commit("mptcp: without", {API: b"", MPTCP: b"int b;\n"}, tag="v5.15", pick=True)
    assert [entry.used_in.path for entry in upstream.needs().reverse] == ["net/core/b.c"]


def test_a_function_that_moved_to_another_header(lab: Lab, tmp_path: Path) -> None:
    files = {API: b"#include <net/b.h>\nint f(void);\n", "include/net/b.h": b"", MPTCP: INCLUDE}
    upstream = Upstream.at(lab, tmp_path, {**files, COOKIES: INCLUDE + b"int y = f();\n"})
    moved = {API: b"#include <net/b.h>\n", "include/net/b.h": b"int f(void);\n", MPTCP: INCLUDE + b"int b;\n"}
    upstream.commit("mptcp: move f", moved, tag="v5.15", pick=True)
    assert upstream.needs().reverse == ()


def test_what_alignment_takes_out(lab: Lab, tmp_path: Path) -> None:
    """A stable release that has a function of the stack, and a use of it outside, on which the queue builds."""
    upstream = Upstream.at(lab, tmp_path, {API: b"int a;\n", MPTCP: b"int a;\n", COOKIES: INCLUDE + b"int b;\n"})
    stable = upstream.branch()
    files = {"Makefile": makefile(1), API: b"int a;\nint f(void);\n", COOKIES: INCLUDE + b"int b = f();\n"}
    stable.commit("Linux 5.10.1", files, tag="v5.10.1")
    upstream.commit("mptcp: b", {MPTCP: b"int b;\n"}, tag="v5.15", pick=True)
    assert upstream.needs("v5.10.1").reverse == ()  # it is put back at the queue's end
    (entry,) = upstream.needs("v5.10.1", recipe=RECIPE + 'lost = "refuse"\n').reverse
    assert (entry.identifier, entry.used_in, entry.removed_by) == (
        "f",
        Place(path=COOKIES, line=2),
        "align-to-v5.10.patch",
    )
