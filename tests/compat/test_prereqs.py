# SPDX-License-Identifier: MIT
"""`prereqs` on the mini-kernel, from extract to a recipe that has what was missing."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner, Result

from mptcp_series.cli.main import cli
from mptcp_series.cli.settings import SETTINGS, variable

NEEDED = "mptcp-let-tcp-say-how-much-room-a-fragment-has.patch"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's directory, to work in."""
    for name in SETTINGS:
        monkeypatch.delenv(variable(name), raising=False)
    assert run("demo", "--to", str(tmp_path / "demo")).exit_code == 0
    monkeypatch.chdir(tmp_path / "demo")
    return tmp_path / "demo"


def test_all_is_there(demo: Path) -> None:
    result = run("prereqs", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [(need["identifier"], need["brought_by"]) for need in document["needs"]] == [
        ("tcp_frag_space", NEEDED),
        ("tcp_tail_limit", NEEDED),
    ]
    assert document["reverse"] == []


def test_every_base_that_has_no_conflict(demo: Path) -> None:
    for number in range(5):
        result = run("prereqs", "--repo", "linux.git", "--base", f"v5.10.{number}" if number else "v5.10")
        assert result.exit_code == 0, result.output


def test_an_override_that_goes_too_far(demo: Path) -> None:
    """It leaves out the hunk that declares two functions, and the code that calls them stays."""
    override = demo / "overrides/mini-5.15/too-far.patch"
    override.write_text(f"Patch: {NEEDED}\nDrop: include/net/tcp.h\nReason: the header is nobody's business\n")
    result = run("prereqs", "--repo", "linux.git", "--base", "v5.10")
    assert result.exit_code == 1
    assert "missing  function tcp_frag_space, include/net/tcp.h:20\n" in result.stdout
    assert "2 needs: 2 missing, 0 brought by the queue; 0 of 0 uses left behind\n" in result.stdout
    # Their commit is in the queue, and once is enough.
    assert "[[prerequisite]]" not in result.stdout
    override.unlink()
    assert run("prereqs", "--repo", "linux.git", "--base", "v5.10").exit_code == 0


def test_written_and_extracted(demo: Path) -> None:
    """A patch that needs a commit nobody picked: the recipe gets the commit, and extract queues it."""
    recipe = demo / "series/mini-5.15/recipe.toml"
    repo = pygit2.Repository(str(demo / "linux.git"))
    tip = repo.references["refs/tags/v5.15"].peel(pygit2.Commit)
    helper = _commit(repo, tip, "net: a helper", "include/net/tcp.h", b"int tcp_helper(void);\n")
    user = _commit(repo, helper, "mptcp: use the helper", "net/mptcp/protocol.c", b"int mptcp_x = 0 + tcp_helper();\n")
    repo.references.create("refs/tags/v5.15.99", user.id)
    recipe.write_text(recipe.read_text().replace("v5.10..v5.15", "v5.10..v5.15.99"))
    assert run("extract").exit_code == 0
    result = run("prereqs", "--write", "--repo", "linux.git", "--base", "v5.10")
    assert (result.exit_code, "written to" in result.stdout) == (0, True), result.output
    assert f'commit = "{helper.id}"' in recipe.read_text()
    assert run("extract").exit_code == 0
    result = run("prereqs", "-v", "--repo", "linux.git", "--base", "v5.10")
    assert result.exit_code == 0
    assert "brought  function tcp_helper" in result.stdout
    assert "  brought by net-a-helper.patch\n" in result.stdout


def _commit(repo: pygit2.Repository, parent: pygit2.Commit, subject: str, path: str, line: bytes) -> pygit2.Commit:
    """A commit that puts one line at the end of a file."""
    index = pygit2.Index()
    index.read_tree(parent.tree)
    old = repo[index[path].id]
    assert isinstance(old, pygit2.Blob)
    index.add(pygit2.IndexEntry(path, repo.create_blob(old.data + line), pygit2.enums.FileMode.BLOB))
    person = pygit2.Signature("A U Thor", "author@example.org", parent.commit_time + 60, 0)
    made = repo.create_commit(None, person, person, subject + "\n", index.write_tree(repo), [parent.id])
    found = repo[made]
    assert isinstance(found, pygit2.Commit)
    return found
