# SPDX-License-Identifier: MIT
"""Overrides in the engine: which is in force, what it makes of a patch, and every way it can be stale."""

from __future__ import annotations

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.exchange.render import render_patch
from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.replay.item import Item
from mptcp_series.engine.replay.overrides import assign, check_override
from mptcp_series.values.hunk import hunk_ids
from mptcp_series.values.override import DropTarget, Override
from mptcp_series.values.result import Account, Drift
from mptcp_series.values.version import KernelVersion

from .conftest import LINK, Content, Files, Lab, Run, numbered

V = KernelVersion.parse("5.10.66")
OLD = numbered(40)
NEW = numbered(40, {5: "five\n", 20: "twenty\n", 35: "thirty\n"})
IDS = hunk_ids(diff_hunks(OLD, NEW))
BLOCK = b"1\n2\n3\nsame\n4\n5\n6\n"
TWINS = [
    (b"head\n" + block + b"between\n" * 9 + block + b"tail\n") for block in (BLOCK, BLOCK.replace(b"same", b"SAME"))
]


def override(fields: str, diff: bytes = b"", file: str = "q/o.patch") -> Override:
    return Override.parse(fields.encode() + b"Reason: why\n" + (b"---\n" + diff if diff else b""), file)


def edit(path: str, old: bytes, new: bytes) -> bytes:
    return b"--- a/%s\n+++ b/%s\n" % (path.encode(), path.encode()) + b"".join(h.render() for h in diff_hunks(old, new))


def replay(lab: Lab, base: Files, item: Item, fields: str, diff: bytes = b"") -> Run:
    return lab.replay(base, item, overrides={item.name: override(f"Patch: {item.name}\n{fields}", diff)})


KEEP: dict[str, Content] = {"keep": b"kept\n"}
FROM: dict[str, Content] = {**KEEP, "f": OLD, "g": OLD}
TO: dict[str, Content] = {**KEEP, "f": NEW, "g": NEW}


@pytest.mark.parametrize("materialised", [False, True])
@pytest.mark.parametrize(
    ("fields", "diff", "base", "files", "told"),
    [
        ("Skip: yes\n", b"", FROM, FROM, ("skipped", [("f", "skipped"), ("g", "skipped")], Account(dropped=6), [])),
        (
            "Drop: g\n",
            b"",
            FROM,
            {**FROM, "f": NEW},
            ("overridden", [("f", "clean"), ("g", "overridden")], Account(applied=3, dropped=3), []),
        ),
        (
            f"Drop: f#{IDS[1]}\n",
            b"",
            FROM,
            {**TO, "f": numbered(40, {5: "five\n", 35: "thirty\n"})},
            ("overridden", [("f", "overridden"), ("g", "clean")], Account(applied=5, dropped=1), []),
        ),
        (
            f"Drop: f#{IDS[0]}\nDrop: f#{IDS[2]}\n",
            b"",
            {**FROM, "f": b"n\n" + OLD},
            {**TO, "f": b"n\n" + numbered(40, {20: "twenty\n"})},
            ("overridden", [("f", "overridden"), ("g", "clean")], Account(applied=4, dropped=2), []),
        ),
        # Drop what collides, and say what stands there instead.
        (
            f"Drop: f#{IDS[1]}\n",
            edit("f", numbered(40, {20: "other\n"}), numbered(40, {20: "mine\n"})),
            {**FROM, "f": numbered(40, {20: "other\n"})},
            {**TO, "f": numbered(40, {5: "five\n", 20: "mine\n", 35: "thirty\n"})},
            ("overridden", [("f", "overridden"), ("g", "clean")], Account(applied=5, dropped=1), []),
        ),
        # A diff alone, against the files as they stand after the patch; offset allowed.
        (
            "",
            edit("f", NEW, NEW.replace(b"line 21\n", b"more\n")),
            {**FROM, "f": b"n\n" + OLD},
            {**TO, "f": b"n\n" + NEW.replace(b"line 21\n", b"more\n")},
            ("overridden", [("f", "overridden"), ("g", "clean")], Account(applied=6), []),
        ),
        # A diff to a file the patch does not touch, one that makes a file and one that takes one away.
        (
            "Drop: g\n",
            edit("keep", b"kept\n", b"changed\n") + b"--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n",
            FROM,
            {**FROM, "f": NEW, "keep": b"changed\n", "new": b"new\n"},
            (
                "overridden",
                [("f", "clean"), ("g", "overridden"), ("keep", "overridden"), ("new", "overridden")],
                Account(applied=3, dropped=3),
                [],
            ),
        ),
        (
            "",
            b"--- a/keep\n+++ /dev/null\n@@ -1 +0,0 @@\n-kept\n",
            FROM,
            {"f": NEW, "g": NEW},
            ("overridden", [("f", "clean"), ("g", "clean"), ("keep", "overridden")], Account(applied=6), []),
        ),
        (
            "",
            b"diff --git a/keep b/kept\nrename from keep\nrename to kept\n",
            FROM,
            {"f": NEW, "g": NEW, "kept": b"kept\n"},
            (
                "overridden",
                [("f", "clean"), ("g", "clean"), ("keep", "overridden"), ("kept", "overridden")],
                Account(applied=6),
                [],
            ),
        ),
        # Everything is dropped: nothing is left because the override says so.
        (
            "Drop: f\nDrop: g\n",
            b"",
            FROM,
            FROM,
            ("skipped", [("f", "overridden"), ("g", "overridden")], Account(dropped=6), []),
        ),
        # What is not dropped, the base has: nothing is left.
        (
            "Drop: f\n",
            b"",
            {**FROM, "g": NEW},
            {**FROM, "g": NEW},
            ("upstream", [("f", "overridden"), ("g", "upstream")], Account(present=3, dropped=3), []),
        ),
        # A kept hunk collides: the diff is not tried.
        (
            f"Drop: f#{IDS[0]}\n",
            edit("f", OLD, b"never\n" + OLD),
            {**FROM, "f": numbered(40, {20: "other\n"})},
            {**TO, "f": numbered(40, {20: "twenty\n", 35: "thirty\n"})},
            (
                "conflict",
                [("f", "conflict"), ("g", "clean")],
                Account(applied=4, dropped=1, conflict=1),
                [("f", IDS[1])],
            ),
        ),
    ],
)
def test_effects(
    lab: Lab,
    fields: str,
    diff: bytes,
    base: Files,
    files: Files,
    told: tuple[str, list[tuple[str, str]], Account, list[tuple[str, str | None]]],
    materialised: bool,
) -> None:
    item = lab.pick(FROM, TO)
    if materialised:
        # With its blobs at hand a patch file is as good as a pinned patch.
        item = lab.patch(render_patch(lab.objects, item.raw, item.changes))  # type: ignore[arg-type]
    run = replay(lab, base, item, fields, diff)
    assert (run.told, run.files) == (told, dict(files))
    assert (run.replayed.drift, run.replayed.used, run.only.override) == ((), ("q/o.patch",), "q/o.patch")
    assert (run.only.result_commit is not None) == (told[0] == "overridden")


