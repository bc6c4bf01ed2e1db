# SPDX-License-Identifier: MIT
"""What exports for build systems hold, by the rules the tools have; the tools themselves are in tests/compat."""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path

import pytest

from mptcp_series.engine.exchange.layouts import slug
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.errors import BadInput, NeedsPerson

from .conftest import EXECUTABLE, MAKEFILE, Files, Lab, numbered

A, B = "net/mptcp/a.c", "net/mptcp/b.c"
ROOT: Files = {"Makefile": MAKEFILE, A: numbered(30)}


def replayed(lab: Lab, directory: Path, states: list[Files], names: list[str] | None = None) -> Result:
    """A queue of one patch a state, on the files it starts from."""
    parent = base = lab.commit(ROOT, "base\n")
    lines = []
    for at, files in enumerate(states):
        parent = lab.commit(files, f"mptcp: number {at + 1}\n\nWhy.\n", [parent])
        lines.append(f"{names[at] if names else f'p{at + 1}.patch'} # {parent}\n")
    series = directory / "series" / "mptcp-5.15"
    series.mkdir(parents=True)
    (series / "series").write_text("".join(lines))
    return Queue.load(series, source=lab.repo.path).apply(lab.repo.path, base=base)


TWO: list[Files] = [
    {**ROOT, A: numbered(30, {5: "five\n"})},
    {**ROOT, A: numbered(30, {5: "five\n"}), B: b"new\n", "tools/run.sh": (EXECUTABLE, b"#!/bin/sh\n")},
]


def read(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*.*") if path.is_file()
    }


def test_yocto(lab: Lab, tmp_path: Path) -> None:
    written = replayed(lab, tmp_path, TWO).export(tmp_path / "out", format="yocto")
    files = read(tmp_path / "out")
    sums = {name: hashlib.sha256(files[f"mptcp-5.15/{name}"]).hexdigest() for name in ("p1.patch", "p2.patch")}
    assert (
        files["mptcp-5.15.inc"].decode()
        == f"""\
# mptcp-5.15 for Linux 5.10.66, exported by mptcp-series. In a recipe or .bbappend of the kernel: require mptcp-5.15.inc
#
# bitbake does not check the sums of local files; mptcp-series.bbclass does.

FILESEXTRAPATHS:prepend := "${{THISDIR}}/mptcp-5.15:"

SRC_URI += " \\
    file://p1.patch;sha256sum={sums["p1.patch"]} \\
    file://p2.patch;sha256sum={sums["p2.patch"]} \\
"
"""
    )
    assert (
        files["mptcp-5.15/mptcp-5.15.scc"].decode()
        == """\
# mptcp-5.15 for Linux 5.10.66, exported by mptcp-series.
patch p1.patch
patch p2.patch
"""
    )
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
        "mptcp-5.15/mptcp-5.15.scc",
        "mptcp-5.15/p1.patch",
        "mptcp-5.15/p2.patch",
        "mptcp-5.15.inc",
    ]


def test_buildroot(lab: Lab, tmp_path: Path) -> None:
    result = replayed(lab, tmp_path, TWO)
    result.export(tmp_path / "out", format="buildroot")
    result.export(tmp_path / "quilt")
    files = read(tmp_path / "out")
    assert sorted(name for name in files if name.endswith(".patch")) == [
        "linux/0001-p1.patch",
        "linux/0002-p2.patch",
    ]
    assert files["linux/0001-p1.patch"] == (tmp_path / "quilt" / "p1.patch").read_bytes()


def test_openwrt_patches_look_as_quilt_leaves_them(lab: Lab, tmp_path: Path) -> None:
    replayed(lab, tmp_path, TWO).export(tmp_path / "out", format="openwrt", number=680)
    files = read(tmp_path / "out")
    plain = files["680-0001-p1.patch"].decode()
    assert plain.startswith("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: ")
    assert plain.partition("---\n\n")[2].startswith("--- a/net/mptcp/a.c\n+++ b/net/mptcp/a.c\n@@ -2,7 +2,7 @@")
    assert plain.endswith(" line 8\n")
    # Only git's header can say that a file is to be run.
    assert "new file mode 100755\nindex 0000" in files["680-0002-p2.patch"].decode()


@pytest.mark.parametrize("number", [-1, 1000])
def test_a_number_that_openwrt_has_not(lab: Lab, tmp_path: Path, number: int) -> None:
    with pytest.raises(BadInput, match=f"the number of OpenWrt patches is 0 to 999, not {number}"):
        replayed(lab, tmp_path, TWO).export(tmp_path / "out", format="openwrt", number=number)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["yocto", "buildroot", "openwrt", "git-bundle", "mbox"])
def test_the_same_result_gives_the_same_bytes(lab: Lab, tmp_path: Path, format: str) -> None:
    series = tmp_path / "series" / "mptcp-5.15"
    base = replayed(lab, tmp_path, TWO).base.commit
    queue = Queue.load(series, source=lab.repo.path)
    for name in ("one", "two"):
        queue.apply(lab.repo.path, base=str(base)).export(tmp_path / name, format=format)
    one, two = tmp_path / "one", tmp_path / "two"
    if one.is_file():
        assert one.read_bytes() == two.read_bytes()
    else:
        assert read(one) == read(two) != {}


