# SPDX-License-Identifier: MIT
"""Conflicts that markers cannot show, each answered: deletions, additions, renames, modes, binary files, links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mptcp_series.engine.resolving.resolve import take
from mptcp_series.errors import NeedsPerson
from mptcp_series.minikernel.history import FileEntry

from .resolving import TCP, World, answered, make_world, numbered

LINK, EXECUTABLE = 0o120000, 0o100755


def test_a_changed_file_that_the_base_does_not_have(tmp_path: Path) -> None:
    before = {TCP: numbered(20), "net/other.c": b"other\n"}
    world = make_world(tmp_path, before, {"hook": {TCP: numbered(20, {9: b"hooked"})}}, {TCP: None})
    state = world.begin()
    assert world.get(TCP) == numbered(20, {9: b"hooked"})
    assert (state.files[TCP].question or "").startswith("modify/delete: ")
    world.put(TCP, None)
    override = answered(world, TCP, None)
    assert [str(target) for target in override.drop] == [TCP]
    assert override.diff == b""


def test_a_changed_file_that_comes_back(tmp_path: Path) -> None:
    world = make_world(tmp_path, {TCP: numbered(20)}, {"hook": {TCP: numbered(20, {9: b"hooked"})}}, {TCP: None})
    world.begin()
    with world.place.locked():
        take(world.place, TCP, "theirs")
    answered(world, TCP, numbered(20, {9: b"hooked"}))


@pytest.mark.parametrize("data", [None, numbered(20, {3: b"vendor"}), numbered(20, {3: b"less"})])
def test_a_deleted_file_that_the_base_has_changed(tmp_path: Path, data: bytes | None) -> None:
    changed = numbered(20, {3: b"vendor"})
    world = make_world(tmp_path, {TCP: numbered(20)}, {"remove": {TCP: None}}, {TCP: changed})
    world.begin()
    assert world.get(TCP) == changed
    if data == changed:
        with pytest.raises(NeedsPerson, match="not answered: delete/modify"):
            world.close()
        with world.place.locked():
            take(world.place, TCP, "keep")
    else:
        world.put(TCP, data)
    answered(world, TCP, data)


def test_two_added_files(tmp_path: Path) -> None:
    world = make_world(tmp_path, {TCP: b"tcp\n"}, {"add": {"net/new.c": b"a\nb\n"}}, {"net/new.c": b"a\nc\n"})
    world.begin()
    assert b"<<<<<<<" in (world.get("net/new.c") or b"")
    world.put("net/new.c", b"a\nb\nc\n")
    answered(world, "net/new.c", b"a\nb\nc\n")


def rename_world(root: Path, base: dict[str, bytes | None], edited: bytes | None = None) -> World:
    text = numbered(30)
    renamed = numbered(30, {15: b"renamed"}) if edited is None else edited
    return make_world(root, {TCP: text}, {"move": {TCP: None, "net/ipv4/new.c": renamed}}, base)


def test_a_rename_to_an_occupied_path(tmp_path: Path) -> None:
    world = rename_world(tmp_path, {"net/ipv4/new.c": b"vendor's\n"})
    world.begin()
    laid = world.get("net/ipv4/new.c")
    assert laid is not None
    assert b"<<<<<<<" in laid
    assert b"renamed" in laid
    assert world.get(TCP) is None
    both = numbered(30, {15: b"renamed"}) + b"vendor's\n"
    world.put("net/ipv4/new.c", both)
    answered(world, "net/ipv4/new.c", both)
    assert world.file(world.result(), TCP) is None


def test_a_rename_with_a_conflict_in_it(tmp_path: Path) -> None:
    world = rename_world(tmp_path, {TCP: numbered(30, {15: b"vendor", 3: b"more"})})
    world.begin()
    both = numbered(30, {3: b"more", 15: b"vendor renamed"})
    assert b"<<<<<<<" in (world.get("net/ipv4/new.c") or b"")
    world.put("net/ipv4/new.c", both)
    answered(world, "net/ipv4/new.c", both)
    assert world.file(world.result(), TCP) is None


def test_a_rename_that_is_not_wanted(tmp_path: Path) -> None:
    world = rename_world(tmp_path, {TCP: numbered(30, {15: b"vendor"})})
    world.begin()
    world.put("net/ipv4/new.c", None)
    world.put(TCP, numbered(30, {15: b"vendor"}))
    override = answered(world, TCP, numbered(30, {15: b"vendor"}))
    assert override.diff == b""


def test_a_file_that_the_base_renamed(tmp_path: Path) -> None:
    world = make_world(
        tmp_path,
        {TCP: numbered(30)},
        {"hook": {TCP: numbered(30, {5: b"hooked", 25: b"far"})}},
        {TCP: None, "net/moved.c": numbered(30, {5: b"vendor"})},
    )
    world.begin()
    both = numbered(30, {5: b"vendor hooked", 25: b"far"})
    world.put("net/moved.c", both)
    override = answered(world, "net/moved.c", both)
    assert [target.path for target in override.drop] == [TCP]


def test_modes(tmp_path: Path) -> None:
    script = "tools/run.sh"
    world = make_world(
        tmp_path,
        {script: b"#!/bin/sh\n"},
        {"executable": {script: FileEntry(mode=EXECUTABLE, data=b"#!/bin/sh\n")}},
        {script: FileEntry(mode=LINK, data=b"other.sh")},
    )
    state = world.begin()
    assert (state.files[script].question or "").startswith("mode: ")
    assert world.place.read("tree", script) == (LINK, b"other.sh")
    world.put(script, b"#!/bin/sh\necho\n")
    os.chmod(world.place.directory / "tree" / script, 0o755)
    answered(world, script, b"#!/bin/sh\necho\n")
    assert world.file(world.result(), script) == (EXECUTABLE, b"#!/bin/sh\necho\n")


BINARY = tuple(bytes([0, kind]) + bytes(range(256)) * 5 for kind in range(4))


@pytest.mark.parametrize("answer", ["ours", "theirs", "new", "text", "gone"])
def test_binary_files(tmp_path: Path, answer: str) -> None:
    before, ours, theirs, new = BINARY
    world = make_world(tmp_path, {"logo.bin": before}, {"logo": {"logo.bin": theirs}}, {"logo.bin": ours})
    world.begin()
    wanted = {"ours": ours, "theirs": theirs, "new": new, "text": b"a text\n", "gone": None}[answer]
    if answer in ("ours", "theirs"):
        with world.place.locked():
            take(world.place, "logo.bin", answer)
    else:
        world.put("logo.bin", wanted)
    override = answered(world, "logo.bin", wanted)
    assert [str(target) for target in override.drop] == ["logo.bin"]


def test_a_binary_answer_is_for_the_very_file_it_was_made_on(tmp_path: Path) -> None:
    before, ours, theirs, new = BINARY
    world = make_world(tmp_path, {"logo.bin": before}, {"logo": {"logo.bin": theirs}}, {"logo.bin": ours})
    world.begin()
    world.put("logo.bin", new)
    world.close()
    world.move_base({"logo.bin": ours + b"!"}, "other")
    drift = world.result("other").overrides.drift
    assert [one.field for one in drift] == ["diff"]
    assert "binary: logo.bin differs" in drift[0].why


@pytest.mark.parametrize("answer", ["ours", "theirs", "link", "file", "gone"])
def test_symbolic_links(tmp_path: Path, answer: str) -> None:
    def link(target: bytes) -> FileEntry:
        return FileEntry(mode=LINK, data=target)

    world = make_world(
        tmp_path, {"doc": link(b"a")}, {"point": {"doc": link(b"../outside")}}, {"doc": link(b"/etc/hostname")}
    )
    world.begin()
    target = world.place.directory / "tree" / "doc"
    assert os.readlink(target) == "/etc/hostname"
    wanted = {
        "ours": b"/etc/hostname",
        "theirs": b"../outside",
        "link": b"both",
        "file": b"a file\n",
        "gone": None,
    }[answer]
    if answer in ("ours", "theirs"):
        with world.place.locked():
            take(world.place, "doc", answer)
    else:
        world.put("doc", wanted if answer == "file" else None)
        if answer == "link":
            target.symlink_to("both")
    answered(world, "doc", wanted)


def test_a_file_where_the_patch_wants_a_directory(tmp_path: Path) -> None:
    world = make_world(tmp_path, {TCP: b"tcp\n"}, {"add": {"doc/new.txt": b"new\n"}}, {"doc": b"a file\n"})
    state = world.begin()
    assert "doc is a file here" in (state.files["doc"].question or "")
    world.put("doc", None)
    world.put("doc/new.txt", b"new\n")
    answered(world, "doc/new.txt", b"new\n")
