# SPDX-License-Identifier: MIT
"""Stacks: several series on one base as one run, each with its own source, overrides and decisions."""

from __future__ import annotations

from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series.engine.matrix import BaseRef, MatrixSpec, matrix
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.rebase import rebase
from mptcp_series.engine.resolving.job import Job
from mptcp_series.engine.resolving.place import Place
from mptcp_series.engine.resolving.prove import prepare
from mptcp_series.engine.resolving.resolve import begin, go_on
from mptcp_series.engine.result import Result
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.errors import BadInput, BadRecipe, BadSeries, MissingObject
from mptcp_series.values.result import EntryKind, Status

from .conftest import MAKEFILE, Files, Lab, numbered

PM, TCP, SCHED, VENDOR = "net/mptcp/pm.c", "net/ipv4/tcp.c", "net/mptcp/sched.c", "drivers/net/board.c"
ROOT: Files = {"Makefile": MAKEFILE, PM: numbered(40, word="pm"), TCP: numbered(40, word="tcp")}


def recipe(name: str, *, after: str = "", owned: str = "", root: str = "", more: str = "") -> str:
    lines = [
        "[series]",
        f'name = "{name}"',
        'range = "v5.10..v5.15"',
        'match = ["net/mptcp"]',
        f"owned = [{owned}]",
        *([f"after = {after}"] if after else []),
        *([f'root = "{root}"'] if root else []),
    ]
    return "\n".join(lines) + "\n" + more


@attrs.frozen
class Shelf:
    """A directory of series and their overrides."""

    directory: Path

    def series(self, name: str, lines: str, text: str | None = None) -> Path:
        place = self.directory / "series" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "series").write_text(lines)
        if text is not None:
            (place / "recipe.toml").write_text(text)
        return place

    def override(self, series: str, name: str, text: str) -> None:
        place = self.directory / "overrides" / series
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)


@attrs.frozen
class World:
    """Two sources: a stack of two patches, and one of a patch on top of it; a base beside the first."""

    lab: Lab
    other: Lab
    shelf: Shelf
    one: str
    two: str
    upper: str
    base: str

    def queue(self) -> Queue:
        sources = {"low": self.lab.repo.path, "high": self.other.repo.path}
        return Queue.load(self.shelf.directory / "series" / "high", sources=sources)

    def run(self, base: str | None = None, *, align: bool = True) -> Result:
        return self.queue().apply(self.lab.repo.path, base=base or self.base, align=align)


@pytest.fixture
def world(lab: Lab, tmp_path: Path) -> World:
    root = lab.commit(ROOT, "v5.10\n")
    lab.repo.references.create("refs/tags/v5.10", root)
    first: Files = {**ROOT, PM: numbered(40, {5: "five\n"}, word="pm")}
    one = lab.commit(first, "mptcp: five\n", [root])
    second: Files = {**first, PM: numbered(40, {5: "five\n", 20: "twenty\n"}, word="pm")}
    two = lab.commit(second, "mptcp: twenty\n", [one])
    lab.repo.references.create("refs/tags/v5.15", two)
    other = Lab(pygit2.init_repository(str(tmp_path / "other.git"), bare=True))
    start = other.commit(second, "all at once\n")
    added: Files = {**second, SCHED: b"int sched;\n", PM: numbered(40, {5: "five\n", 20: "20, sched\n"}, word="pm")}
    upper = other.commit(added, "mptcp: sched\n", [start])
    shelf = Shelf(tmp_path)
    shelf.series("low", f"one.patch # {one}\ntwo.patch # {two}\n", recipe("low", owned='"net/mptcp/"', root="v5.10"))
    shelf.series("high", f"sched.patch # {upper}\n", recipe("high", after='"low"', owned='"net/mptcp/"', root="none"))
    base = lab.commit({**ROOT, TCP: numbered(40, {9: "vendor\n"}, word="tcp")}, "bsp\n")
    return World(lab=lab, other=other, shelf=shelf, one=one, two=two, upper=upper, base=base)


