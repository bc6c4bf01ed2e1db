# SPDX-License-Identifier: MIT
"""Checking results: as a revision, as a directory, as nothing of the kind; what is altered never passes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mptcp_series
from mptcp_series import Queue, Result, verify
from mptcp_series.engine.proof.layers import base_tree
from mptcp_series.engine.proof.verify import Verifier
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, REGULAR, Entry
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.errors import BadInput, NeedsPerson, UnknownRevision
from mptcp_series.values.verification import Verification

from .verifying import Mini, hunks_of, mutated, tree_of, unpack

BSP = "bsp-5.10"


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    return Mini.make(tmp_path_factory.mktemp("verify"))


@pytest.fixture(scope="module")
def result(mini: Mini) -> Result:
    return mini.apply(BSP).write_branch("out")


@pytest.fixture(scope="module")
def unpacked(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result as a plain directory, not to be changed."""
    place = tmp_path_factory.mktemp("tree") / "linux"
    place.mkdir()
    return unpack(result.objects, tree_of(result), place)


@pytest.fixture
def tree(unpacked: Path, tmp_path: Path) -> Path:
    """The result as a plain directory of one's own."""
    place = tmp_path / "linux"
    shutil.copytree(unpacked, place, symlinks=True)
    return place


@pytest.fixture(scope="module")
def verifier(mini: Mini) -> Verifier:
    return Verifier(mini.queue(), mini.world.bsp, base=BSP)


def check(mini: Mini, of: str | Path, ignore: tuple[str, ...] = ()) -> Verification:
    return verify(mini.queue(), mini.world.bsp, of, base=BSP, ignore=ignore)


def told(found: Verification) -> list[tuple[str, str, str, list[str]]]:
    return [
        (one.kind.value, one.thing.value, one.path, [author.name for author in one.authors])
        for one in found.differences
    ]


@pytest.mark.parametrize("base", ["v5.10", "v5.10.6", BSP])
def test_a_result_as_the_queue_makes_it(mini: Mini, base: str) -> None:
    mini.apply(base).write_branch("made")
    found = verify(mini.queue(), mini.repo(base), "made", base=base)
    assert found.proven
    assert found.require() is found
    assert (found.differences, found.reasons(), found.ignored) == ((), [], ())
    (parity,) = found.parity
    assert (parity.files, parity.unexplained) == (19, ())
    assert {entry.ground.value for entry in parity.explained} == (
        {"override"} if base == "v5.10" else {"override", "restore"}
    )
    assert parity.overrides == ("mini-5.15/busy-poll-options.patch",)
    assert found.result.tree == found.expected


def test_it_is_among_the_names_that_stay() -> None:
    assert {"verify", "Verification", "Certificate"} <= set(mptcp_series.__all__)


def test_each_hunk_end_to_end(verifier: Verifier, result: Result) -> None:
    """As the mutation test, through the whole check: a branch without one hunk, for every hunk there is."""
    seen = 0
    for mutation in hunks_of(result):
        found = verifier.check(mutated(result, {mutation.path: mutation.after}))
        assert not found.proven
        assert {(kind, path) for kind, _, path, _ in told(found)} == {("missing", mutation.path)}
        assert all(names for _, _, _, names in told(found))
        assert found.result.tree != found.expected
        seen += 1
    assert seen >= 38


def test_an_incomplete_queue_has_no_result_to_compare_with(mini: Mini, tmp_path: Path) -> None:
    other = tmp_path / "none"
    other.mkdir()
    queue = Queue.load(mini.series, overrides=other, source=mini.world.source)
    with pytest.raises(NeedsPerson, match=r"conflict: mptcp-let-tcp-say-how-much-room-a-fragment-has\.patch"):
        verify(queue, mini.world.bsp, BSP, base=BSP)


def test_the_base_is_no_result(mini: Mini, result: Result) -> None:
    found = check(mini, BSP)
    paths = {change.path for step in result.steps for change in step.changes}
    assert {one.path for one in found.differences} <= paths
    assert {one.kind.value for one in found.differences} == {"missing"}
    assert found.result.tree == base_tree(result).hex()


# As a directory.


def test_a_directory(mini: Mini, unpacked: Path) -> None:
    found = check(mini, unpacked)
    assert (found.proven, found.result.commit, found.result.place) == (True, None, str(unpacked))
    assert found.result.tree == found.expected


def test_what_a_directory_has_and_lacks(mini: Mini, tree: Path) -> None:
    (tree / "net/mptcp/pm.c").unlink()
    (tree / "kernel").mkdir(exist_ok=True)
    (tree / "kernel/extra.c").write_bytes(b"int extra;\n")
    (tree / "Makefile").chmod(0o755)
    found = check(mini, tree)
    assert ("missing", "file", "net/mptcp/pm.c") in [one[:3] for one in told(found)]
    assert ("extra", "file", "kernel/extra.c", []) in told(found)
    assert ("extra", "mode", "Makefile", []) in told(found)
    assert found.result.tree != found.expected


