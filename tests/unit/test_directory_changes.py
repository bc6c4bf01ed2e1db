# SPDX-License-Identifier: MIT
"""Files of a directory, written all or none: what is refused, what is kept, and what a kill leaves."""

from __future__ import annotations

import fcntl
import functools
import itertools
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mptcp_series.engine.directory import changes as changes_module
from mptcp_series.engine.directory import durable, journal, rooted
from mptcp_series.engine.directory.changes import (
    EXECUTABLE,
    LINK,
    FileState,
    Recovered,
    recover,
    write_changes,
)
from mptcp_series.errors import BadInput, EnvironmentFault, ReadOnlyDirectory, UnsafePath

Shape = Mapping[str, "bytes | tuple[int, bytes] | None"]
JOURNAL = ".journal"


def text(data: bytes) -> FileState:
    return FileState(data=data)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    fill(place, {"a": b"a\n", "d/b": b"b\n", "d/c": b"c\n", "e/f/g": b"g\n"})
    return place


def fill(place: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)


def shape(place: Path) -> dict[str, object]:
    """Everything below a directory: content and permissions of files, targets of links, directories."""
    found: dict[str, object] = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            found[name] = "directory"
        else:
            found[name] = (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    return found


def write(root: Path, changes: Mapping[str, FileState | None]) -> None:
    write_changes(root, changes, journal=root / JOURNAL)


def test_files_are_changed_made_and_taken_away(root: Path) -> None:
    write(
        root,
        {
            "a": text(b"A\n"),
            "d/b": None,
            "n/e/w": FileState(data=b"#!\n", mode=EXECUTABLE),
            "l": FileState(data=b"d/c", mode=LINK),
            "e/f/g": None,
            "not/there": None,
        },
    )
    assert shape(root) == {
        "a": (b"A\n", 0o644),
        "d": "directory",
        "d/c": (b"c\n", 0o644),
        "l": "-> d/c",
        "n": "directory",
        "n/e": "directory",
        "n/e/w": (b"#!\n", 0o755),
    }


def test_paths_may_be_bytes_of_any_encoding(root: Path) -> None:
    write_changes(root, {b"caf\xe9": text(b"x")}, journal=root / JOURNAL)
    assert Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).read_bytes() == b"x"


@pytest.mark.parametrize(
    ("old", "state", "expected"),
    [
        (0o664, FileState(data=b"x"), 0o664),
        (0o600, FileState(data=b"x"), 0o600),
        (0o444, FileState(data=b"x"), 0o444),
        (0o775, FileState(data=b"x", mode=EXECUTABLE), 0o775),
        (0o664, FileState(data=b"x", mode=EXECUTABLE), 0o755),
        (0o775, FileState(data=b"x"), 0o644),
        (0o664, FileState(data=b"x", permissions=0o640), 0o640),
        (0o664, FileState(data=b"a\n", permissions=0o640), 0o640),
    ],
)
def test_permissions_are_kept_as_gnu_patch_keeps_them(root: Path, old: int, state: FileState, expected: int) -> None:
    (root / "a").chmod(old)
    write(root, {"a": state})
    assert stat.S_IMODE((root / "a").stat().st_mode) == expected


def test_what_does_not_change_is_not_touched(root: Path) -> None:
    os.utime(root / "a", ns=(5, 5))
    before = (root / "a").stat()
    (root / "a").chmod(0o664)
    write(root, {"a": text(b"a\n"), "d/b": text(b"B\n")})
    after = (root / "a").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_mode & 0o777) == (before.st_ino, 5, 0o664)


def test_what_changes_is_new_so_that_make_sees_it_and_hard_links_do_not(root: Path) -> None:
    os.utime(root / "a", ns=(5, 5))
    os.link(root / "a", root / "twin")
    write(root, {"a": text(b"A\n")})
    assert (root / "a").stat().st_mtime_ns > 5
    assert (root / "twin").read_bytes() == b"a\n"
    assert (root / "a").stat().st_nlink == 1


