# SPDX-License-Identifier: MIT
"""Whole queues settled one conflict after the other: the mini-kernel without alignment, and restored changes."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from mptcp_series import Queue
from mptcp_series.engine.resolving.job import Job
from mptcp_series.engine.resolving.place import Place
from mptcp_series.engine.resolving.prove import Answer, prepare
from mptcp_series.engine.resolving.resolve import begin, go_on
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World as MiniKernel
from mptcp_series.minikernel.world import build_world
from mptcp_series.values.override import Override
from mptcp_series.values.recipe import Recipe

from .resolving import World, make_world, numbered

PM = "net/mptcp/pm.c"


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> MiniKernel:
    return build_world(tmp_path_factory.mktemp("mini"))


def without_markers(data: bytes, side: bytes) -> bytes:
    """The file with one side of each conflict: `<` ours, `>` theirs, anything else both."""
    out: list[bytes] = []
    inside = b""
    for line in data.splitlines(keepends=True):
        if line.startswith((b"<<<<<<< ", b"||||||| ", b"=======\n", b">>>>>>> ")):
            inside = {b"<": b"<", b"|": b"|", b"=": b">"}.get(line[:1], b"")
        elif inside in (b"", side) or (inside in b"<>" and side not in (b"<", b">")):
            out.append(line)
    return b"".join(out)


@pytest.mark.parametrize("side", [b"<", b">", b"both"])
def test_every_conflict_of_a_queue(mini: MiniKernel, tmp_path: Path, side: bytes) -> None:
    series = tmp_path / "series" / "mini-5.15"
    series.mkdir(parents=True)
    (series / "recipe.toml").write_bytes(mini.recipe)
    extract(Recipe.parse(mini.recipe, "recipe.toml"), mini.source).write(series)
    place = Place(tmp_path / "work")
    job = Job(series=series, repo=mini.source, base="v5.10.6", source=mini.source, align=False)
    report = begin(job, place)
    answers: list[Answer] = []
    wanted: dict[str, dict[str, bytes]] = {}
    while report.state is not None:
        files = {}
        for path, asked in report.state.files.items():
            file = place.directory / "tree" / path
            if asked.marked:
                file.write_bytes(without_markers(file.read_bytes(), side))
            files[path] = file.read_bytes()
        wanted[report.state.patch] = files
        with place.locked():
            answer = prepare(place)
            answer.write(f"Taken from {side!r}.")
            report = go_on(answer)
        answers.append(answer)
    assert 0 < len(answers) <= 3
    result = Queue.load(series, source=mini.source).apply(mini.source, base="v5.10.6", align=False)
    assert result.reasons() == []
    steps = {step.name: step for step in result.steps}
    for name, files in wanted.items():
        for change in steps[name].changes if name in steps else ():
            assert change.new is not None
            assert result.objects.read(change.new.oid) == files[change.path]


def restored_world(root: Path) -> World:
    """The vendor has changed the stack where the queue rewrites it: their change is carried, and collides."""
    world = make_world(
        root,
        {PM: numbered(30)},
        {"pm": {PM: numbered(30, {5: b"rewritten"})}},
        {PM: numbered(30, {5: b"vendor's", 25: b"far"})},
    )
    repo = pygit2.Repository(str(world.repo))
    for tag in ("v5.10", "v5.10.66"):
        repo.references.create(f"refs/tags/{tag}", repo.revparse_single("base~1").id)
    (world.series / "recipe.toml").write_text(
        '[series]\nname = "q"\nrange = "v5.10..up"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\nroot = "v5.10"\n'
    )
    return world


def test_a_restored_change(tmp_path: Path) -> None:
    world = restored_world(tmp_path)
    state = world.begin()
    assert state.patch not in (world.series / "series").read_text()
    both = numbered(30, {5: b"rewritten, vendor's", 25: b"far"})
    world.put(PM, both)
    answer = world.close("both are wanted")
    override = Override.parse(answer.path.read_bytes(), str(answer.path))
    assert (override.patch, override.commit, override.optional) == (state.patch, None, True)
    assert all(target.hunk is not None for target in override.drop), "another base has other changes to carry"
    result = world.result()
    assert world.file(result, PM) == (0o100644, both)
    assert result.overrides.used == (f"q/{state.patch}",)
    assert result.overrides.not_needed == ()
    # Without anything to restore, the override waits.
    result = Queue.load(world.series, source=world.repo).apply(world.repo, base="v5.10.66")
    assert result.require().overrides.not_needed == (f"q/{state.patch}",)


def test_a_restored_change_without_any_of_it(tmp_path: Path) -> None:
    world = restored_world(tmp_path)
    world.begin()
    world.put(PM, numbered(30, {5: b"rewritten"}))
    answer = world.close("not needed")
    assert [target.path for target in answer.override.drop] == [PM, PM]
    assert all(target.hunk is not None for target in answer.override.drop)
    assert world.result().reasons() == []