def test_the_tree_id_of_a_directory_is_git_s(mini: Mini, result: Result, tree: Path) -> None:
    (tree / "net/mptcp/pm.c").write_bytes(b"/* nothing */\n")
    (tree / "new").mkdir()
    (tree / "new/link").symlink_to("../Makefile")
    (tree / "new/run").write_bytes(b"#!/bin/sh\n")
    (tree / "new/run").chmod(0o700)
    home = result.objects.home
    files = {
        "net/mptcp/pm.c": Entry(REGULAR, home.create_blob(b"/* nothing */\n").raw),
        "new/link": Entry(LINK, home.create_blob(b"../Makefile").raw),
        "new/run": Entry(EXECUTABLE, home.create_blob(b"#!/bin/sh\n").raw),
    }
    commit = home[mutated(result, files)].peel(pygit2.Commit)
    found, of_commit = check(mini, tree), check(mini, str(commit.id))
    assert found.result.tree == of_commit.result.tree == str(commit.tree_id)
    assert found.differences == of_commit.differences


def test_a_file_where_a_directory_should_be_and_the_other_way_round(mini: Mini, tree: Path) -> None:
    shutil.rmtree(tree / "net/mptcp")
    (tree / "net/mptcp").write_bytes(b"a file\n")
    (tree / "Makefile").rename(tree / "kept")
    (tree / "Makefile").symlink_to("kept")
    found = told(check(mini, tree))
    assert ("extra", "file", "net/mptcp", []) in found
    assert ("extra", "file", "kept", []) in found
    assert ("extra", "mode", "Makefile", []) in found
    assert ("extra", "content", "Makefile", []) in found
    assert {path for kind, _, path, _ in found if kind == "missing"} >= {"net/mptcp/pm.c", "net/mptcp/protocol.c"}


