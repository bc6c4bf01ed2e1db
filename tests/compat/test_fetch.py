# SPDX-License-Identifier: MIT
"""fetch against real git: a clone without blobs, one batch, killed and resumed, and origins that cannot do it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.engine.upstream.fetch import MARKER, Fetched, fetch
from mptcp_series.errors import BadInput, EnvironmentFault, ToolMissing, UnknownRevision
from mptcp_series.minikernel.history import Changes
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import AUTHOR, MAKEFILE, Git, numbered, start

BASES = ("v5.10.4", "v5.10.6")
FULL = "the origin cannot filter, or gives no single objects, so a full fetch was done: all blobs are here"


@attrs.frozen(kw_only=True)
class Upstream:
    """The mini-kernel as an origin, and a git that keeps a log of how it was called."""

    world: World
    origin: str
    recipe: Recipe
    into: Path
    log: Path

    def calls(self, *words: str) -> list[str]:
        """Calls of git that have all of these words, since the log was last emptied."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if all(word in line.split() for word in words)]

    def fetch(self, **options: Any) -> Fetched:
        return fetch(self.recipe, self.origin, self.into, **options)

    def of(self, range: str) -> Upstream:
        """With a recipe of another range."""
        return attrs.evolve(self, recipe=Recipe.parse(self.world.recipe.replace(b"v5.10..v5.15", range.encode()), "r"))

    def configure(self, name: str, value: str) -> None:
        Git(self.world.source).run("config", name, value)


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    world = build_world(tmp_path)
    log, tools = tmp_path / "calls", tmp_path / "tools"
    tools.mkdir()
    wrapper = tools / "git"
    # FAIL_AT=n: the n-th transfer starts, and is killed before it is done.
    wrapper.write_text(
        f"""#!/bin/sh
echo "$@" >> {log}
case " $* " in *" fetch "*)
    if [ -n "$FAIL_AT" ] && [ "$(grep -c ' fetch ' {log})" = "$FAIL_AT" ]; then
        timeout -s KILL 0.02 {shutil.which("git")} "$@"
        echo "fatal: the hung up end" >&2
        kill -KILL $$
    fi;;
esac
exec {shutil.which("git")} "$@"
"""
    )
    wrapper.chmod(0o755)
    recipe = Recipe.parse(world.recipe + world.include, "recipe.toml")
    made = Upstream(world=world, origin=f"file://{world.source}", recipe=recipe, into=tmp_path / "source.git", log=log)
    made.configure("uploadpack.allowFilter", "true")
    made.configure("uploadpack.allowAnySHA1InWant", "true")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return made


def applied(upstream: Upstream, source: Path, base: str, directory: Path) -> Result:
    """Extract from a source and apply to a base of it, aligned."""
    directory.mkdir(exist_ok=True)
    (directory / "recipe.toml").write_bytes(upstream.recipe.render())
    extract(upstream.recipe, source).write(directory)
    return Queue.load(directory, source=source).apply(source, base=base)


def same_everywhere(upstream: Upstream, tmp_path: Path, *bases: str) -> None:
    """What was fetched serves as well as a clone with all blobs. Nothing is fetched meanwhile: pygit2 cannot."""
    whole = tmp_path / "whole.git"
    names = Git(upstream.into).run("for-each-ref", "--format=%(objectname):%(refname)").split()
    Git(tmp_path).run("init", "--bare", str(whole))
    Git(whole).run("fetch", "--no-tags", str(upstream.world.source), *names)
    for base in bases:
        before = len(upstream.calls("fetch"))
        ours = applied(upstream, upstream.into, base, tmp_path / "ours")
        assert len(upstream.calls("fetch")) == before
        theirs = applied(upstream, whole, base, tmp_path / "theirs")
        assert ours.to_json() == theirs.to_json()
        assert (tmp_path / "ours" / "series").read_bytes() == (tmp_path / "theirs" / "series").read_bytes()