def test_blobless_patch(lab: Lab) -> None:
    """Without blobs, kept hunks are placed; then the diff."""
    data = b"x\n---\n" + edit("f", OLD, NEW)
    run = replay(
        lab,
        {"f": b"n\n" + OLD},
        lab.patch(data),
        f"Drop: f#{IDS[1]}\n",
        edit("f", OLD, OLD.replace(b"line 30\n", b"more\n")),
    )
    assert run.told == ("overridden", [("f", "overridden")], Account(applied=2, dropped=1), [])
    assert run.files == {"f": b"n\n" + numbered(40, {5: "five\n", 30: "more\n", 35: "thirty\n"})}
    dropped = replay(lab, {"f": OLD}, lab.patch(data), "Drop: f\n")
    assert (dropped.told, dropped.files) == (("skipped", [("f", "overridden")], Account(dropped=3), []), {"f": OLD})


def test_dropped_hunks_do_not_take_a_mode_or_a_move_along(lab: Lab) -> None:
    (hunk,) = diff_hunks(numbered(5), numbered(5, {3: "x\n"}))
    body = b"--- a/f\n+++ b/f\n" + hunk.render()
    mode = b"x\n---\ndiff --git a/f b/f\nold mode 100644\nnew mode 100755\n" + body
    assert replay(lab, {"f": numbered(5)}, lab.patch(mode), f"Drop: f#{hunk.id}\n").files == {
        "f": (0o100755, numbered(5))
    }
    moved = b"x\n---\ndiff --git a/f b/g\nrename from f\nrename to g\n" + body.replace(b"b/f", b"b/g")
    assert replay(lab, {"f": numbered(5)}, lab.patch(moved), f"Drop: g#{hunk.id}\n").files == {"g": numbered(5)}
    index = b"x\n---\ndiff --git a/f b/f\nindex 1234567..7654321 100644\n" + body
    assert replay(lab, {"f": numbered(5)}, lab.patch(index), f"Drop: f#{hunk.id}\n").told[0] == "skipped"


