# SPDX-License-Identifier: MIT
"""Subjects as git has them (what `git log --format=%s` says of the same bytes is in tests/compat)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.values.subject import subject_of

from .conftest import Lab


@pytest.mark.parametrize(
    ("message", "encoding", "subject"),
    [
        (b"", None, ""),
        (b"\n \n", None, ""),
        (b"mptcp: x", None, "mptcp: x"),
        (b"\n\nmptcp: x\n\nbody\n", None, "mptcp: x"),
        (b"mptcp: x  \n\nbody\n", None, "mptcp: x"),
        (b"mptcp: x\r\n\r\nbody\r\n", None, "mptcp: x"),
        (b"mptcp: x\n \t\nbody\n", None, "mptcp: x"),
        (b"mptcp: one\n  two \nthree\n\nbody\n", None, "mptcp: one   two three"),
        (b"mptcp: caf\xe9\n", b"ISO-8859-1", "mptcp: caf\xe9"),
        (b"mptcp: caf\xe9\n", None, "mptcp: caf\ufffd"),
        (b"mptcp: caf\xe9\n", b"no such encoding", "mptcp: caf\ufffd"),
        (b"mptcp: caf\xe9\n", b"\xff", "mptcp: caf\ufffd"),
        (b"mptcp: caf\xe9\n", b"UTF-8\0", "mptcp: caf\ufffd"),
        (b"mptcp: caf\xe9\n", b"\0", "mptcp: caf\ufffd"),
        (b"mptcp: x\n", b"undefined", "mptcp: x"),  # a codec of Python's, which refuses every text
        (b"mptcp: x\n", b"base64", "mptcp: x"),  # one that makes no text
        ("mptcp: caf\xe9\n".encode(), b"UTF-8", "mptcp: caf\xe9"),
    ],
)
def test_subject(message: bytes, encoding: bytes | None, subject: str) -> None:
    assert subject_of(message, encoding) == subject


@given(st.binary(max_size=40))
def test_a_subject_is_one_line_of_the_message(message: bytes) -> None:
    found = subject_of(message)
    assert "\n" not in found
    assert bool(found) == bool(message.strip())


def test_the_subject_of_an_entry_is_that_of_its_commit(lab: Lab) -> None:
    """What an override names by subject, and what results say."""
    for message, subject in (("\n\nmptcp: x  \n", "mptcp: x"), ("mptcp: one\ntwo\n\nbody\n", "mptcp: one two")):
        run = lab.replay({"f": b"1\n"}, lab.pick({"f": b"1\n"}, {"f": b"2\n"}, message=message))
        assert run.only.subject == subject
