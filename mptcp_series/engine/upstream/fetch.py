# SPDX-License-Identifier: MIT
"""Brings what a recipe needs of upstream into a local repository, and no more.

A clone of linux-stable is gigabytes of blobs of which a queue reads some thousands. So commits and trees come first,
without blobs, with their full history (a clone cut by --shallow-exclude silently loses topic branches whose merge
has an excluded parent); then the blobs the queue reads, computed from trees, in one request. libgit2 does not fetch
missing objects by itself, so what is planned here must be all that a replay reads.

What is there decides what is asked for: a killed or repeated run goes on where it stopped. References move only after
git has all they need. This module wraps the git program, for its transports and credentials, and so is the one place
in the engine that hands on the user's environment. It judges by exit codes and objects, never by messages.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import attrs
import pygit2

from ...errors import BadInput, EnvironmentFault, MissingObject, UnknownRevision
from ...values.paths import OwnedPaths
from ...values.provenance import upstream_ids
from ...values.recipe import Recipe
from ..replay.change import tree_changes
from ..replay.owned import OwnedKeys
from ..replay.remerge import merge_entries
from ..store.objects import SUBMODULE, Entry, Objects, Oid, hexed
from ..store.repository import commit_tree, resolve_commit
from ..store.tree import TreeEditor
from .extract import extract
from .history import visit
from .merges import MergeFinder
from .transport import FetchProgress, Git, absolute_origin, checked_program

__all__ = ["FetchProgress", "Fetched", "fetch", "plan_blobs"]

MARKER = "mptcp-series-fetch"
"""A file in every directory that `fetch` made; a run holds a lock on it."""

_COMMIT_ID = re.compile(r"[0-9a-fA-F]{40}")
_RELEASE = re.compile(r"refs/tags/v(\d+\.\d+)(?:\.(\d+))?")
_NOTHING = OwnedPaths(patterns=())
_FILTER = "--filter=blob:none"
_FULL = "the origin cannot filter, or gives no single objects, so a full fetch was done: all blobs are here"


@attrs.frozen(kw_only=True)
class Fetched:
    """What a run of `fetch` did."""

    repository: Path
    commits: int
    """Commits the recipe picks; the blobs of all of them are there."""
    blobs: int
    """Blobs this run asked for; 0 where all were there."""
    resumed: bool
    """Whether an earlier run, complete or not, had begun in this directory."""
    notes: tuple[str, ...] = ()
    """What a person should know: more was fetched than needed, because the origin cannot do better."""


def fetch(
    recipe: Recipe,
    origin: str,
    into: Path,
    *,
    bases: Iterable[str] = (),
    paths: Iterable[str] = (),
    progress: FetchProgress | None = None,
) -> Fetched:
    """Fetch a recipe's range, root, target and named commits, and the blobs its queue reads.

    origin: URL or path, as git reads it. into: a new or empty directory, or one that `fetch` made.
    bases: revisions of the origin the queue will be applied to, beside the range's start; their own changes to
    owned paths, which alignment retracts, come too. paths: more files to have of each base, root and target.

    Raises ToolMissing, UnknownRevision, BadInput for a directory of another making, EnvironmentFault with the last
    lines git said where a transfer fails or another run is at work; then what came so far stays.
    """
    git = Git(program=checked_program(), directory=into, origin=absolute_origin(origin), progress=progress)
    bases = tuple(bases)
    lock, resumed = _claimed(into)
    with lock:
        repo = git.repository()
        named = [recipe.root, recipe.range_start, *bases, recipe.range_end, recipe.target]
        revisions = list(dict.fromkeys(filter(None, named)))
        _bring_revisions(git, repo, revisions)
        _bring_commits(git, repo, [entry.commit for entry in (*recipe.prerequisites, *recipe.includes)])
        trees = {revision: str(resolve_commit(repo, revision).id) for revision in revisions}
        root = trees[recipe.root] if recipe.root is not None else _merge_base(repo, recipe)
        picks, blobs = _extracted(git, repo, recipe)
        retracted = _base_changes(repo, root, [trees[base] for base in (recipe.range_start, *bases)], recipe.owned)
        conditions = [entry.when.path for entry in recipe.prerequisites if entry.when is not None]
        files = ["Makefile", *conditions, *paths]
        wanted = plan_blobs(repo, [*picks, *retracted], recipe.owned, trees={root, *trees.values()}, paths=files)
        # Alignment asks every commit and its parent for the version.
        wanted |= plan_blobs(repo, [], _NOTHING, trees=_with_parents(repo, retracted), paths=["Makefile"])
        if _has_all(repo, resolve_commit(repo, recipe.range_end), wanted):
            git.note(_FULL)
        blobs += _bring_blobs(git, repo, wanted)
        return Fetched(
            repository=into, commits=len(picks), blobs=blobs, resumed=resumed, notes=tuple(dict.fromkeys(git.notes))
        )


def plan_blobs(
    repo: pygit2.Repository,
    commits: Iterable[str],
    owned: OwnedPaths,
    *,
    trees: Iterable[str] = (),
    paths: Iterable[str] = (),
) -> frozenset[str]:
    """Ids of the blobs a replay of these commits reads; only trees are read for it, and no blob need be there.

    Of every commit both images of every path it touches; of a merge, owned paths its sides do not agree about.
    Of every commit in `trees` (bases, root, target): owned paths, `paths`, and all paths the commits touch.
    Raises MissingObject where a commit or tree is missing.
    """
    objects, touched = Objects(repo), set(paths)
    blobs: set[Entry | None] = set()
    for identifier in commits:
        commit = resolve_commit(repo, identifier)
        if len(commit.parent_ids) > 1:
            blobs |= merge_entries(repo, objects, commit, owned)
            continue
        before = commit_tree(resolve_commit(repo, str(commit.parent_ids[0]))) if commit.parent_ids else None
        for change in tree_changes(objects, before, commit_tree(commit), renames=False):
            blobs |= {change.old, change.new}
            touched.add(change.path)
    keys = OwnedKeys.of(objects, owned)
    for identifier in trees:
        root = commit_tree(resolve_commit(repo, identifier))
        tree = TreeEditor(objects, root)
        blobs |= {tree.get(path) for path in touched}
        blobs |= set(keys.files(root).values())
    return frozenset(hexed(entry.oid) for entry in blobs if entry is not None and entry.mode != SUBMODULE)


def _merge_base(repo: pygit2.Repository, recipe: Recipe) -> str:
    """The root of a recipe that names none."""
    found = repo.merge_base(*(resolve_commit(repo, end).id for end in (recipe.range_start, recipe.range_end)))
    if found is None:
        raise UnknownRevision(f"{recipe.range} has no merge base; give the recipe a root", file=recipe.file)
    return str(found)


def _base_changes(repo: pygit2.Repository, root: str, bases: Iterable[str], owned: OwnedPaths) -> list[str]:
    """What alignment looks at: each base's own changes to owned paths, and the upstream commits they name."""
    pathspecs = [f":(literal){pattern}" for pattern in owned.patterns]
    found: dict[str, None] = {}
    for base in dict.fromkeys(bases) if pathspecs else ():
        for visited in visit(repo, f"{root}..{base}", pathspecs):
            found[visited.commit] = None
            message = resolve_commit(repo, visited.commit).raw_message
            found |= dict.fromkeys(name for name in upstream_ids(message) if name in repo)
    return list(found)


