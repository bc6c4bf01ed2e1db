# SPDX-License-Identifier: MIT
"""Opening repositories and naming commits in them, with errors that say what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pygit2

from ...errors import BadInput, EnvironmentFault, MissingObject, NoRepository, UnknownRevision
from ...values.result import BaseInfo
from ...values.version import KernelVersion
from .objects import Objects, Oid
from .tree import TreeEditor

__all__ = [
    "BaseCommit",
    "base_info",
    "commit_tree",
    "empty_repository",
    "open_repository",
    "plain_directory",
    "resolve_commit",
]

Place = str | Path


class BaseCommit(Protocol):
    """What a run asks of the commit it starts from; a plain directory has one that is in no repository."""

    @property
    def id(self) -> pygit2.Oid: ...

    @property
    def tree_id(self) -> pygit2.Oid: ...

    def read_raw(self) -> bytes: ...


def plain_directory(place: str | Path) -> Path | None:
    """The directory, where a place is one without git; None for a git repository, and for what is not there."""
    path = Path(place)
    if not path.is_dir():
        return None
    try:
        found = pygit2.discover_repository(str(path), False, str(path.resolve().parent))
    except pygit2.GitError:
        return None
    return path if found is None else None


def open_repository(place: Place) -> pygit2.Repository:
    """The git repository at a path (work tree, `.git` or bare). Raises NoRepository."""
    path = Path(place)
    if not path.exists():
        raise NoRepository(f"{place}: no such directory")
    try:
        found = pygit2.discover_repository(str(path), False, str(path.resolve().parent))
        if found is None:
            raise NoRepository(f"{place}: not a git repository")
        return pygit2.Repository(found)
    except pygit2.GitError as error:
        if _is_of_another(path):
            # What git says to its own users, and for the same reason: what is configured there is run here.
            raise EnvironmentFault(
                f"{place}: belongs to another user, and git reads such a repository only where it is told to: "
                f"`git config --global --add safe.directory {path.resolve()}`"
            ) from error
        if (objects := _object_format(path)) != "sha1":
            raise EnvironmentFault(
                f"{place}: a git repository with {objects} object ids, which libgit2 does not read; name a clone with "
                "sha1 ids, which are those that pins and `Fixes:` have"
            ) from error
        raise NoRepository(f"{place}: not a git repository ({error})") from error


def _object_format(path: Path) -> str:
    """The `extensions.objectFormat` of a repository, by its work tree, `.git` or bare; git's default is sha1."""
    for file in (path / "config", path / ".git" / "config"):
        if file.is_file():
            config = pygit2.Config(str(file))
            if "extensions.objectformat" in config:
                return str(config["extensions.objectformat"])
    return "sha1"


def _is_of_another(path: Path) -> bool:
    """Whether a repository, or the work tree it is in, belongs to somebody else; root reads them all the same."""
    return hasattr(os, "geteuid") and any(
        place.exists() and place.stat().st_uid != os.geteuid() for place in (path, path / ".git")
    )


def empty_repository() -> pygit2.Repository:
    """A repository in memory that has nothing: for a queue of patch files on a plain directory."""
    repo = pygit2.Repository()
    repo.set_odb(pygit2.Odb())
    return repo


def resolve_commit(repo: pygit2.Repository, rev: str) -> pygit2.Commit:
    """The commit a revision names, as git reads it. Raises UnknownRevision or MissingObject."""
    try:
        found = repo.revparse_single(rev)
    except KeyError:
        if len(rev) == 40 and all(digit in "0123456789abcdef" for digit in rev):
            raise MissingObject(
                f"commit {rev} is not in {repo.path}; bring it with `git fetch origin {rev}`, "
                "or name a repository that has it"
            ) from None
        known = f"did you mean {f'v{rev}'!r}?" if _is_tag(repo, f"v{rev}") else "`git fetch --tags` may bring it"
        raise UnknownRevision(f"{repo.path}: unknown revision {rev!r}; {known}") from None
    except (ValueError, pygit2.GitError) as error:
        raise UnknownRevision(f"{repo.path}: cannot read revision {rev!r}: {error}") from error
    try:
        return found.peel(pygit2.Commit)
    except (pygit2.InvalidSpecError, pygit2.GitError, ValueError) as error:
        raise UnknownRevision(f"{repo.path}: {rev!r} names no commit") from error


def _is_tag(repo: pygit2.Repository, name: str) -> bool:
    """Whether there is such a tag; a name that cannot be one is none."""
    reference = f"refs/tags/{name}"
    return pygit2.reference_is_valid_name(reference) and repo.references.get(reference) is not None


def commit_tree(commit: BaseCommit) -> Oid:
    """Id of a commit's root tree, as raw bytes."""
    return commit.tree_id.raw


def base_info(objects: Objects, commit: pygit2.Commit, rev: str) -> tuple[BaseInfo, KernelVersion]:
    """What a base is: its commit, and the version its Makefile gives. Raises BadInput where it is no kernel."""
    makefile = TreeEditor(objects, commit_tree(commit)).get("Makefile")
    if makefile is None:
        raise BadInput(f"base {rev} is no kernel: it has no Makefile")
    try:
        version = KernelVersion.from_makefile(objects.read(makefile.oid))
    except BadInput as error:
        raise BadInput(f"base {rev} is no kernel: {error}") from error
    return BaseInfo(rev=rev, commit=str(commit.id), version=str(version)), version