def absent(repo: Path) -> int:
    """How many objects of the history a clone does not have."""
    listed = Git(repo).run("rev-list", "--objects", "--all", "--missing=print").splitlines()
    return sum(line.startswith("?") for line in listed)


def test_history_without_blobs_then_one_batch(upstream: Upstream, tmp_path: Path) -> None:
    seen: list[str] = []
    fetched = upstream.fetch(bases=BASES, progress=lambda what, done, total: seen.append(what))
    assert (fetched.repository, fetched.resumed, fetched.notes) == (upstream.into, False, ())
    assert fetched.blobs > 0
    assert absent(upstream.into) > 0
    # One transfer for each of v5.10, the bases and v5.15; one for all blobs.
    assert len(upstream.calls("fetch", "--filter=blob:none")) == len(upstream.calls("fetch")) == 1 + len(BASES) + 1 + 1
    assert len(upstream.calls("fetch", "--stdin")) == 1
    assert {"history of v5.10", "history of v5.15", "picks", f"{fetched.blobs} blobs"} <= set(seen)
    same_everywhere(upstream, tmp_path, "v5.10", *BASES)


def test_topics_older_than_the_range_are_whole(upstream: Upstream) -> None:
    """A merge of the range has a parent that forked before it; --shallow-exclude would cut that topic off."""
    commits = upstream.fetch().commits
    everything = Git(upstream.world.source).run("log", "--format=%H", "v5.10..v5.15").split()
    assert Git(upstream.into).run("log", "--format=%H", "v5.10..v5.15").split() == everything
    assert Git(upstream.into).run("rev-parse", "--is-shallow-repository") == "false"
    assert upstream.world.commits["old_topic_merge"] in everything
    assert commits == len(extract(upstream.recipe, upstream.world.source).picks)


def test_what_a_later_release_restores_is_there(upstream: Upstream, tmp_path: Path) -> None:
    """A fix of the base that the queue lacks is picked from the target's stable line, if that was fetched too."""
    upstream.fetch(bases=(*BASES, "v5.15.5"))
    result = applied(upstream, upstream.into, BASES[0], tmp_path / "series")
    assert [restored.how.value for restored in result.alignment.restored] == ["picked"]
    same_everywhere(upstream, tmp_path, *BASES)


def merging_history(directory: Path) -> tuple[str, dict[str, str]]:
    """Two topics that change one owned file, one forked before the range; the second merge is an evil one."""
    git, history = start(directory)
    files: Changes = {"Makefile": MAKEFILE, "README": b"long\n" * 90, "net/mptcp/a.c": numbered(60)}
    history.commit("main", files, "start\n", AUTHOR, 1)
    history.fork("old", "main")
    history.commit("main", {"README": b"longer\n" * 90}, "base\n", AUTHOR, 2)
    history.tag("v5.10", "main", "v5.10\n", AUTHOR, 2)
    history.fork("new", "main")
    made = {"old": history.commit("old", {"net/mptcp/a.c": numbered(60, {5: "old\n"})}, "mptcp: old\n", AUTHOR, 3)}
    made["new"] = history.commit("new", {"net/mptcp/a.c": numbered(60, {30: "new\n"})}, "mptcp: new\n", AUTHOR, 4)
    made["main"] = history.commit("main", {"net/mptcp/a.c": numbered(60, {55: "main\n"})}, "mptcp: main\n", AUTHOR, 5)
    history.merge("main", "old", "Merge old\n", AUTHOR, 6)
    evil = numbered(60, {5: "old\n", 30: "new\n", 45: "evil\n", 55: "main\n"})
    made["evil"] = history.merge("main", "new", "Merge new\n", AUTHOR, 7, {"net/mptcp/a.c": evil})
    history.tag("v5.15", "main", "v5.15\n", AUTHOR, 8)
    history.publish("main")
    git.run("config", "uploadpack.allowFilter", "true")
    return f"file://{directory}", made


