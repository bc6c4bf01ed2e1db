# SPDX-License-Identifier: MIT
"""What GNU patch, quilt, git and our own push make of each kind of change: export says the same of them.

Each case is a tree, what a patch makes of it, and what export has to say. The patch is applied as the tools of the
formats apply theirs (their rules are in test_export_builds.py); the tree must be the one the patch leads to, or the
tool must end with another status than 0, or export must have refused.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs
import pygit2
import pytest
from pygit2.enums import FileMode

from mptcp_series.engine.directory.changes import FileState
from mptcp_series.engine.directory.rooted import Rooted
from mptcp_series.engine.exchange.carried import Beyond, uncarried
from mptcp_series.engine.exchange.render import render_patch, render_quilt
from mptcp_series.engine.quilt.diffs import file_diff
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.pop import pop
from mptcp_series.engine.quilt.push import push
from mptcp_series.engine.quilt.queue import Quilt
from mptcp_series.engine.quilt.settings import DiffFormat, Settings
from mptcp_series.engine.replay.change import tree_changes
from mptcp_series.engine.replay.commits import Step
from mptcp_series.engine.replay.item import RawCommit
from mptcp_series.engine.store.objects import Objects
from mptcp_series.errors import MptcpSeriesError

from .conftest import numbered

pytestmark = [
    pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed"),
    pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed"),
]

File = bytes | tuple[int, bytes]
Tree = Mapping[str, File]
RUN, LINK, SUB = 0o100755, 0o120000, 0o160000
TEXT, OTHER = numbered(12), numbered(12, {6: "six\n"})
_NOISE = random.Random(1).randbytes(4000)
BLOB, CHANGED = b"\0" + _NOISE, b"\0" + _NOISE[:2000] + b"more" + _NOISE[2000:]
KEPT: Tree = {"Makefile": b"all:\n", "keep.c": b"kept\n", "dir/keep.c": b"kept\n"}


@attrs.frozen
class Case:
    before: Tree
    after: Tree
    says: tuple[Beyond, ...] = ()


CASES = {
    "text": Case({"a.c": TEXT}, {"a.c": OTHER}),
    "binary literal": Case({}, {"fw.bin": b"\0\1\2"}, (Beyond.BINARY,)),
    "binary delta": Case({"fw.bin": BLOB}, {"fw.bin": CHANGED}, (Beyond.BINARY,)),
    "binary deleted": Case({"fw.bin": BLOB}, {}, (Beyond.BINARY,)),
    "binary renamed": Case({"fw.bin": BLOB}, {"new.bin": BLOB}, (Beyond.BINARY,)),
    "binary to text": Case({"fw.bin": BLOB}, {"fw.bin": TEXT}, (Beyond.BINARY,)),
    "text to binary": Case({"fw.bin": TEXT}, {"fw.bin": BLOB}, (Beyond.BINARY,)),
    "binary beside text": Case({"a.c": TEXT, "b.bin": BLOB}, {"a.c": OTHER, "b.bin": CHANGED}, (Beyond.BINARY,)),
    "binary mode": Case({"fw.bin": BLOB}, {"fw.bin": (RUN, BLOB)}),
    "mode on": Case({"a.sh": TEXT}, {"a.sh": (RUN, TEXT)}),
    "mode off": Case({"a.sh": (RUN, TEXT)}, {"a.sh": TEXT}),
    "modes of two": Case({"a.sh": TEXT, "b.sh": TEXT}, {"a.sh": (RUN, TEXT), "b.sh": (RUN, TEXT)}),
    "mode and text": Case({"a.sh": TEXT}, {"a.sh": (RUN, OTHER)}),
    "mode between texts": Case(
        {"a.c": TEXT, "b.sh": TEXT, "c.c": TEXT}, {"a.c": OTHER, "b.sh": (RUN, TEXT), "c.c": OTHER}
    ),
    "renamed": Case({"a.c": TEXT}, {"b.c": TEXT}),
    "renamed and edited": Case({"a.c": TEXT}, {"b.c": OTHER}),
    "renamed executable": Case({"a.sh": (RUN, TEXT)}, {"b.sh": (RUN, TEXT)}),
    "swapped": Case({"a.c": TEXT, "b.c": OTHER}, {"a.c": OTHER, "b.c": TEXT}),
    "copied": Case({"a.c": TEXT}, {"a.c": TEXT, "b.c": TEXT}),
    "copied and edited": Case({"a.c": TEXT}, {"a.c": TEXT, "b.c": OTHER}),
    "new": Case({}, {"new/dir/a.c": TEXT}),
    "new executable": Case({}, {"a.sh": (RUN, TEXT)}),
    "deleted": Case({"a.c": TEXT}, {}),
    "new link": Case({}, {"l": (LINK, b"keep.c")}),
    "new link to nothing": Case({}, {"l": (LINK, b"../nowhere")}),
    "link changed": Case({"l": (LINK, b"keep.c")}, {"l": (LINK, b"Makefile")}, (Beyond.POP,)),
    "link deleted": Case({"l": (LINK, b"keep.c")}, {}, (Beyond.POP,)),
    "link renamed": Case({"l": (LINK, b"keep.c")}, {"m": (LINK, b"keep.c")}, (Beyond.POP,)),
    "link to file": Case({"l": (LINK, b"keep.c")}, {"l": TEXT}, (Beyond.POP,)),
    "file to link": Case({"l": TEXT}, {"l": (LINK, b"keep.c")}),
    "new empty": Case({}, {"a.c": b""}, (Beyond.EMPTY,)),
    "new empty executable": Case({}, {"a.sh": (RUN, b"")}, (Beyond.EMPTY,)),
    "empty deleted": Case({"a.c": b""}, {}, (Beyond.POP,)),
    "empty renamed": Case({"a.c": b""}, {"b.c": b""}, (Beyond.POP, Beyond.EMPTY)),
    "empty filled": Case({"a.c": b""}, {"a.c": TEXT}, (Beyond.POP,)),
    "emptied": Case({"a.c": TEXT}, {"a.c": b""}, (Beyond.EMPTY,)),
    "mode of empty": Case({"a.sh": b""}, {"a.sh": (RUN, b"")}, (Beyond.POP, Beyond.EMPTY)),
    "empty to link": Case({"a": b""}, {"a": (LINK, b"keep.c")}, (Beyond.POP,)),
    "file to directory": Case({"d": TEXT}, {"d/x": TEXT}, (Beyond.PLACE,)),
    "directory to file": Case({"d/x": TEXT}, {"d": TEXT}, (Beyond.PLACE,)),
    "directory to link": Case({"d/x": TEXT}, {"d": (LINK, b"dir")}, (Beyond.PLACE,)),
    "new submodule": Case({}, {"s": (SUB, b"1" * 20)}, (Beyond.SUBMODULE,)),
    "submodule changed": Case({"s": (SUB, b"1" * 20)}, {"s": (SUB, b"2" * 20)}, (Beyond.SUBMODULE,)),
    "mode, blank in name": Case({"a b.sh": TEXT, "a": TEXT}, {"a b.sh": (RUN, TEXT), "a": TEXT}),
    "new empty, blank in name": Case({"c.c": TEXT}, {"a b.c": b"", "c.c": OTHER}, (Beyond.EMPTY,)),
    "empty deleted, blank in name": Case({"a b.c": b"", "a": b""}, {"a": b""}, (Beyond.POP,)),
    "blank at the end": Case({"a ": TEXT, "a": TEXT}, {"a ": OTHER, "a": TEXT}),
    "new, blank at the end": Case({}, {"a ": TEXT}),
    "blank in name": Case({"a b.c": TEXT}, {"a b.c": OTHER}),
}


@attrs.frozen
class Made:
    """A case, written out: its patch in both styles, and a place for trees."""

    before: Tree
    after: Tree
    says: Mapping[Beyond, tuple[str, ...]]
    patch: bytes
    quilt: bytes
    work: Path

    def lay(self, name: str) -> Path:
        top = self.work / name
        for path, file in self.before.items():
            mode, data = file if isinstance(file, tuple) else (0o100644, file)
            place = top / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if mode == LINK:
                place.symlink_to(os.fsdecode(data))
            elif mode == SUB:
                place.mkdir()
            else:
                place.write_bytes(data)
                place.chmod(mode & 0o777)
        return top


def plain(tree: Tree) -> dict[str, File]:
    """The tree without submodules: these are directories of another's."""
    return {path: file for path, file in tree.items() if not (isinstance(file, tuple) and file[0] == SUB)}


