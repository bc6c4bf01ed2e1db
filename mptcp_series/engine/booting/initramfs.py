# SPDX-License-Identifier: MIT
"""An initramfs, as the cpio archive of the `newc` kind that the kernel unpacks.

The format is that of Documentation/driver-api/early-userspace/buffer-format.rst: a header of fixed-width hexadecimal
numbers, the name and the data of each file, each padded to four bytes, and a last entry called TRAILER!!!. Written
here rather than by a program, because device nodes in a directory need root, and in an archive they are a number.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

import attrs

__all__ = ["Node", "cpio", "initramfs"]

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"
_BLOCK = 512
_LARGEST = 0xFFFFFFFF


@attrs.frozen(kw_only=True)
class Node:
    """One entry of an archive. Owned by root, without a time, so that the same files give the same bytes."""

    name: str
    """Path without a leading slash."""
    mode: int
    """Type and permissions, as `stat` has them."""
    data: bytes = b""
    device: tuple[int, int] = (0, 0)
    """Major and minor number of a device node."""

    @classmethod
    def directory(cls, name: str) -> Node:
        return cls(name=name, mode=stat.S_IFDIR | 0o755)

    @classmethod
    def program(cls, name: str, data: bytes) -> Node:
        return cls(name=name, mode=stat.S_IFREG | 0o755, data=data)

    @classmethod
    def character(cls, name: str, major: int, minor: int) -> Node:
        return cls(name=name, mode=stat.S_IFCHR | 0o600, device=(major, minor))


def cpio(nodes: Iterable[Node]) -> bytes:
    """An archive of these entries, in their order; directories must come before what is in them.

    Raises ValueError for a file of 4 GiB or more, which the format cannot hold.
    """
    archive = bytearray()
    number = 0
    for number, node in enumerate(nodes, start=1):
        archive += _entry(node, number)
    archive += _entry(Node(name=_TRAILER, mode=0), 0)
    archive += bytes(-len(archive) % _BLOCK)
    return bytes(archive)


def _entry(node: Node, number: int) -> bytes:
    name = node.name.encode() + b"\0"
    if len(node.data) > _LARGEST:
        raise ValueError(f"{node.name}: too large for a cpio archive")
    links = 2 if stat.S_ISDIR(node.mode) else 1
    # inode, mode, uid, gid, links, time, size, device of the file (two), device it is (two), size of the name, check
    fields = (number, node.mode, 0, 0, links, 0, len(node.data), 0, 0, *node.device, len(name), 0)
    header = _MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(node.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def initramfs(program: bytes) -> bytes:
    """The archive a guest of this package starts from: the probe as /init, its console, the kernel's log, /proc."""
    return cpio(
        (
            Node.directory("dev"),
            Node.directory("proc"),
            # Documentation/admin-guide/devices.txt
            Node.character("dev/console", 5, 1),
            Node.character("dev/kmsg", 1, 11),
            Node.program("init", program),
        )
    )
