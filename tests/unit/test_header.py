# SPDX-License-Identifier: MIT
"""Headers and people: what mail, DEP-3 and prose say, and hostile ones in good time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.values.header import Header
from mptcp_series.values.person import Person

PAOLO = Person(name="Paolo Tester", email="paolo@example.org", time=1612137600, offset=60)
DATE = b"Date: Mon, 1 Feb 2021 01:00:00 +0100\n"


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"", Header()),
        (b"\n\n", Header()),
        (
            b"From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: Paolo Tester <paolo@example.org>\n"
            + DATE
            + b"Subject: [PATCH net-next v2 3/5] mptcp: a subject\n that is folded\n\n"
            + b"Why.\n\nMore: of it.\n---\n x | 2 +-\n",
            Header(subject="mptcp: a subject that is folded", author=PAOLO, body="Why.\n\nMore: of it.\n"),
        ),
        (b"Subject: x\r\n\r\nbody\r\n---\r\n stat\r\n", Header(subject="x", body="body\n")),
        # Prose whose first line looks like a header field, as kernel subjects do.
        (
            b"mptcp: fix it\n\nWhy.\nSigned-off-by: A <a@b>\n",
            Header(subject="mptcp: fix it", body="Why.\nSigned-off-by: A <a@b>\n"),
        ),
        (b"just words\nand more\n", Header(subject="just words", body="and more\n")),
        # DEP-3.
        (
            b"Description: short\n long one\n .\n and more\nAuthor: Paolo Tester <paolo@example.org>\n"
            b"Forwarded: no\n\nfree text\n",
            Header(
                subject="short",
                author=Person(name="Paolo Tester", email="paolo@example.org"),
                body="long one\n\nand more\nfree text\n",
            ),
        ),
        # git am: a From line that opens the body is the author.
        (
            b"From: List <list@example.org>\nSubject: x\n"
            + DATE
            + b"\nFrom: Paolo Tester <paolo@example.org>\n\nbody\n",
            Header(subject="x", author=PAOLO, body="body\n"),
        ),
        (
            b"From: =?UTF-8?q?Caf=C3=A9?= <c@d>\nSubject: =?utf-8?b?w6k=?= x\n\n",
            Header(subject="\xe9 x", author=Person(name="Caf\xe9", email="c@d")),
        ),
        (
            b'From: "Last, \\"First\\"" <c@d>\nSubject: x\n',
            Header(subject="x", author=Person(name='Last, "First"', email="c@d")),
        ),
        (b"From: c@d\nSubject: x\n", Header(subject="x", author=Person(name="", email="c@d"))),
        (b"From: nobody\nSubject: x\n", Header(subject="x")),
        (b"Subject: x\n\n\xe9\n", Header(subject="x", body="\xe9\n")),
        (b"Subject: x\n\n\xc3\xa9\n", Header(subject="x", body="\xe9\n")),
        # What stands above the first file in a plain diff is no message.
        (b"x\n\nbody\n\nIndex: linux/x\n" + b"=" * 67 + b"\n", Header(subject="x", body="body\n")),
        (b"x\n\nbody\ndiff -urN a/x b/x\n", Header(subject="x", body="body\n")),
        (b"Subject: [PATCH]\n\nbody\n", Header(subject="", body="body\n")),
        # Dates no commit can hold are the epoch.
        (
            b"From: a <b@c>\nDate: Mon, 1 Jan 99999 00:00:00 +0000\nSubject: x\n",
            Header(subject="x", author=Person(name="a", email="b@c")),
        ),
        (
            b"From: a <b@c>\nDate: Thu, 1 Jan 1960 00:00:00 +0000\nSubject: x\n",
            Header(subject="x", author=Person(name="a", email="b@c")),
        ),
        (b"From: a <b@c>\nDate: soon\nSubject: x\n", Header(subject="x", author=Person(name="a", email="b@c"))),
        # Damaged encoded words stay as they stand.
        (b"Subject: =?utf-8?b?a?= =?no-such?q?a?=\n", Header(subject="=?utf-8?b?a?= =?no-such?q?a?=")),
        (b"Subject: =?utf\0-8?q?a?=\n", Header(subject="=?utf\0-8?q?a?=")),
    ],
)
def test_parse(data: bytes, header: Header) -> None:
    assert Header.parse(data) == header


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (Header(subject="x", body="why\n"), "x\n\nwhy\n"),
        (Header(subject="x"), "x\n"),
    ],
)
def test_message(header: Header, message: str) -> None:
    assert header.message == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header(data: bytes) -> None:
    """Law: a header never fails, and its subject is one line."""
    header = Header.parse(data)
    assert "\n" not in header.subject
    assert header.body == "" or header.body.endswith("\n")


@given(
    st.lists(
        st.sampled_from(
            ["From: ", "Subject: ", "Date: ", "=?utf-8?q?", "?=", "(", "<", ">", '"', "a@b", " ", "\n", "-", "1"]
        )
    ).map("".join)
)
def test_fields_of_any_kind(text: str) -> None:
    """Law: an author is one that a commit object can hold."""
    author = Header.parse(text.encode()).author
    if author is not None:
        assert author.signature().count(b"<") == author.signature().count(b">") == 1
        assert author.time >= 0


@pytest.mark.parametrize(
    "data",
    [
        b"From: " + b"(" * 300_000 + b"\nSubject: x\n",
        b"From: " + b" " * 1_000_000 + b"\nSubject: x\n",
        b"Subject: " + b"=?a?q?" * 100_000 + b"\n",
        b"Subject: " + b"[" * 300_000 + b"\n",
        b"Subject: x\n" + b" y\n" * 200_000,
        b"Date: " + b"1 " * 300_000 + b"\nFrom: a@b\n",
    ],
)
def test_hostile_sizes_are_quick(data: bytes) -> None:
    start = time.process_time()
    Header.parse(data)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("person", "signature", "date"),
    [
        (PAOLO, b"Paolo Tester <paolo@example.org> 1612137600 +0100", "Mon, 1 Feb 2021 01:00:00 +0100"),
        (
            Person(name="J\xe9 <x>\n", email="<a@b>\0", time=0, offset=-210),
            b"J\xc3\xa9 x <a@b> 0 -0330",
            "Wed, 31 Dec 1969 20:30:00 -0330",
        ),
        (Person(name="", email="", time=86399, offset=0), b" <> 86399 +0000", "Thu, 1 Jan 1970 23:59:59 +0000"),
        # Zones no clock has occur in old commits.
        (Person(name="a", email="b", time=0, offset=5999), b"a <b> 0 +9959", "Mon, 5 Jan 1970 03:59:00 +9959"),
        (Person(name="\udce9", email="b"), b"\xe9 <b> 0 +0000", "Thu, 1 Jan 1970 00:00:00 +0000"),
    ],
)
def test_person(person: Person, signature: bytes, date: str) -> None:
    assert (person.signature(), person.date()) == (signature, date)


@given(st.integers(0, 1 << 33), st.integers(-1439, 1439))
def test_dates_come_back(seconds: int, offset: int) -> None:
    """Law: a mail's Date field gives the time and the zone back."""
    person = Person(name="a", email="b@c", time=seconds, offset=offset)
    text = f"From: a <b@c>\nDate: {person.date()}\nSubject: x\n"
    assert Header.parse(text.encode()).author == person
