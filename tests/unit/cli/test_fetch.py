# SPDX-License-Identifier: MIT
"""`fetch`: what the engine is asked for, and what is told of it. The transfer itself is git's, and tested there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mptcp_series.cli import fetch as command
from mptcp_series.engine.upstream.fetch import Fetched
from mptcp_series.errors import EnvironmentFault
from mptcp_series.values.recipe import Recipe

from .conftest import Kernel, Outcome, run


@pytest.fixture
def calls(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def fetch(recipe: Recipe, origin: str, into: Path, **options: Any) -> Fetched:
        progress = options.pop("progress")
        for stage, done, total in (("commits", 1, 0), ("blobs", 1, 2), ("blobs", 2, 2)):
            progress(stage, done, total)
        asked.append({"recipe": recipe.name, "origin": origin, "into": into, **options})
        return Fetched(repository=into, commits=3, blobs=1, resumed=True, notes=("all of it came",))

    monkeypatch.setattr(command, "bring", fetch)
    return asked


def test_report(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    kernel.override(
        "hook.patch",
        "Patch: hook.patch\nWhen: include/net/sock.h lacks x\nReason: why\n---\n"
        "--- a/net/ipv4/tcp.c\n+++ b/net/ipv4/tcp.c\n@@ -1 +1 @@\n-a\n+b\n",
    )
    arguments = ("--origin", "../linux", "--bases", "v5.10.1", "--bases", "v5.10.2")
    assert run("fetch", *arguments, "--source", "new.git") == Outcome(
        code=0, out="all of it came\nnew.git: 3 commits, 1 blob (resumed)\n", err=""
    )
    assert calls == [
        {
            "recipe": "q",
            "origin": "../linux",
            "into": Path("new.git"),
            "bases": ("v5.10.1", "v5.10.2"),
            "paths": ["include/net/sock.h", "net/ipv4/tcp.c"],
        }
    ]


def test_the_origin_is_the_stable_tree(calls: list[dict[str, Any]]) -> None:
    assert run("fetch", "-q", "--source", "new.git") == Outcome(code=0, out="", err="")
    assert calls[0]["origin"] == "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git"


def test_verbose_names_the_stages(calls: list[dict[str, Any]]) -> None:
    assert run("fetch", "-v", "--source", "new.git").err.splitlines()[-2:] == ["fetch: commits", "fetch: blobs"]


def test_json(calls: list[dict[str, Any]]) -> None:
    assert json.loads(run("fetch", "--json", "--origin", "x", "--source", "new.git").out) == {
        "schema": 1,
        "command": "fetch",
        "origin": "x",
        "repository": "new.git",
        "commits": 3,
        "blobs": 1,
        "resumed": True,
        "notes": ["all of it came"],
    }


def test_a_transfer_that_fails(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> Fetched:
        raise EnvironmentFault("git fetch failed\nfatal: no route to host")

    monkeypatch.setattr(command, "bring", fail)
    assert run("fetch", "--source", "new.git") == Outcome(
        code=3,
        out="",
        err="mptcp-series: error: git fetch failed\nmptcp-series: error: fatal: no route to host\n",
    )


def test_a_source_must_be_named(kernel: Kernel) -> None:
    assert run("fetch") == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: no source: name the repository that has the upstream commits with --source, "
        "MPTCP_SERIES_SOURCE, or `source` in mptcp-series.toml\n",
    )
