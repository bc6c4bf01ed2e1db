# SPDX-License-Identifier: MIT
"""Many bases at once: which ones patterns name, and that every row is what a single check says."""

from __future__ import annotations

import json
import random
import re
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pygit2
import pytest

from mptcp_series.engine import matrix as module
from mptcp_series.engine.matrix import BaseRef, MatrixSpec, expand_bases, matrix
from mptcp_series.engine.queue import Queue
from mptcp_series.errors import BadInput, BadSeries, MissingObject, MptcpSeriesError, NoRepository
from mptcp_series.values.matrix import Matrix, MatrixRow, heat_map
from mptcp_series.values.result import BaseInfo, EntryKind, Status

from .conftest import LINK, MAKEFILE, Content, Files, Lab, numbered

TCP, PM, CORE, NEW = "net/ipv4/tcp.c", "net/mptcp/pm.c", "net/mptcp/core.c", "net/mptcp/new.c"
SEEDS = 16
ROOT: Files = {
    "Makefile": MAKEFILE.replace(b"66", b"0"),
    TCP: numbered(40),
    PM: numbered(30, word="pm"),
    CORE: numbered(30, word="core"),
}
RECIPE = """\
[series]
name = "q"
range = "v5.10..v5.15"
match = ["net/mptcp"]
owned = ["net/mptcp/"]
root = "v5.10"
bases = "<5.15"
"""


def tag(lab: Lab, name: str, commit: str) -> None:
    lab.repo.references.create(f"refs/tags/{name}", commit, force=True)


def makefile(sublevel: int) -> bytes:
    return MAKEFILE.replace(b"66", b"%d" % sublevel)


