# SPDX-License-Identifier: MIT
"""Names of patches: stable, unique, bounded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput
from mptcp_series.values.naming import did_you_mean, numbered_name, parse_commit_id, patch_name
from mptcp_series.values.paths import check_tree_path

ID = "13c7ba0c8494a4fcee9e8cc163ae332d0480bde5"
SUBJECTS = st.text() | st.text("aB.-_ /é\n", max_size=90)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("mptcp: adjust receive buffer limit", "mptcp-adjust-receive-buffer-limit.patch"),
        ('Revert "tcp: don\'t"', "revert-tcp-don-t.patch"),
        ("net/mptcp: a_b  --  v5.10...", "net-mptcp-a_b-v5.10.patch"),
        ("a...b", "a.b.patch"),
        (".config: hidden no more", "config-hidden-no-more.patch"),
        ("", "patch.patch"),
        ("…", "patch.patch"),
        ("x" * 70, "x" * 64 + ".patch"),
        ("y" * 63 + " z", "y" * 63 + ".patch"),
    ],
)
def test_patch_name(subject: str, name: str) -> None:
    assert patch_name(subject, frozenset()) == name


def test_second_and_third_of_a_name_are_numbered() -> None:
    taken: set[str] = set()
    for _ in range(11):
        taken.add(patch_name("w" * 64, taken))
    assert taken == {
        "w" * 64 + ".patch",
        *("w" * 62 + f"-{number}.patch" for number in range(2, 10)),
        *("w" * 61 + f"-{number}.patch" for number in (10, 11)),
    }


@given(st.lists(SUBJECTS, max_size=20))
def test_names_are_unique_safe_and_bounded(subjects: list[str]) -> None:
    taken: set[str] = set()
    for subject in subjects:
        name = patch_name(subject, taken)
        assert name not in taken
        assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,63}\.patch", name)
        assert check_tree_path(name) is None
        taken.add(name)


@given(SUBJECTS, st.sets(st.text(max_size=5)))
def test_a_name_depends_on_names_of_its_own_only(subject: str, others: set[str]) -> None:
    assert patch_name(subject, others) == patch_name(subject, frozenset())


@pytest.mark.parametrize(
    ("index", "subject", "name"),
    [
        (1, "mptcp: Fix (rare) MIB", f"0001-{ID}-mptcp_Fix_rare_MIB.patch"),
        (431, "net/mptcp: sub-flow v5.10", f"0431-{ID}-netmptcp_sub-flow_v5.10.patch"),
        (12345, " ", f"12345-{ID}-patch.patch"),
        (0, "a " * 60, f"0000-{ID}-{'_'.join('a' * 32)}.patch"),
    ],
)
def test_numbered_name(index: int, subject: str, name: str) -> None:
    assert numbered_name(index, ID, subject) == name


@given(st.integers(0, 99999), SUBJECTS)
def test_numbered_names_are_safe_and_bounded(index: int, subject: str) -> None:
    assert re.fullmatch(rf"\d{{4,5}}-{ID}-[A-Za-z0-9._-]{{1,64}}\.patch", numbered_name(index, ID, subject))


def test_numbered_name_refuses() -> None:
    with pytest.raises(BadInput) as caught:
        numbered_name(-1, ID, "")
    assert str(caught.value) == "a patch cannot have the number -1"
    with pytest.raises(BadInput) as caught:
        numbered_name(1, "13c7ba0c8494", "")
    assert str(caught.value) == "not a full commit id: '13c7ba0c8494' (expected 40 hex digits)"


def test_commit_id() -> None:
    assert parse_commit_id(ID.upper()) == ID
    for bad in ("", ID[:-1], ID + "0", ID + "\n", "g" * 40, "HEAD"):
        with pytest.raises(BadInput) as caught:
            parse_commit_id(bad)
        assert str(caught.value) == f"not a full commit id: {bad!r} (expected 40 hex digits)"


def test_did_you_mean() -> None:
    assert did_you_mean("REASN", ["Reason", "Base"]) == "; did you mean 'Reason'?"
    assert did_you_mean("zzz", ["Reason", "Base"]) == ""
