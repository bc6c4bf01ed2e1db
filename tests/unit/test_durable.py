# SPDX-License-Identifier: MIT
"""What is brought to the disk, and when."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mptcp_series.engine.directory import durable
from mptcp_series.engine.directory.durable import bring_to_disk, syncing
from mptcp_series.engine.directory.rooted import Rooted

LONG = 60
"""Seconds no test comes near."""


class Disk:
    """Stands for syncfs(2)."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.called = threading.Event()

    def __call__(self, descriptor: int) -> bool:
        self.calls.append(descriptor)
        self.called.set()
        return True


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(durable, "_syncfs", lambda: made)
    return made


def test_files_are_synced_while_more_are_written_and_not_after(tmp_path: Path, disk: Disk) -> None:
    threads = threading.active_count()
    with Rooted(tmp_path) as rooted:
        with syncing(rooted):
            assert disk.called.wait(LONG)
            assert threading.active_count() == threads + 1
        assert threading.active_count() == threads
        calls = len(disk.calls)
        assert set(disk.calls) == {rooted.descriptor}
        bring_to_disk(rooted, [f"f{number}" for number in range(durable.FEW + 1)])
    assert len(disk.calls) == calls + 1


def test_an_error_while_files_are_written_ends_the_syncing(tmp_path: Path, disk: Disk) -> None:
    def failing(rooted: Rooted) -> None:
        with syncing(rooted):
            assert disk.called.wait(LONG)
            raise OSError("full")

    threads = threading.active_count()
    with Rooted(tmp_path) as rooted, pytest.raises(OSError, match="full"):
        failing(rooted)
    assert threading.active_count() == threads


def test_without_syncfs_each_file_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_syncfs", lambda: None)
    names = [f"f{number}" for number in range(durable.FEW + 1)]
    synced: list[str] = []
    monkeypatch.setattr(Rooted, "sync", lambda _, path: synced.append(path))
    threads = threading.active_count()
    with Rooted(tmp_path) as rooted:
        with syncing(rooted):
            assert threading.active_count() == threads
        bring_to_disk(rooted, names)
    assert synced == names