def told(result: Result) -> list[tuple[str, str, str]]:
    return [(patch.series, patch.name, patch.status.value) for patch in result.patches]


def test_a_stack_is_one_run_in_order(world: World) -> None:
    result = world.run().require()
    assert result.series == "high"
    assert result.stack == ("low", "high")
    assert told(result) == [
        ("low", "one.patch", "clean"),
        ("low", "two.patch", "clean"),
        ("high", "sched.patch", "clean"),
    ]
    assert len(result.steps) == 3


def test_the_document_names_the_series_of_each_patch(world: World) -> None:
    document = world.run().to_json("check")
    assert document["stack"] == ["low", "high"]
    patches = document["patches"]
    assert isinstance(patches, list)
    assert [patch["series"] for patch in patches] == ["low", "low", "high"]


def test_a_series_alone_is_a_stack_of_one(world: World) -> None:
    queue = Queue.load(world.shelf.directory / "series" / "low", source=world.lab.repo.path)
    result = queue.apply(world.lab.repo.path, base=world.base)
    assert result.stack == ("low",)
    assert {patch.series for patch in result.patches} == {"low"}


def test_the_stack_has_the_tree_of_one_series_on_the_other_s_result(world: World) -> None:
    low = Queue.load(world.shelf.directory / "series" / "low", source=world.lab.repo.path)
    low.apply(world.lab.repo.path, base=world.base).write_branch("lower")
    world.shelf.series("high", f"sched.patch # {world.upper}\n", recipe("high"))
    alone = Queue.load(world.shelf.directory / "series" / "high", source=world.other.repo.path)
    after = alone.apply(world.lab.repo.path, base="lower")
    world.shelf.series("high", f"sched.patch # {world.upper}\n", recipe("high", after='["low"]'))
    together = world.run()
    assert (together.tree, together.commit) == (after.tree, after.commit)


def test_several_series_below_each_once_and_lowest_first(world: World) -> None:
    shelf = world.shelf
    shelf.series("a", "", recipe("a"))
    shelf.series("b", "", recipe("b", after='"a"'))
    shelf.series("c", "", recipe("c", after='"a"'))
    shelf.series("top", "", recipe("top", after='["b", "c"]'))
    queue = Queue.load(shelf.directory / "series" / "top")
    assert [one.name for one in queue.stack] == ["a", "b", "c", "top"]


def test_owned_paths_are_aligned_once_at_the_bottom(world: World) -> None:
    """The base has a change to a file both series own: the lower one's root counts, and it is restored at the end."""
    files: Files = {**ROOT, PM: numbered(40, {5: "five\n", 33: "theirs\n"}, word="pm")}
    base = world.lab.commit(files, "bsp\n")
    result = world.run(base).require()
    assert told(result) == [
        ("low", "align-to-v5.10.patch", "clean"),
        ("low", "one.patch", "clean"),
        ("low", "two.patch", "clean"),
        ("high", "sched.patch", "clean"),
        ("low", "carry-net-mptcp-pm.c.patch", "offset"),
    ]
    assert [entry.covered_by for entry in result.alignment.retracted if entry.covered_by] == ["one.patch"]
    assert result.alignment.warnings != ()


def test_a_patch_of_an_upper_series_covers_what_was_retracted(world: World) -> None:
    files: Files = {**ROOT, SCHED: b"int sched;\n"}
    result = world.run(world.lab.commit(files, "bsp\n")).require()
    assert [(entry.path, entry.covered_by) for entry in result.alignment.retracted] == [(SCHED, "sched.patch")]
    assert result.alignment.restored == ()


