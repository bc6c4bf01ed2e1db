# SPDX-License-Identifier: MIT
"""Results: what they say, what they refuse, and that nothing is written until asked."""

from __future__ import annotations

from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series import NeedsPerson, Queue, Result
from mptcp_series.engine.store.objects import hexed
from mptcp_series.errors import BadInput
from mptcp_series.values.result import (
    Account,
    Fate,
    PathOutcome,
    Status,
    patch_status,
)

from .conftest import MAKEFILE, Files, Lab, numbered

F, G = "net/mptcp/f.c", "net/ipv4/tcp.c"
OLD = numbered(30)
BASE: Files = {"Makefile": MAKEFILE, F: OLD, G: OLD}
ONE: Files = {**BASE, F: numbered(30, {5: "five\n"})}
TWO: Files = {**ONE, G: numbered(30, {20: "twenty\n"})}
THREE: Files = {**TWO, F: numbered(30, {5: "five\n", 25: "last\n"})}


@pytest.fixture
def pins(lab: Lab) -> list[str]:
    found = [lab.commit(BASE, "base\n")]
    for name, files in (("one", ONE), ("two", TWO), ("three", THREE)):
        found.append(lab.commit(files, f"mptcp: {name}\n", found[-1:]))
    return found


def run(lab: Lab, root: Path, pins: list[str], base: Files, override: str = "") -> Result:
    directory = root / "series" / "q"
    directory.mkdir(parents=True, exist_ok=True)
    names = ("one", "two", "three")
    (directory / "series").write_text(
        "".join(f"{name}.patch # {pin}\n" for name, pin in zip(names, pins[1:], strict=True))
    )
    if override:
        (root / "overrides" / "q").mkdir(parents=True, exist_ok=True)
        (root / "overrides" / "q" / "o.patch").write_text(override)
    return Queue.load(directory, source=lab.repo.path).apply(lab.repo.path, base=lab.commit(base, "a base\n"))


CONFLICT: Files = {**BASE, G: numbered(30, {20: "other\n"})}


