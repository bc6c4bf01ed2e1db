# SPDX-License-Identifier: MIT
"""Plain source directories as bases: what a repository of the same files gives, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series import Queue, Result
from mptcp_series.engine.directory import changes as changes_module
from mptcp_series.engine.directory.snapshot import APPLIED, JOURNAL
from mptcp_series.engine.directory.target import recover_directory
from mptcp_series.engine.rebase import rebase
from mptcp_series.engine.resolving.job import Job
from mptcp_series.engine.resolving.place import Place
from mptcp_series.engine.resolving.prove import prepare
from mptcp_series.engine.resolving.resolve import begin, go_on
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.errors import (
    AlreadyApplied,
    BadInput,
    EnvironmentFault,
    MptcpSeriesError,
    NeedsPerson,
    NoRepository,
    ReadOnlyDirectory,
    UnsafePath,
)
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.result import Status

from .conftest import MAKEFILE, numbered
from .directories import contents, unpack


@attrs.frozen(kw_only=True)
class Mini:
    """The mini-kernel, and its series with the overrides that are shipped for it."""

    world: World
    series: Path

    def queue(self) -> Queue:
        return Queue.load(self.series, overrides=self.world.overrides, source=self.world.source)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    root = tmp_path_factory.mktemp("mini")
    world = build_world(root)
    series = root / "series" / "mini-5.15"
    series.mkdir(parents=True)
    (series / "recipe.toml").write_bytes(world.recipe)
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    return Mini(world=world, series=series)


def account(result: Result) -> Mapping[str, object]:
    """What a result says, but for the names of its base and the ids of its commits."""
    document = result.to_json()
    patches = document["patches"]
    assert isinstance(patches, list)
    told = [
        {**patch, "result_commit": None, "conflicts": [(one["path"], one["hunk"]) for one in patch["conflicts"]]}
        for patch in patches
    ]
    return {key: document[key] for key in ("counts", "overrides", "series")} | {
        "patches": told,
        "alignment": json.loads(json.dumps(document["alignment"]).replace(result.base.rev, "BASE")),
        "version": result.base.version,
    }


BASES = ["v5.10", "v5.10.3", "v5.10.6", "bsp"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("align", [True, False])
def test_a_directory_gives_what_its_repository_gives(mini: Mini, tmp_path: Path, base: str, align: bool) -> None:
    """The same account, also of what is in conflict; and where nothing is, the same files, written at once."""
    world = mini.world
    repo = world.bsp if base == "bsp" else world.source
    rev = world.bsp_branch if base == "bsp" else base
    place = unpack(repo, rev, tmp_path / "tree")
    before = contents(place)
    theirs = mini.queue().apply(repo, base=rev, align=align)
    ours = mini.queue().apply(place, align=align)
    assert contents(place) == before
    assert not (place / APPLIED).exists()
    left, right = account(ours), account(theirs)
    if base != "bsp":
        # A repository whose history has the vendor's commits tells of each; a directory tells of files.
        assert left == right
    if not theirs.complete:
        with pytest.raises(NeedsPerson):
            ours.write_directory()
        assert contents(place) == before
        return
    written = ours.write_directory()
    result = theirs.write_branch(f"result-{base}-{align}")
    assert contents(place) == contents(unpack(repo, str(result.commit), tmp_path / "wanted"))
    assert written.patched is not None
    assert set(written.patched) == {path for path in {*before, *contents(place)} if differs(before, place, path)}


def differs(before: Mapping[str, tuple[int, bytes]], place: Path, path: str) -> bool:
    return before.get(path) != contents(place).get(path)


def test_an_export_has_the_same_bytes_wherever_the_directory_is(mini: Mini, tmp_path: Path) -> None:
    """Nothing of the machine is in a patch: not for what is restored either."""
    for name in ("one", "elsewhere/two"):
        place = unpack(mini.world.bsp, mini.world.bsp_branch, tmp_path / name)
        mini.queue().apply(place).export(tmp_path / f"{place.name}-patches")
    one, two = contents(tmp_path / "one-patches"), contents(tmp_path / "two-patches")
    assert one == two
    assert str(tmp_path).encode() not in b"".join(data for _, data in one.values())


def test_objects_and_other_things_a_tree_ignores_are_no_edits(mini: Mini, tmp_path: Path) -> None:
    place = unpack(mini.world.source, "v5.10.3", tmp_path / "tree")
    plain = account(mini.queue().apply(place))
    (place / ".gitignore").write_text("*.o\n.*\n/include/generated/\n!.gitignore\n")
    for name in ("net/mptcp/built-in.o", "net/mptcp/.pm.o.cmd", "include/generated/autoconf.h", "net/mptcp/sub/x.o"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"\0made by a build\n")
    assert account(mini.queue().apply(place)) == plain
    (place / "net/mptcp/vendor.c").write_bytes(b"int vendor;\n")
    assert account(mini.queue().apply(place)) != plain


SERIES = "one.patch\ntwo.patch\n"
F, G = "net/mptcp/f.c", "net/g.c"


def diff(path: str, line: int, new: str) -> str:
    around = f" line {line - 1}\n-line {line}\n+{new}\n line {line + 1}\n"
    return f"--- a/{path}\n+++ b/{path}\n@@ -{line - 1},3 +{line - 1},3 @@\n{around}"


@attrs.frozen(kw_only=True)
class Lab:
    """A directory and a queue of patch files, without any repository."""

    root: Path

    @property
    def tree(self) -> Path:
        return self.root / "tree"

    def queue(self, series: str = SERIES, **patches: str) -> Queue:
        directory = self.root / "series" / "q"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "series").write_text(series)
        for name, text in {"one": diff(F, 10, "one"), "two": diff(G, 20, "two"), **patches}.items():
            (directory / f"{name}.patch").write_bytes(text.encode("utf-8", "surrogateescape"))
        return Queue.load(directory)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(root=tmp_path)
    for name, data in {"Makefile": MAKEFILE, F: numbered(30), G: numbered(30)}.items():
        (made.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (made.tree / name).write_bytes(data)
    return made


def test_patch_files_need_no_repository(lab: Lab) -> None:
    result = lab.queue().apply(lab.tree).write_directory()
    assert (lab.tree / F).read_bytes() == numbered(30, {10: "one\n"})
    assert (lab.tree / G).read_bytes() == numbered(30, {20: "two\n"})
    assert result.patched == (G, F)
    document = result.to_json()
    assert document["base"] == {"rev": str(lab.tree), "commit": None, "version": "5.10.66"}
    assert document["result"] == {
        "commit": None,
        "tree": None,
        "branch": None,
        "directory": str(lab.tree),
        "files": [G, F],
    }


def test_a_conflict_writes_nothing_or_the_patches_before_it(lab: Lab) -> None:
    result = lab.queue(two=diff(G, 20, "two").replace("-line 20", "-other")).apply(lab.tree)
    before = contents(lab.tree)
    with pytest.raises(NeedsPerson):
        result.write_directory()
    assert contents(lab.tree) == before
    assert result.to_json()["result"] == {"commit": None, "tree": None, "branch": None, "directory": None, "files": []}
    assert result.write_directory(partial=True).patched == (F,)
    assert (lab.tree / F).read_bytes() == numbered(30, {10: "one\n"})
    with pytest.raises(AlreadyApplied, match=r"q \(1 patch, not all of it\) was applied here") as caught:
        lab.queue().apply(lab.tree)
    assert not caught.value.same


def test_a_second_run_is_told_from_a_first_one(lab: Lab) -> None:
    lab.queue().apply(lab.tree).write_directory()
    with pytest.raises(AlreadyApplied) as same:
        lab.queue().apply(lab.tree)
    assert same.value.same
    assert str(same.value) == (
        f"{lab.tree}/{APPLIED}: q (2 patches) was applied here; a queue is applied to the unpatched tree"
    )
    with pytest.raises(AlreadyApplied) as other:
        lab.queue(two=diff(G, 20, "other")).apply(lab.tree)
    assert not other.value.same
    lab.queue()
    with pytest.raises(AlreadyApplied) as fuzzy:
        lab.queue().apply(lab.tree, fuzz=1)
    assert not fuzzy.value.same
    (lab.tree / F).write_bytes(b"edited\n")
    with pytest.raises(AlreadyApplied, match=rf"and {F} was changed since; in a fresh tree") as edited:
        lab.queue().apply(lab.tree)
    assert not edited.value.same


@pytest.mark.parametrize("data", [b"x", b"{}", b"[]", b'{"schema": 2}', b'{"schema": 1, "series": 3}'])
def test_a_mark_that_says_nothing_is_refused(lab: Lab, data: bytes) -> None:
    (lab.tree / APPLIED).write_bytes(data)
    with pytest.raises(BadInput, match=f"^{lab.tree}/{APPLIED}: "):
        lab.queue().apply(lab.tree)


def test_a_directory_has_no_revisions_and_no_branches(lab: Lab) -> None:
    with pytest.raises(BadInput, match="is a plain directory, which has no revisions: 'HEAD' cannot be the base"):
        lab.queue().apply(lab.tree, base="HEAD")
    with pytest.raises(BadInput, match="is a plain directory without branches"):
        lab.queue().apply(lab.tree).write_branch("x")
    with pytest.raises(MptcpSeriesError):
        lab.queue().apply(lab.tree).export(lab.root / "bundle", format="git-bundle")


def test_a_repository_is_not_patched_as_a_directory(mini: Mini) -> None:
    with pytest.raises(BadInput, match=r"write_branch\(\) writes the result"):
        mini.queue().apply(mini.world.source, base="v5.10.3").write_directory()


@pytest.mark.parametrize(
    ("makefile", "why"),
    [(None, r"\(no Makefile\)"), (b"all:\n", "VERSION")],
)
def test_a_directory_that_is_no_kernel(lab: Lab, makefile: bytes | None, why: str) -> None:
    (lab.tree / "Makefile").unlink()
    if makefile is not None:
        (lab.tree / "Makefile").write_bytes(makefile)
    with pytest.raises(NoRepository, match=f"neither a git repository nor a kernel source directory .*{why}"):
        lab.queue().apply(lab.tree)


def rejects(lab: Lab) -> None:
    (lab.tree / f"{F}.rej").write_bytes(b"@@ -1 +1 @@\n-a\n+b\n")
    (lab.tree / f"{G}.orig").write_bytes(b"")
    (lab.tree / "net/elsewhere.c.rej").write_bytes(b"")


def fifo(lab: Lab) -> None:
    (lab.tree / F).unlink()
    os.mkfifo(lab.tree / F)


def link_above(lab: Lab) -> None:
    (lab.root / "outside").mkdir()
    (lab.tree / F).rename(lab.root / "outside" / "f.c")
    (lab.tree / "net/mptcp").rmdir()
    (lab.tree / "net/mptcp").symlink_to(lab.root / "outside")


def killed(lab: Lab) -> None:
    (lab.tree / JOURNAL).write_bytes(b"")


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (
            rejects,
            BadInput,
            "{tree}/net/g.c.orig:1: left by an earlier run of patch: net/g.c may be patched in part; mend it or unpack "
            "it anew, and take this file away\n"
            "{tree}/net/mptcp/f.c.rej:1: left by an earlier run of patch: net/mptcp/f.c may be patched in part; mend "
            "it or unpack it anew, and take this file away",
        ),
        (fifo, BadInput, "{series}/one.patch:1: {tree}/net/mptcp/f.c is a FIFO, and a patch changes it"),
        (
            link_above,
            UnsafePath,
            "{series}/one.patch:1: changes net/mptcp/f.c, and net/mptcp is a symbolic link on {tree}; patch the file "
            "where it is",
        ),
        (
            killed,
            EnvironmentFault,
            "{tree}/.mptcp-series.journal: a run of `mptcp-series apply` was killed here; start it again, and it is "
            "resumed or undone",
        ),
    ],
)
def test_refused(lab: Lab, prepare: Callable[[Lab], None], error: type[MptcpSeriesError], message: str) -> None:
    queue = lab.queue()
    prepare(lab)
    with pytest.raises(error) as caught:
        queue.apply(lab.tree)
    assert str(caught.value) == message.format(tree=lab.tree, series=queue.directory)


ESCAPES = {
    "up": ("--- a/../../outside\n+++ b/../../outside\n@@ -0,0 +1 @@\n+x\n", "leaves the tree by '..'"),
    "absolute": ("--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+x\n", "absolute path '/etc/x'"),
    "git": ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n", "reaches into a repository by '.git'"),
    "device": (
        "diff --git a/x b/x\nnew file mode 020666\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n",
        "file mode 020666 is none that git writes",
    ),
    "huge": (
        f"--- a/{F}\n+++ b/{F}\n@@ -1,999999999 +1,999999999 @@\n-line 1\n+x\n",
        "the hunk header promises 999999999 old and 999999999 new lines, the body has 1 and 1",
    ),
    "larger": (f"--- a/{F}\n+++ b/{F}\n@@ -1,99999999999999 +1 @@\n-line 1\n+x\n", "not a hunk header"),
    "backwards": (
        f"--- a/{F}\n+++ b/{F}\n@@ -20 +20 @@\n-line 20\n+x\n@@ -10 +10 @@\n-line 10\n+x\n",
        "hunk goes backwards or overlaps the one before it",
    ),
    "overlap": (
        f"--- a/{F}\n+++ b/{F}\n@@ -9,3 +9,3 @@\n line 9\n-line 10\n+x\n line 11\n@@ -11 +11 @@\n-line 11\n+y\n",
        "hunk goes backwards or overlaps the one before it",
    ),
    "binary": (
        "diff --git a/b b/b\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 40\nLcmZ",
        "binary",
    ),
    "delta": (
        f"diff --git a/b b/b\nindex {'1' * 40}..{'2' * 40} 100644\nGIT binary patch\ndelta 7\n{{block}}\n",
        "binary block is garbled: the delta copies from beyond the end of the file it is for",
    ),
}


def block(data: bytes) -> str:
    import base64
    import zlib

    packed = zlib.compress(data)
    padded = packed + bytes(-len(packed) % 4)
    return f"{chr(64 + len(packed))}{base64.b85encode(padded).decode()}\n"


@pytest.mark.parametrize("name", ESCAPES)
def test_hostile_patches_are_refused_and_nothing_is_touched(lab: Lab, name: str) -> None:
    text, why = ESCAPES[name]
    # Old size 4, new size 9, copy 9 bytes from offset 0.
    text = text.replace("{block}", block(b"\x04\x09\x90\x09\x02ab"[:4] + b"\x02ab"))
    queue = lab.queue(two=text)
    before = contents(lab.root)
    with pytest.raises(BadInput) as caught:
        queue.apply(lab.tree)
    assert why in str(caught.value)
    assert str(caught.value).startswith(f"{queue.directory}/two.patch:")
    assert contents(lab.root) == before


def test_a_read_only_source_is_refused_before_the_first_write(lab: Lab) -> None:
    """It can be checked."""
    for path in (lab.tree, lab.tree / "net", lab.tree / "net/mptcp"):
        path.chmod(0o555)
    try:
        result = lab.queue().apply(lab.tree)
        with pytest.raises(ReadOnlyDirectory, match=r"is read-only \(mode 0555\)"):
            result.write_directory()
    finally:
        for path in (lab.tree, lab.tree / "net", lab.tree / "net/mptcp"):
            path.chmod(0o755)
    assert (lab.tree / F).read_bytes() == numbered(30)
    assert not (lab.tree / APPLIED).exists()


def test_what_was_edited_between_look_and_write_is_kept(lab: Lab) -> None:
    result = lab.queue().apply(lab.tree)
    assert result.complete
    (lab.tree / G).write_bytes(b"edited\n")
    with pytest.raises(BadInput, match=f"{G}: changed since it was read"):
        result.write_directory()
    assert (lab.tree / F).read_bytes() == numbered(30)
    assert (lab.tree / G).read_bytes() == b"edited\n"


def test_a_new_file_that_came_in_between_is_kept(lab: Lab) -> None:
    add = "--- /dev/null\n+++ b/net/new.c\n@@ -0,0 +1 @@\n+x\n"
    result = lab.queue(two=add).apply(lab.tree)
    (lab.tree / "net/new.c").write_bytes(b"mine\n")
    with pytest.raises(BadInput, match=r"net/new\.c: changed since it was read"):
        result.write_directory()
    assert (lab.tree / "net/new.c").read_bytes() == b"mine\n"


def test_a_killed_run_is_resumed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    result = lab.queue().apply(lab.tree)
    with monkeypatch.context() as patched:
        patched.setattr(changes_module, "_commit", die)
        with pytest.raises(Killed):
            result.write_directory()
    assert (lab.tree / F).read_bytes() == numbered(30)
    recovered = recover_directory(lab.tree)
    assert recovered is not None
    assert recovered.resumed
    assert (lab.tree / F).read_bytes() == numbered(30, {10: "one\n"})
    with pytest.raises(AlreadyApplied) as caught:
        lab.queue().apply(lab.tree)
    assert caught.value.same


MOVED = "net/ipv4/tcp.c"


def test_a_renamed_file_is_found_without_reading_the_rest(mini: Mini, tmp_path: Path) -> None:
    """A vendor moved a shared file: the queue follows it, in a directory as in a repository."""
    place = unpack(mini.world.source, "v5.10.3", tmp_path / "tree")
    (place / "vendor").mkdir()
    (place / MOVED).rename(place / "vendor" / "moved.c")
    (place / "vendor" / "large.bin").write_bytes(b"\0" * 1000)
    repo = pygit2.init_repository(str(tmp_path / "moved.git"), bare=True)
    index = pygit2.Index()
    for name, (mode, data) in contents(place).items():
        index.add(pygit2.IndexEntry(name, repo.create_blob(data), pygit2.enums.FileMode(mode)))
    person = pygit2.Signature("A", "a@example.org", 1, 0)
    base = repo.create_commit("refs/heads/base", person, person, "moved\n", index.write_tree(repo), [])
    theirs = mini.queue().apply(repo.path, base=str(base))
    ours = mini.queue().apply(place)
    assert [(p.name, p.status, [path.path for path in p.paths]) for p in ours.patches] == [
        (p.name, p.status, [path.path for path in p.paths]) for p in theirs.patches
    ]
    followed = [path.path for patch in ours.patches for path in patch.paths if path.source_path == MOVED]
    assert set(followed) == {"vendor/moved.c"}


def test_rebase_between_directories_and_revisions(mini: Mini, tmp_path: Path) -> None:
    source = mini.world.source
    one = unpack(source, "v5.10.3", tmp_path / "one")
    two = unpack(source, "v5.10.6", tmp_path / "two")
    queue = mini.queue()
    wanted = rebase(queue, source, before="v5.10.3", after="v5.10.6")
    told = [(patch.name, patch.move) for patch in wanted.account.patches]
    for before, after, repo in (
        (str(one), str(two), None),
        (str(one), "v5.10.6", source),
        ("v5.10.3", str(two), source),
    ):
        moved = rebase(queue, repo, before=before, after=after)
        assert [(patch.name, patch.move) for patch in moved.account.patches] == told
        assert all(patch.since is None for patch in moved.account.patches)
        plain = next(base for base in (before, after) if base.startswith("/"))
        assert f"{plain} is a directory, which has no history: what a change comes with is not told" in (
            moved.account.notes
        )
    same = rebase(queue, None, before=str(one), after=str(one))
    assert {patch.move.value for patch in same.account.patches} == {"unchanged"}


def test_resolve_does_not_touch_the_directory(mini: Mini, tmp_path: Path) -> None:
    source = mini.world.source
    tree = unpack(source, "v5.10.6", tmp_path / "tree")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in tree.rglob("*")}
    series = tmp_path / "series" / "mini-5.15"
    series.mkdir(parents=True)
    for name in ("series", "recipe.toml"):
        (series / name).write_bytes((mini.series / name).read_bytes())
    place = Place(tmp_path / "work")
    job = Job(series=series, repo=tree, base=None, source=source, align=False)
    report = begin(job, place)
    answers = 0
    while report.state is not None:
        for path, asked in report.state.files.items():
            file = place.directory / "tree" / path
            if asked.marked:
                kept = [line for line in file.read_bytes().split(b"\n") if line[:7] not in MARKS]
                file.write_bytes(b"\n".join(kept))
        with place.locked():
            answer = prepare(place)
            answer.write("Both sides.")
            report = go_on(answer)
        answers += 1
    assert answers > 0
    result = Queue.load(series, source=source).apply(tree, align=False)
    assert all(patch.status is not Status.CONFLICT for patch in result.patches)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in tree.rglob("*")} == before


MARKS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")


def test_an_answer_to_a_directory_that_changed_is_refused(mini: Mini, tmp_path: Path) -> None:
    tree = unpack(mini.world.source, "v5.10.6", tmp_path / "tree")
    place = Place(tmp_path / "work")
    job = Job(series=mini.series, repo=tree, base=None, source=mini.world.source, align=False)
    state = begin(job, place).state
    assert state is not None
    path = next(path for path, asked in state.files.items() if asked.marked)
    (tree / path).write_bytes(b"/* another */\n" + (tree / path).read_bytes())
    file = place.directory / "tree" / path
    file.write_bytes(b"\n".join(line for line in file.read_bytes().split(b"\n") if line[:7] not in MARKS))
    with place.locked(), pytest.raises(BadInput):
        prepare(place)
