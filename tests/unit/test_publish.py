# SPDX-License-Identifier: MIT
"""Publishing: everything a result needs is written first, the branch moves once, last, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.replay.replay import Replay, Replayed
from mptcp_series.engine.store import publish
from mptcp_series.engine.store.objects import Entry, Objects, hexed
from mptcp_series.engine.store.publish import publish_objects, write_branch
from mptcp_series.errors import BadInput, EnvironmentFault, MissingObject

from .conftest import AUTHOR, Content, Files, Lab, numbered

OLD, NEW = numbered(200), numbered(200, {100: "x\n"})
BASE: Files = {"net/mptcp/pm.c": OLD, "net/core/sock.c": b"beside\n", "Makefile": b"make\n"}
AFTER: Files = {**BASE, "net/mptcp/pm.c": NEW, "net/mptcp/new.c": b"new\n"}


def replayed(home: Lab, source: Lab, steps: list[Files]) -> tuple[Objects, Replayed]:
    """A queue of the source, replayed on a base of home."""
    objects = Objects(home.repo, source.repo)
    base = home.commit(steps[0], "base\n")
    source.objects = objects
    items = [source.pick(before, after, name=f"{at}.patch") for at, (before, after) in enumerate(pairwise(steps))]
    replay = Replay(objects=objects, base=bytes.fromhex(base), base_tree=home.tree(steps[0]), base_name="base")
    return objects, replay.run(items)


@pytest.fixture
def source(tmp_path: Path) -> Lab:
    return Lab(pygit2.init_repository(str(tmp_path / "source.git"), bare=True))


def state(repo: pygit2.Repository) -> Mapping[str, str]:
    """Every file of a repository but its packs, and every reference."""
    root = Path(repo.path)
    found = {str(path.relative_to(root)): path.read_bytes().hex() for path in root.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(("objects/", "logs/"))}


def opened(repo: pygit2.Repository, rev: str) -> Lab:
    """The repository as a new process sees it, alone."""
    fresh = Lab(pygit2.Repository(repo.path))
    commit = fresh.repo.revparse_single(rev)
    assert isinstance(commit, pygit2.Commit)
    return fresh


def files_of(repo: pygit2.Repository, rev: str) -> Files:
    fresh = opened(repo, rev)
    commit = fresh.repo.revparse_single(rev)
    assert isinstance(commit, pygit2.Commit)
    return fresh.files(commit.tree_id.raw)


def test_source_and_base_in_different_repositories(lab: Lab, source: Lab) -> None:
    """Blobs of the source are brought along; nothing is written before."""
    objects, result = replayed(lab, source, [BASE, AFTER])
    before = state(lab.repo)
    assert files_of(lab.repo, str(lab.commit(BASE))) == BASE
    write_branch(objects, "mptcp", result.commit, message="why")
    assert files_of(lab.repo, "refs/heads/mptcp") == AFTER
    assert str(lab.repo.references["refs/heads/mptcp"].target) == hexed(result.commit)
    added = {name for name, data in state(lab.repo).items() if before.get(name) != data}
    assert added == {"refs/heads/mptcp"}
    packs = sorted(path.suffix for path in Path(lab.repo.path, "objects", "pack").iterdir())
    assert packs == [".idx", ".pack"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in Path(lab.repo.path, "objects", "pack").iterdir()} == {0o444}


def test_publishing_again_writes_nothing(lab: Lab, source: Lab) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    # A commit, four trees (root, net, net/mptcp), two blobs.
    assert publish_objects(objects, result.commit) == 6
    assert publish_objects(objects, result.commit) == 0
    fresh, same = replayed(lab, source, [BASE, AFTER])
    assert (same.commit, publish_objects(fresh, same.commit)) == (result.commit, 0)
    assert len(list(Path(lab.repo.path, "objects", "pack").iterdir())) == 2


def test_nothing_new_is_nothing_to_write(lab: Lab, source: Lab) -> None:
    objects, result = replayed(lab, source, [BASE])
    write_branch(objects, "same", result.commit, message="why")
    assert list(Path(lab.repo.path, "objects", "pack").iterdir()) == []
    assert files_of(lab.repo, "refs/heads/same") == BASE


def test_the_branch_moves_on(lab: Lab, source: Lab) -> None:
    for steps in ([BASE, AFTER], [BASE, {**AFTER, "x": b"x\n"}]):
        objects, result = replayed(lab, source, steps)
        write_branch(objects, "refs/heads/topic/mptcp", result.commit, message="why")
        assert files_of(lab.repo, "refs/heads/topic/mptcp") == steps[-1]
    assert lab.repo.listall_branches() == ["topic/mptcp"]


@pytest.mark.parametrize(
    "name", ["", "a b", "a..b", "-x", "@", "HEAD", "a/", "a.lock", "@{-1}", "a\x7f", "refs/heads/"]
)
def test_names_git_would_not_take(lab: Lab, source: Lab, name: str) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    with pytest.raises(BadInput) as caught:
        write_branch(objects, name, result.commit, message="why")
    assert str(caught.value) == f"branch name {name!r} is not valid in git; see git-check-ref-format(1)"
    assert list(Path(lab.repo.path, "objects", "pack").iterdir()) == []


def test_a_checked_out_branch_does_not_move(tmp_path: Path, source: Lab) -> None:
    work = Lab(pygit2.init_repository(str(tmp_path / "work"), initial_head="main"))
    base = work.commit(BASE)
    work.repo.references.create("refs/heads/main", base)
    work.repo.references.create("refs/heads/other", base)
    work.repo.add_worktree("linked", str(tmp_path / "linked"), work.repo.references["refs/heads/other"])
    objects, result = replayed(work, source, [BASE, AFTER])
    linked = Objects(pygit2.Repository(str(tmp_path / "linked")), source.repo)
    for place in (objects, linked):
        for name, directory in (("main", tmp_path / "work"), ("other", tmp_path / "linked")):
            with pytest.raises(BadInput) as caught:
                write_branch(place, name, result.commit, message="why")
            assert str(caught.value) == (
                f"branch {name} is checked out in {directory}; name another one, or switch away first"
            )
    # A branch without commits, too, is somebody's.
    work.repo.set_head("refs/heads/unborn")
    with pytest.raises(BadInput):
        write_branch(objects, "unborn", result.commit, message="why")
    write_branch(objects, "main", result.commit, message="why")
    assert files_of(work.repo, "refs/heads/main") == AFTER


def test_in_a_linked_work_tree_objects_go_to_the_repository(tmp_path: Path, source: Lab) -> None:
    work = Lab(pygit2.init_repository(str(tmp_path / "work"), initial_head="main"))
    work.repo.references.create("refs/heads/main", work.commit(BASE))
    work.repo.add_worktree("linked", str(tmp_path / "linked"))
    linked = Lab(pygit2.Repository(str(tmp_path / "linked")))
    objects, result = replayed(linked, source, [BASE, AFTER])
    write_branch(objects, "mptcp", result.commit, message="why")
    assert files_of(work.repo, "refs/heads/mptcp") == AFTER


def test_killed_before_the_branch_moves(lab: Lab, source: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    before = state(lab.repo)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(publish, "_checked_out", killed)
        with pytest.raises(KeyboardInterrupt):
            write_branch(objects, "mptcp", result.commit, message="why")
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, killed)
            with pytest.raises(KeyboardInterrupt):
                write_branch(objects, "mptcp", result.commit, message="why")
        assert state(lab.repo) == before
        assert list(Path(lab.repo.path, "objects", "pack").iterdir()) == []
    # Killed between the pack and its index: git does not see the pack, and the next run is not hindered.
    keep, calls = os.replace, []

    def second(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        keep(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", second)
        with pytest.raises(KeyboardInterrupt):
            write_branch(objects, "mptcp", result.commit, message="why")
    assert state(lab.repo) == before
    write_branch(objects, "mptcp", result.commit, message="why")
    assert files_of(lab.repo, "refs/heads/mptcp") == AFTER


def test_a_full_disk_is_an_environment_fault(lab: Lab, source: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentFault) as caught:
            write_branch(objects, "mptcp", result.commit, message="why")
    assert str(caught.value) == (
        f"cannot write objects to {Path(lab.repo.path) / 'objects' / 'pack'}: [Errno 28] No space left on device"
    )
    assert lab.repo.listall_branches() == []


def all_files(lab: Lab) -> set[str]:
    return {str(path) for path in Path(lab.repo.path).rglob("*") if path.is_file()}


@pytest.mark.parametrize(("there", "name"), [("team/mptcp/x", "team/mptcp"), ("team", "team/mptcp")])
def test_a_branch_below_or_above_another_is_refused_before_anything_is_written(
    lab: Lab, source: Lab, there: str, name: str
) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    lab.repo.references.create(f"refs/heads/{there}", lab.commit(BASE, "other\n"))
    before = all_files(lab)
    with pytest.raises(BadInput) as caught:
        write_branch(objects, name, result.commit, message="why")
    assert str(caught.value) == (
        f"branch {name} cannot be made beside refs/heads/{there} in {lab.repo.path}; name another one"
    )
    assert all_files(lab) == before


def test_a_branch_that_another_run_holds_or_moved(lab: Lab, source: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    held = Path(lab.repo.path, "refs", "heads", "mptcp.lock")
    held.touch()
    before = all_files(lab)
    with pytest.raises(EnvironmentFault) as caught:
        write_branch(objects, "mptcp", result.commit, message="why")
    assert all_files(lab) == before
    assert str(caught.value).startswith(f"cannot move refs/heads/mptcp to {hexed(result.commit)} in {lab.repo.path}: ")
    held.unlink()
    other = lab.commit(BASE, "other\n")
    keep = publish.publish_objects

    def meanwhile(objects: Objects, tip: bytes, files: Iterable[Entry] | None = None) -> int:
        lab.repo.references.create("refs/heads/mptcp", other, force=True)
        return keep(objects, tip, files)

    with monkeypatch.context() as patched:
        patched.setattr(publish, "publish_objects", meanwhile)
        with pytest.raises(EnvironmentFault) as moved:
            write_branch(objects, "mptcp", result.commit, message="why")
    assert (
        str(moved.value) == f"refs/heads/mptcp in {lab.repo.path} was moved by another run in the meantime; try again"
    )
    assert str(lab.repo.references["refs/heads/mptcp"].target) == other


def without(repo: pygit2.Repository, oid: bytes) -> None:
    """Take a loose object away, as a clone without blobs has it."""
    name = hexed(oid)
    Path(repo.path, "objects", name[:2], name[2:]).unlink()


def test_files_beside_a_touched_one_may_be_missing(lab: Lab, source: Lab) -> None:
    """In a clone without blobs the base's other files are not there, and are not needed."""
    beside: Files = {**BASE, "net/mptcp/beside.c": b"not here\n"}
    objects, result = replayed(lab, source, [beside, {**beside, **AFTER}])
    missing = lab.blob(b"not here\n")
    for place in (lab, source):
        without(place.repo, missing)
    write_branch(objects, "mptcp", result.commit, message="why")
    fresh = opened(lab.repo, "refs/heads/mptcp")
    with pytest.raises(MissingObject):
        fresh.objects.read(missing)


