# SPDX-License-Identifier: MIT
"""The archive a guest starts from, against bytes computed by hand and against a reader written from the format."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.booting.initramfs import Node, cpio, initramfs


@attrs.frozen(kw_only=True)
class Read:
    """An entry as a reader finds it."""

    name: str
    mode: int
    links: int
    device: tuple[int, int]
    data: bytes
    owner: tuple[int, int, int]


def read(archive: bytes) -> Iterator[Read]:
    """Documentation/driver-api/early-userspace/buffer-format.rst, read front to back."""
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        _, mode, uid, gid, links, time, size, _, _, major, minor, name_size, check = fields
        assert check == 0
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at = (at + 110 + name_size + 3) // 4 * 4
        data = archive[at : at + size]
        at = (at + size + 3) // 4 * 4
        if name == b"TRAILER!!!\0":
            assert archive[at:].strip(b"\0") == b""
            return
        yield Read(
            name=name[:-1].decode(), mode=mode, links=links, device=(major, minor), data=data, owner=(uid, gid, time)
        )


def test_a_file_is_the_bytes_of_the_format() -> None:
    archive = cpio([Node.program("init", b"hello")])
    assert (
        archive
        == (
            b"070701"
            b"00000001"  # inode
            b"000081ED"  # regular file, 0755
            b"00000000"
            b"00000000"  # root
            b"00000001"  # links
            b"00000000"  # time
            b"00000005"  # size
            b"00000000"
            b"00000000"
            b"00000000"
            b"00000000"  # devices
            b"00000005"  # size of the name and its end
            b"00000000"  # check
            b"init\0" + b"\0"  # 115 bytes, padded to 116
            b"hello\0\0\0"
            b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000B" + b"00000000"
            b"TRAILER!!!\0" + b"\0" * 3
        ).ljust(512, b"\0")
    )


def test_a_guest_finds_its_program_its_console_and_the_log() -> None:
    entries = {entry.name: entry for entry in read(initramfs(b"\x7fELF"))}
    assert list(entries) == ["dev", "proc", "dev/console", "dev/kmsg", "init"]
    assert stat.S_ISDIR(entries["dev"].mode)
    assert stat.S_ISDIR(entries["proc"].mode)
    assert stat.S_ISCHR(entries["dev/console"].mode)
    assert entries["dev/console"].device == (5, 1)
    assert stat.S_ISCHR(entries["dev/kmsg"].mode)
    assert entries["dev/kmsg"].device == (1, 11)
    assert entries["init"].mode == stat.S_IFREG | 0o755
    assert entries["init"].data == b"\x7fELF"


def test_archives_are_the_same_whenever_and_by_whomever_they_are_made() -> None:
    assert initramfs(b"x") == initramfs(b"x")
    assert {entry.owner for entry in read(initramfs(b"x"))} == {(0, 0, 0)}


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=40)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=70)), max_size=6))
def test_what_is_written_is_read_again(files: list[tuple[str, bytes]]) -> None:
    archive = cpio(Node.program(name, data) for name, data in files)
    assert [(entry.name, entry.data) for entry in read(archive)] == files
    assert len(archive) % 512 == 0


def test_a_file_the_format_cannot_hold_is_refused() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 32

    with pytest.raises(ValueError, match=r"init: too large for a cpio archive"):
        cpio([Node.program("init", Huge())])
