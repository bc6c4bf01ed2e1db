# SPDX-License-Identifier: MIT
"""Files move into place whole, or nothing moves."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from mptcp_series.engine.store.files import replace_directory, replace_file
from mptcp_series.errors import BadInput, EnvironmentFault

QUEUE = {"series": b"a.patch\nsub/b.patch\n", "a.patch": b"1", "sub/b.patch": b"2"}


def content(directory: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_replace_file(tmp_path: Path) -> None:
    target = tmp_path / "new" / "dir" / "f"
    for data in (b"one", b"two"):
        replace_file(target, data)
        assert content(tmp_path) == {"new/dir/f": data}
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_replace_file_through_a_link_replaces_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link", b"new")
    assert content(tmp_path) == {"real": b"kept", "link": b"new"}


def test_replace_file_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(EnvironmentFault) as caught:
            replace_file(tmp_path / "f", b"new")
    assert str(caught.value) == f"cannot write {tmp_path / 'f'}: No space left on device"
    assert content(tmp_path) == {"f": b"old"}
    with pytest.raises(EnvironmentFault) as blocked:
        replace_file(tmp_path / "f" / "g", b"new")
    assert str(blocked.value).startswith(f"cannot write {tmp_path / 'f' / 'g'}: ")


def test_replace_directory(tmp_path: Path) -> None:
    target = tmp_path / "new" / "q"
    replace_directory(target, QUEUE)
    assert content(tmp_path) == {f"new/q/{name}": data for name, data in QUEUE.items()}
    replace_directory(target, {"series": b"", "c.patch": b"3"})
    assert content(tmp_path) == {"new/q/series": b"", "new/q/c.patch": b"3"}
    assert [path.name for path in target.parent.iterdir()] == ["q"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_an_empty_directory_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "q" / "sub").mkdir(parents=True)
    replace_directory(tmp_path / "q", QUEUE)
    assert content(tmp_path / "q") == QUEUE


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        ({"series": b"", "notes.txt": b""}, "notes.txt"),
        ({"series": b"", "recipe.toml": b""}, "recipe.toml"),
        ({"series": b"", "sub/series": b""}, "sub/series"),
        ({"a.patch": b""}, ""),
    ],
)
def test_what_is_more_than_an_export_is_refused(tmp_path: Path, there: Mapping[str, bytes], shown: str) -> None:
    target = tmp_path / "q"
    for name, data in there.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(data)
    with pytest.raises(BadInput) as caught:
        replace_directory(target, QUEUE)
    assert str(caught.value) == (
        f"{target / shown}: {target} holds more than an exported queue, and would be replaced; "
        "name an empty or new directory"
    )
    assert content(target) == there


def test_links_and_files_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.patch").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("outside")
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "link", tmp_path / "file"):
        with pytest.raises(BadInput) as caught:
            replace_directory(place, QUEUE)
        assert str(caught.value) == f"{place}: not a directory; name another place"
    inside = tmp_path / "q"
    replace_directory(inside, QUEUE)
    (inside / "more.patch").symlink_to(outside)
    with pytest.raises(BadInput) as linked:
        replace_directory(inside, QUEUE)
    assert str(linked.value).startswith(f"{inside / 'more.patch'}: {inside} holds more than an exported queue")
    assert content(outside) == {"x.patch": b"kept"}


@pytest.mark.parametrize("failing", [1, 2])
def test_replace_directory_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    target = tmp_path / "q"
    replace_directory(target, QUEUE)
    keep = os.replace
    calls: list[int] = []

    def fails(source: Path, target: Path) -> None:
        calls.append(1)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        keep(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with pytest.raises(EnvironmentFault) as caught:
            replace_directory(target, {"series": b"new"})
    assert str(caught.value) == f"cannot write {target}: Input/output error"
    assert content(target) == QUEUE
    assert [path.name for path in tmp_path.iterdir() if path.name != "q" and list(path.iterdir())] == []
