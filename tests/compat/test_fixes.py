# SPDX-License-Identifier: MIT
"""Fixes in the mini-kernel, found by real git; and git's own search of messages is what ours is given."""

from __future__ import annotations

from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.store.objects import Objects
from mptcp_series.engine.upstream.citations import Citation, FixKind, citing
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.engine.upstream.fixes import Fixes, find_fixes
from mptcp_series.errors import MissingObject
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import AUTHOR, start


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


def found(world: World, directory: Path, text: bytes = b"") -> Fixes:
    recipe = Recipe.parse(world.recipe + text, "recipe.toml")
    extract(recipe, world.source).write(directory)
    (directory / "recipe.toml").write_bytes(recipe.render())
    queue = Queue.load(directory, source=world.source)
    assert queue.source is not None
    return find_fixes(queue.items(Objects(queue.source)), recipe, queue.source)


def test_finds_what_the_mini_kernel_mends_after_the_range(world: World, tmp_path: Path) -> None:
    fixes = found(world, tmp_path)
    assert {(fix.commit, fix.upstream, fix.kind, fix.release) for fix in fixes.missing} == {
        (world.commits[stable], world.commits[upstream], kind, release)
        for stable, upstream, kind, release in (
            ("5.15.2_reset_reason", "fix_reset_reason", FixKind.FIX, "v5.15.2"),
            ("5.15.3_revert_close_order", "revert_close_order", FixKind.REVERT, "v5.15.3"),
            ("5.15.4_remember", "fix_remember", FixKind.FIX, "v5.15.4"),
        )
    }
    assert (fixes.target, fixes.covers, fixes.upto) == ("v5.15.4", 3, ("v5.15.5", "v5.15"))
    assert fixes.acknowledged == ()


def test_the_suggested_target_leaves_nothing_missing(world: World, tmp_path: Path) -> None:
    target = found(world, tmp_path).target
    assert target is not None
    recipe = world.recipe.replace(b"v5.10..v5.15", f"v5.10..{target}".encode())
    assert found(attrs.evolve(world, recipe=recipe), tmp_path / "later").missing == ()


def test_the_suggested_lines_leave_nothing_missing(world: World, tmp_path: Path) -> None:
    lines = "\n".join(fix.as_toml() for fix in found(world, tmp_path).missing).encode()
    fixes = found(world, tmp_path / "more", b"\n" + lines)
    assert fixes.missing == ()
    queue = Queue.load(tmp_path / "more", source=world.source)
    result = queue.apply(world.source, base="v5.10")
    assert all(not patch.conflicts for patch in result.patches)


def test_what_a_person_decided_is_listed(world: World, tmp_path: Path) -> None:
    text = f'\n[[acknowledge]]\ncommit = "{world.commits["fix_remember"]}"\nreason = "not here"\n'.encode()
    fixes = found(world, tmp_path, text)
    assert len(fixes.missing) == 2
    assert [fix.reason for fix in fixes.acknowledged] == ["not here"]


def test_the_users_configuration_changes_nothing(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = found(world, tmp_path)
    file = tmp_path / "gitconfig"
    file.write_text(
        "[log]\n\tdecorate = full\n\tshowSignature = true\n\tdate = raw\n[i18n]\n\tlogOutputEncoding = latin1\n"
        "[grep]\n\tpatternType = fixed\n[color]\n\tui = always\n[format]\n\tnotes = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    assert found(world, tmp_path / "configured") == plain


def test_reads_messages_as_git_has_them(tmp_path: Path) -> None:
    git, builder = start(tmp_path / "lab.git")
    first = builder.commit("base", {"a": b"1\n"}, "start\n", AUTHOR, 1)
    messages = [
        'Caf\u00e9: fix\n\nText.\n\n  Fixes: 0123456789ab ("caf\u00e9")\n',
        f"Revert\n\nthis reverts commit {first}.\n",
        "Nothing to see\n\nFixes a bug of commit 0123456789ab.\n",
    ]
    made = [builder.commit("base", {"a": b"%d\n" % at}, text, AUTHOR, at) for at, text in enumerate(messages, start=2)]
    builder.publish("base")
    source = pygit2.Repository(str(tmp_path / "lab.git"))
    assert [(message.commit, message.subject, message.cites) for message in citing(source, [made[-1]], first)] == [
        (made[1], "Revert", (Citation(FixKind.REVERT, first),)),
        (made[0], "Caf\u00e9: fix", (Citation(FixKind.FIX, "0123456789ab", "caf\u00e9"),)),
    ]
    assert git.run("rev-list", "--count", "base") == "4"


def test_a_history_with_holes_is_an_error(tmp_path: Path) -> None:
    _, builder = start(tmp_path / "lab.git")
    commits = [builder.commit("base", {"a": b"%d\n" % at}, f"{at}\n", AUTHOR, at) for at in range(3)]
    builder.publish("base")
    source = pygit2.Repository(str(tmp_path / "lab.git"))
    (tmp_path / "lab.git" / "objects" / commits[1][:2] / commits[1][2:]).unlink()
    with pytest.raises(MissingObject, match="its history is not whole"):
        list(citing(source, [commits[2]], commits[0]))