def test_merges_that_need_their_content_to_be_judged(tmp_path: Path) -> None:
    """Which merges hold work of their own is not told by trees: these blobs come first, all others in one batch."""
    origin, made = merging_history(tmp_path / "origin.git")
    text = b'[series]\nname = "q"\nrange = "v5.10..v5.15"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\n'
    recipe = Recipe.parse(text, "recipe.toml")
    stages: list[str] = []
    into = tmp_path / "into.git"
    fetched = fetch(recipe, origin, into, progress=lambda what, done, total: stages.append(what))
    extraction = extract(recipe, into)
    assert {pick.commit for pick in extraction.picks} == set(made.values())
    assert [pick.commit for pick in extraction.merges] == [made["evil"]]
    assert (fetched.commits, "merges" in stages) == (4, True)
    extraction.write(tmp_path / "series")
    (tmp_path / "series" / "recipe.toml").write_bytes(text)
    result = Queue.load(tmp_path / "series", source=into).apply(into, base="v5.10").require()
    result.write_branch("result")
    assert Git(into).run("rev-parse", "result:net") == Git(into).run("rev-parse", "v5.15:net")
    assert absent(into) > 0
    assert fetch(recipe, origin, into).blobs == 0


def test_merges_of_crossed_lines_and_of_renamed_files(tmp_path: Path) -> None:
    """They are judged by more than two sides and one base: by all merge bases, and by files under other names."""
    git, history = start(tmp_path / "origin.git")
    old, new = "net/mptcp/old.c", "net/mptcp/new.c"
    files: Changes = {"Makefile": MAKEFILE, "README": b"long\n" * 90, old: numbered(60), "net/mptcp/a.c": numbered(60)}
    history.commit("main", files, "start\n", AUTHOR, 1)
    history.tag("v5.10", "main", "v5.10\n", AUTHOR, 1)
    for branch in ("other", "topic"):
        history.fork(branch, "main")
    one = history.commit("main", {"net/mptcp/a.c": numbered(60, {3: "one\n"})}, "mptcp: one\n", AUTHOR, 2)
    two = history.commit("other", {"net/mptcp/a.c": numbered(60, {55: "two\n"})}, "mptcp: two\n", AUTHOR, 3)
    for branch in ("main", "other"):
        history.fork(f"{branch}-then", branch)
    joined = numbered(60, {3: "one\n", 55: "two\n"})
    history.merge("main", "other-then", "Merge other\n", AUTHOR, 4, {"net/mptcp/a.c": joined})
    history.merge("other", "main-then", "Merge main\n", AUTHOR, 5, {"net/mptcp/a.c": joined})
    back = history.commit("main", {"net/mptcp/a.c": numbered(60, {3: "one\n"})}, "mptcp: back\n", AUTHOR, 6)
    more = history.commit("other", {"net/mptcp/b.c": b"b\n"}, "mptcp: b\n", AUTHOR, 7)
    undone: Changes = {"net/mptcp/a.c": numbered(60, {3: "one\n"})}
    history.merge("main", "other", "Merge other again\n", AUTHOR, 8, undone)
    moved = history.commit("topic", {old: None, new: numbered(60, {20: "t\n"})}, "mptcp: move\n", AUTHOR, 9)
    changed = history.commit("main", {old: numbered(60, {40: "m\n"})}, "mptcp: change\n", AUTHOR, 10)
    history.publish("main")
    # The file as the topic moved it: what was done to it under its old name is gone.
    result = history.commit("main", {old: None, new: numbered(60, {20: "t\n"})}, "result\n", AUTHOR, 11)
    lost = git.run("commit-tree", f"{result}^{{tree}}", "-p", changed, "-p", moved, "-m", "Merge topic")
    git.run("update-ref", "refs/heads/main", lost)
    git.run("tag", "v5.15", lost)
    git.run("config", "uploadpack.allowFilter", "true")
    text = b'[series]\nname = "q"\nrange = "v5.10..v5.15"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\n'
    recipe, into = Recipe.parse(text, "recipe.toml"), tmp_path / "into.git"
    fetched = fetch(recipe, f"file://{tmp_path / 'origin.git'}", into)
    extraction = extract(recipe, into)
    assert [pick.commit for pick in extraction.merges] == [lost]
    assert {pick.commit for pick in extraction.picks} == {one, two, back, more, moved, changed, lost}
    assert (fetched.commits, absent(into) > 0) == (7, True)