def _with_parents(repo: pygit2.Repository, commits: Iterable[str]) -> set[str]:
    found = [resolve_commit(repo, commit) for commit in commits]
    return {str(identifier) for commit in found for identifier in (commit.id, *commit.parent_ids)}


def _extracted(git: Git, repo: pygit2.Repository, recipe: Recipe) -> tuple[list[str], int]:
    """Ids of the commits a recipe picks, and how many blobs had to be brought to tell.

    Which merges hold work of their own is not always told by trees. Blobs for that come first, and mostly at once: a
    merge may have to be judged before it is known whether the next one has to.
    """
    brought = 0
    while True:
        try:
            found = extract(recipe, git.directory, progress=lambda done, total: git.report("picks", done, total or 0))
            return [pick.commit for pick in found.picks], brought
        except MissingObject:
            count = _bring_blobs(git, repo, _judging_blobs(git, repo, recipe))
            if not count:
                raise
            brought += count


def _judging_blobs(git: Git, repo: pygit2.Repository, recipe: Recipe) -> set[str]:
    """Blobs without which a merge of the range cannot be judged."""
    finder = MergeFinder(repo, Objects(repo), recipe.owned)
    wanted: set[str] = set()
    for visited in visit(repo, recipe.range, progress=lambda done, total: git.report("merges", done, total or 0)):
        if len(visited.parents) > 1:
            try:
                finder.has_own_work(visited)
                continue
            except MissingObject:
                wanted |= plan_blobs(repo, [visited.commit], recipe.owned)
        finder.touches(visited)
    return wanted


def _bring_revisions(git: Git, repo: pygit2.Repository, revisions: Sequence[str]) -> None:
    """Fetch the references that revisions start from, one by one, so that a killed run keeps those it had.

    With a release come the tags of those before it in its line.
    """
    names = dict.fromkeys(re.split(r"[\^~:]|@\{", revision, maxsplit=1)[0] for revision in revisions)
    _bring_commits(git, repo, [name for name in names if _COMMIT_ID.fullmatch(name)])
    sought = {
        name: _references(name)
        for name in names
        if not _COMMIT_ID.fullmatch(name)
        and not any(local.startswith("refs/tags/") and local in repo.references for _, local in _references(name))
    }
    if sought:
        asked = [remote for references in sought.values() for remote, _ in references]
        lines = [f"refs/tags/v{found[1]}.*" for found in map(_RELEASE.fullmatch, asked) if found is not None]
        told = git.run("ls-remote", "--refs", "origin", *asked, *lines).decode("utf-8", "surrogateescape")
        there = {line.partition("\t")[2] for line in told.splitlines()}
        for name, references in sought.items():
            remote, local = next((pair for pair in references if pair[0] in there), ("", ""))
            if remote:
                force = "" if local.startswith("refs/tags/") else "+"
                # The one asked for comes last: it is what tells that all are here.
                refspecs = [f"{tag}:{tag}" for tag in _earlier(remote, there) if tag not in repo.references]
                git.fetch(_FILTER, refspecs=[*refspecs, f"{force}{remote}:{local}"], what=f"history of {name}")
    for revision in revisions:
        try:
            resolve_commit(repo, revision)
        except UnknownRevision:
            raise UnknownRevision(
                f"{git.shown} has no {revision!r}; a tag, a branch or a full commit id is expected"
            ) from None