def test_a_changed_file_must_be_there(lab: Lab, source: Lab) -> None:
    objects, result = replayed(lab, source, [BASE, AFTER])
    new = source.blob(NEW)
    # Not read yet: where a path is clean, its content was never looked at.
    fresh = Objects(lab.repo, source.repo)
    for oid, (kind, data) in objects.made().items():
        assert fresh.write({1: "commit", 2: "tree", 3: "blob"}[kind], data) == oid
    without(source.repo, new)
    with pytest.raises(MissingObject) as caught:
        write_branch(fresh, "mptcp", result.commit, message="why")
    assert str(caught.value).startswith(f"object {hexed(new)} is missing from {lab.repo.path} and the source; ")
    assert lab.repo.listall_branches() == []


def test_the_reflog_has_no_user(tmp_path: Path, source: Lab) -> None:
    home = Lab(pygit2.init_repository(str(tmp_path / "home")))
    home.repo.config["user.name"] = "Somebody"
    home.repo.config["user.email"] = "somebody@example.org"
    objects, result = replayed(home, source, [BASE, AFTER])
    write_branch(objects, "mptcp", result.commit, message="what was done")
    (entry,) = home.repo.references["refs/heads/mptcp"].log()
    assert (entry.committer.name, entry.committer.email, entry.message) == (
        "mptcp_series",
        "mptcp-series@localhost",
        "what was done",
    )
    commit = home.repo[hexed(result.commit)]
    assert isinstance(commit, pygit2.Commit)
    assert (commit.committer.name, commit.author) == ("mptcp_series", AUTHOR)


