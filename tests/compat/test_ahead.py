# SPDX-License-Identifier: MIT
"""What git tells of pinned commits beside the program is what their trees tell."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner

from mptcp_series.cli.main import cli
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.change import tree_changes
from mptcp_series.engine.store.ahead import PinnedChanges
from mptcp_series.engine.store.objects import Objects
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import build_world
from mptcp_series.values.recipe import Recipe

MODES = (pygit2.enums.FileMode.BLOB, pygit2.enums.FileMode.BLOB_EXECUTABLE, pygit2.enums.FileMode.LINK)
NAMES = ("a", "b.c", "d/e", "d/f/g", "ü\n", "x y", "d", "b.c/h")


def random_tree(repo: pygit2.Repository, chance: random.Random) -> pygit2.Oid:
    """A tree of some of the names; of two that exclude each other, the first."""
    index = pygit2.Index()
    taken: list[str] = []
    for name in chance.sample(NAMES, chance.randint(1, len(NAMES))):
        if any(name.startswith(f"{other}/") or other.startswith(f"{name}/") for other in taken):
            continue
        taken.append(name)
        if chance.random() < 0.1:
            entry = pygit2.IndexEntry(
                name, pygit2.Oid(hex=f"{chance.randint(1, 3):040x}"), pygit2.enums.FileMode.COMMIT
            )
        else:
            text = b"".join(b"%d\n" % chance.randint(0, 1) for _ in range(chance.choice([0, 1, 30])))
            entry = pygit2.IndexEntry(name, repo.create_blob(text), chance.choice(MODES))
        index.add(entry)
    return index.write_tree(repo)


@pytest.mark.parametrize("seed", range(5))
def test_random_commits(tmp_path: Path, seed: int) -> None:
    """Every kind of change: of content, mode and kind, files that become directories, submodules, renames, nothing."""
    chance = random.Random(seed)
    repo = pygit2.init_repository(str(tmp_path / "repo.git"), bare=True)
    person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 0)
    trees = [random_tree(repo, chance) for _ in range(12)]
    commits: list[tuple[str, bytes | None, bytes]] = []
    parent: list[pygit2.Oid] = []
    before: bytes | None = None
    for _ in range(40):
        tree = chance.choice(trees)
        parent = [repo.create_commit(None, person, person, "mptcp: a change\n", tree, parent)]
        commits.append((str(parent[0]), before, tree.raw))
        before = tree.raw
    series = tmp_path / "q"
    series.mkdir()
    lines = [f"p{number}.patch # {commit}\n" for number, (commit, _, _) in enumerate(commits)]
    (series / "series").write_text("".join(lines))
    begun = PinnedChanges.begin(repo.path, series)
    assert begun is not None
    objects = Objects(repo)
    for commit, old, new in commits:
        told = begun.changes[commit]
        assert tree_changes(objects, old, new, told=told, renames=False) == tree_changes(
            objects, old, new, renames=False
        )


def test_the_result_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a head start as without."""
    world = build_world(tmp_path)
    series = tmp_path / "series" / "mini"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    (series / "recipe.toml").write_bytes(world.recipe)
    arguments = ["check", "--json", "--series", str(series), "--source", str(world.source), "--base", "v5.10.4"]
    begun: list[PinnedChanges | None] = []
    begin = PinnedChanges.begin

    def noted(place: str | Path, series: Path) -> PinnedChanges | None:
        begun.append(begin(place, series))
        return begun[-1]

    monkeypatch.setattr(PinnedChanges, "begin", noted)
    ahead = CliRunner().invoke(cli, arguments)
    assert begun[0] is not None
    assert begun[0].changes
    assert len(begun[0].changes) == sum(entry.pin is not None for entry in Queue.load(series).series.entries)
    monkeypatch.setattr(PinnedChanges, "begin", lambda *arguments: None)
    alone = CliRunner().invoke(cli, arguments)
    assert json.loads(ahead.stdout)["patches"]
    assert (ahead.stdout, ahead.stderr, ahead.exit_code) == (alone.stdout, alone.stderr, alone.exit_code)


def test_git_that_fails_tells_nothing(tmp_path: Path) -> None:
    """Half of the changes of a commit would pass for all of them."""
    repo = pygit2.init_repository(str(tmp_path / "repo.git"), bare=True)
    person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 0)
    blob = repo.create_blob(b"x\n")
    builder = repo.TreeBuilder()
    builder.insert("file", blob, pygit2.enums.FileMode.BLOB)
    good = repo.create_commit(None, person, person, "good\n", builder.write(), [])
    tree = repo.write(pygit2.enums.ObjectType.TREE, b"40000 gone\0" + b"\1" * 20)
    bad = repo.create_commit(None, person, person, "bad\n", tree, [good])
    series = tmp_path / "q"
    series.mkdir()
    (series / "series").write_text(f"a.patch # {good}\nb.patch # {bad}\n")
    begun = PinnedChanges.begin(repo.path, series)
    assert begun is not None
    assert begun.changes == {}
    begun.end()


def test_nobody_asks(tmp_path: Path) -> None:
    """What is wrong elsewhere is told as ever, and git is not left running."""
    world = build_world(tmp_path)
    series = tmp_path / "series" / "mini"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    begun = PinnedChanges.begin(world.source, series)
    assert begun is not None
    begun.end()
    assert begun._process.returncode is not None
    done = CliRunner().invoke(cli, ["check", "--series", str(series), "--source", str(world.source), "--base", "v9"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "unknown revision 'v9'" in done.stderr