@pytest.mark.parametrize(
    ("before", "after", "fields", "files", "account"),
    [
        # New, deleted and renamed files: hunk ids know no renames.
        ({}, {"n": b"1\n"}, "Drop: n\n", {}, Account(dropped=1)),
        ({}, {"n": b"1\n", "m": b"2\n"}, "Drop: n#{add}\n", {"m": b"2\n"}, Account(applied=1, dropped=1)),
        ({"n": b"1\n"}, {}, "Drop: n\n", {"n": b"1\n"}, Account(dropped=1)),
        ({"n": b"1\n", "m": b"2\n"}, {}, "Drop: n#{delete}\n", {"n": b"1\n"}, Account(applied=1, dropped=1)),
        ({"a": OLD}, {"b": NEW}, "Drop: a\n", {"a": OLD, "b": NEW}, Account(applied=1, dropped=1)),
        ({"a": OLD}, {"b": NEW}, "Drop: b\n", {}, Account(applied=1, dropped=1)),
        ({"a": OLD}, {"b": NEW}, "Drop: a\nDrop: b\n", {"a": OLD}, Account(dropped=2)),
        # Binary files and links.
        ({"a": b"\0"}, {"a": b"\0\1"}, "Drop: a\n", {"a": b"\0"}, Account(dropped=1)),
        ({"a": (LINK, b"x")}, {"a": (LINK, b"y")}, "Drop: a\n", {"a": (LINK, b"x")}, Account(dropped=1)),
        # Another rename of the same patch is still one.
        (
            {"a": OLD, "c": b"1\n"},
            {"b": NEW, "c": b"2\n"},
            "Drop: c\n",
            {"b": NEW, "c": b"1\n"},
            Account(applied=2, dropped=1),
        ),
    ],
)
def test_files_that_come_and_go(
    lab: Lab, before: Files, after: Files, fields: str, files: Files, account: Account
) -> None:
    ids = {
        name: hunk_ids(diff_hunks(*texts))[0] for name, texts in {"add": (b"", b"1\n"), "delete": (b"1\n", b"")}.items()
    }
    run = replay(lab, {**KEEP, **before}, lab.pick({**KEEP, **before}, {**KEEP, **after}), fields.format(**ids))
    assert (run.files, run.only.hunks, run.replayed.drift) == ({**KEEP, **files}, account, ())


def test_a_rename_is_followed_although_another_file_is_dropped(lab: Lab) -> None:
    item = lab.pick({"a": OLD, "c": b"1\n"}, {"b": NEW, "c": b"2\n"})
    run = replay(lab, {"a": b"n\n" + OLD, "c": b"1\n"}, item, "Drop: c\n")
    assert (run.told[0], run.files) == ("overridden", {"b": b"n\n" + NEW, "c": b"1\n"})


def test_twins(lab: Lab) -> None:
    first, second = hunk_ids(diff_hunks(*TWINS))
    assert second == f"{first}.2"
    item = lab.pick({"f": TWINS[0]}, {"f": TWINS[1]})
    half = TWINS[1].replace(b"SAME", b"same", 1)
    for name, files in ((f"{first}.1", half), (second, TWINS[0].replace(b"same", b"SAME", 1))):
        assert replay(lab, {"f": TWINS[0]}, item, f"Drop: f#{name}\n").files == {"f": files}


def listed(*ids: str) -> str:
    return ", ".join(ids)


@pytest.mark.parametrize(
    ("fields", "diff", "field", "why"),
    [
        ("Drop: net/x.c\n", b"", "Drop", "change.patch does not touch net/x.c; it touches f, g, t"),
        (
            "Drop: f#0123456789ab\n",
            b"",
            "Drop",
            f"f#0123456789ab: the patch has no such hunk there; it has {listed(*IDS)}",
        ),
        (f"Drop: f#{IDS[0]}.2\n", b"", "Drop", f"f#{IDS[0]}.2: the patch has only 1 such hunk(s) there"),
        (
            "Drop: t#{twin}\n",
            b"",
            "Drop",
            "t#{twin}: fits 2 hunks of the same text; name one of {twin}.1 to {twin}.2",
        ),
        (
            "",
            edit("f", b"not\nthere\n", b"not\n"),
            "diff",
            "does not apply to f: its 2 lines of pre-image, wanted at line 1, are nowhere in the file",
        ),
        (
            "",
            edit("x", b"a\n", b"b\n"),
            "diff",
            "does not apply to x: modify/delete: the patch changes x, which is not there",
        ),
        (
            "",
            b"--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n",
            "diff",
            "does not apply to f: add/add: the patch adds f, and the base has a different file there",
        ),
    ],
)
def test_drift(lab: Lab, fields: str, diff: bytes, field: str, why: str) -> None:
    """Drift names the file, the field and what is wrong; the patch is in conflict, and is not half applied for good."""
    twin = hunk_ids(diff_hunks(*TWINS))[0]
    before: Files = {"f": OLD, "g": OLD, "t": TWINS[0]}
    item = lab.pick(before, {"f": NEW, "g": NEW, "t": TWINS[1]})
    run = replay(lab, before, item, fields.replace("{twin}", twin), diff)
    told = [(drift.file, drift.field, drift.why) for drift in run.replayed.drift]
    assert told == [("q/o.patch", field, why.replace("{twin}", twin))]
    assert (run.only.status.value, run.only.result_commit, run.replayed.complete) == ("conflict", None, False)
    assert run.only.conflicts != ()
    assert run.only.hunks.total == 8