CONTENT: st.SearchStrategy[Content] = st.one_of(
    st.integers(0, 40).map(lambda at: numbered(60, {at + 1: "x\n", 60 - at: "y\n"})),
    st.integers(0, 3).map(lambda at: b"\0" * at),
    st.binary(max_size=300),
)
STATES = st.lists(
    st.dictionaries(st.sampled_from(["f", "g", "d/f", "d/e/g"]), CONTENT, max_size=4), min_size=2, max_size=6
)


@given(states=STATES)
def test_every_object_reads_back(tmp_path_factory: pytest.TempPathFactory, states: list[Files]) -> None:
    """Law: whatever is packed, deltas and all, libgit2 reads it back as it was, alone from the repository."""
    directory = tmp_path_factory.mktemp("pack")
    home = Lab(pygit2.init_repository(str(directory / "home.git"), bare=True))
    source = Lab(pygit2.init_repository(str(directory / "source.git"), bare=True))
    objects, result = replayed(home, source, states)
    count = publish_objects(objects, result.commit)
    fresh = pygit2.Repository(home.repo.path)
    packed = [oid for oid in fresh.odb if oid.raw in objects.made()]
    for oid in packed:
        assert (int(fresh[oid].type), fresh[oid].read_raw()) == objects.made()[oid.raw]
    assert count == 0 or count >= len(result.steps)
    for step, state_ in zip(result.steps, [s for before, s in pairwise(states) if s != before], strict=True):
        assert files_of(home.repo, hexed(step.commit)) == state_