def test_a_file_becomes_a_directory_and_back(root: Path) -> None:
    write(root, {"a": None, "a/x/y": text(b"y\n")})
    assert (root / "a/x/y").read_bytes() == b"y\n"
    write(root, {"a": text(b"a\n"), "a/x/y": None})
    assert (root / "a").read_bytes() == b"a\n"
    write(root, {"e/f/g": None, "e": text(b"e\n")})
    assert (root / "e").read_bytes() == b"e\n"


def test_a_link_is_replaced_and_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"mine\n")
    (root / "l").symlink_to(tmp_path / "outside")
    write(root, {"l": text(b"x\n")})
    assert (tmp_path / "outside").read_bytes() == b"mine\n"
    assert (root / "l").read_bytes() == b"x\n"
    assert not (root / "l").is_symlink()


def make_link(root: Path) -> None:
    (root / "way").symlink_to(root.parent)


def make_fifo(root: Path) -> None:
    os.mkfifo(root / "pipe")


def make_nothing(root: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "changes", "message"),
    [
        (make_nothing, {"../x": text(b"")}, "unsafe path '../x': leaves the tree by '..'"),
        (make_nothing, {"/x": text(b"")}, "unsafe path '/x': is absolute"),
        (make_nothing, {".git/config": text(b"")}, "unsafe path '.git/config': reaches into a repository by '.git'"),
        (make_link, {"way/x": text(b"")}, "way/x: way is a symbolic link, and no directory of the tree"),
        (make_link, {"way/x": None}, "way/x: way is a symbolic link, and no directory of the tree"),
        (make_link, {"way/x/y/z": text(b"")}, "way/x/y/z: way is a symbolic link, and no directory of the tree"),
        (make_fifo, {"pipe": text(b"")}, "pipe is a FIFO"),
        (make_fifo, {"pipe": None}, "pipe is a FIFO"),
        (make_fifo, {"pipe/x": text(b"")}, "pipe/x: pipe is a FIFO, and no directory of the tree"),
        (make_nothing, {"a/x": text(b"")}, "a/x: a is a file, and no directory of the tree"),
        (make_nothing, {"d": text(b"")}, "d is a directory, and holds d/b"),
        (make_nothing, {"d": text(b""), "d/b": None}, "d is a directory, and holds d/c"),
        (
            make_nothing,
            {"n": text(b""), "n/x": text(b"")},
            "n/x: a file is to be written at n, which would be its directory",
        ),
        (
            make_fifo,
            {"pipe": text(b""), "d": text(b""), "a": text(b"A\n")},
            "d is a directory, and holds d/b\npipe is a FIFO",
        ),
    ],
)
def test_hostile_paths_are_refused_before_the_first_write(
    root: Path, prepare: Callable[[Path], None], changes: Mapping[str, FileState | None], message: str
) -> None:
    prepare(root)
    before = shape_without_pipes(root.parent)
    with pytest.raises(UnsafePath) as caught:
        write(root, changes)
    assert str(caught.value) == message
    assert shape_without_pipes(root.parent) == before


def shape_without_pipes(place: Path) -> list[tuple[str, int]]:
    return [(str(path), path.lstat().st_mtime_ns) for path in sorted(place.rglob("*"))]


def test_the_journal_is_not_written_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / ".pc").symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafePath, match="is a symbolic link"):
        write_changes(root, {"a": text(b"A\n")}, journal=root / ".pc" / "journal")
    assert list((tmp_path / "outside").iterdir()) == []
    assert (root / "a").read_bytes() == b"a\n"


def test_a_journal_may_be_elsewhere(root: Path, tmp_path: Path) -> None:
    write_changes(root, {"a": text(b"A\n")}, journal=tmp_path / "journal")
    assert (root / "a").read_bytes() == b"A\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


def test_a_read_only_directory_is_refused_before_the_first_write(root: Path) -> None:
    (root / "d").chmod(0o555)
    try:
        with pytest.raises(ReadOnlyDirectory) as caught:
            write(root, {"a": text(b"A\n"), "d/b": text(b"B\n")})
    finally:
        (root / "d").chmod(0o755)
    assert str(caught.value) == f"{root}/d: is read-only (mode 0555)\nnothing was written; work on a copy"
    assert (root / "a").read_bytes() == b"a\n"