def found(top: Path) -> dict[str, File]:
    """The files of a directory; of quilt and git nothing."""
    files: dict[str, File] = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if name.split("/")[0] in (".pc", ".git", "patches"):
            continue
        if path.is_symlink():
            files[name] = (LINK, os.fsencode(path.readlink()))
        elif path.is_file():
            files[name] = (RUN, path.read_bytes()) if path.stat().st_mode & 0o100 else path.read_bytes()
    return files


@pytest.fixture(params=list(CASES))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    case = CASES[request.param]
    repo = pygit2.init_repository(str(tmp_path / "made.git"), bare=True)
    objects = Objects(repo)
    before, after = ({**KEPT, **files} for files in (case.before, case.after))
    trees = []
    for files in (before, after):
        index = pygit2.Index()
        for path, file in files.items():
            mode, data = file if isinstance(file, tuple) else (0o100644, file)
            oid = pygit2.Oid(raw=data) if mode == SUB else repo.create_blob(data)
            index.add(pygit2.IndexEntry(path, oid, FileMode(mode)))
        trees.append(index.write_tree(repo).raw)
    raw = RawCommit(author=b"A <a@example.org> 1600000000 +0000", encoding=None, message=b"mptcp: x\n\nWhy.\n")
    changes = tuple(tree_changes(objects, trees[0], trees[1], renames=False))
    step = Step(name="x.patch", commit=b"c" * 20, raw=raw, changes=changes)
    says = {one.beyond: tuple(one.paths) for one in uncarried(objects, [step])}
    assert tuple(says) == case.says
    return Made(
        before, after, says, render_patch(objects, raw, changes), render_quilt(objects, raw, changes), tmp_path / "work"
    )


