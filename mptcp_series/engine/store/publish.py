# SPDX-License-Identifier: MIT
"""Moves the objects of a run into a repository, then moves a branch, once.

Objects go first, as one pack (thousands of loose files cost more than the replay itself); a branch
moves last and only from where it was read, so a killed run leaves nothing but an unreferenced pack.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pygit2

from ...errors import BadInput, EnvironmentFault, MissingObject
from .objects import SUBMODULE, TREE, Entry, Objects, Oid, hexed
from .pack import PackedObject, write_pack

__all__ = ["made_below", "publish_objects", "write_branch"]

_COMMIT, _TREE, _BLOB = 1, 2, 3


def reachable(objects: Objects, tip: Oid) -> dict[Oid, tuple[int, bytes]]:
    """New objects below a commit, and blobs that only the source has, by id.

    A home that is a clone without blobs need not hold the files that lie beside those a patch touched: what the
    base has, it can get from where it was cloned. Any other blob that nobody holds raises MissingObject.
    """
    wanted, blobs, bases = made_below(objects, tip)
    absent: dict[Oid, MissingObject] = {}
    for oid in objects.borrowed(blobs):
        try:
            wanted[oid] = (_BLOB, objects.read(oid))
        except MissingObject as error:
            absent[oid] = error
    for missing in _without_files_of(objects, bases, absent).values():
        raise missing
    return wanted


def made_below(objects: Objects, tip: Oid) -> tuple[dict[Oid, tuple[int, bytes]], dict[Oid, None], list[Oid]]:
    """Below a commit: the objects the run made, the other blobs beside them, and the commits it builds on."""
    made = objects.made()
    wanted: dict[Oid, tuple[int, bytes]] = {}
    blobs: dict[Oid, None] = {}
    pending = [tip]
    bases: list[Oid] = []
    seen: set[tuple[bytes, bytes, Oid]] = set()
    while pending:
        oid = pending.pop()
        if oid in wanted or oid not in made:
            continue
        kind, data = wanted[oid] = made[oid]
        if kind == _COMMIT:
            for line in data.partition(b"\n\n")[0].split(b"\n"):
                if line.startswith((b"tree ", b"parent ")):
                    pending.append(bytes.fromhex(line.split(b" ")[1].decode()))
                    if line.startswith(b"parent ") and pending[-1] not in made:
                        bases.append(pending[-1])
        elif kind == _TREE:
            # The trees of a queue differ from one another in an entry or two.
            entries = objects.entries(oid) - seen
            seen |= entries
            for mode, _, below in entries:
                if below in made or int(mode, 8) == TREE:
                    pending.append(below)
                elif int(mode, 8) != SUBMODULE:
                    blobs[below] = None
    return wanted, blobs, bases


def _without_files_of(objects: Objects, bases: list[Oid], blobs: dict[Oid, MissingObject]) -> dict[Oid, MissingObject]:
    """Those of `blobs` that are no file of the base commits."""
    trees = [objects.home[hexed(oid)].peel(pygit2.Tree).id.raw for oid in bases] if blobs else []
    seen: set[Oid] = set()
    left = dict(blobs)
    while trees and left:
        for entry in objects.tree(trees.pop()).values():
            if entry.mode != TREE:
                left.pop(entry.oid, None)
            elif entry.oid not in seen:
                seen.add(entry.oid)
                trees.append(entry.oid)
    return left


def written_by(objects: Objects, files: Iterable[Entry]) -> dict[Oid, tuple[int, bytes]]:
    """What `reachable` gives, told by what a replay wrote rather than by reading its trees again.

    For a replay that ran through: each commit and tree it made is part of the result, and of the blobs those
    that stand in a file it changed.
    """
    made = objects.made()
    wanted = {oid: found for oid, found in made.items() if found[0] != _BLOB}
    blobs = dict.fromkeys(entry.oid for entry in files if entry.mode not in (TREE, SUBMODULE))
    wanted |= {oid: made[oid] for oid in blobs if oid in made}
    for oid in objects.borrowed(blobs):
        wanted[oid] = (_BLOB, objects.read(oid))
    return wanted


def publish_objects(objects: Objects, tip: Oid, files: Iterable[Entry] | None = None) -> int:
    """Write what `tip` needs and home lacks, as one pack; the number of objects written.

    files: every file the commits changed, where they are all that was made.
    """
    # A commit that is there has all it needs. (To ask for each object costs a look for new packs each time.)
    if pygit2.Oid(raw=tip) in objects.home.odb:
        return 0
    wanted = reachable(objects, tip) if files is None else written_by(objects, files)
    # As they were made: what an object is like comes before it.
    order = [*(oid for oid in objects.made() if oid in wanted), *(oid for oid in wanted if oid not in objects.made())]
    packed = {oid: PackedObject(*wanted[oid], objects.like(oid)) for oid in order}
    write_pack(_common_directory(objects.home) / "objects" / "pack", packed)
    return len(packed)


def write_branch(
    objects: Objects, name: str, tip: Oid, *, message: str, files: Iterable[Entry] | None = None
) -> str | None:
    """Publish a commit as a branch of the home repository; the branch moves last and at once.

    Gives the commit the branch was at, where it was at another one: a bare repository keeps no reflog that has it.

    Raises BadInput for a name git would not take, one below or above that of another branch, or a branch that is
    checked out in a work tree; EnvironmentFault for one that another run holds. Nothing is written then.
    """
    repo = objects.home
    reference = name if name.startswith("refs/heads/") else f"refs/heads/{name}"
    short = reference.removeprefix("refs/heads/")
    # The last two git takes for references and not for branches (git-check-ref-format(1), --branch).
    if not pygit2.reference_is_valid_name(reference) or short.startswith("-") or short in ("@", "HEAD"):
        raise BadInput(f"branch name {name!r} is not valid in git; see git-check-ref-format(1)")
    if (place := _checked_out(repo).get(reference)) is not None:
        raise BadInput(f"branch {name} is checked out in {place}; name another one, or switch away first")
    current = repo.references.get(reference)
    if current is None:
        _refuse_beside(repo, reference, name)
    target = pygit2.Oid(raw=tip)
    # Of the reflog entry: the user's own git configuration plays no part.
    repo.set_ident("mptcp_series", "mptcp-series@localhost")
    try:
        # Held by another run, or not to be written: that is to be known before anything is. The lock is not kept
        # while objects are written, for it would outlive a run that is killed then.
        with repo.transaction() as transaction:
            transaction.lock_ref(reference)
        publish_objects(objects, tip, files)
        with repo.transaction() as transaction:
            transaction.lock_ref(reference)
            now = repo.references.get(reference)
            if (None if now is None else now.target) != (None if current is None else current.target):
                raise EnvironmentFault(
                    f"{reference} in {repo.path} was moved by another run in the meantime; try again"
                )
            transaction.set_target(reference, target, message=message)
    except pygit2.GitError as error:
        raise EnvironmentFault(
            f"cannot move {reference} to {hexed(tip)} in {repo.path}: {error}; another run may hold it"
        ) from error
    return None if current is None or current.target == target else str(current.target)


def _refuse_beside(repo: pygit2.Repository, reference: str, name: str) -> None:
    """A branch is a file to git: `a` and `a/b` cannot both be."""
    for other in repo.references:
        if other.startswith(f"{reference}/") or reference.startswith(f"{other}/"):
            raise BadInput(f"branch {name} cannot be made beside {other} in {repo.path}; name another one")


def _checked_out(repo: pygit2.Repository) -> dict[str, str]:
    """The branches that work trees have checked out, and where: no branch may move below a work tree's feet.

    HEAD files are read: libgit2 knows the HEAD of one work tree only, and a branch without commits has no other trace.
    """
    common = _common_directory(repo)
    heads = [] if pygit2.Repository(str(common)).is_bare else [(common / "HEAD", str(common.parent))]
    for directory in sorted((common / "worktrees").glob("*")):
        gitdir = directory / "gitdir"
        where = str(Path(gitdir.read_text().strip()).parent) if gitdir.is_file() else str(directory)
        heads.append((directory / "HEAD", where))
    found = {}
    for head, where in heads:
        text = head.read_text().strip() if head.is_file() else ""
        if text.startswith("ref: "):
            found[text.removeprefix("ref: ").strip()] = where
    return found


def _common_directory(repo: pygit2.Repository) -> Path:
    """The repository's own directory, also where it was opened through one of its work trees."""
    directory = Path(repo.path)
    common = directory / "commondir"
    return (directory / common.read_text().strip()).resolve() if common.exists() else directory