def test_a_read_only_root_is_refused_before_the_first_write(root: Path) -> None:
    root.chmod(0o555)
    try:
        with pytest.raises(ReadOnlyDirectory, match="is read-only"):
            write(root, {"d/b": text(b"B\n")})
    finally:
        root.chmod(0o755)
    assert (root / "d/b").read_bytes() == b"b\n"


def test_what_changed_since_it_was_read_is_refused(root: Path) -> None:
    with pytest.raises(BadInput) as caught:
        write_changes(
            root,
            {"a": text(b"A\n"), "d/b": text(b"B\n")},
            journal=root / JOURNAL,
            before={"a": text(b"a\n"), "d/b": text(b"other\n"), "d/c": None},
        )
    assert str(caught.value) == (
        f"{root}/d/b: changed since it was read; look, and try again\n"
        f"{root}/d/c: changed since it was read; look, and try again"
    )
    assert (root / "a").read_bytes() == b"a\n"


def test_two_runs_at_once_are_refused(root: Path) -> None:
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentFault, match="another run is writing here"):
            write(root, {"a": None})
        with pytest.raises(EnvironmentFault, match="another run is writing here"):
            recover(root, root / JOURNAL)
    finally:
        os.close(descriptor)


def test_no_root_no_run(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot be opened as a directory"):
        write(tmp_path / "none", {})


class Killed(BaseException):
    pass


class Dying:
    """The `os` module until the n-th call that changes anything; from then on nothing works, as after SIGKILL.

    ctrl_c: that call is interrupted instead, and all others work.
    """

    CHANGES = frozenset({"open", "mkdir", "rmdir", "unlink", "rename", "symlink", "fchmod", "fsync"})

    def __init__(self, calls: int, ctrl_c: bool = False) -> None:
        self.left = calls
        self.ctrl_c = ctrl_c

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in self.CHANGES:
            return real

        def call(*args: object, **kwargs: object) -> object:
            if name == "open" and len(args) > 1 and not int(str(args[1])) & os.O_CREAT:
                return real(*args, **kwargs)
            self.left -= 1
            if self.left == -1 and self.ctrl_c:
                raise KeyboardInterrupt
            if self.left < 0 and not self.ctrl_c:
                raise Killed
            return real(*args, **kwargs)

        return call


NEW: Mapping[str, FileState | None] = {
    "a": None,
    "a/deep/x": FileState(data=b"x\n", mode=EXECUTABLE),
    "d/b": FileState(data=b"B\n"),
    "d/c": None,
    "e": FileState(data=b"e\n"),
    "e/f/g": None,
    "h": FileState(data=b"d/b", mode=LINK),
    "n/e/w": FileState(data=b"w\n"),
    **{f"many/{number}": FileState(data=b"%d\n" % number) for number in range(9)},
}
OLD = {"a": b"a\n", "d/b": b"b\n", "d/c": b"c\n", "e/f/g": b"g\n"}


def killed_at(
    root: Path, call: int, run: Callable[[], object], monkeypatch: pytest.MonkeyPatch, *, ctrl_c: bool = False
) -> bool:
    """Whether the run died at that call."""
    dying = Dying(call, ctrl_c)
    with monkeypatch.context() as patched:
        for module in (changes_module, durable, journal, rooted):
            if hasattr(module, "os"):
                patched.setattr(module, "os", dying)
        try:
            run()
        except (Killed, KeyboardInterrupt):
            return True
    return False


def test_ctrl_c_leaves_nothing_for_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "old", OLD)
    fill(tmp_path / "new", OLD)
    write(tmp_path / "new", NEW)
    old, new = shape(tmp_path / "old"), shape(tmp_path / "new")
    seen = []
    for call in itertools.count():
        root = tmp_path / f"at{call}"
        fill(root, OLD)
        if not killed_at(root, call, functools.partial(write, root, NEW), monkeypatch, ctrl_c=True):
            break
        left = shape(root)
        assert left in (old, new), call
        seen.append(left == new)
    # Undone up to some call, and done from there on.
    assert seen == sorted(seen)
    assert set(seen) == {True, False}