def test_every_drift_is_told(lab: Lab) -> None:
    item = lab.pick({"f": OLD}, {"f": NEW})
    run = replay(lab, {"f": OLD}, item, "Drop: f#0123456789ab\nDrop: x\nDrop: y\n")
    assert [(drift.field, drift.why.split(" ")[0]) for drift in run.replayed.drift] == [
        ("Drop", "change.patch"),
        ("Drop", "change.patch"),
        ("Drop", "f#0123456789ab:"),
    ]


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        (
            b"--- a/f\n+++ b/f\n@@ -1,3 +1 @@\n-a\n+b\n",
            "the hunk header promises 3 old and 1 new lines, the body has 1 and 1",
        ),
        (b"--- a/f\n+++ b/f\n", "no file starts here: `---`, `+++` and `@@` lines expected"),
    ],
)
def test_a_damaged_diff_of_an_override_that_was_built(lab: Lab, diff: bytes, why: str) -> None:
    """Of a file it is refused when that is read; of a value it is drift beside whatever else has drifted."""
    item = lab.pick({"f": OLD}, {"f": NEW})
    built = Override(
        patch=item.name, reason="why", drop=(DropTarget.parse("f#0123456789ab"),), diff=diff, file="q/o.patch"
    )
    run = lab.replay({"f": OLD}, item, overrides={item.name: built})
    told = [(drift.field, drift.why) for drift in run.replayed.drift]
    assert told == [("Drop", f"f#0123456789ab: the patch has no such hunk there; it has {listed(*IDS)}"), ("diff", why)]
    assert [(drift.field, drift.why) for drift in check_override(lab.objects, built, [item])] == told


def queue(lab: Lab) -> list[Item]:
    message = "mptcp: same\n\n[ Upstream commit " + "c" * 40 + " ]\n"
    return [
        lab.pick({"f": OLD}, {"f": NEW}, name="a.patch", message="mptcp: one\n"),
        lab.pick({"f": NEW}, {"f": OLD}, name="b.patch", message=message),
        lab.pick({"g": NEW}, {"g": OLD}, name="c.patch", message="mptcp: same\n"),
    ]


