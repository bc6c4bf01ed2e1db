# SPDX-License-Identifier: MIT
"""Proposals: which commits, with which condition, and the recipe they are written into."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.needs.propose import with_answers, with_proposals
from mptcp_series.values.recipe import Recipe

from .conftest import Lab
from .needs_lab import MPTCP, RECIPE, SOCK, Upstream, one

HEAD = b"#include <net/sock.h>\n"


def two_needs(lab: Lab, tmp_path: Path) -> tuple[Upstream, str, str]:
    """f and g come with one commit, h with another."""
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    first = upstream.commit("net: f and g", {SOCK: b"int a;\nint f(void);\nint g(void);\n"})
    second = upstream.commit("net: h", {"include/linux/h.h": b"#define h() 1\n"}, tag="v5.11")
    code = HEAD + b"#include <linux/h.h>\nint x = f() + g() + h();\n"
    upstream.commit("mptcp: use them", {MPTCP: code}, tag="v5.15", pick=True)
    return upstream, first, second


def test_one_for_each_commit(lab: Lab, tmp_path: Path) -> None:
    upstream, first, second = two_needs(lab, tmp_path)
    found = upstream.needs().proposals
    assert [(proposal.commit, proposal.identifiers) for proposal in found] == [
        (first, ("f", "g")),
        (second, ("h", "linux/h.h")),
    ]
    assert found[0].reason == (
        f"net: f and g ({first[:12]}, v5.11). It brings function f, function g; used by p1.patch."
    )
    assert [str(proposal.when) for proposal in found] == [f"{SOCK} lacks f(", "include/linux/h.h lacks h("]


def test_a_condition_holds_for_the_base_and_not_for_the_target(lab: Lab, tmp_path: Path) -> None:
    upstream, *_ = two_needs(lab, tmp_path)
    for need in upstream.needs().needs:
        assert need.when is not None
        assert need.when.holds(upstream.lab.files(upstream.lab.tree({SOCK: b"int a;\n"})).get(need.when.path))  # type: ignore[arg-type]
        assert not need.when.holds(upstream.files[need.when.path])


@pytest.mark.parametrize(
    ("before", "after", "code", "text"),
    [
        (b"int a;\n", b"int a;\nint f(void);\n", b"int x = f();\n", "f("),
        (b"int a;\n", b"int a;\nint proc_f(void);\n", b"int x = proc_f();\n", "proc_f("),
        (b"int a;\n", b"int a;\n#define SO_X 3\n", b"int x = SO_X;\n", "SO_X"),
        (
            b"struct sock {\n\tint (*f)(int);\n};\n",
            b"struct sock {\n\tint (*f)(int);\n};\nint f(void);\n",
            b"int x = f();\n",
            "f(",
        ),
        (
            b"/* so_stamp */\n",
            b"/* so_stamp */\nstruct so_stamp {\n\tint a;\n};\n",
            b"struct so_stamp x;\n",
            "struct so_stamp {",
        ),
        (b"void f(int a, int b);\n", b"void f(int a);\n", b"void x(void)\n{\n\tf(1);\n}\n", "void f(int a);"),
        # No line of the target's file tells the two apart.
        (
            b"struct a {\n\tint f;\n};\nstruct b {\n\tint g;\n};\n",
            b"struct a {\n\tint f;\n};\nstruct b {\n\tint g;\n\tint f;\n};\n",
            b"struct b x = { .f = 1 };\n",
            None,
        ),
    ],
)
def test_the_text_of_a_condition(
    lab: Lab, tmp_path: Path, before: bytes, after: bytes, code: bytes, text: str | None
) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: before, MPTCP: HEAD})
    upstream.commit("net: f", {SOCK: after})
    upstream.commit("mptcp: use it", {MPTCP: HEAD + code}, tag="v5.15", pick=True)
    when = one(upstream.needs()).when
    assert (None if when is None else when.text) == text


def test_what_the_recipe_has_decided(lab: Lab, tmp_path: Path) -> None:
    upstream, first, second = two_needs(lab, tmp_path)
    recipe = RECIPE
    recipe += f'\n[[prerequisite]]\ncommit = "{first}"\nreason = "later"\n'
    recipe += f'\n[[exclude]]\ncommit = "{second}"\nreason = "5.10 has no h"\n'
    needs = upstream.needs(recipe=recipe)
    assert needs.proposals == ()
    # What the recipe names comes with the next extract; what it leaves out stays missing.
    assert {need.identifier: need.answered_by for need in needs.needs} == {
        "f": first,
        "g": first,
        "h": None,
        "linux/h.h": None,
    }
    assert [need.identifier for need in needs.unmet] == ["h", "linux/h.h"]
    assert needs.warnings[0] == f"h is missing because the recipe excludes {second[:12]}: 5.10 has no h"


def test_a_prerequisite_that_is_queued_answers(lab: Lab, tmp_path: Path) -> None:
    upstream, first, second = two_needs(lab, tmp_path)
    upstream.picked[:0] = [first, second]
    recipe = RECIPE
    recipe += f'\n[[prerequisite]]\ncommit = "{first}"\nreason = "f"\n'
    recipe += f'\n[[prerequisite]]\ncommit = "{second}"\nreason = "h"\n'
    needs = upstream.needs(recipe=recipe)
    assert needs.reasons() == []
    assert {need.brought_by for need in needs.needs} == {"p1.patch", "p2.patch"}


def test_a_recipe_that_names_the_upstream_commit(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    upstream.commit(f"net: f\n\ncommit {'a' * 40} upstream.\n", {SOCK: b"int a;\nint f(void);\n"})
    upstream.commit("mptcp: use it", {MPTCP: HEAD + b"int x = f();\n"}, tag="v5.15", pick=True)
    recipe = RECIPE + f'\n[[prerequisite]]\ncommit = "{"a" * 40}"\nreason = "f"\n'
    needs = upstream.needs(recipe=recipe)
    assert (one(needs).answered_by, needs.proposals) == ("a" * 40, ())


ODD = '# A comment\r\n[series]  # as written\r\nrange = "v5.10..v5.15"\r\nname   = "q"\r\n' + (
    'match = ["net/mptcp"]\r\nowned = [\r\n  "net/mptcp/", # the stack\r\n]\r\n'
)


def test_writing_changes_nothing_that_is_there(lab: Lab, tmp_path: Path) -> None:
    upstream, first, second = two_needs(lab, tmp_path)
    found = upstream.needs().proposals
    recipe = Recipe.parse(ODD.encode(), "recipe.toml")
    written = with_proposals(recipe, found)
    assert written.render().startswith(ODD.encode())
    assert [(entry.commit, str(entry.when)) for entry in written.prerequisites] == [
        (first, f"{SOCK} lacks f("),
        (second, "include/linux/h.h lacks h("),
    ]
    assert b"\n" not in written.render().replace(b"\r\n", b"")


def test_writing_twice_is_writing_once(lab: Lab, tmp_path: Path) -> None:
    upstream, *_ = two_needs(lab, tmp_path)
    found = upstream.needs().proposals
    once = with_proposals(Recipe.parse(RECIPE.encode(), "recipe.toml"), found)
    assert with_proposals(once, found).render() == once.render()
    assert upstream.needs(recipe=once.render().decode()).proposals == ()


def test_what_was_written_answers(lab: Lab, tmp_path: Path) -> None:
    upstream, first, second = two_needs(lab, tmp_path)
    needs = upstream.needs()
    after = with_answers(needs, needs.proposals)
    assert [need.answered_by for need in after.needs] == [first, first, second, second]
    assert (after.reasons(), after.proposals) == ([], ())


def test_a_subject_cannot_break_the_recipe(lab: Lab, tmp_path: Path) -> None:
    upstream = Upstream.at(lab, tmp_path, {SOCK: b"int a;\n", MPTCP: HEAD})
    upstream.commit('net: "f" \\ \x1b[31m\x7f', {SOCK: b"int a;\nint f(void);\n"})
    upstream.commit("mptcp: use it", {MPTCP: HEAD + b"int x = f();\n"}, tag="v5.15", pick=True)
    written = with_proposals(Recipe.parse(RECIPE.encode(), "recipe.toml"), upstream.needs().proposals)
    (entry,) = Recipe.parse(written.render(), "recipe.toml").prerequisites
    assert entry.reason.startswith('net: "f" \\  [31m  (')