def test_each_series_aligns_what_only_it_owns(world: World) -> None:
    lab, shelf = world.lab, world.shelf
    board = {**ROOT, VENDOR: numbered(9, word="board")}
    root = world.other.commit(board, "board root\n")
    world.other.repo.references.create("refs/tags/board", root)
    after = world.other.commit({**board, VENDOR: numbered(9, {2: "two\n"}, word="board")}, "board: two\n", [root])
    text = recipe("high", after='"low"', owned='"net/mptcp/", "drivers/net/board.c"', root="board")
    shelf.series("high", f"board.patch # {after}\n", text)
    base = lab.commit({**ROOT, VENDOR: numbered(9, {2: "2\n"}, word="board"), PM: numbered(40, {5: "5\n"}, word="pm")})
    result = world.run(base)
    assert told(result)[:5] == [
        ("low", "align-to-v5.10.patch", "clean"),
        ("high", "align-to-board.patch", "clean"),
        ("low", "one.patch", "clean"),
        ("low", "two.patch", "clean"),
        ("high", "board.patch", "clean"),
    ]
    restored = {patch.name: patch.series for patch in result.patches if patch.kind is EntryKind.RESTORE}
    assert restored == {"carry-net-mptcp-pm.c.patch": "low", "carry-drivers-net-board.c.patch": "high"}


def test_a_series_below_cannot_own_a_part_of_an_owned_directory(world: World) -> None:
    text = recipe("low", owned='"net/mptcp/pm.c"', root="v5.10")
    world.shelf.series("low", f"one.patch # {world.one}\n", text)
    with pytest.raises(BadRecipe) as caught:
        world.run()
    file = world.shelf.directory / "series" / "high" / "recipe.toml"
    assert str(caught.value).startswith(f"{file}:5: owns net/mptcp/, and a series below owns net/mptcp/pm.c of it")


def test_overrides_bind_to_the_patches_of_their_own_series(world: World) -> None:
    world.shelf.override("low", "skip.patch", "Patch: mptcp: sched\nSkip: yes\nReason: not mine\n---\n")
    result = world.run()
    assert [(drift.file, drift.field) for drift in result.overrides.drift] == [("low/skip.patch", "Patch")]
    assert told(result)[-1] == ("high", "sched.patch", "clean")


def test_overrides_of_each_series_are_used(world: World) -> None:
    world.shelf.override("low", "one.patch", "Patch: mptcp: five\nSkip: yes\nReason: why\n---\n")
    world.shelf.override("high", "sched.patch", f"Patch: mptcp: sched\nDrop: {SCHED}\nReason: why\n---\n")
    result = world.run().require()
    assert result.overrides.used == ("low/one.patch", "high/sched.patch")
    assert told(result) == [
        ("low", "one.patch", "skipped"),
        ("low", "two.patch", "offset"),
        ("high", "sched.patch", "overridden"),
    ]


def test_an_override_of_the_upper_series_for_what_is_restored_takes_the_lower_one_s_place(world: World) -> None:
    base = world.lab.commit({**ROOT, PM: numbered(40, {33: "theirs\n"}, word="pm")}, "bsp\n")
    text = "Patch: carry-net-mptcp-pm.c.patch\nSkip: yes\nOptional: yes\nReason: why\n---\n"
    world.shelf.override("low", "carry.patch", text)
    assert world.run(base).overrides.used == ("low/carry.patch",)
    world.shelf.override("high", "carry.patch", text)
    account = world.run(base).overrides
    assert (account.used, account.not_needed, account.drift) == (("high/carry.patch",), ("low/carry.patch",), ())


def test_overrides_that_are_named_for_a_stack(world: World) -> None:
    elsewhere = Shelf(world.shelf.directory / "elsewhere")
    elsewhere.override("high", "sched.patch", "Patch: mptcp: sched\nSkip: yes\nReason: why\n---\n")
    world.shelf.override("low", "one.patch", "Patch: mptcp: five\nSkip: yes\nReason: why\n---\n")
    queue = Queue.load(
        world.shelf.directory / "series" / "high",
        overrides=elsewhere.directory / "overrides",
        sources={"low": world.lab.repo.path, "high": world.other.repo.path},
    )
    assert [[override.file for override in one.overrides] for one in queue.stack] == [
        ["low/one.patch"],
        ["high/sched.patch"],
    ]
    elsewhere.override("low", "two.patch", "Patch: mptcp: twenty\nSkip: yes\nReason: why\n---\n")
    again = Queue.load(
        world.shelf.directory / "series" / "high",
        overrides=elsewhere.directory / "overrides",
        source=world.lab.repo.path,
    )
    assert [override.file for override in again.stack[0].overrides] == ["low/two.patch"]


