# SPDX-License-Identifier: MIT
"""The commit that introduces what is needed: on branches, under other names, and where the history does not tell."""

from __future__ import annotations

from pathlib import Path

from mptcp_series.values.need import Introduction, Need, Step

from .conftest import Lab
from .needs_lab import MPTCP, SOCK, Upstream, makefile, one

HEAD = b"#include <net/sock.h>\n"
USE = HEAD + b"int x = f();\n"
TCP = "net/ipv4/tcp.c"


def body(name: str, calls: str = "", static: str = "") -> bytes:
    lines = "".join(f"\tstep_{number}(sk, {number});\n" for number in range(6))
    return f"{static}void {name}(struct sock *sk)\n{{\n{lines}\t{calls};\n}}\n".encode()


def introduced(need: Need) -> Introduction:
    assert need.introduced_by is not None
    return need.introduced_by


def ended(upstream: Upstream, code: bytes = USE) -> Need:
    """The need of a stack that begins to use something in the last commit of a line."""
    upstream.commit("mptcp: use it", {MPTCP: code}, tag="v5.15", pick=True)
    return one(upstream.needs())


def test_a_commit_among_many(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int v0;\n", MPTCP: HEAD})
    for number in range(20):
        upstream.commit(f"net: {number}", {SOCK: b"int v%d;\n" % number})
    upstream.tag("v5.11")
    wanted = upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    for number in range(20):
        upstream.commit(f"net: again {number}", {SOCK: b"int f(void);\nint v%d;\n" % number})
    upstream.tag("v5.12")
    assert introduced(ended(upstream)) == Introduction(commit=wanted, subject="net: f", release="v5.12")


def test_a_branch_of_a_branch(lab: Lab, tmp_path: Path) -> None:
    """Merged twice; the release is the first of the line that has the outer merge."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    topic = upstream.branch()
    topic.commit("net: before", {"net/a.c": b"int a;\n"})
    inner = topic.branch()
    wanted = inner.commit("net: f", {SOCK: b"int f(void);\n"})
    after = inner.commit("net: after", {"net/b.c": b"int b;\n"})
    merge = topic.commit("Merge inner", {SOCK: b"int f(void);\n"}, merge=[after])
    upstream.commit("net: meanwhile", {"net/c.c": b"int c;\n"}, tag="v5.11")
    upstream.commit("Merge topic", {SOCK: b"int f(void);\n"}, merge=[merge])
    upstream.commit("Linux 5.12", {}, tag="v5.12")
    found = introduced(ended(upstream))
    assert (found.commit, found.release, found.step) == (wanted, "v5.12", Step.CHANGE)


def test_written_by_a_merge(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    side = upstream.branch().commit("net: side", {"net/b.c": b"int b;\n"})
    merge = upstream.commit("Merge side", {SOCK: b"int f(void);\n"}, merge=[side])
    need = ended(upstream)
    assert (introduced(need).commit, introduced(need).step) == (merge, Step.MERGE)
    assert upstream.needs().proposals == ()


def test_a_backport_names_its_upstream(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    upstream.commit(f"net: f\n\ncommit {'a' * 40} upstream.\n", {SOCK: b"int f(void);\n"})
    found = introduced(ended(upstream))
    assert (found.subject, found.upstream) == ("net: f", "a" * 40)


def test_a_static_that_became_global(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, TCP: b"int a;\n" + body("f", static="static ")})
    wanted = upstream.commit("tcp: export f", {SOCK: b"void f(struct sock *sk);\n", TCP: body("f")})
    upstream.commit("mptcp: elsewhere", {"net/ipv4/other.c": b"int b;\n"}, pick=True)
    need = ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n")
    assert introduced(need).commit == wanted
    assert (need.former_name, str(need.former_place)) == ("f", f"{TCP}:2")


def test_a_function_that_was_renamed(lab: Lab, tmp_path: Path) -> None:
    """`static skb_entail()` became `tcp_skb_entail()`; its body tells, another one's does not."""
    old = body("skb_entail", static="static ") + b"void other(void)\n{\n\ta();\n\tb();\n\tc();\n}\n"
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, TCP: old})
    files = {SOCK: b"void f(struct sock *sk);\n", TCP: old.replace(b"static void skb_entail", b"void f")}
    wanted = upstream.commit("tcp: rename", files)
    upstream.commit("mptcp: elsewhere", {"net/ipv4/other.c": b"int b;\n"}, pick=True)
    need = ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n")
    assert introduced(need).commit == wanted
    assert (need.former_name, str(need.former_place)) == ("skb_entail", f"{TCP}:1")


