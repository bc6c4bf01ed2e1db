# SPDX-License-Identifier: MIT
"""Git's deltas: what they make, and what is refused before anything is made."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadPatch
from mptcp_series.values.binary import literal, new_content
from mptcp_series.values.delta import GarbledDelta, apply_delta, check_delta
from mptcp_series.values.patch import Patch

from .conftest import Lab

OLD = bytes(range(256)) * 300


def number(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def copy(offset: int, length: int) -> bytes:
    code, arguments = 0x80, b""
    for bit, byte in enumerate([*offset.to_bytes(4, "little"), *(length & 0xFFFFFF).to_bytes(3, "little")]):
        if byte:
            code |= 1 << bit
            arguments += bytes([byte])
    return bytes([code]) + arguments


def delta(old: bytes, new: int, *pieces: bytes) -> bytes:
    return number(len(old)) + number(new) + b"".join(pieces)


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (delta(OLD, 5, copy(10, 3), b"\x02ab"), OLD[10:13] + b"ab"),
        # A length of nothing is 64 KiB.
        (delta(OLD, 0x10000, copy(7, 0x10000)), OLD[7 : 7 + 0x10000]),
        (delta(OLD, 0), b""),
    ],
)
def test_applied(data: bytes, result: bytes) -> None:
    assert apply_delta(data, OLD) == result


@st.composite
def deltas(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    old = draw(st.binary(min_size=1, max_size=400))
    new, pieces = b"", []
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            start = draw(st.integers(0, len(old) - 1))
            length = draw(st.integers(1, len(old) - start))
            pieces.append(copy(start, length))
            new += old[start : start + length]
        else:
            data = draw(st.binary(min_size=1, max_size=127))
            pieces.append(bytes([len(data)]) + data)
            new += data
    return old, delta(old, len(new), *pieces), new


@given(deltas())
def test_law(case: tuple[bytes, bytes, bytes]) -> None:
    """Law: a delta gives the file it was made for, and none of its beginnings gives any."""
    old, data, new = case
    assert apply_delta(data, old) == new
    for end in range(len(data)):
        try:
            cut = apply_delta(data[:end], old)
        except GarbledDelta:
            continue
        assert cut == new


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off in its sizes"),
        (b"\xff" * 20, "cut off in its sizes"),
        (delta(b"ab", 4, copy(0, 4)), "copies from beyond the end of the file it is for"),
        (delta(OLD, 4, copy(0, 3)), "does not come to the 4 bytes it names"),
        (delta(OLD, 2, copy(0, 3)), "does not come to the 2 bytes it names"),
        (delta(OLD, 4, b"\x04ab"), "cut off"),
        (delta(OLD, 4, b"\x91"), "cut off"),
        (delta(OLD, 4, b"\0"), "an instruction that git keeps for later"),
        (delta(OLD, 1 << 40, copy(0, 3)), "would come to 1099511627776 bytes"),
    ],
)
def test_garbled(data: bytes, why: str) -> None:
    with pytest.raises(GarbledDelta, match=why):
        check_delta(data)


def test_for_another_file() -> None:
    with pytest.raises(GarbledDelta, match="is for a file of 76800 bytes, not 3"):
        apply_delta(delta(OLD, 3, copy(0, 3)), b"abc")


def block(kind: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data)
    lines = [b"%s %d\n" % (kind, len(data))]
    for at in range(0, len(packed), 52):
        part = packed[at : at + 52]
        column = bytes([64 + len(part) if len(part) <= 26 else 70 + len(part)])
        lines.append(column + base64.b85encode(part + bytes(-len(part) % 4)) + b"\n")
    return b"".join(lines) + b"\n"


def test_blocks_of_a_section() -> None:
    forth, back = delta(b"abc", 4, copy(0, 3), b"\x01d"), delta(b"abcd", 3, copy(0, 3))
    section = b"GIT binary patch\n" + block(b"delta", forth) + block(b"delta", back)
    assert new_content(section, b"abc") == b"abcd"
    assert new_content(section, b"abcd", reverse=True) == b"abc"
    assert (new_content(section, b"ab"), new_content(section, None), literal(section)) == (None, None, None)
    assert new_content(b"GIT binary patch\n" + block(b"literal", b"x"), None, reverse=True) is None


def patch_of(lab: Lab, old: bytes, new: bytes, *blocks: bytes) -> bytes:
    ids = [lab.objects.write("blob", data).hex().encode() for data in (old, new)]
    head = b"diff --git a/f b/f\nindex %s..%s 100644\nGIT binary patch\n" % (ids[0], ids[1])
    return b"x\n---\n" + head + b"".join(blocks)


def test_a_delta_is_applied_to_the_file_that_is_there(lab: Lab) -> None:
    old = OLD[:1000]
    new = old + b"\0more"
    forth, back = delta(old, len(new), copy(0, 1000), b"\x05\0more"), delta(new, 1000, copy(0, 1000))
    data = patch_of(Lab(lab.repo), old, new, block(b"delta", forth), block(b"delta", back))
    assert lab.replay({"f": old}, lab.patch(data)).files == {"f": new}
    assert lab.replay({"f": new}, lab.patch(data, reverse=True)).files == {"f": old}
    assert lab.replay({"f": new}, lab.patch(data)).told[0] == "upstream"
    (conflict,) = lab.replay({"f": b"\0"}, lab.patch(data)).only.conflicts
    assert conflict.text == "binary: f differs from the file the patch changes"


def test_a_truncated_delta_is_refused_with_its_line() -> None:
    data = b"diff --git a/f b/f\nindex %s..%s 100644\nGIT binary patch\n" % (b"1" * 40, b"2" * 40)
    whole = data + block(b"delta", delta(b"abc", 4, copy(0, 3), b"\x01d"))
    assert len(Patch.parse(whole, "p.patch").changes) == 1
    with pytest.raises(BadPatch, match=r"p\.patch:4: binary patch ends in the middle of a block"):
        Patch.parse(whole[:-2], "p.patch")
    cut = data + block(b"delta", delta(b"abc", 4, copy(0, 3)))
    with pytest.raises(BadPatch, match=r"p\.patch:4: binary block is garbled: the delta does not come to the 4 bytes"):
        Patch.parse(cut, "p.patch")