def test_a_second_run_fetches_nothing(upstream: Upstream) -> None:
    upstream.fetch(bases=BASES)
    upstream.log.unlink()
    again = upstream.fetch(bases=BASES)
    assert (again.resumed, again.blobs, again.notes) == (True, 0, ())
    assert upstream.calls("fetch") == upstream.calls("ls-remote") == []


def test_one_more_base_fetches_only_what_it_needs(upstream: Upstream, tmp_path: Path) -> None:
    first = upstream.fetch()
    upstream.log.unlink()
    second = upstream.fetch(bases=BASES)
    assert len(upstream.calls("fetch")) == len(BASES) + 1
    assert 0 < second.blobs < first.blobs
    same_everywhere(upstream, tmp_path, *BASES)


@pytest.mark.parametrize("at", range(1, 5))
def test_killed_transfers_are_resumed(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setenv("FAIL_AT", str(at))
    with pytest.raises(EnvironmentFault, match=r"`git fetch` of .* failed: .*the hung up end"):
        upstream.fetch(bases=BASES[:1])
    done = upstream.calls("fetch")[: at - 1]
    monkeypatch.delenv("FAIL_AT")
    upstream.log.unlink()
    assert upstream.fetch(bases=BASES[:1]).resumed
    assert not set(done) & set(upstream.calls("fetch")) - {line for line in done if "--stdin" in line}
    same_everywhere(upstream, tmp_path, *BASES[:1])


SCRIPT = """
import os, signal, sys
from pathlib import Path
from mptcp_series.engine.upstream.fetch import fetch
from mptcp_series.values.recipe import Recipe
origin, into, recipe, stage = sys.argv[1:]
def progress(what, done, total):
    if stage in what:
        os.kill(os.getpid(), signal.SIGKILL)
fetch(Recipe.parse(Path(recipe).read_bytes(), recipe), origin, Path(into), progress=progress)
"""


@pytest.mark.parametrize("stage", ["history of v5.10", "history of v5.15", "picks", "blobs"])
def test_a_killed_run_is_resumed(upstream: Upstream, tmp_path: Path, stage: str) -> None:
    (tmp_path / "recipe.toml").write_bytes(upstream.recipe.render())
    command = [sys.executable, "-c", SCRIPT, upstream.origin, str(upstream.into), f"{tmp_path}/recipe.toml", stage]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert upstream.fetch().resumed
    same_everywhere(upstream, tmp_path, "v5.10")


def test_an_interrupted_run_leaves_no_rest(upstream: Upstream, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what == "history of v5.15":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upstream.fetch(progress=interrupt)
    assert upstream.fetch().resumed
    assert not list(upstream.into.glob("objects/pack/tmp_*"))
    same_everywhere(upstream, tmp_path, "v5.10")


def test_origin_that_cannot_filter(upstream: Upstream, tmp_path: Path) -> None:
    upstream.configure("uploadpack.allowFilter", "false")
    said: list[str] = []
    fetched = upstream.fetch(progress=lambda what, done, total: said.append(what))
    assert (fetched.notes, fetched.blobs, absent(upstream.into)) == ((FULL,), 0, 0)
    assert FULL in said
    same_everywhere(upstream, tmp_path, "v5.10")


def test_origin_that_gives_no_single_objects(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only protocol 0 refuses them; version 2 has no such rule."""
    upstream.configure("uploadpack.allowAnySHA1InWant", "false")
    for name, value in (("COUNT", "1"), ("KEY_0", "protocol.version"), ("VALUE_0", "0")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert (upstream.fetch().notes, absent(upstream.into)) == ((FULL,), 0)
    assert not (upstream.into / "full.git").exists()
    same_everywhere(upstream, tmp_path, "v5.10")
    assert upstream.fetch().blobs == 0


def test_a_commit_on_no_named_reference(upstream: Upstream, tmp_path: Path) -> None:
    """A prerequisite after the range's end comes by its id, and stays."""
    commit = Git(upstream.world.source).run("rev-parse", "v5.16-rc1~1")
    recipe = upstream.recipe.with_prerequisite(commit, "from later mainline")
    fetch(recipe, upstream.origin, upstream.into)
    assert Git(upstream.into).run("rev-parse", f"refs/mptcp-series/{commit}") == commit
    Git(upstream.into).run("gc", "--prune=now", "--quiet")
    same_everywhere(attrs.evolve(upstream, recipe=recipe), tmp_path, "v5.10")


def test_branches_move(upstream: Upstream) -> None:
    moving = upstream.of("v5.10..linux-5.15.y")
    source = Git(upstream.world.source)
    tip = source.run("rev-parse", "linux-5.15.y")
    source.run("update-ref", "refs/heads/linux-5.15.y", "linux-5.15.y~2")
    moving.fetch()
    source.run("update-ref", "refs/heads/linux-5.15.y", tip)
    moving.fetch()
    assert Git(upstream.into).run("rev-parse", "linux-5.15.y") == tip


@pytest.mark.parametrize("revision", ["v9.9", "refs/heads/nowhere", "abcdef1", "HEAD", "v5.1*", "@{upstream}"])
def test_unknown_revisions_are_named(upstream: Upstream, revision: str) -> None:
    message = f"{upstream.origin} has no {revision!r}; a tag, a branch or a full commit id is expected"
    with pytest.raises(UnknownRevision, match=f"^{re.escape(message)}$"):
        upstream.of(f"v5.10..{revision}").fetch()


def test_a_missing_commit_is_an_error(upstream: Upstream) -> None:
    recipe = upstream.recipe.with_prerequisite("ab" * 20, "not there")
    with pytest.raises(EnvironmentFault, match=f"history of {'ab' * 20}"):
        fetch(recipe, upstream.origin, upstream.into)


def test_revisions_with_suffixes_and_ids(upstream: Upstream) -> None:
    assert upstream.of(f"{upstream.world.tags['v5.10']}..v5.15~2").fetch().commits > 0


def test_a_directory_of_another_making_is_refused(upstream: Upstream) -> None:
    (upstream.into / "precious").mkdir(parents=True)
    with pytest.raises(BadInput, match="holds something that fetch did not make"):
        upstream.fetch()
    assert [path.name for path in upstream.into.iterdir()] == ["precious"]


def test_a_directory_in_use_is_refused(upstream: Upstream) -> None:
    upstream.fetch()
    with (upstream.into / MARKER).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentFault, match="another run is fetching"):
            upstream.fetch()


def test_an_origin_that_is_not_there(upstream: Upstream, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"`git ls-remote` of references from file:///nowhere failed: .*"):
        fetch(upstream.recipe, "file:///nowhere", upstream.into)
    with pytest.raises(BadInput, match="bad origin"):
        fetch(upstream.recipe, "--upload-pack=touch /tmp/x", upstream.into)


def test_git_that_is_absent_or_too_old(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.29.3\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ToolMissing, match=r"git is git version 2\.29\.3; fetch needs git 2\.30 or later"):
        upstream.fetch()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ToolMissing, match="git is not installed"):
        upstream.fetch()
    assert not upstream.into.exists()
