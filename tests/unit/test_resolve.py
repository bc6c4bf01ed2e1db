# SPDX-License-Identifier: MIT
"""A conflict of lines is laid out, answered and captured: nothing is in conflict then, and the file is the answer's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series import Queue
from mptcp_series.engine.resolving.file import default_range, free_name
from mptcp_series.engine.resolving.place import Place
from mptcp_series.engine.resolving.prove import prepare, prepare_skip
from mptcp_series.engine.resolving.resolve import abort, begin, go_on, take
from mptcp_series.engine.resolving.standing import markers
from mptcp_series.errors import BadInput, NeedsPerson
from mptcp_series.values.override import Override
from mptcp_series.values.version import KernelVersion, VersionRange

from .resolving import TCP, World, answered, listing, make_world, numbered

REGULAR = 0o100644


def content_world(root: Path, end: bytes = b"\n") -> World:
    """Two hunks of one file; the base has changed a line of the first."""
    text = numbered(40, end=end)
    return make_world(
        root,
        {TCP: text, "net/mptcp/pm.c": text},
        {
            "hook": {
                TCP: numbered(40, {5: b"hooked", 30: b"far away"}, end),
                "net/mptcp/pm.c": numbered(40, {20: b"pm"}, end),
            }
        },
        {TCP: numbered(40, {5: b"vendor"}, end)},
    )


def test_lines(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    state = world.begin()
    laid = world.get(TCP)
    assert laid is not None
    assert b"<<<<<<< base and the queue so far\nvendor\n||||||| before hook.patch\nline 5 of a file\n" in laid
    assert b"=======\nhooked\n>>>>>>> hook.patch\n" in laid
    assert b"far away\n" in laid
    assert {path: asked.marked for path, asked in state.files.items()} == {TCP: True, "net/mptcp/pm.c": False}
    assert world.get(TCP, "ours") == numbered(40, {5: b"vendor"})
    assert world.get(TCP, "base") == numbered(40)
    assert world.get(TCP, "theirs") == numbered(40, {5: b"hooked", 30: b"far away"})
    assert world.get("net/mptcp/pm.c") == numbered(40, {20: b"pm"})
    both = numbered(40, {5: b"vendor\nhooked", 30: b"far away"})
    world.put(TCP, both)
    override = answered(world, TCP, both)
    assert override.patch == "mptcp: hook"
    assert override.commit == state.upstream
    assert str(override.base) == ">=5.10.66,<5.11"
    assert [target.path for target in override.drop] == [TCP]
    assert override.drop[0].hunk is not None
    assert override.remembered == {override.drop[0].hunk: ("-line 5 of a file", "+hooked")}
    assert override.diff == (
        b"diff --git a/net/ipv4/tcp.c b/net/ipv4/tcp.c\n--- a/net/ipv4/tcp.c\n+++ b/net/ipv4/tcp.c\n"
        b"@@ -3,6 +3,7 @@ line 2 of a file\n line 3 of a file\n line 4 of a file\n vendor\n+hooked\n"
        b" line 6 of a file\n line 7 of a file\n line 8 of a file\n"
    ), override.diff.decode()


def test_a_file_of_the_licence_and_the_reason(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    world.put(TCP, numbered(40, {5: b"vendor", 30: b"far away"}))
    with world.place.locked():
        answer = prepare(world.place)
        answer.write("Theirs is enough.\n\nSee the list.")
    lines = answer.path.read_text().splitlines()
    assert answer.path == world.overrides / "hook.patch"
    assert lines[0] == "# SPDX-License-Identifier: GPL-2.0-only"
    assert lines[-4:] == ["Reason: Theirs is enough.", " .", " See the list.", "---"]


def test_no_hunk_kept_is_the_path_alone(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    world.put(TCP, numbered(40, {5: b"mine", 30: b"mine too"}))
    override = answered(world, TCP, numbered(40, {5: b"mine", 30: b"mine too"}))
    assert [str(target) for target in override.drop] == [TCP]


def test_the_answer_as_the_base_has_it(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    with world.place.locked():
        take(world.place, TCP, "ours")
    override = answered(world, TCP, numbered(40, {5: b"vendor"}))
    assert [str(target) for target in override.drop] == [TCP]
    assert override.diff == b""


def test_a_merged_file_can_be_changed_too(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    world.put(TCP, numbered(40, {5: b"vendor", 30: b"far away"}))
    world.put("net/mptcp/pm.c", None)
    override = answered(world, "net/mptcp/pm.c", None)
    assert "deleted file mode 100644" in override.diff.decode()


def test_hunks_of_the_same_text_are_told_by_number(tmp_path: Path) -> None:
    block = b"".join(b"same %d\n" % at for at in range(10))
    text = block * 6
    lines = text.splitlines(keepends=True)

    def with_changes(changes: dict[int, bytes]) -> bytes:
        return b"".join(changes.get(at, line) for at, line in enumerate(lines))

    patch = {15: b"new\n", 35: b"new\n"}
    world = make_world(
        tmp_path, {TCP: text}, {"twice": {TCP: with_changes(patch)}}, {TCP: with_changes({35: b"vendor\n"})}
    )
    world.begin()
    answer = with_changes({15: b"new\n", 35: b"both\n"})
    world.put(TCP, answer)
    override = answered(world, TCP, answer)
    assert [target.nth for target in override.drop] == [2]
    assert len(override.drop) == 1


@pytest.mark.parametrize(
    ("name", "end", "tail"),
    [("latin-1", b" caf\xe9\n", b""), ("CRLF", b"\r\n", b""), ("no final newline", b"\n", b"the end")],
)
def test_bytes_survive(tmp_path: Path, name: str, end: bytes, tail: bytes) -> None:
    world = make_world(
        tmp_path,
        {TCP: numbered(20, end=end) + tail},
        {"hook": {TCP: numbered(20, {19: b"\xe9hooked"}, end) + tail + b" and on" * bool(tail)}},
        {TCP: numbered(20, {19: b"vendor\xff"}, end) + tail},
    )
    world.begin()
    answer = numbered(20, {19: b"vendor\xff\xe9hooked"}, end) + tail + b" or so" * bool(tail)
    world.put(TCP, answer)
    answered(world, TCP, answer)


def materialised(world: World) -> None:
    """The same queue as patch files that name no blobs."""
    result = Queue.load(world.series, source=world.repo).apply(world.repo, base="up~1")
    out = world.root / "out"
    result.export(out)
    for path in out.glob("*.patch"):
        lines = path.read_bytes().splitlines(keepends=True)
        (world.series / path.name).write_bytes(b"".join(line for line in lines if not line.startswith(b"index ")))
    (world.series / "series").write_bytes((out / "series").read_bytes())


def test_a_patch_without_blobs(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    materialised(world)
    world.begin()
    laid = world.get(TCP) or b""
    assert b"<<<<<<< base and the queue so far\nvendor\n||||||| before hook.patch\nline 5 of a file\n" in laid
    assert b"far away\n" in laid
    assert world.get(TCP, "theirs") == numbered(40, {5: b"hooked", 30: b"far away"})
    both = numbered(40, {5: b"vendor hooked", 30: b"far away"})
    world.put(TCP, both)
    override = answered(world, TCP, both)
    assert len(override.drop) == 1
    assert override.commit is None


def test_a_patch_without_blobs_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    world = make_world(
        tmp_path,
        {TCP: numbered(20), "a.c": b"a\n"},
        {"hook": {TCP: numbered(20, {9: b"hooked"}), "a.c": b"b\n"}},
        {TCP: None},
    )
    materialised(world)
    world.begin()
    assert world.get(TCP) is None
    with pytest.raises(NeedsPerson, match="not answered: modify/delete"):
        world.close()
    with world.place.locked(), pytest.raises(BadInput, match="does not hold the whole file"):
        take(world.place, TCP, "theirs")
    with world.place.locked():
        take(world.place, TCP, "ours")
    answered(world, TCP, None)
    assert world.file(world.result(), "a.c") == (REGULAR, b"b\n")


def test_a_patch_left_out(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    with world.place.locked():
        answer = prepare_skip(world.place)
        answer.write("nothing of it is needed")
        go_on(answer)
    result = world.result()
    assert result.counts["skipped"] == 1
    assert world.file(result, TCP) == (REGULAR, numbered(40, {5: b"vendor"}))
    assert not (tmp_path / ".mptcp-series").exists()


def test_the_next_conflict_is_laid_out(tmp_path: Path) -> None:
    text = numbered(40)
    world = make_world(
        tmp_path,
        {TCP: text, "b.c": text},
        {"one": {TCP: numbered(40, {5: b"one"})}, "two": {"b.c": numbered(40, {9: b"two"})}},
        {TCP: numbered(40, {5: b"vendor"}), "b.c": numbered(40, {9: b"vendor"})},
    )
    assert world.begin().patch == "one.patch"
    world.put(TCP, numbered(40, {5: b"vendor one"}))
    with world.place.locked():
        answer = prepare(world.place)
        answer.write("one")
        report = go_on(answer)
    assert report.state is not None
    assert report.state.patch == "two.patch"
    assert world.get(TCP) is None
    with world.place.locked():
        take(world.place, "b.c", "theirs")
    answered(world, "b.c", numbered(40, {9: b"two"}))
    assert sorted(path.name for path in world.overrides.iterdir()) == ["one.patch", "two.patch"]


EDITS = st.lists(
    st.tuples(
        st.integers(0, 44), st.integers(0, 3), st.lists(st.sampled_from([b"x\n", b"\xff\r\n", b"}\n"]), max_size=3)
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS, newline=st.booleans(), blobs=st.booleans())
def test_any_edit_is_captured_exactly(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, list[bytes]]], newline: bool, blobs: bool
) -> None:
    """Law: whatever a person leaves, the override gives exactly that (the proof itself refuses anything else)."""
    world = content_world(tmp_path_factory.mktemp("world"))
    if not blobs:
        materialised(world)
    world.begin()
    lines = (world.get(TCP) or b"").splitlines(keepends=True)
    lines = [line for line in lines if not line.startswith((b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"))]
    for at, gone, come in edits:
        lines[at : at + gone] = come
    data = b"".join(lines)
    if not newline:
        data = data.removesuffix(b"\n")
    world.put(TCP, data)
    answered(world, TCP, data)


def test_abort_leaves_no_trace(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    before = listing(tmp_path)
    world.begin()
    world.put(TCP, b"edited\n")
    world.put("left/behind.orig", b"by a tool\n")
    with world.place.locked():
        abort(world.place)
    assert listing(tmp_path) == before


def test_abort_keeps_a_directory_that_was_there(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    place = Place(tmp_path / "mine")
    place.directory.mkdir()
    before = listing(tmp_path)
    begin(world.job(), place)
    with place.locked():
        abort(place)
    assert listing(tmp_path) == before


def test_nothing_in_conflict_makes_nothing(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    before = listing(tmp_path)
    report = begin(world.job("up~1"), world.place)
    assert report.state is None
    assert listing(tmp_path) == before


def test_an_override_in_force_is_replaced_only_when_told(tmp_path: Path) -> None:
    world = content_world(tmp_path)
    world.begin()
    world.put(TCP, numbered(40, {5: b"vendor hooked", 30: b"far away"}))
    first = world.close("the first").path
    later = numbered(40, {5: b"vendor", 29: b"later"})
    world.move_base({TCP: later})
    with pytest.raises(BadInput) as caught:
        world.begin()
    assert str(caught.value) == (
        "hook.patch has an override in force, q/hook.patch, and still is in conflict: to keep that for older bases, "
        "write `Base: >=5.10.66,<5.10.66` in it and `resolve` again; or `resolve --replace` lets one answer take its "
        "place on all its bases"
    )
    assert not world.place.directory.exists()
    world.begin(replace=True)
    laid = world.get(TCP) or b""
    assert b"vendor hooked\n" in laid, "what still fits of the old override is there already"
    assert laid.count(b"<<<<<<<") == 1
    assert b"Reason: the first" in (world.place.directory / "OVERRIDE").read_bytes()
    data = numbered(40, {5: b"vendor hooked", 29: b"later", 30: b"far away"})
    world.put(TCP, data)
    answer = world.close("both now")
    assert answer.path == first
    assert world.file(world.result(), TCP) == (REGULAR, data)
    assert [path.name for path in world.overrides.iterdir()] == ["hook.patch"]


def test_default_range_ends_where_another_override_begins() -> None:
    version = KernelVersion.parse("5.10.209")

    def for_base(text: str) -> Override:
        return Override(patch="a", skip=True, reason="x", base=VersionRange.parse(text))

    assert str(default_range(version, ())) == ">=5.10.209,<5.11"
    assert str(default_range(version, [for_base(">=5.10.226,<5.11")])) == ">=5.10.209,<5.10.226"
    assert str(default_range(version, [for_base("<5.10.209")])) == ">=5.10.209,<5.11"


def test_free_name() -> None:
    assert free_name("a.patch", []) == "a.patch"
    assert free_name("a.patch", ["a.patch", "a-2.patch"]) == "a-3.patch"
    assert free_name("fixes/a.patch", []) == "fixes-a.patch"


def test_markers_know_text_that_looks_like_them() -> None:
    sides = [b"Title\n=======\n"]
    assert markers(b"Title\n=======\n", sides) == ()
    assert markers(b"a\n=======\nb\n", [b"a\n"]) == (2,)
    assert markers(b"<<<<<<< a\n=======\n>>>>>>> b\n<<<<<<< c\n", sides) == (1, 4)
    assert markers(b"<<<<<<< HEAD\r\nx\r\n>>>>>>> up\r\n", sides) == (1,)
