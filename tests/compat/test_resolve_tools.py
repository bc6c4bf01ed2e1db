# SPDX-License-Identifier: MIT
"""Editors and merge tools that a resolve starts: called as git calls them, `git merge-file` among them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mptcp_series.cli.main import cli

from ..unit.resolving import World, make_world, numbered

TCP = "net/ipv4/tcp.c"
PLACE = Path(".mptcp-series/resolve/q")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GIT_EDITOR")
    text = numbered(40)
    return make_world(
        tmp_path,
        {TCP: text, "b c.c": text, "d.c": text},
        {
            "hook": {
                TCP: numbered(40, {5: b"hooked", 30: b"far"}),
                "b c.c": numbered(40, {7: b"b"}),
                "d.c": numbered(40, {9: b"d"}),
            }
        },
        {TCP: numbered(40, {5: b"vendor"}), "b c.c": numbered(40, {7: b"vendor b"})},
    )


def resolve(*options: str) -> Result:
    return CliRunner().invoke(cli, ["resolve", *options])


def begin() -> Result:
    return resolve("--repo", "linux.git", "--source", "linux.git", "--series", "series/q", "--base", "base")


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_merge_tool(world: World, tmp_path: Path) -> None:
    begin()
    tool = script(
        tmp_path / "tool",
        '#!/bin/sh\n[ -f "$BASE" ] && [ -f "$LOCAL" ] && [ -f "$REMOTE" ] || exit 2\necho "$MERGED" >> "$LOG"\n'
        'git merge-file --union -p "$LOCAL" "$BASE" "$REMOTE" > "$MERGED.new" && mv "$MERGED.new" "$MERGED"\n',
    )
    ended = resolve("--tool", f"LOG=$PWD/log {tool}")
    assert ended.exit_code == 1
    assert (tmp_path / "log").read_text().splitlines() == [
        str(tmp_path / PLACE / "tree" / path) for path in ("b c.c", TCP)
    ]
    assert world.get(TCP) == numbered(40, {5: b"vendor\nhooked", 30: b"far"})
    ended = resolve("--done", "--reason", "both")
    assert ended.exit_code == 0, ended.output
    assert world.file(world.result(), "b c.c") == (0o100644, numbered(40, {7: b"vendor b\nb"}))


def test_a_merge_tool_that_gives_up(world: World) -> None:
    begin()
    laid = world.get("b c.c")
    ended = resolve("--tool", "exit 1")
    assert ended.exit_code == 1
    assert "the merge tool on b c.c ended with status 1; what it wrote is kept" in ended.stderr
    assert world.get("b c.c") == laid
    ended = resolve("--tool", "no-such-tool-anywhere")
    assert ended.exit_code == 3
    assert "'no-such-tool-anywhere' is not installed" in ended.stderr


def test_a_side_that_is_not_there_is_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    world = make_world(tmp_path, {"a.c": b"a\n"}, {"add": {"new.c": b"1\n2\n"}}, {"new.c": b"1\n3\n"})
    begin()
    ended = resolve("--tool", 'test ! -s "$BASE" && cat "$BASE" "$LOCAL" "$REMOTE" > "$MERGED"')
    assert ended.exit_code == 1
    assert world.get("new.c") == b"1\n3\n1\n2\n"


def test_the_editor(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    editor = script(
        tmp_path / "my editor",
        '#!/bin/sh\n[ "$1" = --wait ] || exit 9\nshift\nfor file; do\n'
        '  sed -i -e "/^<<<<<<< /d" -e "/^||||||| /,/^>>>>>>> /d" "$file" || exit 1\ndone\n',
    )
    monkeypatch.setenv("EDITOR", f"'{editor}' --wait")
    ended = resolve("--edit")
    assert "answered  tree/b c.c" in ended.stdout
    assert world.get(TCP) == numbered(40, {5: b"vendor", 30: b"far"})
    assert resolve("--edit").exit_code == 2, "nothing is left to edit"


def test_the_reason_is_asked_for(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    for path in (TCP, "b c.c"):
        resolve("--ours", path)
    editor = script(
        tmp_path / "editor",
        f'#!/bin/sh\ncp "$1" "{tmp_path}/seen"\nprintf "Theirs is enough.\\n\\nSee the list.\\n# left out\\n" > "$1"\n',
    )
    monkeypatch.setenv("GIT_EDITOR", str(editor))
    ended = resolve("--done")
    assert ended.exit_code == 0, ended.output
    seen = (tmp_path / "seen").read_text()
    assert "# Why is this the answer for hook.patch on Linux 5.10.66?\n" in seen
    assert f"# Drop: {TCP}\n" in seen
    assert all(line.startswith("#") for line in seen.splitlines() if line)
    text = (world.overrides / "hook.patch").read_text()
    assert "Reason: Theirs is enough.\n .\n See the list.\n---\n" in text


def test_an_editor_that_writes_no_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    for path in (TCP, "b c.c"):
        resolve("--ours", path)
    monkeypatch.setenv("GIT_EDITOR", "true")
    ended = resolve("--done")
    assert ended.exit_code == 2
    assert "the reason is empty; nothing was written" in ended.stderr
    monkeypatch.setenv("GIT_EDITOR", "false")
    ended = resolve("--done")
    assert ended.exit_code == 1
    assert "the editor ended with status 1" in ended.stderr
    assert not world.overrides.exists()