def _earlier(tag: str, there: Iterable[str]) -> list[str]:
    """Tags of the releases before one, of its line: alignment reads a base's history release by release."""
    wanted = _RELEASE.fullmatch(tag)
    matches = [match for match in map(_RELEASE.fullmatch, there) if match and wanted and match[1] == wanted[1]]
    numbers = sorted((int(match[2] or 0), match[0]) for match in matches)
    return [name for number, name in numbers if wanted and number < int(wanted[2] or 0)]


def _references(name: str) -> list[tuple[str, str]]:
    """What a name can stand for, as (reference of the origin, reference here), in git's order (gitrevisions(7))."""
    if not name or not pygit2.reference_is_valid_name(f"refs/{name}"):
        return []
    found = [name] if name.startswith("refs/") else [f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}"]
    pairs = [(reference, reference) for reference in found]
    branch = name.removeprefix("refs/remotes/").removeprefix("remotes/")
    if branch.startswith("origin/"):
        pairs.append((f"refs/heads/{branch.removeprefix('origin/')}", f"refs/remotes/{branch}"))
    return pairs


def _bring_commits(git: Git, repo: pygit2.Repository, commits: Iterable[str]) -> None:
    """Fetch commits that no reference brought; each gets a reference of its own, so that it stays."""
    for commit in dict.fromkeys(commits):
        if commit.lower() not in repo:
            refspec = f"{commit.lower()}:refs/mptcp-series/{commit.lower()}"
            git.fetch(_FILTER, refspecs=[refspec], what=f"history of {commit}")


def _bring_blobs(git: Git, repo: pygit2.Repository, wanted: Iterable[str]) -> int:
    """Fetch the blobs that are missing, in one request; their number."""
    missing = _missing(repo, wanted)
    if not missing:
        return 0
    # As git's own promisor fetch does: nothing to negotiate, these objects are not here.
    options = ("-c", "fetch.negotiationAlgorithm=noop")
    what = f"{len(missing)} blobs"
    try:
        git.fetch(_FILTER, options=options, stdin=missing, what=what)
    except EnvironmentFault:
        try:
            git.fetch(_FILTER, options=options, stdin=missing[:1], what=what)
        except EnvironmentFault:
            git.run("ls-remote", "origin", "HEAD")  # an origin that cannot be reached refuses nothing
            git.note(_FULL)
            git.fetch_in_full(repo)
        else:
            raise
    absent = _missing(repo, missing)
    if absent:
        raise EnvironmentFault(f"{git.shown} did not give {len(absent)} of {len(missing)} blobs; one is {absent[0]}")
    return len(missing)


def _missing(repo: pygit2.Repository, wanted: Iterable[str]) -> list[str]:
    odb = repo.odb
    return sorted(identifier for identifier in set(wanted) if identifier not in odb)


def _has_all(repo: pygit2.Repository, commit: pygit2.Commit, wanted: frozenset[str]) -> bool:
    """Whether blobs are here that no plan asked for: a few of a tree tell."""
    objects = Objects(repo)

    def others(tree: Oid) -> Iterator[str]:
        for entry in sorted(objects.tree(tree).values(), key=lambda entry: entry.is_tree):
            if entry.is_tree:
                yield from others(entry.oid)
            elif entry.mode != SUBMODULE and hexed(entry.oid) not in wanted:
                yield hexed(entry.oid)

    sample = list(islice(others(commit_tree(commit)), 8))
    return bool(sample) and not _missing(repo, sample)


def _claimed(directory: Path) -> tuple[IO[bytes], bool]:
    """A file that holds the directory for this run until it is closed, and whether an earlier run began in it."""
    marker = directory / MARKER
    try:
        directory.mkdir(parents=True, exist_ok=True)
        resumed = marker.exists()
        if not resumed and any(directory.iterdir()):
            raise BadInput(
                f"{directory}: holds something that fetch did not make; name a new directory "
                "(a clone of your own can be used as the source as it is)"
            )
        file = marker.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise EnvironmentFault(f"{directory}: another run is fetching into it; wait for it") from None
    except (FileExistsError, NotADirectoryError):
        raise BadInput(f"{directory}: not a directory; name another place") from None
    except OSError as error:
        raise EnvironmentFault(f"cannot write {directory}: {error.strerror}") from error
    return file, resumed