def test_names_that_tools_would_trip_over(lab: Lab, tmp_path: Path) -> None:
    """A directory, characters of shells and URIs, another suffix, and two that become one."""
    states: list[Files] = [{**ROOT, A: numbered(30, {5: f"{number}\n"})} for number in range(4)]
    names = ["sub/a;b.patch", "sub-a-b.patch", "c&d.diff", "e"]
    result = replayed(lab, tmp_path, states, names)
    result.export(tmp_path / "out", format="buildroot")
    assert sorted(path.name for path in (tmp_path / "out" / "linux").iterdir()) == [
        "0001-sub-a-b.patch",
        "0002-sub-a-b-2.patch",
        "0003-c-d.diff.patch",
        "0004-e.patch",
    ]
    result.export(tmp_path / "layer", format="yocto")
    listed = re.findall(r"file://(\S+?);", (tmp_path / "layer" / "mptcp-5.15.inc").read_text())
    assert listed == ["sub-a-b.patch", "sub-a-b-2.patch", "c-d.diff.patch", "e.patch"]


def test_slug() -> None:
    assert [slug(text) for text in ("a b", "..", "ünïcode", "x/y.patch")] == ["a-b", "patch", "n-code", "x-y.patch"]


def test_more_patches_than_four_digits_sort(lab: Lab) -> None:
    from mptcp_series.engine.exchange.layouts import _numbered

    names = [f"{number}-{file}" for number, file, _ in _numbered({f"p{at}.patch": b"" for at in range(12_000)})]
    assert names == sorted(names)


@pytest.mark.parametrize("format", ["yocto", "buildroot", "openwrt"])
def test_binary_changes_are_refused(lab: Lab, tmp_path: Path, format: str) -> None:
    result = replayed(lab, tmp_path, [{**ROOT, "logo.bin": bytes(range(256))}])
    with pytest.raises(BadInput) as caught:
        result.export(tmp_path / "out", format=format)
    assert str(caught.value) == (
        "p1.patch: changes a binary file (logo.bin), and GNU patch, which this build system applies patches with, "
        "cannot; --format mbox and git-bundle carry it"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("format", "below"), [("buildroot", "linux"), ("openwrt", "")])
def test_a_series_file_that_would_be_followed_instead(lab: Lab, tmp_path: Path, format: str, below: str) -> None:
    there = tmp_path / "out" / below
    there.mkdir(parents=True)
    (there / "series").write_text("theirs.patch\n")
    with pytest.raises(BadInput) as caught:
        replayed(lab, tmp_path, TWO).export(tmp_path / "out", format=format)
    assert str(caught.value).startswith(f"{there / 'series'}: is there, and the build system follows it")


def test_a_directory_of_the_version_that_buildroot_prefers(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "out" / "linux" / "5.10.66").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"Buildroot takes those for 5\.10\.66 from it alone"):
        replayed(lab, tmp_path, TWO).export(tmp_path / "out", format="buildroot")


def test_other_packages_of_a_global_patch_directory_stay(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "out" / "busybox").mkdir(parents=True)
    (tmp_path / "out" / "busybox" / "0001-x.patch").write_bytes(b"x\n")
    replayed(lab, tmp_path, TWO).export(tmp_path / "out", format="buildroot")
    assert (tmp_path / "out" / "busybox" / "0001-x.patch").read_bytes() == b"x\n"


@pytest.mark.parametrize("format", ["yocto", "buildroot", "openwrt", "git-bundle"])
def test_nothing_is_written_while_a_person_is_needed(lab: Lab, tmp_path: Path, format: str) -> None:
    replayed(lab, tmp_path, TWO)
    other = lab.commit({**ROOT, A: numbered(30, {5: "other\n"})}, "bsp\n")
    queue = Queue.load(tmp_path / "series" / "mptcp-5.15", source=lab.repo.path)
    with pytest.raises(NeedsPerson):
        queue.apply(lab.repo.path, base=other).export(tmp_path / "out", format=format)
    assert not (tmp_path / "out").exists()


def test_the_header_of_a_bundle(lab: Lab, tmp_path: Path) -> None:
    result = replayed(lab, tmp_path, TWO)
    assert result.export(tmp_path / "q.bundle", format="git-bundle") == (tmp_path / "q.bundle",)
    header, _, pack = (tmp_path / "q.bundle").read_bytes().partition(b"\n\n")
    assert header.decode().splitlines() == [
        "# v2 git bundle",
        f"-{result.base.commit} Linux 5.10.66",
        f"{result.commit} refs/heads/mptcp-5.15",
    ]
    assert pack[:8] == b"PACK\0\0\0\2"
    assert pack[-20:] == hashlib.sha1(pack[:-20]).digest()
    # Two commits, and for each the trees above what it changes: root and net, net/mptcp; tools for the second.
    assert int.from_bytes(pack[8:12], "big") == 2 + 3 + 4 + 3
    assert zlib.decompress(pack[14:]).startswith(b"line 1\n")


def test_a_bundle_of_nothing(lab: Lab, tmp_path: Path) -> None:
    replayed(lab, tmp_path, TWO)
    done = lab.commit(TWO[-1], "bsp\n")
    queue = Queue.load(tmp_path / "series" / "mptcp-5.15", source=lab.repo.path)
    result = queue.apply(lab.repo.path, base=done)
    with pytest.raises(BadInput, match=r"has all of mptcp-5\.15 already; there is nothing to bundle"):
        result.export(tmp_path / "q.bundle", format="git-bundle")
    assert not (tmp_path / "q.bundle").exists()
