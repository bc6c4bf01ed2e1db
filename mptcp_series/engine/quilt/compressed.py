# SPDX-License-Identifier: MIT
"""Patch files that are compressed, by their name: `.gz`, `.bz2`, `.xz`, `.lzma`. A bomb is not unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

from ...errors import BadPatch

__all__ = ["LARGEST", "compress", "decompress"]

LARGEST = 1 << 30
"""Bytes a patch may come to."""


def decompress(name: str, data: bytes, label: str) -> bytes:
    """The content of a file of that name. Raises BadPatch for one that is damaged, or larger than any patch."""
    unpacker: bz2.BZ2Decompressor | lzma.LZMADecompressor
    try:
        if name.endswith(".gz"):
            inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
            found, ended = inflater.decompress(data, LARGEST), inflater.eof
        else:
            unpacker = bz2.BZ2Decompressor() if name.endswith(".bz2") else lzma.LZMADecompressor()
            found = unpacker.decompress(data, LARGEST)
            ended = unpacker.eof
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise BadPatch(f"cannot be decompressed: {error}", file=label) from error
    if not ended:
        raise BadPatch("cannot be decompressed: it is cut off, or larger than any patch", file=label)
    return found


def compress(name: str, data: bytes) -> bytes:
    """The bytes of a patch file of that name; the same every time."""
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    if name.endswith(".bz2"):
        return bz2.compress(data)
    return lzma.compress(data, format=lzma.FORMAT_XZ if name.endswith(".xz") else lzma.FORMAT_ALONE)
