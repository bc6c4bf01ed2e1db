# SPDX-License-Identifier: MIT
"""Exported files among other people's: brought up to date, and nothing else touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mptcp_series.engine.store import placed
from mptcp_series.engine.store.files import replace_file
from mptcp_series.engine.store.placed import list_name, place_files
from mptcp_series.errors import BadInput

ONE = {"1-a.patch": b"a\n", "sub/2-b.patch": b"b\n"}


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def listed(directory: Path, series: str = "q") -> list[str]:
    return (directory / list_name(series)).read_text().splitlines()


def test_a_new_directory(tmp_path: Path) -> None:
    there = tmp_path / "new" / "place"
    assert place_files(there, ONE, series="q") == (there / "1-a.patch", there / "sub" / "2-b.patch")
    assert files(there) == ONE


def test_the_list_is_what_sha256sum_reads(tmp_path: Path) -> None:
    place_files(tmp_path, ONE, series="q")
    assert listed(tmp_path) == [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(ONE.items())]


def test_what_is_no_longer_exported_goes_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "board.patch").write_bytes(b"theirs\n")
    place_files(tmp_path, ONE, series="q")
    place_files(tmp_path, {"1-a.patch": b"new\n", "3-c.patch": b"c\n"}, series="q")
    assert files(tmp_path) == {"board.patch": b"theirs\n", "1-a.patch": b"new\n", "3-c.patch": b"c\n"}
    assert [line.split("  ")[1] for line in listed(tmp_path)] == ["1-a.patch", "3-c.patch"]


def test_two_series_share_a_directory(tmp_path: Path) -> None:
    place_files(tmp_path, {"1.patch": b"one\n"}, series="one")
    place_files(tmp_path, {"2.patch": b"two\n"}, series="two")
    place_files(tmp_path, {"3.patch": b"three\n"}, series="two")
    assert files(tmp_path) == {"1.patch": b"one\n", "3.patch": b"three\n"}


def test_the_same_twice_writes_nothing(tmp_path: Path) -> None:
    place_files(tmp_path, ONE, series="q")
    before = (tmp_path / "1-a.patch").stat()
    place_files(tmp_path, ONE, series="q")
    assert (tmp_path / "1-a.patch").stat().st_ino == before.st_ino


def test_all_that_is_in_the_way_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    place_files(tmp_path, ONE, series="q")
    (tmp_path / "1-a.patch").write_bytes(b"edited\n")
    (tmp_path / "3-c.patch").write_bytes(b"theirs\n")
    with pytest.raises(BadInput) as caught:
        place_files(tmp_path, {"0.patch": b"0\n", "1-a.patch": b"new\n", "3-c.patch": b"c\n"}, series="q")
    assert [str(problem) for problem in caught.value.problems] == [
        f"{tmp_path}/1-a.patch: was changed since it was exported; move it away, or take its line out of "
        ".mptcp-series-q.sha256 to keep it",
        f"{tmp_path}/3-c.patch: is there already, and no export of this series wrote it; export to another directory "
        "or move it away",
    ]
    assert files(tmp_path) == {"1-a.patch": b"edited\n", "sub/2-b.patch": b"b\n", "3-c.patch": b"theirs\n"}


def test_an_edited_file_that_would_go_is_refused_too(tmp_path: Path) -> None:
    place_files(tmp_path, ONE, series="q")
    (tmp_path / "1-a.patch").write_bytes(b"edited\n")
    with pytest.raises(BadInput, match="was changed since it was exported"):
        place_files(tmp_path, {"9.patch": b"9\n"}, series="q")
    assert files(tmp_path)["1-a.patch"] == b"edited\n"


def test_a_file_that_somebody_took_away_is_written_again(tmp_path: Path) -> None:
    place_files(tmp_path, ONE, series="q")
    (tmp_path / "1-a.patch").unlink()
    place_files(tmp_path, ONE, series="q")
    assert files(tmp_path) == ONE


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_killed_run_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    place_files(tmp_path, ONE, series="q")
    new = {"1-a.patch": b"new\n", "3-c.patch": b"c\n"}
    real, calls = replace_file, 0

    def killed(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > stop:
            raise KeyboardInterrupt
        real(path, data)

    monkeypatch.setattr(placed, "replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        place_files(tmp_path, new, series="q")
    monkeypatch.undo()
    place_files(tmp_path, new, series="q")
    assert files(tmp_path) == new
    assert len(listed(tmp_path)) == 2


@pytest.mark.parametrize("line", ["no sum", "0" * 64 + "  ../../etc/passwd", "0" * 64 + "  /etc/passwd"])
def test_a_damaged_list_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    outside = tmp_path / "etc" / "passwd"
    outside.parent.mkdir()
    outside.write_bytes(b"root\n")
    inside = tmp_path / "a" / "b"
    place_files(inside, ONE, series="q")
    listing = inside / list_name("q")
    listing.write_text(listing.read_text() + line + "\n")
    with pytest.raises(BadInput) as caught:
        place_files(inside, {}, series="q")
    assert str(caught.value).startswith(f"{listing}:3: not a list of exported files: ")
    assert outside.read_bytes() == b"root\n"


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "sub").symlink_to(outside)
    with pytest.raises(BadInput, match="a symbolic link is in the way"):
        place_files(inside, ONE, series="q")
    assert list(outside.iterdir()) == []
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(BadInput, match="not a directory; name another place"):
        place_files(tmp_path / "link", ONE, series="q")


def test_a_directory_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "1-a.patch").mkdir()
    with pytest.raises(BadInput, match="a directory is in the way of a file"):
        place_files(tmp_path, ONE, series="q")
