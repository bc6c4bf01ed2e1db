# SPDX-License-Identifier: MIT
"""Writes objects as one pack file with its index (gitformat-pack(5), version 2).

libgit2's own pack builder looks for deltas by comparing objects, which takes longer than a replay.
Here it is known what an object is like: a merged file is like the file before it, but for one place.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import attrs

from ...errors import EnvironmentFault
from ..text.halving import common_end, common_start
from .objects import Oid

__all__ = ["PackedObject", "pack_bytes", "write_pack"]

_TREE, _OFS_DELTA = 2, 6
DEPTH = 40
"""Deltas in a chain; git's own limit is 50."""
_LITERAL = 127
"""Bytes one insert instruction can carry."""


@attrs.frozen
class PackedObject:
    """An object to be packed: its type (1 commit, 2 tree, 3 blob), its content, and an older one it is like."""

    kind: int
    data: bytes
    like: Oid | None = None


def write_pack(directory: Path, objects: Mapping[Oid, PackedObject]) -> None:
    """Write the objects, in their order, as one pack of a `objects/pack` directory.

    The index comes last: git sees a pack only by it. Raises EnvironmentFault where the disk refuses.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _temporary(directory) as (pack, file):
            places, trailer = _write_objects(file, objects)
            name = hashlib.sha1(b"".join(sorted(objects)), usedforsecurity=False).hexdigest()
            with _temporary(directory) as (index, index_file):
                index_file.write(_index(places, trailer))
                for done in (file, index_file):
                    done.flush()
                    os.fsync(done.fileno())
                os.chmod(pack, 0o444)
                os.chmod(index, 0o444)
                os.replace(pack, directory / f"pack-{name}.pack")
                os.replace(index, directory / f"pack-{name}.idx")
    except OSError as error:
        raise EnvironmentFault(f"cannot write objects to {directory}: {error}") from error


def pack_bytes(objects: Mapping[Oid, PackedObject]) -> bytes:
    """The objects, in their order, as one pack without an index: what a bundle carries."""
    file = io.BytesIO()
    _write_objects(file, objects)
    return file.getvalue()


def _write_objects(file: IO[bytes], objects: Mapping[Oid, PackedObject]) -> tuple[dict[Oid, tuple[int, int]], bytes]:
    """Write the pack itself; the place and CRC-32 of each object, and the pack's checksum."""
    digest = hashlib.sha1(usedforsecurity=False)
    places: dict[Oid, tuple[int, int]] = {}
    depths: dict[Oid, int] = {}
    header = b"PACK" + struct.pack(">II", 2, len(objects))
    digest.update(header)
    file.write(header)
    at = len(header)
    for oid, packed in objects.items():
        like = packed.like
        if like in places and depths.get(like, 0) < DEPTH:
            delta = _delta(objects[like].data, packed.data)
            depths[oid] = depths.get(like, 0) + 1
            entry = _head(_OFS_DELTA, len(delta)) + _offset(at - places[like][0]) + zlib.compress(delta, 1)
        else:
            # Trees are ids, which do not compress.
            level = 0 if packed.kind == _TREE else 1
            entry = _head(packed.kind, len(packed.data)) + zlib.compress(packed.data, level)
        places[oid] = (at, zlib.crc32(entry))
        digest.update(entry)
        file.write(entry)
        at += len(entry)
    trailer = digest.digest()
    file.write(trailer)
    return places, trailer


def _head(kind: int, size: int) -> bytes:
    """Type and size: three bits of type, then the size in base 128."""
    byte = (kind << 4) | (size & 15)
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head)


def _offset(distance: int) -> bytes:
    """How far back the object lies that a delta is against."""
    out = [distance & 0x7F]
    distance >>= 7
    while distance:
        distance -= 1
        out.append(0x80 | (distance & 0x7F))
        distance >>= 7
    return bytes(reversed(out))


def _delta(old: bytes, new: bytes) -> bytes:
    """Instructions that make new of old: its start, what is different, its end."""
    start = common_start(old, new)
    end = common_end(old, new, min(len(old), len(new)) - start)
    middle = new[start : len(new) - end]
    out = [_size(len(old)), _size(len(new)), _copy(0, start)]
    for at in range(0, len(middle), _LITERAL):
        piece = middle[at : at + _LITERAL]
        out += [bytes([len(piece)]), piece]
    out.append(_copy(len(old) - end, end))
    return b"".join(out)


def _size(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | (number & 0x7F))
        number >>= 7
    out.append(number)
    return bytes(out)


def _copy(offset: int, size: int) -> bytes:
    """Copy instructions; one can name at most 0xFFFFFF bytes."""
    out = b""
    while size:
        piece = min(size, 0xFFFFFF)
        flags, operands = 0x80, b""
        for bit, byte in enumerate(struct.pack("<I", offset) + struct.pack("<I", piece)[:3]):
            if byte:
                flags |= 1 << bit
                operands += bytes([byte])
        out += bytes([flags]) + operands
        offset, size = offset + piece, size - piece
    return out


def _index(places: Mapping[Oid, tuple[int, int]], trailer: bytes) -> bytes:
    ordered = sorted(places)
    counts = [0] * 256
    for oid in ordered:
        counts[oid[0]] += 1
    total = 0
    fanout = []
    for count in counts:
        total += count
        fanout.append(total)
    large: list[int] = []
    offsets = []
    for oid in ordered:
        offset = places[oid][0]
        if offset >= 1 << 31:
            offsets.append((1 << 31) | len(large))
            large.append(offset)
        else:
            offsets.append(offset)
    body = b"".join(
        [
            b"\xfftOc",
            struct.pack(">I", 2),
            struct.pack(">256I", *fanout),
            *ordered,
            struct.pack(f">{len(ordered)}I", *(places[oid][1] for oid in ordered)),
            struct.pack(f">{len(ordered)}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            trailer,
        ]
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


@contextlib.contextmanager
def _temporary(directory: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """A file that is gone afterwards unless it was moved away."""
    with tempfile.NamedTemporaryFile(dir=directory, prefix="tmp_pack_", delete=False) as file:
        try:
            yield file.name, file
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file.name)