def test_decisions_of_each_recipe_count(world: World) -> None:
    """A prerequisite of the upper series that the base does not need; a loss the upper recipe accepts."""
    loss = f'[[acknowledge]]\npath = "{PM}"\nhunk = "HUNK"\nreason = "ours is better"\n'
    needed = f'[[prerequisite]]\ncommit = "{world.upper}"\nreason = "why"\nwhen = "{TCP} lacks vendor"\n'
    base = world.lab.commit(
        {**ROOT, PM: numbered(40, {33: "t\n"}, word="pm"), TCP: numbered(40, {9: "vendor\n"}, word="tcp")}
    )
    world.shelf.series("high", f"sched.patch # {world.upper}\n", recipe("high", after='"low"', more=needed))
    first = world.run(base)
    assert told(first)[3] == ("high", "sched.patch", "skipped")
    hunk = next(entry.hunk for entry in first.alignment.retracted)
    text = recipe("high", after='"low"', more=needed + loss.replace("HUNK", str(hunk)))
    world.shelf.series("high", f"sched.patch # {world.upper}\n", text)
    second = world.run(base)
    assert [lost.reason for lost in second.alignment.acknowledged] == ["ours is better"]
    assert second.alignment.restored == ()


def test_a_base_that_one_series_is_not_for_is_refused(world: World) -> None:
    text = recipe("low", owned='"net/mptcp/"', root="v5.10").replace("match", 'bases = ">=5.11"\nmatch', 1)
    world.shelf.series("low", f"one.patch # {world.one}\n", text)
    with pytest.raises(BadInput, match=r"low/recipe\.toml: base .* is 5\.10\.66, and this queue is for >=5\.11"):
        world.run()


def test_a_conflict_in_the_upper_series(world: World) -> None:
    world.shelf.override("low", "two.patch", f"Patch: mptcp: twenty\nDrop: {PM}\nReason: why\n---\n")
    result = world.run()
    assert told(result)[-1] == ("high", "sched.patch", "conflict")
    assert result.reasons() == [f"conflict: sched.patch: {PM}"]


def test_export_is_one_queue(world: World, tmp_path: Path) -> None:
    world.run().export(tmp_path / "out")
    assert (tmp_path / "out" / "series").read_text().splitlines() == [
        "# high, exported by mptcp-series",
        "# series: low",
        "one.patch",
        "two.patch",
        "# series: high",
        "sched.patch",
    ]


def test_matrix_and_rebase_take_the_stack(world: World) -> None:
    other = world.lab.commit({**ROOT, PM: numbered(40, {5: "five\n"}, word="pm")}, "bsp\n")
    spec = MatrixSpec(
        series=str(world.shelf.directory / "series" / "high"),
        overrides=None,
        source=None,
        sources=(("low", world.lab.repo.path), ("high", world.other.repo.path)),
    )
    found = matrix(spec, [BaseRef(world.lab.repo.path, rev) for rev in (world.base, other)], workers=1)
    assert [[name for name, _ in row.statuses] for row in found.rows] == [["one.patch", "two.patch", "sched.patch"]] * 2
    assert found.rows[0].tree == world.run().tree
    moved = rebase(world.queue(), world.lab.repo.path, before=world.base, after=other)
    assert [patch.series for patch in moved.account.patches] == ["low", "low", "high"]