class World:
    """A source with a queue, and bases that differ from its root in all the ways the replay knows."""

    def __init__(self, lab: Lab, directory: Path, seed: int) -> None:
        self.lab = lab
        self.chance = random.Random(seed)
        self.series = directory / "series" / "q"
        self.overrides = directory / "overrides" / "q"
        root = lab.commit(ROOT, "Linux 5.10\n")
        tag(lab, "v5.10", root)
        names = self._queue(root)
        self._overrides(names)
        self.bases = [self._base(number, root) for number in range(6)]

    def _edited(self, files: dict[str, Content], word: str) -> dict[str, Content]:
        """The files with a line or two changed, one added, or one that is gone."""
        files = dict(files)
        for _ in range(self.chance.choice([1, 1, 2])):
            path = self.chance.choice([TCP, TCP, PM, CORE])
            data = files.get(path)
            kind = self.chance.random()
            if kind < 0.1:
                files[NEW] = f"{word}\n".encode() * 4
            elif kind < 0.15:
                files.pop(path, None)
            elif isinstance(data, bytes):
                lines = data.splitlines(keepends=True)
                at = self.chance.randrange(len(lines))
                lines[at : at + 1] = self.chance.choice([[b"%s\n" % word.encode()], [lines[at], b"more\n"], []])
                files[path] = b"".join(lines)
        return files

    def _queue(self, root: str) -> list[str]:
        files: dict[str, Content] = dict(ROOT)
        pins = [root]
        names = []
        lines = []
        self.states = [files]
        for number in range(6):
            edited = self._edited(files, f"queue {number}")
            if edited == files:
                continue
            files = edited
            pins.append(self.lab.commit(files, f"mptcp: change {number}\n", [pins[-1]]))
            names.append(f"change-{number}.patch")
            lines.append(f"{names[-1]} # {pins[-1]}\n")
            self.states.append(files)
        tag(self.lab, "v5.15", pins[-1])
        recipe = RECIPE
        if self.chance.random() < 0.6:
            path, text = self.chance.choice([(TCP, "base 1"), (TCP, "line 7"), (PM, "pm 3")])
            recipe += f'[[prerequisite]]\ncommit = "{pins[1]}"\nreason = "why"\nwhen = "{path} lacks {text}"\n'
        self.series.mkdir(parents=True)
        (self.series / "series").write_text("".join(lines))
        (self.series / "recipe.toml").write_text(recipe)
        return names

    def _overrides(self, names: list[str]) -> None:
        self.overrides.mkdir(parents=True)
        for number, name in enumerate(self.chance.sample(names, min(len(names), self.chance.randrange(3)))):
            effect = self.chance.choice(["Skip: yes", f"Drop: {TCP}", f"Drop: {CORE}", ""])
            limit = self.chance.choice(["", "Base: <5.10.3\n", f"When: {TCP} has line 9\n"])
            diff = f"--- a/{PM}\n+++ b/{PM}\n@@ -19,3 +19,3 @@\n pm 19\n-pm 20\n+override\n pm 21\n"
            rest = "" if effect.startswith("Skip") else diff
            text = f"Patch: {name}\n{effect}\n".replace("\n\n", "\n") + f"{limit}Reason: why\n---\n{rest}"
            (self.overrides / f"o{number}.patch").write_text(text)

    def _base(self, number: int, root: str) -> str:
        files = dict(ROOT)
        if self.chance.random() < 0.4:
            # It has taken over what the queue made of a file.
            state, path = self.chance.choice(self.states), self.chance.choice([TCP, PM, CORE, NEW])
            files.pop(path, None)
            if path in state:
                files[path] = state[path]
        for _ in range(self.chance.randrange(3)):
            files = self._edited(files, f"base {number}")
        kind = self.chance.random()
        if kind < 0.08:
            files = {path: data for path, data in files.items() if not path.startswith("net/mptcp/")}
            blockers: list[Content] = [(LINK, b"../mptcp"), b"a file\n"]
            files["net/mptcp"] = self.chance.choice(blockers)
        elif kind < 0.16 and TCP in files:
            files["net/ipv4/tcp_main.c"] = files.pop(TCP)
        files["Makefile"] = b"all:\n" if kind > 0.95 else makefile(self.chance.choice([1, 2, 3, 4]))
        commit = self.lab.commit(files, f"base {number}\n", [root])
        name = f"base-{number}"
        self.lab.repo.references.create(f"refs/heads/{name}", commit)
        # The same files where it counts, in another tree.
        again = self.lab.commit({**files, "drivers/net.c": b"%d\n" % number}, "again\n", [commit])
        self.lab.repo.references.create(f"refs/heads/{name}-again", again)
        return name

    def spec(self, align: bool) -> MatrixSpec:
        path = str(self.lab.repo.path)
        return MatrixSpec(series=str(self.series), overrides=(str(self.overrides),), source=path, align=align)

    def refs(self) -> list[BaseRef]:
        return [BaseRef(str(self.lab.repo.path), f"{base}{end}") for base in self.bases for end in ("", "-again")]


