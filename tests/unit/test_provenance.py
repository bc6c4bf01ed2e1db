# SPDX-License-Identifier: MIT
"""Where a message says it comes from, and what is added to it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.values.provenance import reverted_ids, upstream_ids, with_provenance, with_trailer

A, B, C = "a" * 40, "b" * 40, "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (f"x\n\ncommit {A} upstream.\n", (A,)),
        (f"x\n\ncommit {A} upstream\n", (A,)),
        (f"x\n\n[ Upstream commit {A} ]\n", (A,)),
        (f"x\n\n[Upstream commit {A.upper()}]\r\n", (A,)),
        (f"x\n\nUpstream commit {A}.\n", (A,)),
        (f"x\n\n(cherry picked from commit {A})\n(cherry picked from commit {B})\n", (A, B)),
        (f"x\n\n  commit {A} upstream.  \n[ Upstream commit {A} ]\n", (A,)),
        (f"x\n\nThis is commit {A} upstream.\n", ()),
        (f"x\n\ncommit {A[:12]} upstream.\n", ()),
        (f"x\n\ncommit {A}0 upstream.\n", ()),
        (f"x\n\ncommit {A}\nupstream.\n", ()),
        (f"x\n\nThis reverts commit {A}.\n", ()),
        ("", ()),
    ],
)
def test_upstream_ids(message: str, ids: tuple[str, ...]) -> None:
    assert upstream_ids(message.encode()) == ids


def test_reverted_ids() -> None:
    assert reverted_ids(f"Revert x\n\nThis reverts commit {A}.\nThis reverts commit {B}, too\n".encode()) == (A, B)


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("x\n", f"x\n\ncommit {C} upstream.\n"),
        ("x", f"x\n\ncommit {C} upstream.\n"),
        ("x\n\nbody\n", f"x\n\ncommit {C} upstream.\n\nbody\n"),
        ("x\n\n\n\nbody", f"x\n\ncommit {C} upstream.\n\nbody"),
        # The subject is the whole first paragraph.
        ("x\ny\n\nbody\n", f"x\ny\n\ncommit {C} upstream.\n\nbody\n"),
        ("\xe9\n\n\xff\n", f"\xe9\n\ncommit {C} upstream.\n\n\xff\n"),
        (f"x\n\n[ Upstream commit {A} ]\n", f"x\n\n[ Upstream commit {A} ]\n"),
        # Blank lines at the beginning are no subject, and the line goes below it.
        ("\n \n\nx\n\nbody\n", f"\n \n\nx\n\ncommit {C} upstream.\n\nbody\n"),
    ],
)
def test_with_provenance(message: str, result: str) -> None:
    assert with_provenance(message.encode("latin-1"), C) == result.encode("latin-1")
    # Law: it is there once.
    assert with_provenance(result.encode("latin-1"), C) == result.encode("latin-1")


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("x\n", "x\n\nOverride: q/a.patch\n"),
        ("x", "x\n\nOverride: q/a.patch\n"),
        ("x\n\nbody\n", "x\n\nbody\n\nOverride: q/a.patch\n"),
        (
            "x\n\nbody\n\nFixes: y\nSigned-off-by: z <z@z>\n",
            "x\n\nbody\n\nFixes: y\nSigned-off-by: z <z@z>\nOverride: q/a.patch\n",
        ),
        ("x\n\nA: b\nc\n", "x\n\nA: b\nc\n\nOverride: q/a.patch\n"),
        ("x\n\nA: b\n[z: said so]\n\n\n", "x\n\nA: b\n[z: said so]\nOverride: q/a.patch\n"),
        ("mptcp: x\n", "mptcp: x\n\nOverride: q/a.patch\n"),
    ],
)
def test_with_trailer(message: str, result: str) -> None:
    assert with_trailer(message.encode(), "Override", "q/a.patch") == result.encode()


def test_a_trailer_is_one_line_of_any_bytes() -> None:
    assert (
        with_trailer(b"x\n", "Override", "q/a\n\nSigned-off-by: b\udce9")
        == b"x\n\nOverride: q/a  Signed-off-by: b\xe9\n"
    )


@given(st.lists(st.sampled_from(["x", "\n", "\n\n", "A: b\n", f"commit {A} upstream.\n", " ", "body\n"])).map("".join))
def test_laws(message: str) -> None:
    """Laws: an origin is named afterwards; the trailer is the last line; no text is lost."""
    added = with_provenance(message.encode(), C)
    assert upstream_ids(added) == (upstream_ids(message.encode()) or (C,))
    assert with_trailer(added, "Override", "o").split(b"\n")[-2:] == [b"Override: o", b""]
    assert [word for word in added.split() if word not in (b"commit", C.encode(), b"upstream.", A.encode())] == [
        word for word in message.encode().split() if word not in (b"commit", b"upstream.", A.encode())
    ]


@pytest.mark.parametrize(
    "message", [b"\n" * 300_000, b" " * 300_000, b"[ " * 100_000, b"commit " * 100_000, b"a: b\n" * 100_000]
)
def test_hostile_sizes_are_quick(message: bytes) -> None:
    start = time.process_time()
    upstream_ids(message)
    with_trailer(with_provenance(message, C), "Override", "o")
    assert time.process_time() - start < 5
