# SPDX-License-Identifier: MIT
"""Conditions: a plain substring of one file of the base."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput, UnsafePath
from mptcp_series.values.condition import Condition, Relation

EXPECTED = "(expected 'path has text' or 'path lacks text')"
TEXTS = st.text(min_size=1).map(lambda text: text.strip(" \t\r\n").replace("\n", "").replace("\r", "")).filter(bool)


def test_parse() -> None:
    condition = Condition.parse("\tinclude/net/sock.h  lacks   void  sock_set_timestamp( ")
    assert condition == Condition(path="include/net/sock.h", relation=Relation.LACKS, text="void  sock_set_timestamp(")
    assert str(condition) == "include/net/sock.h lacks void  sock_set_timestamp("


@pytest.mark.parametrize(
    ("content", "has", "lacks"),
    [
        (None, False, True),
        (b"", False, True),
        (b"int foo bar;", True, False),
        (b"\xff foo bar \x00", True, False),
        (b"foo\nbar", False, True),
    ],
)
def test_holds(content: bytes | None, has: bool, lacks: bool) -> None:
    assert Condition.parse("a has foo bar").holds(content) is has
    assert Condition.parse("a lacks foo bar").holds(content) is lacks


@given(st.sampled_from(Relation), TEXTS)
def test_str_and_parse_are_inverse(relation: Relation, text: str) -> None:
    condition = Condition(path="net/x.c", relation=relation, text=text)
    assert Condition.parse(str(condition)) == condition


@given(TEXTS, st.none() | st.binary())
def test_has_is_the_opposite_of_lacks(text: str, content: bytes | None) -> None:
    has, lacks = (Condition(path="a", relation=relation, text=text) for relation in Relation)
    assert has.holds(content) is not lacks.holds(content)


@pytest.mark.parametrize("text", ["", " ", "a", "a has", "a has ", "a has x\ny"])
def test_refuses_what_is_not_in_the_form(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Condition.parse(text)
    assert str(caught.value) == f"bad condition {text!r} {EXPECTED}"


def test_refuses_other_words() -> None:
    with pytest.raises(BadInput) as caught:
        Condition.parse("a b.c has x")
    assert str(caught.value) == f"bad condition 'a b.c has x': unknown word 'b.c' {EXPECTED}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../x", "unsafe path '../x': leaves the tree by '..'"),
        ("a\xa0b", "unsafe path 'a\\xa0b': holds a blank, which a condition's path may not"),
    ],
)
def test_refuses_an_unsafe_path(path: str, message: str) -> None:
    with pytest.raises(UnsafePath) as caught:
        Condition.parse(f"{path} has x")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", " x", "x\t", "a\nb", "a\rb"])
def test_refuses_text_that_could_not_be_read_back(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Condition(path="a", relation=Relation.HAS, text=text)
    assert str(caught.value) == f"bad text {text!r} in a condition (expected one line without surrounding blanks)"