def test_complete(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    result = run(lab, tmp_path, pins, {**BASE, F: b"n\n" + OLD})
    assert (result.complete, result.reasons(), result.require()) == (True, [], result)
    assert result.counts == {
        "clean": 1,
        "offset": 2,
        "merged": 0,
        "overridden": 0,
        "upstream": 0,
        "skipped": 0,
        "conflict": 0,
    }
    assert result.hunks == Account(applied=3)
    assert result.tree == hexed(lab.tree({**THREE, F: b"n\n" + numbered(30, {5: "five\n", 25: "last\n"})}))
    assert result.commit == result.patches[-1].result_commit
    written = result.write_branch("mptcp")
    assert (result.branch, written.branch, written.commit) == (None, "mptcp", result.commit)
    assert str(pygit2.Repository(lab.repo.path).references["refs/heads/mptcp"].target) == result.commit


def test_conflict(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    result = run(lab, tmp_path, pins, CONFLICT)
    assert (result.complete, result.commit, result.tree) == (False, None, None)
    assert result.reasons() == [f"conflict: two.patch: {G}"]
    with pytest.raises(NeedsPerson) as caught:
        result.require()
    assert caught.value.reasons == (f"conflict: two.patch: {G}",)
    for refused in (lambda: result.write_branch("mptcp"), lambda: result.export(tmp_path / "out")):
        with pytest.raises(NeedsPerson):
            refused()
    assert (lab.repo.listall_branches(), (tmp_path / "out").exists()) == ([], False)
    # The unbroken prefix of the queue, up to the first entry that needs a person.
    assert result.write_branch("part", partial=True).branch == "part"
    commit = pygit2.Repository(lab.repo.path).revparse_single("part").peel(pygit2.Commit)
    assert (str(commit.id), commit.tree_id.raw) == (
        result.patches[0].result_commit,
        lab.tree({**CONFLICT, F: numbered(30, {5: "five\n"})}),
    )
    assert [patch.result_commit is None for patch in result.patches] == [False, True, True]


def test_json_of_a_conflict(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    result = run(lab, tmp_path, pins, CONFLICT)
    base = result.base.commit
    (conflict,) = result.patches[1].conflicts
    document = result.to_json("check")
    alignment = document.pop("alignment")
    assert isinstance(alignment, dict)
    assert not any(alignment[name] for name in ("retracted", "restored", "acknowledged", "reinstated", "lost"))
    first = {"applied": 1, "present": 0, "dropped": 0, "conflict": 0}
    common: dict[str, object] = {"series": "q", "kind": "patch", "override": None, "conflicts": [], "fuzz": 0}
    assert document == {
        "schema": 1,
        "command": "check",
        "series": "q",
        "stack": ["q"],
        "base": {"rev": base, "commit": base, "version": "5.10.66"},
        "result": {"commit": None, "tree": None, "branch": None},
        "counts": {"clean": 2, "offset": 0, "merged": 0, "overridden": 0, "upstream": 0, "skipped": 0, "conflict": 1},
        "overrides": {"used": [], "not_needed": [], "drift": []},
        "patches": [
            {
                **common,
                "name": "one.patch",
                "commit": pins[1],
                "subject": "mptcp: one",
                "status": "clean",
                "paths": [{"path": F, "status": "clean"}],
                "hunks": first,
                "result_commit": result.patches[0].result_commit,
            },
            {
                **common,
                "name": "two.patch",
                "commit": pins[2],
                "subject": "mptcp: two",
                "status": "conflict",
                "paths": [{"path": G, "status": "conflict"}],
                "hunks": {"applied": 0, "present": 0, "dropped": 0, "conflict": 1},
                "result_commit": None,
                "conflicts": [{"path": G, "hunk": conflict.hunk, "text": conflict.text}],
            },
            {
                **common,
                "name": "three.patch",
                "commit": pins[3],
                "subject": "mptcp: three",
                "status": "clean",
                "paths": [{"path": F, "status": "clean"}],
                "hunks": first,
                "result_commit": None,
            },
        ],
    }
    assert conflict.text == (
        "line 17\nline 18\nline 19\n"
        f"<<<<<<< {base} and the queue so far\nother\n||||||| before two.patch\nline 20\n=======\n"
        "twenty\n>>>>>>> two.patch\nline 21\nline 22\nline 23\n"
    )


@pytest.mark.parametrize(
    ("override", "reasons"),
    [
        ("Patch: two.patch\nSkip: yes\nReason: why\n", []),
        (
            "Patch: nothing.patch\nSkip: yes\nReason: why\n",
            [f"conflict: two.patch: {G}", "drift: q/o.patch: Patch: no patch of the queue is nothing.patch"],
        ),
        (
            "Patch: two.patch\nDrop: x\nReason: why\n",
            [
                f"conflict: two.patch: {G}",
                "conflict: two.patch: q/o.patch",
                f"drift: q/o.patch: Drop: two.patch does not touch x; it touches {G}",
            ],
        ),
    ],
)
def test_overrides_and_drift(lab: Lab, tmp_path: Path, pins: list[str], override: str, reasons: list[str]) -> None:
    result = run(lab, tmp_path, pins, CONFLICT, override)
    assert (result.reasons(), result.complete) == (reasons, not reasons)
    if reasons:
        assert result.commit is None
        return
    assert result.patches[1].status is Status.SKIPPED
    assert result.overrides.to_json() == {"used": ["q/o.patch"], "not_needed": [], "drift": []}
    assert result.tree == hexed(lab.tree({**CONFLICT, F: numbered(30, {5: "five\n", 25: "last\n"})}))


def test_drift_alone_makes_a_result_incomplete(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    """Even where every patch applies: an override for nothing is somebody's mistake."""
    result = run(lab, tmp_path, pins, BASE, "Patch: nothing.patch\nSkip: yes\nReason: why\n")
    assert {patch.status for patch in result.patches} == {Status.CLEAN}
    assert (result.complete, result.commit) == (False, None)
    with pytest.raises(NeedsPerson):
        result.write_branch("mptcp")


def test_export(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    result = run(lab, tmp_path, pins, ONE)
    files = result.export(tmp_path / "out")
    assert [str(path.relative_to(tmp_path)) for path in files] == ["out/series", "out/three.patch", "out/two.patch"]
    assert (
        tmp_path / "out/series"
    ).read_text() == "# q, exported by mptcp-series\n# upstream: one.patch\ntwo.patch\nthree.patch\n"
    again = Queue.load(tmp_path / "out").apply(lab.repo.path, base=lab.commit(ONE))
    assert (again.tree, {patch.status for patch in again.patches}) == (result.tree, {Status.CLEAN})
    first = {path.name: path.read_bytes() for path in files}
    assert {path.name: path.read_bytes() for path in result.export(tmp_path / "out")} == first
    with pytest.raises(BadInput):
        result.export(tmp_path / "out", format="tar")


def test_nothing_to_do(lab: Lab, tmp_path: Path, pins: list[str]) -> None:
    result = run(lab, tmp_path, pins, THREE)
    assert {patch.status for patch in result.patches} == {Status.UPSTREAM}
    assert (result.complete, result.commit, result.hunks) == (True, result.base.commit, Account(present=3))
    result.write_branch("same")
    assert str(lab.repo.references["refs/heads/same"].target) == result.base.commit


@pytest.mark.parametrize(
    ("paths", "status"),
    [
        ([], "upstream"),
        (["upstream", "upstream"], "upstream"),
        (["clean", "upstream"], "clean"),
        (["clean", "offset"], "offset"),
        (["merged", "offset"], "merged"),
        (["merged", "overridden"], "overridden"),
        (["conflict", "overridden"], "conflict"),
        (["skipped", "upstream"], "skipped"),
    ],
)
def test_a_patch_has_the_strongest_of_its_paths(paths: list[str], status: str) -> None:
    assert patch_status(map(Status, paths)) is Status(status)
    assert patch_status(map(Status, reversed(paths))) is Status(status)


def test_accounts() -> None:
    account = Account.of([Fate.APPLIED, Fate.PRESENT, Fate.APPLIED, Fate.DROPPED, Fate.CONFLICT])
    assert account == Account(applied=2, present=1, dropped=1, conflict=1)
    assert (account.total, (account + account).total, Account().total) == (5, 10, 0)
    assert account.to_json() == {"applied": 2, "present": 1, "dropped": 1, "conflict": 1}


def test_hunks_of_a_path_are_counted_when_asked_for() -> None:
    asked: list[int] = []

    def count() -> Account:
        asked.append(1)
        return Account(applied=3)

    outcome = PathOutcome(path="f", status=Status.CLEAN, hunks=count)
    assert (asked, outcome == attrs.evolve(outcome, hunks=Account())) == ([], True)
    assert (outcome.hunks, outcome.hunks, asked) == (Account(applied=3), Account(applied=3), [1])