@pytest.mark.parametrize(
    ("fields", "by_patch", "not_needed", "drift"),
    [
        ([], {}, (), []),
        (["Patch: a.patch\n"], {"a.patch": "0"}, (), []),
        (["Patch: mptcp: one\n"], {"a.patch": "0"}, (), []),
        (["Commit: {a}\n"], {"a.patch": "0"}, (), []),
        # The picked id, else the upstream id in its message; it wins over Patch.
        ([f"Commit: {'c' * 40}\n"], {"b.patch": "0"}, (), []),
        (["Patch: a.patch\nCommit: {b}\n"], {"b.patch": "0"}, (), []),
        (
            ["Patch: mptcp: same\n"],
            {},
            (),
            [("0", "Patch", "mptcp: same fits 2 patches of the queue: b.patch, c.patch")],
        ),
        (["Patch: nothing\n"], {}, (), [("0", "Patch", "no patch of the queue is nothing")]),
        ([f"Commit: {'d' * 40}\n"], {}, (), [("0", "Commit", f"no patch of the queue is {'d' * 40}")]),
        (["Patch: nothing\nOptional: yes\n"], {}, ("0",), []),
        # Two matches are drift, optional or not.
        (
            ["Patch: mptcp: same\nOptional: yes\n"],
            {},
            (),
            [("0", "Patch", "mptcp: same fits 2 patches of the queue: b.patch, c.patch")],
        ),
        (["Patch: a.patch\nBase: >=5.11\n"], {}, ("0",), []),
        (["Patch: a.patch\nBase: >=5.10,<5.10.66\n"], {}, ("0",), []),
        (["Patch: a.patch\nBase: >=5.10.66,<5.11\n"], {"a.patch": "0"}, (), []),
        (["Patch: a.patch\nWhen: f has line\n"], {"a.patch": "0"}, (), []),
        (["Patch: a.patch\nWhen: f lacks line\n"], {}, ("0",), []),
        (["Patch: a.patch\nWhen: nowhere lacks line\n"], {"a.patch": "0"}, (), []),
        # One that is not in force drifts from nothing.
        (["Patch: nothing\nBase: >=5.11\n"], {}, ("0",), []),
        # At most one in force for a patch.
        (["Patch: a.patch\nBase: <5.10.60\n", "Patch: a.patch\nBase: >=5.10.60\n"], {"a.patch": "1"}, ("0",), []),
        (
            ["Patch: a.patch\n", "Commit: {a}\n"],
            {"a.patch": "0"},
            (),
            [("1", "Commit", "0 is in force for a.patch on 5.10.66 too; narrow the Base or When of one of them")],
        ),
    ],
)
def test_assign(
    lab: Lab,
    fields: list[str],
    by_patch: dict[str, str],
    not_needed: tuple[str, ...],
    drift: list[tuple[str, str, str]],
) -> None:
    items = queue(lab)
    pins = {"a": items[0].commit, "b": items[1].commit}
    overrides = [override(text.format(**pins) + "Skip: yes\n", file=str(at)) for at, text in enumerate(fields)]
    found = assign(overrides, items, V, {"f": OLD}.get)
    assert {name: used.file for name, used in found.by_patch.items()} == by_patch
    assert (found.not_needed, found.drift) == (
        not_needed,
        tuple(Drift(file=file, field=field, why=why) for file, field, why in drift),
    )
    # None is silently gone.
    assert len(by_patch) + len(not_needed) + len(drift) == len(fields)


def test_check_override_whether_in_force_or_not(lab: Lab) -> None:
    items = queue(lab)
    good = override(f"Patch: a.patch\nBase: >=6.0\nDrop: f#{IDS[0]}\n")
    stale = override("Patch: a.patch\nBase: >=6.0\nDrop: f#0123456789ab\n")
    lost = override("Patch: nothing\nBase: >=6.0\nSkip: yes\n")
    optional = override("Patch: nothing\nOptional: yes\nSkip: yes\n")
    assert [check_override(lab.objects, one, items) for one in (good, optional)] == [[], []]
    assert [
        [(drift.field, drift.why) for drift in check_override(lab.objects, one, items)] for one in (stale, lost)
    ] == [
        [("Drop", f"f#0123456789ab: the patch has no such hunk there; it has {listed(*IDS)}")],
        [("Patch", "no patch of the queue is nothing")],
    ]


def test_trailer(lab: Lab) -> None:
    item = lab.pick({"f": OLD}, {"f": NEW}, message="mptcp: x\n\nbody\n\nSigned-off-by: a <a@b>\n")
    run = replay(lab, {"f": OLD}, item, f"Drop: f#{IDS[0]}\n")
    (step,) = run.replayed.steps
    assert item.commit is not None
    assert step.raw.message.decode() == (
        f"mptcp: x\n\ncommit {item.commit} upstream.\n\nbody\n\nSigned-off-by: a <a@b>\nOverride: q/o.patch\n"
    )
    assert lab.objects.read(step.commit).endswith(step.raw.message)


@given(data=st.data())
def test_any_hunks_may_be_dropped(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Laws: what is kept and what is dropped add up; dropping all but some leaves exactly these."""
    lab = Lab(pygit2.init_repository(str(tmp_path_factory.getbasetemp() / "drop.git"), bare=True))
    places = data.draw(st.sets(st.integers(0, 9), min_size=1), label="places")
    keep = data.draw(st.sets(st.sampled_from(sorted(places))), label="keep")
    changes = {10 * at + 5: f"new {at}\n" for at in places}
    new = numbered(100, changes)
    ids = dict(zip(sorted(places), hunk_ids(diff_hunks(numbered(100), new)), strict=True))
    item = lab.pick({"f": numbered(100)}, {"f": new})
    fields = "".join(f"Drop: f#{ids[at]}\n" for at in sorted(places - keep))
    if not fields:
        return
    run = replay(lab, {"f": b"n\n" + numbered(100)}, item, fields)
    assert run.files == {"f": b"n\n" + numbered(100, {10 * at + 5: f"new {at}\n" for at in keep})}
    assert run.only.hunks == Account(applied=len(keep), dropped=len(places - keep))