def test_check_overrides_is_about_the_named_series(world: World) -> None:
    world.shelf.override("low", "stale.patch", "Patch: gone\nSkip: yes\nReason: why\n---\n")
    assert world.queue().check_overrides() == []
    low = Queue.load(world.shelf.directory / "series" / "low", source=world.lab.repo.path)
    assert [drift.file for drift in low.check_overrides()] == ["low/stale.patch"]


def test_one_source_for_all_is_enough_where_it_has_all(world: World) -> None:
    queue = Queue.load(
        world.shelf.directory / "series" / "high", source=world.lab.repo.path, sources={"high": world.other.repo.path}
    )
    assert queue.apply(world.lab.repo.path, base=world.base).tree == world.run().tree


def test_a_series_without_its_source_says_which_line(world: World) -> None:
    queue = Queue.load(world.shelf.directory / "series" / "high", sources={"high": world.other.repo.path})
    with pytest.raises(MissingObject, match=r"series/low/series:1: one\.patch is pinned"):
        queue.apply(world.lab.repo.path, base=world.base)


def test_a_stack_whose_lower_source_is_not_named_is_not_aligned_and_says_so(world: World) -> None:
    (world.shelf.directory / "series" / "low" / "one.patch").write_text(
        "Subject: mptcp: five\n\n--- a/net/mptcp/pm.c\n+++ b/net/mptcp/pm.c\n@@ -4,3 +4,3 @@\n"
        " pm 4\n-pm 5\n+five\n pm 6\n"
    )
    world.shelf.series("low", "one.patch\n")
    queue = Queue.load(world.shelf.directory / "series" / "high", sources={"high": world.other.repo.path})
    result = queue.apply(world.lab.repo.path, base=world.base)
    assert result.alignment.warnings == (
        "alignment needs the source of low, which has the root: name it with --source",
    )


def test_a_source_for_no_series_is_refused(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        Queue.load(world.shelf.directory / "series" / "high", sources={"hihg": "x"})
    assert str(caught.value) == "a source is named for hihg, and the series here are low, high"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ('"lwo"', ":6: no series 'lwo' beside this one; did you mean 'low'? in 'series.after'"),
        ('["low", "gone"]', ":6: no series 'gone' beside this one in 'series.after'"),
        ('"high"', ":6: goes round: high after high in 'series.after'"),
    ],
)
def test_a_stack_that_is_none(world: World, after: str, said: str) -> None:
    place = world.shelf.series("high", "", recipe("high", after=after))
    with pytest.raises(BadRecipe) as caught:
        Queue.load(place)
    assert str(caught.value) == f"{place / 'recipe.toml'}{said}"


def test_a_longer_way_round(world: World) -> None:
    shelf = world.shelf
    shelf.series("a", "", recipe("a", after='"b"'))
    shelf.series("b", "", recipe("b", after='["low", "a"]'))
    with pytest.raises(BadRecipe) as caught:
        Queue.load(shelf.directory / "series" / "a")
    file = shelf.directory / "series" / "b" / "recipe.toml"
    assert str(caught.value) == f"{file}:6: goes round: a after b after a in 'series.after'"


def test_a_series_that_was_not_extracted_yet(world: World) -> None:
    (world.shelf.directory / "series" / "low" / "series").unlink()
    with pytest.raises(BadRecipe, match=r"has no series file; `mptcp-series extract` writes it from the recipe"):
        world.queue()


def test_one_name_in_two_series_is_refused_with_both_lines(world: World) -> None:
    place = world.shelf.series("high", f"# comment\none.patch # {world.upper}\n", recipe("high", after='"low"'))
    with pytest.raises(BadSeries) as caught:
        world.queue()
    low = world.shelf.directory / "series" / "low" / "series"
    assert str(caught.value) == (
        f"{place / 'series'}:2: one.patch is the name of {low}:1 too, in the same stack; give one another name"
    )


