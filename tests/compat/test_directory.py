# SPDX-License-Identifier: MIT
"""Directories beside git apply, GNU patch and quilt: the same files, permissions and times; and real kills."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series import Queue
from mptcp_series.engine.directory.changes import FileState, recover, write_changes
from mptcp_series.values.result import Status

from ..unit.conftest import numbered
from ..unit.directories import contents
from .conftest import MAKEFILE, Git

TEXT = [f"line {number} of a file\n".encode() for number in range(40)]


def random_tree(source: random.Random, before: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    """Files after some edits: changed, new, deleted, renamed, with other modes, binary, without a final newline."""
    files = dict(before)
    for _ in range(source.randrange(1, 5)):
        name = source.choice(sorted(files) or ["x"])
        fresh = f"{source.choice('abc')}/{source.choice('defg')}{source.randrange(9)}"
        what = source.choice(["edit", "edit", "new", "delete", "rename", "mode", "binary", "link", "end"])
        if what in ("new", "binary", "link") or name not in files:
            if any(path.startswith(fresh + "/") or fresh.startswith(path + "/") for path in files):
                continue
            data = b"".join(source.sample(TEXT, 12))
            if what == "binary":
                data = bytes(source.randrange(256) for _ in range(900)) + b"\0"
            mode = 0o120000 if what == "link" else source.choice([0o100644, 0o100755])
            files[fresh] = (mode, b"target" if what == "link" else data)
            continue
        mode, data = files.pop(name)
        if what == "delete":
            continue
        if what == "rename" and fresh not in files:
            name = fresh
        if what == "mode" and mode != 0o120000:
            mode ^= 0o111
        if what == "end" and mode != 0o120000:
            data = data.removesuffix(b"\n")
        if what in ("edit", "rename") and mode != 0o120000:
            at = source.randrange(len(data) + 1)
            data = data[:at] + source.choice(TEXT) + data[at:]
        files[name] = (mode, data)
    return files


def put(place: Path, files: dict[str, tuple[int, bytes]]) -> None:
    for name, (mode, data) in {**files, "Makefile": (0o100644, MAKEFILE)}.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == 0o120000:
            path.symlink_to(data.decode())
        else:
            path.write_bytes(data)
            path.chmod(mode & 0o777)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(seed=st.integers(0, 1 << 40), reverse=st.booleans())
def test_every_kind_of_change_is_applied_as_git_apply_does(tmp_path: Path, seed: int, reverse: bool) -> None:
    """New, deleted, renamed, mode-only and binary changes (literal and delta), forth and back (-R)."""
    root = tmp_path / f"{seed}-{reverse}"
    shutil.rmtree(root, ignore_errors=True)
    source = random.Random(seed)
    start = {f"{source.choice('abc')}/{name}": (0o100644, b"".join(source.sample(TEXT, 20))) for name in "hijk"}
    start["b/bin"] = (0o100644, bytes(source.randrange(256) for _ in range(3000)) + b"\0")
    before = random_tree(source, start)
    after = random_tree(source, before)
    (root / "git").mkdir(parents=True)
    git = Git(root / "git")
    git.run("init", "--quiet")
    for files in (before, after):
        for path in (root / "git").iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        put(root / "git", files)
        git.run("add", "--all")
        git.run("commit", "--quiet", "--allow-empty", "--message=x")
    data = subprocess.run(
        ["git", "diff", "--binary", "--full-index", "-M", "HEAD^", "HEAD"],
        cwd=root / "git",
        capture_output=True,
        check=True,
    ).stdout
    if not data:
        return
    series = root / "series"
    series.mkdir()
    (series / "series").write_text("x.patch -R\n" if reverse else "x.patch\n")
    (series / "x.patch").write_bytes(data)
    ours, theirs = root / "ours", root / "theirs"
    for place in (ours, theirs):
        put(place, after if reverse else before)
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *(["-R"] if reverse else []), "../series/x.patch"],
        cwd=theirs,
        check=True,
    )
    result = Queue.load(series).apply(ours)
    assert result.reasons() == []
    result.write_directory()
    assert contents(ours) == contents(theirs)


needs_quilt = pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")


@needs_quilt
def test_quilt_leaves_the_same_files(tmp_path: Path) -> None:
    """Bytes, permissions, hard links and what counts as new to make."""
    for name in ("ours", "theirs"):
        place = tmp_path / name
        put(place, {"f": (0o100644, numbered(30)), "g": (0o100755, numbered(30)), "h": (0o100644, b"h\n")})
        (place / "f").chmod(0o664)
        (place / "h").chmod(0o444)
        os.link(place / "f", place / "twin")
        for path in place.iterdir():
            os.utime(path, ns=(10**18, 10**18))
    patches = tmp_path / "patches"
    patches.mkdir()
    (patches / "series").write_text("one.patch\ntwo.patch -p0\n")
    (patches / "one.patch").write_bytes(
        b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -9,3 +9,3 @@\n line 9\n-line 10\n+x\n line 11\n"
        b"diff --git a/g b/g\nold mode 100755\nnew mode 100644\n"
        b"diff --git a/new b/new\nnew file mode 100755\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n"
    )
    (patches / "two.patch").write_bytes(b"--- h\n+++ h\n@@ -1 +1,2 @@\n h\n+i\n")
    Queue.load(patches).apply(tmp_path / "ours").write_directory()
    subprocess.run(
        ["quilt", "--quiltrc=-", "push", "-a", "-q"],
        cwd=tmp_path / "theirs",
        env={**os.environ, "QUILT_PATCHES": str(patches)},
        check=True,
        capture_output=True,
    )

    def state(place: Path) -> dict[str, tuple[bytes, int, int, bool]]:
        found = {}
        for path in sorted(place.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                there = path.stat()
                kept = there.st_mtime_ns == 10**18
                found[path.name] = (path.read_bytes(), stat.S_IMODE(there.st_mode), there.st_nlink, kept)
        return found

    ours, theirs = state(tmp_path / "ours"), state(tmp_path / "theirs")
    # quilt's own copy is a link to it as well, and quilt sets that one's time.
    assert (ours.pop("twin"), theirs.pop("twin")[0]) == ((numbered(30), 0o664, 1, True), numbered(30))
    assert ours == theirs


KILL = """
import os, signal, sys
from pathlib import Path
from mptcp_series.engine.directory import rooted
from mptcp_series.engine.directory.changes import FileState, write_changes
left = int(sys.argv[2])
for name in ("open", "mkdir", "rmdir", "unlink", "rename", "fchmod", "fsync"):
    def call(*args, _real=getattr(os, name), **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return _real(*args, **kwargs)
    setattr(os, name, call)
root = Path(sys.argv[1])
changes = {f"d{n}/f": FileState(data=b"new %d" % n) for n in range(4)}
write_changes(root, {**changes, "gone/x": None}, journal=root / ".journal")
"""


def test_a_process_that_is_killed_leaves_the_old_files_or_the_new_ones(tmp_path: Path) -> None:
    old = {f"d{n}/f": (0o100644, b"old %d" % n) for n in range(4)} | {"gone/x": (0o100644, b"x")}
    new = {f"d{n}/f": (0o100644, b"new %d" % n) for n in range(4)}
    seen = set()
    for calls in range(0, 140, 9):
        root = tmp_path / str(calls)
        put(root, old)
        done = subprocess.run([sys.executable, "-c", KILL, str(root), str(calls)], check=False, capture_output=True)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        recover(root, root / ".journal")
        left = {name: what for name, what in contents(root).items() if name != "Makefile"}
        assert left in (old, new)
        seen.add((done.returncode, left == new))
    assert {(-signal.SIGKILL, False), (-signal.SIGKILL, True), (0, True)} <= seen


def test_a_run_holds_the_directory_against_another(tmp_path: Path) -> None:
    put(tmp_path / "tree", {"f": (0o100644, b"old")})
    code = (
        "import fcntl, os, sys\n"
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "tree")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(Exception, match="another run is writing here"):
            write_changes(tmp_path / "tree", {"f": FileState(data=b"new")}, journal=tmp_path / "journal")
        other.communicate()
    write_changes(tmp_path / "tree", {"f": FileState(data=b"new")}, journal=tmp_path / "journal")
    assert (tmp_path / "tree/f").read_bytes() == b"new"


def test_fuzz_is_that_of_gnu_patch(tmp_path: Path) -> None:
    """The same place, the same lines of context left as the file has them; and none without the option."""
    for name in ("ours", "theirs"):
        put(tmp_path / name, {"f": (0o100644, numbered(30, {11: "other\n", 17: "another\n"}))})
    patches = tmp_path / "patches"
    patches.mkdir()
    (patches / "series").write_text("x.patch\n")
    (patches / "x.patch").write_bytes(
        b"--- a/f\n+++ b/f\n@@ -11,7 +11,7 @@\n"
        b" line 11\n line 12\n line 13\n-line 14\n+x\n line 15\n line 16\n line 17\n"
    )
    subprocess.run(["patch", "-p1", "-F1", "-s", "-i", str(patches / "x.patch")], cwd=tmp_path / "theirs", check=True)
    (tmp_path / "theirs/f.orig").unlink(missing_ok=True)
    queue = Queue.load(patches)
    assert [patch.status for patch in queue.apply(tmp_path / "ours").patches] == [Status.CONFLICT]
    result = queue.apply(tmp_path / "ours", fuzz=1).write_directory()
    assert [patch.fuzz for patch in result.patches] == [1]
    assert contents(tmp_path / "ours") == contents(tmp_path / "theirs")