def test_a_link_of_the_tree_is_not_followed(mini: Mini, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/x.c").write_bytes(b"x\n")
    (tree / "away").symlink_to(tmp_path / "far")
    assert told(check(mini, tree)) == [("extra", "file", "away", [])]


def test_what_is_ignored_is_told_and_hides_nothing_that_should_be_there(mini: Mini, tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".git/config").write_bytes(b"")
    for name in ("net/mptcp/pm.o", "vmlinux", "build/a", "build/b/c"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"\x7fELF")
    (tree / "net/mptcp/pm.c").write_bytes(b"\n")
    patterns = ("*.o", "/vmlinux", "build/", "*.c", "*.ko")
    found = check(mini, tree, patterns)
    assert [one.path for one in found.differences] == ["net/mptcp/pm.c"] * len(found.differences) != []
    assert [(one.pattern, one.files) for one in found.ignored] == [
        ("*.c", 0),
        ("*.ko", 0),
        ("*.o", 1),
        (".git", 1),
        ("/vmlinux", 1),
        ("build/", 2),
    ]
    assert {one.path for one in check(mini, tree).differences} >= {"net/mptcp/pm.o", "vmlinux", "build/a", "build/b/c"}


def test_what_the_queue_took_away_is_not_ignored_either(mini: Mini, result: Result, tree: Path) -> None:
    """A deletion that is missing is a missing hunk, whatever the pattern says."""
    (tree / "net/mptcp/token_cache.c").write_bytes(b"int left;\n")
    entry = Entry(REGULAR, result.objects.write("blob", b"int left;\n"))
    for checked in (tree, mutated(result, {"net/mptcp/token_cache.c": entry})):
        found = check(mini, checked, ("*.c",))
        (difference,) = found.differences
        assert (difference.path, found.proven) == ("net/mptcp/token_cache.c", False)
        assert [author.name for author in difference.authors] == ["mptcp-remove-the-token-cache.patch"]


def test_extra_files_of_a_revision_can_be_ignored_too(mini: Mini, result: Result) -> None:
    entry = Entry(REGULAR, result.objects.write("blob", b"x\n"))
    rev = mutated(result, {"vendor/notes.txt": entry})
    assert told(check(mini, rev)) == [("extra", "file", "vendor/notes.txt", [])]
    found = check(mini, rev, ("vendor/",))
    assert (found.proven, [(one.pattern, one.files) for one in found.ignored]) == (True, [("vendor/", 1)])


def test_names_that_are_no_utf_8(mini: Mini, tree: Path) -> None:
    name = os.fsencode(tree) + b"/caf\xe9.c"
    with open(name, "wb") as file:
        file.write(b"int a;\n")
    found = check(mini, tree)
    assert told(found) == [("extra", "file", "caf\udce9.c", [])]


def test_a_pipe_in_the_tree_is_refused(mini: Mini, tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    with pytest.raises(BadInput, match="fifo is neither a file nor a link"):
        check(mini, tree)
    assert check(mini, tree, ("fifo",)).proven


# What is no result.


def test_neither_a_directory_nor_a_revision(mini: Mini) -> None:
    with pytest.raises(UnknownRevision, match=r"^nowhere is no directory, and no revision either: .*nowhere"):
        check(mini, "nowhere")


def test_a_directory_that_is_no_kernel(mini: Mini, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no kernel: it has no Makefile"):
        check(mini, tmp_path)


def test_a_name_that_is_both(mini: Mini, result: Result, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.parent)
    tree.rename("out")
    with pytest.raises(BadInput, match=r"out is a directory and a revision; say \./out or refs/heads/out"):
        check(mini, "out")
    assert check(mini, "./out").result.commit is None
    assert check(mini, "refs/heads/out").result.commit == result.commit


def test_a_directory_cannot_be_its_own_base(mini: Mini, tree: Path) -> None:
    with pytest.raises(BadInput, match="is the base itself"):
        verify(mini.queue(), tree, tree)


def test_a_plain_base_gives_the_ids_that_git_gives(mini: Mini, result: Result, unpacked: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    unpack(result.objects, base_tree(result), base)
    found = verify(mini.queue(), base, unpacked)
    assert found.proven
    assert found.result.tree == found.expected == result.tree
    assert found.certificate.fields["base.tree"] == base_tree(result).hex()


# Law: whatever is done to the tree of a result, it does not pass.

MUTATIONS: dict[str, Callable[[bytes, int], bytes | None]] = {
    "a line goes": lambda data, at: b"".join(_without(data.splitlines(keepends=True), at)),
    "a line comes twice": lambda data, at: b"".join(_doubled(data.splitlines(keepends=True), at)),
    "a byte is another": lambda data, at: data[: at % len(data)] + b"\1" + data[at % len(data) + 1 :],
    "it is cut off": lambda data, at: data[: at % len(data)],
    "it is gone": lambda data, at: None,
}


def _without(lines: list[bytes], at: int) -> list[bytes]:
    return lines[: at % len(lines)] + lines[at % len(lines) + 1 :]


def _doubled(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[: at % len(lines)], lines[at % len(lines)], *lines[at % len(lines) :]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_passes(verifier: Verifier, result: Result, data: st.DataObject) -> None:
    editor = TreeEditor(result.objects, tree_of(result))
    files = {
        path: entry
        for top in result.objects.tree(tree_of(result))
        for path, entry in editor.files(top.decode()).items()
        if entry.mode in (REGULAR, EXECUTABLE) and result.objects.read(entry.oid)
    }
    changed: dict[str, Entry | None] = {}
    for path in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=3, unique=True)):
        how = data.draw(st.sampled_from([*MUTATIONS, "its mode"]))
        entry = files[path]
        if how == "its mode":
            changed[path] = Entry(REGULAR + EXECUTABLE - entry.mode, entry.oid)
            continue
        content = MUTATIONS[how](result.objects.read(entry.oid), data.draw(st.integers(0, 10_000)))
        oid = None if content is None else result.objects.write("blob", content)
        changed[path] = None if oid is None else Entry(entry.mode, oid)
    # A control character for a control character is no change.
    changed = {path: entry for path, entry in changed.items() if entry != files[path]}
    if changed:
        found = verifier.check(mutated(result, changed))
        assert not found.proven
        assert {one.path for one in found.differences} == set(changed)
        assert found.result.tree != found.expected


def test_a_stack_of_series_is_checked_as_one(tmp_path: Path) -> None:
    """The upper series has a patch of its own on a file of the stack's, and another owns a file no target has."""
    mini = Mini.make(tmp_path)
    upper = tmp_path / "series" / "upper"
    upper.mkdir()
    (upper / "recipe.toml").write_text(
        '[series]\nname = "upper"\nafter = ["mini-5.15"]\nrange = "v5.10..v5.15"\nmatch = ["net/upper"]\n'
        'owned = ["net/upper/"]\n'
    )
    (upper / "own.patch").write_bytes(
        b"Subject: upper: own\n\n---\n--- /dev/null\n+++ b/net/upper/own.c\n@@ -0,0 +1 @@\n+int own;\n"
        b"--- a/net/mptcp/Kconfig\n+++ b/net/mptcp/Kconfig\n@@ -1,1 +1,2 @@\n+# upper\n "
        + _first_line(mini, "net/mptcp/Kconfig")
    )
    (upper / "series").write_text("own.patch\n")
    queue = Queue.load(upper, source=mini.world.source)
    queue.apply(mini.world.bsp, base=BSP).require().write_branch("stacked")
    found = verify(queue, mini.world.bsp, "stacked", base=BSP)
    assert found.differences == ()
    assert [(one.series, one.files, len(one.unexplained)) for one in found.parity] == [
        ("mini-5.15", 19, 1),
        ("upper", 1, 1),
    ]
    assert [one.why for parity in found.parity for one in parity.unexplained] == [
        "own.patch brings it, and the target does not have it"
    ] * 2
    names = {field.split(".")[1] for field in found.certificate.fields if field.startswith("series.")}
    assert names == {"mini-5", "upper"}


def _first_line(mini: Mini, path: str) -> bytes:
    result = mini.apply(BSP)
    entry = TreeEditor(result.objects, tree_of(result)).get(path)
    assert entry is not None
    return result.objects.read(entry.oid).splitlines(keepends=True)[0]