def single(spec: MatrixSpec, base: BaseRef) -> MatrixRow:
    """The row as a check of this base alone has it."""
    queue = Queue.load(spec.series, overrides=spec.overrides, source=spec.source)
    try:
        result = queue.apply(base.repo, base=base.rev, align=spec.align)
    except MptcpSeriesError as error:
        commit = str(pygit2.Repository(base.repo).revparse_single(base.rev).id)
        return MatrixRow(
            repo=base.repo, base=BaseInfo(rev=base.rev, commit=commit, version=""), error=str(error).split("\n")[0]
        )
    patches = [patch for patch in result.patches if patch.kind is not EntryKind.ALIGN]
    found = [(patch, list(dict.fromkeys(conflict.path for conflict in patch.conflicts))) for patch in result.patches]
    return MatrixRow(
        repo=base.repo,
        base=result.base,
        counts=result.counts,
        tree=result.tree,
        statuses=tuple((patch.name, patch.status) for patch in patches),
        conflicts=tuple(f"{patch.name}: {path}" for patch, paths in found for path in paths),
        restore_conflicts=sum(
            patch.kind is EntryKind.RESTORE and patch.status is Status.CONFLICT for patch in result.patches
        ),
        overrides=result.overrides.used,
        lost=tuple(map(str, result.alignment.lost)),
        reasons=tuple(result.reasons()),
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_row_is_what_a_check_of_that_base_says(lab: Lab, tmp_path: Path, seed: int) -> None:
    world = World(lab, tmp_path, seed)
    for align in (True, False):
        spec, refs = world.spec(align), world.refs()
        assert matrix(spec, refs, workers=1).rows == tuple(single(spec, base) for base in refs)


def test_the_worlds_have_everything(lab: Lab, tmp_path: Path) -> None:
    """What the law above is about does happen in what it is tried on."""
    seen: set[str] = set()
    for seed in range(SEEDS):
        place = tmp_path / str(seed)
        place.mkdir()
        world = World(Lab(pygit2.init_repository(str(place / "lab.git"), bare=True)), place, seed)
        for row in matrix(world.spec(True), world.refs(), workers=1).rows:
            seen |= {status.value for _, status in row.statuses}
            seen |= {"error"} if row.error else set()
            seen |= {"restore"} if len(row.statuses) > 6 or row.restore_conflicts else set()
            seen |= {reason.split(":")[0] for reason in row.reasons}
    assert seen >= {status.value for status in Status} | {"error", "restore", "conflict", "drift"}


@pytest.fixture
def spec(lab: Lab, tmp_path: Path) -> MatrixSpec:
    """A queue of two patches; v5.10 to v5.10.3, of which .2 collides, and a tag that is no kernel."""
    root = lab.commit(ROOT, "Linux 5.10\n")
    one = lab.commit({**ROOT, TCP: numbered(40, {10: "ten\n"})}, "mptcp: ten\n", [root])
    two = lab.commit({**ROOT, TCP: numbered(40, {10: "ten\n", 30: "thirty\n"})}, "mptcp: thirty\n", [one])
    tag(lab, "v5.10", root)
    tag(lab, "v5.15", two)
    edits = {1: {}, 2: {10: "TEN\n"}, 3: {30: "thirty\n"}}
    for number, lines in edits.items():
        files = {**ROOT, "Makefile": makefile(number), TCP: numbered(40, lines)}
        tag(lab, f"v5.10.{number}", lab.commit(files, f"Linux 5.10.{number}\n", [root]))
    tag(lab, "docs", lab.commit({"README": b"no kernel\n"}, "docs\n"))
    later = {**ROOT, "Makefile": MAKEFILE.replace(b"= 10", b"= 15")}
    tag(lab, "v5.15.66", lab.commit(later, "Linux 5.15.66\n", [root]))
    series = tmp_path / "series" / "q"
    series.mkdir(parents=True)
    (series / "series").write_text(f"one.patch # {one}\ntwo.patch # {two}\n")
    (series / "recipe.toml").write_text(RECIPE)
    return MatrixSpec(series=str(series), overrides=None, source=str(lab.repo.path))


def bases(lab: Lab, *names: str) -> list[BaseRef]:
    return [BaseRef(str(lab.repo.path), name) for name in names]


ALL = ("v5.10", "v5.10.1", "docs", "v5.10.2", "v5.15.66", "v5.10.3")


def test_a_base_that_cannot_be_checked_is_a_row_of_its_own(lab: Lab, spec: MatrixSpec) -> None:
    found = matrix(spec, bases(lab, *ALL, "v5.10.9", "v5.10:Makefile"), workers=1)
    assert [(row.base.rev, row.base.version, row.error, row.needs_person, row.fault) for row in found.rows] == [
        ("v5.10", "5.10.0", None, False, False),
        ("v5.10.1", "5.10.1", None, False, False),
        ("docs", "", "base docs is no kernel: it has no Makefile", False, False),
        ("v5.10.2", "5.10.2", None, True, False),
        (
            "v5.15.66",
            "",
            f"{spec.series}/recipe.toml: base v5.15.66 is 5.15.66, and this queue is for <5.15",
            False,
            False,
        ),
        ("v5.10.3", "5.10.3", None, False, False),
        (
            "v5.10.9",
            "",
            f"{lab.repo.path}: unknown revision 'v5.10.9'; `git fetch --tags` may bring it",
            False,
            False,
        ),
        ("v5.10:Makefile", "", f"{lab.repo.path}: 'v5.10:Makefile' names no commit", False, False),
    ]
    assert found.rows[2].base.commit == str(lab.repo.revparse_single("docs").id)
    assert found.rows[6].base.commit is None


def test_a_base_whose_files_are_missing_is_a_row_of_its_own(lab: Lab, spec: MatrixSpec) -> None:
    commit = lab.repo.revparse_single("v5.10.1").peel(pygit2.Commit)
    blob = str(commit.tree["Makefile"].id)
    (Path(lab.repo.path) / "objects" / blob[:2] / blob[2:]).unlink()
    rows = matrix(spec, bases(lab, "v5.10", "v5.10.1", "v5.10.3"), workers=1).rows
    assert [(row.error is None, row.fault) for row in rows] == [(True, False), (False, True), (True, False)]
    assert rows[1].error is not None
    assert rows[1].error.startswith(f"object {blob} is missing from {lab.repo.path}")


def test_what_is_wrong_with_the_queue_ends_it_all(lab: Lab, spec: MatrixSpec) -> None:
    file = Path(spec.series) / "series"
    before = file.read_text()
    file.write_text(before + "gone.patch # " + "1" * 40 + "\n")
    with pytest.raises(MissingObject, match=r"gone\.patch is pinned to 1111"):
        matrix(spec, bases(lab, *ALL), workers=1)
    file.write_text(before + "no-such-file.patch\n")
    with pytest.raises(BadSeries, match="series:3: no patch file"):
        matrix(spec, bases(lab, *ALL), workers=1)
    file.unlink()
    with pytest.raises(BadSeries, match="no series file"):
        matrix(spec, bases(lab, *ALL), workers=1)


def test_a_queue_that_was_changed_is_read_anew(lab: Lab, spec: MatrixSpec) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        for executor in (None, pool, None, pool):
            file = Path(spec.series) / "series"
            whole = file.read_text()
            lengths = []
            for text in (whole, whole.split("\n")[0] + "\n"):
                file.write_text(text)
                found = matrix(spec, bases(lab, "v5.10"), workers=1, executor=executor)
                lengths.append(len(found.rows[0].statuses))
            file.write_text(whole)
            assert lengths == [2, 1]


def test_nothing_is_kept_of_a_matrix_that_is_over(lab: Lab, spec: MatrixSpec) -> None:
    matrix(spec, bases(lab, "v5.10"), workers=1)
    assert module._local.context is None


class Recording(Executor):
    """Runs what it is given at once, and remembers how much that was."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_executors_give_the_same_rows_in_the_order_of_the_bases(lab: Lab, spec: MatrixSpec) -> None:
    refs = bases(lab, *ALL)
    expected = matrix(spec, refs, workers=1)
    with ThreadPoolExecutor(max_workers=3) as threads:
        assert matrix(spec, refs, executor=threads) == expected
    recording = Recording()
    assert matrix(spec, refs, executor=recording) == expected
    assert recording.calls == len(refs)
    assert [row.base.rev for row in expected.rows] == list(ALL)


def test_progress_is_told_base_by_base(lab: Lab, spec: MatrixSpec) -> None:
    said: list[tuple[int, int]] = []
    matrix(spec, bases(lab, *ALL), workers=1, progress=lambda done, of: said.append((done, of)))
    assert said == [(number, 6) for number in range(1, 7)]


def test_no_bases(spec: MatrixSpec) -> None:
    assert matrix(spec, [], workers=4) == Matrix(series="q", rows=())


def test_the_document(lab: Lab, spec: MatrixSpec) -> None:
    commits = {name: str(lab.repo.revparse_single(name).id) for name in ALL}
    found = matrix(spec, bases(lab, "v5.10.2", "docs", "v5.10.3"), workers=1)
    tree = found.rows[2].tree
    zero = dict.fromkeys(("clean", "offset", "merged", "overridden", "upstream", "skipped", "conflict"), 0)
    assert json.loads(json.dumps(found.to_json())) == {
        "schema": 1,
        "command": "matrix",
        "series": "q",
        "bases": [
            {
                "repo": lab.repo.path,
                "base": {"rev": "v5.10.2", "commit": commits["v5.10.2"], "version": "5.10.2"},
                "counts": {**zero, "clean": 1, "conflict": 1},
                "result": {"commit": None, "tree": None, "branch": None},
                "conflicts": [f"one.patch: {TCP}"],
                "overrides": [],
                "restore_conflicts": 0,
                "lost": [],
                "error": None,
            },
            {
                "repo": lab.repo.path,
                "base": {"rev": "docs", "commit": commits["docs"], "version": ""},
                "counts": {},
                "result": {"commit": None, "tree": None, "branch": None},
                "conflicts": [],
                "overrides": [],
                "restore_conflicts": 0,
                "lost": [],
                "error": "base docs is no kernel: it has no Makefile",
            },
            {
                "repo": lab.repo.path,
                "base": {"rev": "v5.10.3", "commit": commits["v5.10.3"], "version": "5.10.3"},
                "counts": {**zero, "offset": 1, "upstream": 1},
                "result": {"commit": None, "tree": tree, "branch": None},
                "conflicts": [],
                "overrides": [],
                "restore_conflicts": 0,
                "lost": [],
                "error": None,
            },
        ],
    }
    assert tree is not None


# Which bases patterns name


@pytest.fixture
def repos(lab: Lab, tmp_path: Path) -> list[str]:
    """Two repositories: tags v5.9.1, v5.10 to v5.10.12 in the first, v5.10.2 and a branch in the second."""
    commit = lab.commit({"Makefile": MAKEFILE})
    for name in ("v5.9.1", "v5.10", "v5.10.1", "v5.10.2", "v5.10.9", "v5.10.10", "v5.10.12", "v5.10.2-rt1"):
        tag(lab, name, commit)
    lab.repo.references.create("refs/heads/bsp/main", commit)
    other = Lab(pygit2.init_repository(str(tmp_path / "other.git"), bare=True))
    commit = other.commit({"Makefile": makefile(2)})
    tag(other, "v5.10.2", commit)
    other.repo.references.create("refs/heads/vendor", commit)
    return [str(lab.repo.path), str(other.repo.path)]


def names(patterns: list[str], repos: list[str]) -> list[str]:
    return [f"{repos.index(base.repo)} {base.rev}" for base in expand_bases(patterns, repos)]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["v5.10"], ["0 v5.10"]),
        (
            ["v5.10.*"],
            ["0 v5.10.1", "0 v5.10.2", "0 v5.10.2-rt1", "0 v5.10.9", "0 v5.10.10", "0 v5.10.12", "1 v5.10.2"],
        ),
        (["v5.10.?"], ["0 v5.10.1", "0 v5.10.2", "0 v5.10.9", "1 v5.10.2"]),
        (["v5.10.1[02]"], ["0 v5.10.10", "0 v5.10.12"]),
        (["v5.10.2..v5.10.10"], ["0 v5.10.2", "0 v5.10.9", "0 v5.10.10", "1 v5.10.2"]),
        (["5.10..5.10.1"], ["0 v5.10", "0 v5.10.1"]),
        (["v5.10.9, v5.10.1 ,,v5.9.1"], ["0 v5.10.9", "0 v5.10.1", "0 v5.9.1"]),
        (["v5.10.9,v5.10.1", "v5.10.9", "v5.10.?"], ["0 v5.10.9", "0 v5.10.1", "0 v5.10.2", "1 v5.10.2"]),
        (["bsp/*", "vendor"], ["0 bsp/main", "1 vendor"]),
        (["bsp/main~0", "v5.9.1^{commit}"], ["0 bsp/main~0", "0 v5.9.1^{commit}"]),
    ],
)
def test_patterns(repos: list[str], patterns: list[str], expected: list[str]) -> None:
    assert names(patterns, repos) == expected


def test_a_revision_that_looks_like_a_glob(lab: Lab) -> None:
    lab.repo.references.create("refs/heads/main", lab.commit({"Makefile": MAKEFILE}, "fix [1]\n"))
    lab.repo.set_head("refs/heads/main")
    for rev in ("main^{/fix .1}", "main^{/fix.*}", "@", "@~0"):
        assert names([rev], [lab.repo.path]) == [f"0 {rev}"]


def test_files_of_patterns(repos: list[str], tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    inner.write_bytes(b"v5.10.9\r\n\n  # a comment\n v5.10.1 , v5.9.1\n")
    outer.write_text(f"v5.10\n@{inner}\n# v5.10.2\n")
    assert names([f"@{outer}", "v5.10.9"], repos) == ["0 v5.10", "0 v5.10.9", "0 v5.10.1", "0 v5.9.1"]


def test_a_repository_that_is_named_twice_is_looked_into_once(lab: Lab, repos: list[str]) -> None:
    assert names(["v5.10.1"], [repos[0], repos[0].rstrip("/"), f"{repos[0]}/../lab.git"]) == ["0 v5.10.1"]


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (
            ["v5.10", "v6.*", "nothing", "v6.*", "v5.11..v5.11.9"],
            "no base fits 'v6.*', 'nothing', 'v5.11..v5.11.9' in {0}, {1}; `git tag -l` shows what there is",
        ),
        (["v5.9..v5.10.3"], "'v5.9..v5.10.3' crosses release lines; give one range for each"),
        (["v5.10.9..v5.10.2"], "'v5.10.9..v5.10.2' runs backwards; the older release comes first"),
        ([" , "], "no base is named; a pattern is a revision, a glob such as v5.10.*, or a range of releases"),
        ([], "no base is named; a pattern is a revision, a glob such as v5.10.*, or a range of releases"),
        (["@no/such/file"], "no/such/file: cannot be read: No such file or directory"),
        (["-"], "no base fits '-' in {0}, {1}; `git tag -l` shows what there is"),
    ],
)
def test_patterns_that_name_nothing(repos: list[str], patterns: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        expand_bases(patterns, repos)
    assert str(caught.value) == message.format(*repos)


def test_a_file_that_names_itself(repos: list[str], tmp_path: Path) -> None:
    file = tmp_path / "bases"
    file.write_text(f"v5.10\n@{file}\n")
    with pytest.raises(BadInput, match=re.escape(f"{file}: names itself as a file of bases")):
        expand_bases([f"@{file}"], repos)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NoRepository):
        expand_bases(["v5.10"], [str(tmp_path / "none")])


# The picture


def test_the_picture_is_xml_with_a_title_for_every_cell() -> None:
    base = BaseInfo(rev="v5.10 <&\"'>\x1b\udce9", commit=None, version="5.10.0")
    rows = (
        MatrixRow(repo="r", base=base, statuses=(("a<b>.patch", Status.CLEAN), ("b\udcff.patch", Status.CONFLICT))),
        MatrixRow(repo="r", base=BaseInfo(rev="docs", commit=None, version=""), error="no kernel: <\x00&>"),
        MatrixRow(repo="r", base=base, statuses=tuple((f"{status.value}.patch", status) for status in Status)),
    )
    data = heat_map(Matrix(series="q & co", rows=rows)).encode()
    picture = ElementTree.fromstring(data)
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text for title in picture.iter(f"{space}title")]
    shown = "v5.10 <&\"'>\\x1b\\xe9"
    assert titles == [
        "q & co: 9 patches on 3 bases",
        f"{shown}: a<b>.patch: clean",
        f"{shown}: b\\xff.patch: conflict",
        *(f"{shown}: {status.value}.patch: {status.value}" for status in Status),
    ]
    cells = [cell for cell in picture.iter(f"{space}rect") if cell.find(f"{space}title") is not None]
    assert len(cells) == 9
    # A cell for each patch and base, none on another.
    assert len({(cell.get("x"), cell.get("y")) for cell in cells}) == 9
    assert "no kernel: <\\x00&>" in [text.text for text in picture.iter(f"{space}text")]
    legend = {text.text for text in picture.iter(f"{space}text")}
    assert legend >= {status.value for status in Status}


def test_an_empty_picture() -> None:
    picture = ElementTree.fromstring(heat_map(Matrix(series="q", rows=())))
    assert picture[0].text == "q: 0 patches on 0 bases"