def test_a_run_killed_anywhere_is_undone_or_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is a recovery that is killed itself."""
    fill(tmp_path / "old", OLD)
    fill(tmp_path / "new", OLD)
    write(tmp_path / "new", NEW)
    old, new = shape(tmp_path / "old"), shape(tmp_path / "new")
    seen = set()
    call = 0
    while True:
        root = tmp_path / f"at{call}"
        fill(root, OLD)
        if not killed_at(root, call, functools.partial(write, root, NEW), monkeypatch):
            break
        again = 0
        while killed_at(root, again, functools.partial(recover, root, root / JOURNAL), monkeypatch):
            again += 3
        left = shape(root)
        assert left in (old, new), call
        assert recover(root, root / JOURNAL) is None
        seen.add(left == new)
        if left == old:
            write(root, NEW)
            assert shape(root) == new
        call += 1
    assert seen == {True, False}
    assert call > 50


def test_recovery_says_what_it_did(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for call in range(200):
        killed = killed_at(root, call, functools.partial(write, root, {"a": text(b"%d\n" % call)}), monkeypatch)
        found.add(recover(root, root / JOURNAL))
        if not killed:
            break
    assert found == {None, Recovered(resumed=True, paths=("a",)), Recovered(resumed=False, paths=("a",))}


def stop_in_commit(root: Path, changes: Mapping[str, FileState | None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill a run once its journal says that it is to be done."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(changes_module, "_commit", die)
        with pytest.raises(Killed):
            write(root, changes)


def test_the_journal_of_a_killed_run_is_recovered_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_in_commit(root, {"a": text(b"A\n")}, monkeypatch)
    with pytest.raises(EnvironmentFault, match="a run was killed here"):
        write(root, {"a": text(b"B\n")})
    assert recover(root, root / JOURNAL) == Recovered(resumed=True, paths=("a",))
    assert (root / "a").read_bytes() == b"A\n"


def test_an_edit_after_the_kill_is_not_lost(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_in_commit(root, {"a": text(b"A\n"), "d/b": None, "d/n": text(b"n\n")}, monkeypatch)
    (root / "d/b").write_bytes(b"my edit\n")
    (root / "d/n").write_bytes(b"mine too\n")
    with pytest.raises(BadInput) as caught:
        recover(root, root / JOURNAL)
    said = "edited after a run was killed in the middle of writing it; put the edit aside, and run again"
    assert str(caught.value) == f"{root}/d/b: {said}\n{root}/d/n: {said}"
    assert (root / "d/b").read_bytes() == b"my edit\n"
    (root / "d/b").unlink()
    (root / "d/n").unlink()
    assert recover(root, root / JOURNAL) == Recovered(resumed=True, paths=("a", "d/b", "d/n"))
    assert ((root / "a").read_bytes(), (root / "d/n").read_bytes()) == (b"A\n", b"n\n")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x", "is no journal of a killed run"),
        (b"[]", "is no journal of a killed run"),
        (b'{"journal": 2}', "a journal of another version (2)"),
        (
            json.dumps(
                {"journal": 1, "phase": "commit", "early": [], "late": [], "moves": [["../x", None, None]]}
            ).encode(),
            "unsafe path '../x'",
        ),
        (
            json.dumps(
                {"journal": 1, "phase": "commit", "early": [], "late": [], "moves": [["x", "a", None]]}
            ).encode(),
            "'a' is no temporary file",
        ),
    ],
)
def test_a_journal_that_came_with_the_tree_does_no_harm(root: Path, data: bytes, why: str) -> None:
    (root / JOURNAL).write_bytes(data)
    with pytest.raises(BadInput) as caught:
        recover(root, root / JOURNAL)
    assert why in str(caught.value)
    assert str(caught.value).startswith(f"{root}/{JOURNAL}: ")
    assert (root / "a").read_bytes() == b"a\n"


def test_a_disk_that_refuses_leaves_everything(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(root)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(changes_module, "bring_to_disk", full)
        with pytest.raises(EnvironmentFault) as caught:
            write(root, NEW)
    assert str(caught.value) == f"{root}: cannot write: No space left on device; nothing was changed"
    assert shape(root) == before
