# SPDX-License-Identifier: MIT
"""Kernel versions: read as written, ordered as numbers; ranges in PEP 440's form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput
from mptcp_series.values.version import KernelVersion, VersionRange

NUMBERS = st.tuples(*[st.integers(0, 999_999)] * 3)

MAKEFILE = b"""# SPDX-License-Identifier: GPL-2.0
VERSION = 5
PATCHLEVEL = 10
SUBLEVEL = 209
EXTRAVERSION = -bsp
NAME = Dare mighty things
"""


def version(numbers: tuple[int, ...]) -> KernelVersion:
    return KernelVersion(version=numbers[0], patchlevel=numbers[1], sublevel=numbers[2])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5.10.209", "5.10.209"),
        ("v5.10.209", "5.10.209"),
        ("5.10", "5.10.0"),
        ("v5.10-rc3", "5.10.0"),
        ("5.10.209-rt101+", "5.10.209"),
        ("5.10.209+", "5.10.209"),
        ("5.10.209_vendor", "5.10.209"),
        ("2.6.32.71", "2.6.32"),
    ],
)
def test_parse(text: str, shown: str) -> None:
    assert str(KernelVersion.parse(text)) == shown


@pytest.mark.parametrize(
    "text", ["", "5", "5.", "5.10.", "5.10.x", "V5.10", " 5.10", "5.10 ", "5.010", "-5.10", "5.10.209.", "1.2.1234567"]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        KernelVersion.parse(text)
    assert str(caught.value) == f"not a kernel version: {text!r} (expected x.y.z, such as 5.10.209)"


def test_a_negative_number_is_no_version() -> None:
    with pytest.raises(BadInput) as caught:
        KernelVersion(version=5, patchlevel=-1, sublevel=0)
    assert str(caught.value) == "patchlevel of a kernel version is negative: -1"


@given(NUMBERS)
def test_str_and_parse_are_inverse(numbers: tuple[int, ...]) -> None:
    assert KernelVersion.parse(str(version(numbers))) == version(numbers)


@given(NUMBERS, NUMBERS)
def test_order_is_that_of_the_numbers(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    assert (version(left) < version(right)) == (left < right)
    assert (version(left) == version(right)) == (left == right)


@pytest.mark.parametrize("data", [MAKEFILE, MAKEFILE.replace(b"\n", b"\r\n"), b"# notice\n" * 90 + MAKEFILE])
def test_from_makefile(data: bytes) -> None:
    assert str(KernelVersion.from_makefile(data)) == "5.10.209"


@given(NUMBERS, st.binary())
def test_from_makefile_reads_what_was_written(numbers: tuple[int, ...], rest: bytes) -> None:
    head = "VERSION = {}\nPATCHLEVEL = {}\nSUBLEVEL={} # y\n".format(*numbers)
    assert KernelVersion.from_makefile(head.encode() + b"all:\n\t" + rest.replace(b"=", b"")) == version(numbers)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Makefile: not a kernel Makefile: its head does not set VERSION, PATCHLEVEL, SUBLEVEL"),
        (b"all:\n\ttrue\n", "Makefile: not a kernel Makefile: its head does not set VERSION, PATCHLEVEL, SUBLEVEL"),
        (
            MAKEFILE.replace(b"SUBLEVEL = 209", b"SUBLEVEL ="),
            "Makefile: not a kernel Makefile: its head does not set SUBLEVEL",
        ),
        (
            b"#\n" * 100 + MAKEFILE,
            "Makefile: not a kernel Makefile: its head does not set VERSION, PATCHLEVEL, SUBLEVEL",
        ),
        (MAKEFILE + b"SUBLEVEL = 210\n", "Makefile:7: SUBLEVEL is set twice: 209, then 210"),
    ],
)
def test_from_makefile_refuses(data: bytes, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        KernelVersion.from_makefile(data, "Makefile")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=5.10.0,<5.11", ["5.10", "5.10.0", "5.10.265"], ["5.9.16", "5.11.0", "5.15.162"]),
        (">=5.10.178", ["5.10.178", "5.10.1000"], ["5.10.99", "5.10.9"]),
        ("==5.10.*", ["5.10.0", "5.10.66"], ["5.1.0", "5.11.0"]),
        ("~=5.10.66", ["5.10.66", "5.10.209"], ["5.10.65", "5.15.0"]),
        ("==5.10", ["5.10.0"], ["5.10.1"]),
    ],
)
def test_range(text: str, inside: list[str], outside: list[str]) -> None:
    versions = VersionRange.parse(text)
    assert [each for each in inside + outside if versions.contains(KernelVersion.parse(each))] == inside


def test_range_keeps_its_text() -> None:
    assert str(VersionRange.parse(" <5.11 , >=5.10 ")) == "<5.11 , >=5.10"
    assert VersionRange.parse("<5.11") == VersionRange(text="<5.11")
    assert VersionRange.parse("<5.11") != VersionRange.parse("< 5.11")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty version range (expected clauses, such as '>=5.10.0,<5.11')"),
        (
            "5.10",
            "bad version range '5.10': Invalid specifier: '5.10' (expected such as '>=5.10.0,<5.11')",
        ),
        (
            ">=5.10,soon",
            "bad version range '>=5.10,soon': Invalid specifier: 'soon' (expected such as '>=5.10.0,<5.11')",
        ),
    ],
)
def test_range_refuses(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        VersionRange.parse(text)
    assert str(caught.value) == message
