# SPDX-License-Identifier: MIT
"""Paths that may name a file of a tree, and those that may not."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import UnsafePath
from mptcp_series.values.paths import OwnedPaths, check_tree_path

PATHS = st.lists(st.sampled_from(["a", "..", ".", "", ".git", ".GIT", "b c", "\0", "\\", "ü", ".gitignore"])).map(
    "/".join
)


@pytest.mark.parametrize(
    "path",
    [
        "Makefile",
        "net/mptcp/protocol.c",
        "a b/c",
        ".gitignore",
        ".github/x",
        "a/.gitattributes",
        "...",
        "..a",
        b"\xff/x".decode("utf-8", "surrogateescape"),
    ],
)
def test_fine(path: str) -> None:
    assert check_tree_path(path) is None


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("/", "is absolute"),
        ("a\0b", "holds a NUL"),
        ("..\\..\\x", "holds a backslash"),
        ("\\056\\056/x", "holds a backslash"),
        ("..", "leaves the tree by '..'"),
        ("a/../b", "leaves the tree by '..'"),
        ("./a", "has a '.' component"),
        ("a/.", "has a '.' component"),
        ("a//b", "has an empty component"),
        ("a/", "has an empty component"),
        (".git", "reaches into a repository by '.git'"),
        ("a/.GiT/config", "reaches into a repository by '.GiT'"),
        (".git./x", "reaches into a repository by '.git.'"),
        (".git /x", "reaches into a repository by '.git '"),
        ("GIT~1/x", "reaches into a repository by 'GIT~1'"),
        (".git::$INDEX_ALLOCATION/x", "reaches into a repository by '.git::$INDEX_ALLOCATION'"),
        (".g\u200cit/x", "reaches into a repository by '.g\\u200cit'"),
        ("a\ud800", "cannot be turned into bytes"),
    ],
)
def test_trouble(path: str, trouble: str) -> None:
    assert check_tree_path(path) == trouble


@given(PATHS)
def test_a_fine_path_is_normal_and_stays_inside(path: str) -> None:
    if check_tree_path(path) is None:
        assert posixpath.normpath(path) == path
        assert posixpath.normpath("/tree/" + path) == "/tree/" + path
        assert ".git" not in path.lower().split("/")


def test_owned_paths() -> None:
    owned = OwnedPaths(patterns=["net/mptcp/", "include/net/mptcp.h"])
    inside = ["net/mptcp/pm.c", "net/mptcp/deep/er.c", "include/net/mptcp.h"]
    outside = ["net/mptcp", "net/mptcp.c", "net/mptcp2/x", "include/net/mptcp.h.orig", "x/net/mptcp/pm.c", ""]
    assert [path for path in inside + outside if owned.contains(path)] == inside
    assert owned.patterns == ("net/mptcp/", "include/net/mptcp.h")
    assert owned == OwnedPaths(patterns=("net/mptcp/", "include/net/mptcp.h"))


def test_owned_paths_of_nothing() -> None:
    assert not OwnedPaths(patterns=()).contains("a")


def test_owned_paths_name_every_bad_pattern() -> None:
    with pytest.raises(UnsafePath) as caught:
        OwnedPaths(patterns=["../x/", "ok/", "/", "", ".git/", "a//"])
    assert str(caught.value).split("\n") == [
        "unsafe path '../x/': leaves the tree by '..'",
        "unsafe path '/': is absolute",
        "unsafe path '': is empty",
        "unsafe path '.git/': reaches into a repository by '.git'",
        "unsafe path 'a//': has an empty component",
    ]
