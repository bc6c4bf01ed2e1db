# SPDX-License-Identifier: MIT
"""Moves the objects of a run into a repository, then moves a branch, once.

Objects go first, as one pack (thousands of loose files cost more than the replay itself); a branch
moves last and only from where it was read, so a killed run leaves nothing but an unreferenced pack.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pygit2

from ..errors import BadInput, EnvironmentFault
from .objects import SUBMODULE, TREE, Objects, Oid, hexed

__all__ = ["publish_objects", "write_branch"]

_COMMIT, _TREE = 1, 2


def reachable(objects: Objects, tip: Oid) -> dict[Oid, tuple[int, bytes]]:
    """New objects below a commit, and blobs that only the source has, by id."""
    made = objects.made()
    wanted: dict[Oid, tuple[int, bytes]] = {}
    blobs: dict[Oid, None] = {}
    pending = [tip]
    while pending:
        oid = pending.pop()
        if oid in wanted or oid not in made:
            continue
        kind, data = wanted[oid] = made[oid]
        if kind == _COMMIT:
            for line in data.partition(b"\n\n")[0].split(b"\n"):
                if line.startswith((b"tree ", b"parent ")):
                    pending.append(bytes.fromhex(line.split(b" ")[1].decode()))
        elif kind == _TREE:
            for entry in objects.tree(oid).values():
                if entry.mode == TREE or entry.oid in made:
                    pending.append(entry.oid)
                elif entry.mode != SUBMODULE:
                    blobs[entry.oid] = None
    for oid in objects.borrowed(blobs):
        wanted[oid] = (3, objects.read(oid))
    return wanted


def publish_objects(objects: Objects, tip: Oid) -> int:
    """Write what `tip` needs and home lacks, as one pack; the number of objects written."""
    wanted = {
        oid: found for oid, found in reachable(objects, tip).items() if pygit2.Oid(raw=oid) not in objects.home.odb
    }
    if not wanted:
        return 0
    directory = Path(objects.home.path)
    common = directory / "commondir"
    if common.exists():
        directory = (directory / common.read_text().strip()).resolve()
    _write_pack(directory / "objects" / "pack", wanted)
    return len(wanted)


def _entry(kind: int, data: bytes) -> bytes:
    """One object as a pack has it: type and size in base 128, then the deflated content."""
    size = len(data)
    byte = (kind << 4) | (size & 15)
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head) + zlib.compress(data, 1)


def _write_pack(directory: Path, wanted: dict[Oid, tuple[int, bytes]]) -> None:
    """gitformat-pack(5), version 2, without deltas. The index comes last: git sees a pack only by it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha1(usedforsecurity=False)
        places: dict[Oid, tuple[int, int]] = {}
        with _temporary(directory) as (pack, file):
            header = b"PACK" + struct.pack(">II", 2, len(wanted))
            digest.update(header)
            file.write(header)
            at = len(header)
            for oid, (kind, data) in wanted.items():
                entry = _entry(kind, data)
                places[oid] = (at, zlib.crc32(entry))
                digest.update(entry)
                file.write(entry)
                at += len(entry)
            trailer = digest.digest()
            file.write(trailer)
            file.flush()
            os.fsync(file.fileno())
            name = hashlib.sha1(b"".join(sorted(wanted)), usedforsecurity=False).hexdigest()
            with _temporary(directory) as (index, index_file):
                index_file.write(_index(places, trailer))
                index_file.flush()
                os.fsync(index_file.fileno())
                os.chmod(pack, 0o444)
                os.chmod(index, 0o444)
                os.replace(pack, directory / f"pack-{name}.pack")
                os.replace(index, directory / f"pack-{name}.idx")
    except OSError as error:
        raise EnvironmentFault(f"cannot write objects to {directory}: {error}") from error


def _index(places: dict[Oid, tuple[int, int]], trailer: bytes) -> bytes:
    ordered = sorted(places)
    counts = [0] * 256
    for oid in ordered:
        counts[oid[0]] += 1
    total = 0
    fanout = []
    for count in counts:
        total += count
        fanout.append(total)
    large = [places[oid][0] for oid in ordered if places[oid][0] >= 1 << 31]
    offsets = []
    for oid in ordered:
        offset = places[oid][0]
        offsets.append(offset if offset < 1 << 31 else (1 << 31) | large.index(offset))
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


def write_branch(objects: Objects, name: str, tip: Oid, *, message: str) -> None:
    """Publish a commit as a branch of the home repository; the branch moves last and at once.

    Raises BadInput for a name git would not take, or a branch that is checked out in a work tree.
    """
    repo = objects.home
    reference = name if name.startswith("refs/heads/") else f"refs/heads/{name}"
    if not pygit2.reference_is_valid_name(reference):
        raise BadInput(f"branch name {name!r} is not valid in git; see git-check-ref-format(1)")
    current = repo.references.get(reference)
    if current is not None and not repo.is_bare and current.shorthand in _checked_out(repo):
        raise BadInput(f"branch {name} is checked out in {repo.workdir}; name another one, or switch away first")
    publish_objects(objects, tip)
    target = pygit2.Oid(raw=tip)
    # Of the reflog entry: the user's own git configuration plays no part.
    repo.set_ident("mptcp_series", "mptcp-series@localhost")
    try:
        with repo.transaction() as transaction:
            transaction.lock_ref(reference)
            transaction.set_target(reference, target, message=message)
    except pygit2.GitError as error:
        raise EnvironmentFault(
            f"cannot move {reference} to {hexed(tip)} in {repo.path}: {error}; another run may hold it"
        ) from error


def _checked_out(repo: pygit2.Repository) -> set[str]:
    """Short names of the branches that work trees have checked out."""
    heads = set()
    if not repo.head_is_detached and not repo.head_is_unborn:
        heads.add(repo.head.shorthand)
    for name in repo.list_worktrees():
        head = Path(repo.path) / "worktrees" / name / "HEAD"
        if head.exists() and head.read_text().startswith("ref: refs/heads/"):
            heads.add(head.read_text().strip().removeprefix("ref: refs/heads/"))
    return heads