def test_two_series_of_one_name(world: World) -> None:
    world.shelf.series("high", "", recipe("low", after='"low"'))
    with pytest.raises(BadInput, match="are both called 'low'; series of a stack need names of their own"):
        Queue.load(world.shelf.directory / "series" / "high")


def test_a_series_is_found_from_inside_its_directory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.shelf.directory / "series" / "high")
    queue = Queue.load(".", sources={"low": world.lab.repo.path, "high": world.other.repo.path})
    assert [one.name for one in queue.stack] == ["low", "high"]


def test_plain_replay_of_a_stack(world: World) -> None:
    base = world.lab.commit({**ROOT, PM: numbered(40, {5: "five\n"}, word="pm")}, "bsp\n")
    result = world.run(base, align=False).require()
    assert [patch.status for patch in result.patches] == [Status.UPSTREAM, Status.CLEAN, Status.CLEAN]


def resolved(world: World, base: str, answers: dict[str, bytes]) -> list[Path]:
    """Resolve every conflict of the stack with these files; the overrides that were written."""
    directory = world.shelf.directory
    job = Job(
        series=directory / "series" / "high",
        repo=world.lab.repo.path,
        base=base,
        sources={"low": Path(world.lab.repo.path), "high": Path(world.other.repo.path)},
    )
    place = Place(directory / "work")
    report = begin(job, place)
    written = []
    while report.state is not None:
        path = next(path for path, asked in report.state.files.items() if asked.marked)
        (place.directory / "tree" / path).write_bytes(answers[report.state.patch])
        with place.locked():
            answer = prepare(place)
            answer.write("Taken together.")
            report = go_on(answer)
        written.append(answer.path.relative_to(directory / "overrides"))
    return written


def test_an_answer_becomes_an_override_of_the_patch_s_own_series(world: World) -> None:
    """The lower series collides with the base in a shared file, the upper one with what the lower one made."""
    tcp = numbered(40, {9: "lower\n"}, word="tcp")
    low = world.lab.commit({**ROOT, TCP: tcp}, "mptcp: nine\n", [world.lab.commit(ROOT)])
    world.shelf.series("low", f"nine.patch # {low}\n", recipe("low", owned='"net/mptcp/"', root="v5.10"))
    high = world.other.commit(
        {**ROOT, TCP: numbered(40, {9: "upper\n"}, word="tcp")}, "mptcp: 9\n", [world.other.commit(ROOT)]
    )
    world.shelf.series("high", f"upper.patch # {high}\n", recipe("high", after='"low"'))
    both, all_three = (numbered(40, {9: text}, word="tcp") for text in ("vendor, lower\n", "vendor, lower, upper\n"))
    assert resolved(world, world.base, {"nine.patch": both, "upper.patch": all_three}) == [
        Path("low/nine.patch"),
        Path("high/upper.patch"),
    ]
    result = world.run().require()
    assert result.overrides.used == ("low/nine.patch", "high/upper.patch")
    tree = TreeEditor(result.objects, bytes.fromhex(str(result.tree)))
    entry = tree.get(TCP)
    assert entry is not None
    assert result.objects.read(entry.oid) == all_three


def test_a_resolve_is_stale_when_a_lower_series_has_changed(world: World) -> None:
    world.shelf.override("low", "two.patch", f"Patch: mptcp: twenty\nDrop: {PM}\nReason: why\n---\n")
    directory = world.shelf.directory
    job = Job(
        series=directory / "series" / "high",
        repo=world.lab.repo.path,
        base=world.base,
        sources={"low": Path(world.lab.repo.path), "high": Path(world.other.repo.path)},
    )
    place = Place(directory / "work")
    report = begin(job, place)
    assert report.state is not None
    assert report.state.patch == "sched.patch"
    (place.directory / "tree" / PM).write_bytes(numbered(40, word="pm"))
    lines = directory / "series" / "low" / "series"
    lines.write_text("# reviewed\n" + lines.read_text())
    with place.locked(), pytest.raises(BadInput, match="has changed since the conflict was laid out"):
        prepare(place)