def patched(top: Path, data: bytes, *options: str) -> int:
    """GNU patch's exit status."""
    return subprocess.run(
        ["patch", *options, "-p1", "-d", str(top)], input=data, capture_output=True, check=False
    ).returncode


def quilt(top: Path, *arguments: str) -> int:
    done = subprocess.run(
        ["quilt", "--quiltrc", "-", *arguments],
        cwd=top,
        env={**os.environ, "QUILT_PATCH_OPTS": "-F0"},
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_build_systems(made: Made) -> None:
    """Buildroot's and OpenWrt's patch, and what one with -E does."""
    arrives = not {Beyond.BINARY, Beyond.PLACE, Beyond.SUBMODULE} & set(made.says)
    for name, data, options in (
        ("buildroot", made.patch, ("-F0", "-g0", "--no-backup-if-mismatch", "-t", "-N")),
        ("openwrt", made.quilt, ("-f",)),
        ("older openwrt", made.quilt, ("-f", "-E")),
    ):
        top = made.lay(name)
        status = patched(top, data, *options)
        same = found(top) == plain(made.after)
        if arrives and name == "older openwrt":
            assert (status, same) == (0, Beyond.EMPTY not in made.says)
        elif arrives:
            assert (status, same) == (0, True), name
        elif Beyond.SUBMODULE in made.says:
            # What makes it worth refusing: of a new one patch says nothing.
            assert (status, same) == ((1, False) if "s" in made.before else (0, False)), name
        else:
            assert (status, same) == (1, False), name


def queue_of(made: Made, name: str) -> Path:
    top = made.lay(name)
    (top / "patches").mkdir()
    (top / "patches" / "series").write_text("x.patch\n")
    (top / "patches" / "x.patch").write_bytes(made.patch)
    return top


def test_quilt(made: Made) -> None:
    top = queue_of(made, "quilt")
    status = quilt(top, "push")
    if {Beyond.BINARY, Beyond.PLACE} & set(made.says):
        assert (status, found(top)) == (1, plain(made.before))
        return
    if Beyond.SUBMODULE in made.says:
        assert status == (1 if "s" in made.before else 0)
        assert "s" in made.before or found(top) != plain(made.after)
        return
    assert (status, found(top)) == (0, plain(made.after))
    assert quilt(top, "pop") == 0
    assert (found(top) == plain(made.before)) == (Beyond.POP not in made.says)


def test_our_own_push_and_pop(made: Made) -> None:
    """Of binary files, and of what quilt does not pop, the message says that they are ours."""
    top = queue_of(made, "ours")
    if Beyond.SUBMODULE in made.says:
        return  # export has refused

    def opened() -> Quilt:
        return Quilt.open(Rooted(top), Settings())

    quilt = opened()
    if Beyond.PLACE in made.says:
        with pytest.raises(MptcpSeriesError):
            push(quilt, quilt.unapplied(), Reader(quilt)).write()
        assert found(top) == plain(made.before)
        return
    push(quilt, quilt.unapplied(), Reader(quilt)).write()
    assert found(top) == plain(made.after)
    quilt = opened()
    pop(quilt, quilt.applied, Reader(quilt)).write()
    assert found(top) == plain(made.before)


def test_git_am(made: Made) -> None:
    """What `--format mbox` carries."""
    top = made.lay("git")

    def git(*arguments: str, data: bytes = b"") -> str:
        done = subprocess.run(["git", *arguments], cwd=top, input=data, capture_output=True, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout.decode()

    git("init", "--quiet")
    git("add", "--all")
    for path, file in made.before.items():
        if isinstance(file, tuple) and file[0] == SUB:
            git("update-index", "--add", "--cacheinfo", f"160000,{file[1].hex()},{path}")
    git("commit", "--quiet", "--message", "base")
    git("am", "--quiet", data=made.patch)
    listed = git("ls-tree", "-r", "-z", "HEAD").split("\0")[:-1]
    links = {entry.partition("\t")[2]: entry.split()[2] for entry in listed if entry.startswith("160000 ")}
    assert found(top) == plain(made.after)
    assert links == {
        path: file[1].hex() for path, file in made.after.items() if isinstance(file, tuple) and file[0] == SUB
    }


def test_what_refresh_writes_of_names_with_blanks(made: Made) -> None:
    """In git's form: GNU patch finds the files of every case it can apply, whatever they are called."""
    if {Beyond.BINARY, Beyond.PLACE, Beyond.SUBMODULE} & set(made.says):
        return
    top = made.lay("refreshed")
    diff = b"".join(
        file_diff(path, state(made.before.get(path)), state(made.after.get(path)), DiffFormat(git=True))
        for path in sorted({*made.before, *made.after})
    )
    assert patched(top, diff) == 0
    assert found(top) == plain(made.after)


def state(file: File | None) -> FileState | None:
    """A file of a case as the verbs have it."""
    if file is None:
        return None
    mode, data = file if isinstance(file, tuple) else (0o100644, file)
    return FileState(data=data, mode=mode)
