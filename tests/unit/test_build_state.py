# SPDX-License-Identifier: MIT
"""A build directory knows whose it is: gone on with, refused, or begun anew."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.building import directory as module
from mptcp_series.engine.building.directory import STATE, BuildDirectory
from mptcp_series.engine.building.state import BuildState, DamagedState, Identity, Ledger, Written, digest
from mptcp_series.errors import BadInput, EnvironmentFault
from mptcp_series.values.diagnostic import Diagnostic, Place, Severity

IDENTITY = Identity(series="q", base="1" * 40, arch="x86_64", compiler="gcc 12.2.0")
STATE_OF = BuildState(
    identity=IDENTITY,
    source=Written(tree="2" * 40, stamp=7, left_out=("a.h",)),
    configuration=digest(b"CONFIG_MPTCP=y\n"),
    relaxed=("WERROR=0",),
)


@pytest.fixture
def place(tmp_path: Path) -> BuildDirectory:
    return BuildDirectory(tmp_path / "build")


def test_the_state_is_read_as_it_was_written(place: BuildDirectory) -> None:
    with place.claimed():
        assert place.state(IDENTITY) == BuildState(identity=IDENTITY)
        place.save(STATE_OF)
        assert place.state(IDENTITY) == STATE_OF
    assert json.loads((place.path / STATE).read_bytes())["source"]["tree"] == "2" * 40


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"series": "other"}, "series q, not other"),
        ({"base": "3" * 40}, f"base {'1' * 40}, not {'3' * 40}"),
        ({"arch": "arm64"}, "arch x86_64, not arm64"),
        ({"compiler": "gcc 8"}, "compiler gcc 12.2.0, not gcc 8"),
    ],
)
def test_another_jobs_directory_is_refused_with_the_reason(
    place: BuildDirectory, other: dict[str, str], reason: str
) -> None:
    with place.claimed():
        place.save(STATE_OF)
        with pytest.raises(BadInput) as caught:
            place.state(attrs.evolve(IDENTITY, **other))
    assert str(caught.value) == (
        f"{place.path / STATE}: the directory is of another build: {reason}; name another with --dir, "
        "or begin it anew with --fresh"
    )


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 2}', b'{"schema": 1, "identity": 3}'])
def test_a_damaged_state_is_refused(place: BuildDirectory, data: bytes) -> None:
    with pytest.raises(DamagedState):
        BuildState.parse(data)
    with place.claimed():
        (place.path / STATE).write_bytes(data)
        with pytest.raises(BadInput, match="--fresh begins the directory anew"):
            place.state(IDENTITY)
        place.clear()
        assert place.state(IDENTITY) == BuildState(identity=IDENTITY)


def test_somebodys_directory_is_refused(place: BuildDirectory) -> None:
    place.path.mkdir()
    (place.path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match=r"holds thesis\.txt, and no build made it"), place.claimed():
        pass
    (place.path / "thesis.txt").unlink()
    (place.path / "source").mkdir()
    with pytest.raises(BadInput, match="holds source, and no build made it"), place.claimed():
        pass
    (place.path / "source").rmdir()
    place.path.rmdir()
    place.path.write_text("a file")
    with pytest.raises(BadInput, match="not a directory"), place.claimed():
        pass


def test_half_a_state_file_of_a_killed_run_is_ours(place: BuildDirectory) -> None:
    with place.claimed():
        place.save(STATE_OF)
    (place.path / f".{STATE}.x1y2").write_bytes(b"{")
    with place.claimed():
        assert place.state(IDENTITY) == STATE_OF


def test_clearing_leaves_nothing_and_takes_nothing_else(place: BuildDirectory) -> None:
    with place.claimed():
        place.save(STATE_OF)
        place.save_ledger(Ledger(said={"a.o": ()}))
        for name in ("source", "base", "stubs"):
            (place.path / name / "below").mkdir(parents=True)
        place.clear()
        assert sorted(path.name for path in place.path.iterdir()) == ["lock", "logs", "out"]


def test_two_builds_at_once(place: BuildDirectory) -> None:
    with (
        place.claimed(),
        pytest.raises(EnvironmentFault, match=rf"process {os.getpid()} is building in it"),
        place.claimed(),
    ):
        pass


def test_what_a_killed_run_left_at_work_is_waited_for(place: BuildDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its make holds the lock, and the process that took it is no more."""
    with place.claimed():
        pass
    holder = os.open(place.path / "lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    os.pwrite(holder, b"999999999\n", 0)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            os.close(holder)

    monkeypatch.setattr("time.sleep", sleep)
    with place.claimed():
        assert len(waited) == 3
        assert (place.path / "lock").read_text() == f"{os.getpid()}\n"


def test_it_is_not_waited_for_ever(place: BuildDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.claimed():
        pass
    holder = os.open(place.path / "lock", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    os.pwrite(holder, b"999999999\n", 0)
    monkeypatch.setattr(module, "_PATIENCE", -1.0)
    with pytest.raises(EnvironmentFault, match="a make that a killed build left behind"), place.claimed():
        pass
    os.close(holder)


def said(path: str, message: str, *includes: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        path=path,
        line=1,
        message=message,
        includes=tuple(Place(path=name, line=2) for name in includes),
    )


def test_the_ledger_knows_what_was_said_of_each_object(place: BuildDirectory) -> None:
    ledger = Ledger()
    pm, header = said("net/mptcp/pm.c", "one"), said("include/net/sock.h", "two", "include/net/tcp.h", "net/ipv4/tcp.c")
    ledger.enter(["net/mptcp/pm.o", "net/ipv4/tcp.o", "net/quiet.o"], [pm, header])
    assert ledger.said == {"net/mptcp/pm.o": (pm,), "net/ipv4/tcp.o": (header,), "net/quiet.o": ()}
    assert ledger.warnings() == [header, pm]
    with place.claimed():
        place.save_ledger(ledger)
        assert place.ledger() == ledger
        # Compiled again, and silent now.
        ledger.enter(["net/mptcp/pm.o"], [])
        assert ledger.warnings() == [header]


def test_a_damaged_ledger_is_as_good_as_none(place: BuildDirectory) -> None:
    with place.claimed():
        assert place.ledger() == Ledger()
        (place.path / "objects.json").write_bytes(b'{"objects": {"a.o": [{}]}}')
        assert place.ledger() == Ledger()


def test_trees_are_kept_byte_for_byte(tmp_path: Path) -> None:
    directory = BuildDirectory(tmp_path)
    assert directory.trees() == []
    directory.save_trees([b"100644 a\0" + bytes(20), b""])
    assert directory.trees() == [b"", b"100644 a\0" + bytes(20)]
    for damaged in (b"", b"{", b'["*"]', b"[1]", b"null"):
        (tmp_path / "trees.json").write_bytes(damaged)
        assert directory.trees() == []
