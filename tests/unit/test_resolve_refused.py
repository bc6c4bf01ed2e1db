# SPDX-License-Identifier: MIT
"""What a resolve refuses: each with a message that says what to do, and with everything left as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.resolving.job import Job, load_state
from mptcp_series.engine.resolving.place import STATE, Place
from mptcp_series.engine.resolving.prove import prepare
from mptcp_series.engine.resolving.resolve import abort, begin, take
from mptcp_series.engine.resolving.state import State, _digest
from mptcp_series.errors import BadInput, BadOverride, EnvironmentFault, NeedsPerson, NoRepository
from mptcp_series.values.version import VersionRange

from .resolving import World, listing, make_world, numbered

TCP = "net/ipv4/tcp.c"
ANSWER = numbered(30, {5: b"vendor hooked"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(
        tmp_path,
        {TCP: numbered(30), "b.c": numbered(30)},
        {"hook": {TCP: numbered(30, {5: b"hooked"}), "b.c": numbered(30, {9: b"b"})}},
        {TCP: numbered(30, {5: b"vendor"})},
    )


def refused(world: World, kind: type[Exception] = BadInput, **options: object) -> str:
    """The message of a capture that fails; nothing on disk changes by it."""
    before = listing(world.root)
    with world.place.locked(), pytest.raises(kind) as caught:
        prepare(world.place, **options)  # type: ignore[arg-type]
    assert listing(world.root) == before
    return str(caught.value)


def test_an_answer_with_markers(world: World) -> None:
    world.begin()
    file = world.place.directory / "tree" / TCP
    assert refused(world, NeedsPerson) == f"{file}:5: a conflict marker; edit the place it begins"
    world.put(TCP, b"=======\n")
    assert refused(world, NeedsPerson) == f"{file}:1: a conflict marker; edit the place it begins"


def test_a_file_that_was_not_laid_out(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    world.put(f"{TCP}.orig", b"by a tool\n")
    file = world.place.directory / "tree" / f"{TCP}.orig"
    assert refused(world, NeedsPerson) == f"{file}: not a file of the patch; take it away, or say --add {TCP}.orig"
    with world.place.locked():
        answer = prepare(world.place, add=[f"{TCP}.orig"])
    assert b"new file mode 100644" in answer.override.diff


def test_a_second_resolve(world: World) -> None:
    world.begin()
    before = listing(world.root)
    with pytest.raises(BadInput, match=r"a resolve of hook.patch is under way in .*; --done captures it, --abort"):
        world.begin()
    assert listing(world.root) == before


def test_two_at_once(world: World) -> None:
    world.begin()
    first, second = world.place.locked(), Place(world.place.directory).locked()
    with first, pytest.raises(EnvironmentFault, match="another resolve is at work in"), second:
        raise AssertionError("locked twice")


def test_a_base_that_moved(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    world.move_base({"c.c": b"c\n"})
    message = refused(world)
    assert message.startswith("stale: the base base was ")
    assert f"your edits are in {world.place.directory / 'tree'}" in message


def test_a_series_that_changed(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    series = world.series / "series"
    series.write_text(series.read_text() + "# a comment\n")
    assert refused(world).startswith(f"stale: the series in {world.series} has changed")


def test_a_patch_that_changed(world: World, tmp_path: Path) -> None:
    patch = b"--- a/%s\n+++ b/%s\n@@ -4,3 +4,3 @@\n line 4 of a file\n-line 5 of a file\n+%s\n line 6 of a file\n"
    name = TCP.encode()
    (world.series / "series").write_text("hook.patch\n")
    (world.series / "hook.patch").write_bytes(patch % (name, name, b"hooked"))
    world.begin()
    world.put(TCP, ANSWER)
    (world.series / "hook.patch").write_bytes(patch % (name, name, b"hooked otherwise"))
    assert refused(world).startswith("stale: hook.patch is another patch now; the source or its file has changed")


def test_an_override_that_settled_it(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    world.overrides.mkdir(parents=True)
    (world.overrides / "hook.patch").write_text("Patch: hook.patch\nSkip: yes\nReason: by hand\n")
    assert refused(world).startswith("stale: hook.patch was laid out, and nothing is in conflict now")


def test_a_range_without_the_base(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    message = refused(world, base_range=VersionRange.parse("<5.10.66"))
    assert message == "--base-range <5.10.66 does not hold 5.10.66, the base that the answer is for"


def test_an_empty_reason(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    with world.place.locked():
        answer = prepare(world.place)
    before = listing(world.root)
    with pytest.raises(BadOverride, match="missing field 'Reason'"):
        answer.write(" \n")
    assert listing(world.root) == before


def edited(data: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    """The state changed by someone who knows how its digest is made."""
    document = json.loads(data)
    del document["digest"]
    change(document)
    document["digest"] = _digest(document)
    return json.dumps(document).encode()


def set_to(key: str, value: object) -> Callable[[bytes], bytes]:
    return lambda data: edited(data, lambda document: document.update({key: value}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "damaged: Expecting value"),
        (lambda data: b"[]", "damaged: not an object"),
        (lambda data: data[:-9], "damaged: "),
        (lambda data: b"\xff", "damaged: "),
        (lambda data: data.replace(b'"made": 3', b'"made": 2'), "changed by hand or cut off"),
        (lambda data: data.replace(b'"schema": 1', b'"schema": 2'), "made by another version"),
        (set_to("made", -1), "damaged: -1 directories cannot have been made"),
        (set_to("made", True), "damaged: unexpected type bool (expected int) in 'made'"),
        (set_to("rev", 1), "damaged: unexpected type int (expected str) in 'rev'"),
        (set_to("overrides", ["a", 1]), "damaged: unexpected type int (expected str) in 'overrides'"),
        (set_to("files", {"../../x": {}}), "damaged: unsafe path '../../x': leaves the tree by '..'"),
        (set_to("files", {"a": []}), "damaged: unexpected type list (expected dict) in 'a'"),
    ],
)
def test_a_state_that_was_tampered_with(world: World, change: Callable[[bytes], bytes], message: str) -> None:
    world.begin()
    file = world.place.directory / STATE
    file.write_bytes(change(file.read_bytes()))
    assert refused(world).startswith(f"{file}: {message}")
    with world.place.locked():
        abort(world.place)
    assert not world.place.directory.exists()


def test_a_state_of_another_place_takes_nothing_away(world: World) -> None:
    """`made` tells how many directories to take away; those that hold something stay."""
    world.begin()
    file = world.place.directory / STATE
    file.write_bytes(set_to("made", 9)(file.read_bytes()))
    with world.place.locked():
        abort(world.place)
    assert world.series.is_dir()


def test_no_resolve_is_under_way(world: World) -> None:
    before = listing(world.root)
    with pytest.raises(BadInput, match=r"no resolve is under way in .*; `mptcp-series resolve` begins one"):
        load_state(world.place)
    with pytest.raises(BadInput, match="no resolve is under way"):
        abort(world.place)
    assert listing(world.root) == before


def test_laying_out_that_was_cut_short(world: World) -> None:
    state = world.begin()
    world.place.write_state(attrs.evolve(state, complete=False).render())
    (world.place.directory / "README").unlink()
    assert "laying the conflict out was cut short; `mptcp-series resolve` begins it again" in refused(world)
    assert world.begin().complete
    world.put(TCP, ANSWER)
    world.close()
    assert not (world.root / ".mptcp-series").exists()


def test_a_directory_of_somebody(world: World) -> None:
    place = Place(world.root / "series")
    before = listing(world.root)
    with pytest.raises(BadInput, match="series holds q, and no resolve made it; name another with --dir"):
        begin(world.job(), place)
    assert listing(world.root) == before


def test_a_plain_directory(world: World, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "Makefile").write_bytes(b"VERSION = 5\n")
    job = Job(series=world.series, repo=plain, base=None, source=world.repo)
    with pytest.raises(NoRepository, match="neither a git repository nor a kernel source directory"):
        begin(job, world.place)
    assert not world.place.directory.exists()


def test_a_disk_that_refuses(world: World) -> None:
    (world.root / ".mptcp-series").write_bytes(b"in the way")
    before = listing(world.root)
    with pytest.raises(EnvironmentFault, match=r"cannot make .*: Not a directory|cannot make .*: File exists"):
        world.begin()
    assert listing(world.root) == before


def test_a_disk_that_gets_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listing(world.root)
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "b.c":
            raise OSError(28, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*b\.c: No space left on device"):
        world.begin()
    assert listing(world.root) == before


def test_an_override_that_cannot_be_written(world: World) -> None:
    world.begin()
    world.put(TCP, ANSWER)
    (world.root / "overrides").write_bytes(b"in the way")
    with world.place.locked():
        answer = prepare(world.place)
        before = listing(world.root)
        with pytest.raises(EnvironmentFault, match="cannot write"):
            answer.write("because")
    assert listing(world.root) == before


def test_nothing_is_written_through_a_link(world: World, tmp_path: Path) -> None:
    state = world.begin()
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = world.place.directory / "tree"
    (tree / TCP).unlink()
    (tree / "net/ipv4").rmdir()
    (tree / "net/ipv4").symlink_to(outside)
    with world.place.locked(), pytest.raises(BadInput, match=r"is a symbolic link, and net/ipv4/tcp\.c"):
        take(world.place, TCP, "ours")
    assert list(outside.iterdir()) == []
    assert TCP in state.files
    assert "net/ipv4: not a file of the patch" in refused(world, NeedsPerson)


def test_a_pipe_is_no_file(world: World) -> None:
    world.begin()
    world.put(TCP, None)
    os.mkfifo(world.place.directory / "tree" / TCP)
    assert "is no file; put a file or a symbolic link there" in refused(world)


def test_an_unknown_file_is_not_taken(world: World) -> None:
    world.begin()
    with world.place.locked(), pytest.raises(BadInput) as caught:
        take(world.place, "net/x.c", "ours")
    assert str(caught.value) == f"net/x.c is no file of hook.patch; its files are b.c, {TCP}"


def test_the_state_is_read_back_as_it_was_written(world: World) -> None:
    state = world.begin()
    assert State.parse(state.render(), "state.json") == state