def test_a_function_that_another_was_split_into(lab: Lab, tmp_path: Path) -> None:
    """`tcp_close()` became `__tcp_close()` and a new `tcp_close()` that calls it."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, TCP: body("tcp_close")})
    after = body("f") + b"void tcp_close(struct sock *sk)\n{\n\tlock_sock(sk);\n\tf(sk);\n}\n"
    upstream.commit("tcp: split", {SOCK: b"void f(struct sock *sk);\n", TCP: after})
    upstream.commit("mptcp: elsewhere", {"net/ipv4/other.c": b"int b;\n"}, pick=True)
    assert ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n").former_name == "tcp_close"


def test_renamed_by_a_commit_in_a_directory_nobody_touches(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, "kernel/a.c": body("old_name")})
    upstream.commit("kernel: rename", {SOCK: b"void f(struct sock *sk);\n", "kernel/a.c": body("f")})
    upstream.commit("kernel: away", {"kernel/a.c": body("f", "changed_a_lot(sk)")})
    need = ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n")
    assert (need.former_name, str(need.former_place)) == ("old_name", "kernel/a.c:1")


def test_what_was_renamed_is_younger_than_the_base_too(lab: Lab, tmp_path: Path) -> None:
    """Two commits are needed, and both are proposed, the older one first."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD, TCP: b"int a;\n"})
    first = upstream.commit("tcp: old_name", {SOCK: b"void old_name(struct sock *sk);\n", TCP: body("old_name")})
    upstream.commit("tcp: meanwhile", {"net/ipv4/x.c": b"int x;\n"})
    second = upstream.commit("tcp: rename", {SOCK: b"void f(struct sock *sk);\n", TCP: body("f")})
    need = ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n")
    found = introduced(need)
    assert found.commit == second
    assert found.former == Introduction(commit=first, subject="tcp: old_name")
    assert need.former_name is None
    assert [proposal.commit for proposal in upstream.needs().proposals] == [first, second]


def test_one_commit_a_release(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    squashed = upstream.commit("up to 5.15.1", {"Makefile": makefile(1, 15), SOCK: b"int f(void);\n"}, tag="v5.15.1")
    need = ended(upstream)
    assert introduced(need) == Introduction(
        commit=squashed, subject="up to 5.15.1", release="v5.15.1", step=Step.RELEASE
    )
    assert upstream.needs().proposals == ()


def test_where_the_history_begins(lab: Lab, tmp_path: Path) -> None:
    """The target has no history in common with the base."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    other = Upstream(lab, tmp_path)
    root = other.commit("everything", {**upstream.files, SOCK: b"int f(void);\n"})
    other.commit("more", {"net/a.c": b"int a;\n"})
    upstream.commit("mptcp: use it", {MPTCP: USE}, pick=True)
    other.commit("mptcp: use it", {MPTCP: USE}, tag="v5.15")
    need = one(upstream.needs())
    assert (introduced(need).commit, introduced(need).step) == (root, Step.OLDEST)


def test_where_the_history_is_cut(lab: Lab, tmp_path: Path) -> None:
    """In a shallow clone the oldest commit names a parent that is not there."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    missing = "1" * 40
    raw = lab.repo[upstream.commit("cut", {SOCK: b"int f(void);\n"})].read_raw()
    head, _, rest = raw.partition(b"\nparent ")
    cut = lab.repo.write(1, head + b"\nparent " + missing.encode() + rest[40:])
    upstream.tip = str(cut)
    upstream.commit("after", {"net/a.c": b"int a;\n"})
    need = ended(upstream)
    assert (introduced(need).commit, introduced(need).step) == (str(cut), Step.OLDEST)


def test_came_went_and_came_again(lab: Lab, tmp_path: Path) -> None:
    """One of the two beginnings; both bring it."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"", MPTCP: HEAD})
    first = upstream.commit("net: f", {SOCK: b"int f(void);\n"})
    upstream.commit("Revert f", {SOCK: b"\n"})
    second = upstream.commit("net: f again", {SOCK: b"int f(void);\n"})
    assert introduced(ended(upstream)).commit in (first, second)


def test_a_definition_that_only_changed(lab: Lab, tmp_path: Path) -> None:
    """What counts is the definition as it is needed: the one with as many arguments."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"void f(int a, int b);\n", MPTCP: HEAD})
    wanted = upstream.commit("net: f takes one", {SOCK: b"void f(int a);\n"})
    upstream.commit("net: names", {SOCK: b"void f(int n);\n"})
    need = ended(upstream, HEAD + b"void x(void)\n{\n\tf(0);\n}\n")
    assert introduced(need).commit == wanted
    assert need.change == "in the base it takes 2 arguments, and is given 1"
