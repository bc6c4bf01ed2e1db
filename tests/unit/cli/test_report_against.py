# SPDX-License-Identifier: MIT
"""`report --against`: what a pull request changes, told by what it leads to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pygit2
import pytest

from mptcp_series.engine.review.against import _moved

from .conftest import Kernel, run

OVERRIDE = """\
Patch: hook.patch
Drop: net/ipv4/tcp.c#7e6bba4ccff6
Reason: the vendor has its own
---
"""


@pytest.fixture
def project(kernel: Kernel, work: Path) -> Kernel:
    """The series and an override, committed in a repository of their own."""
    kernel.override("hook.patch", OVERRIDE)
    commit(work, "main")
    return kernel


def commit(work: Path, tag: str) -> None:
    repo = pygit2.init_repository(str(work), initial_head="main")
    repo.index.add_all(["series", "overrides"])
    tree = repo.index.write_tree()
    person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 0)
    parents = [] if repo.head_is_unborn else [repo.head.target]
    made = repo.create_commit("HEAD", person, person, "queue\n", tree, parents)
    repo.references.create(f"refs/tags/{tag}", made)


def compared(kernel: Kernel, base: str = "bsp") -> Any:
    outcome = run("report", *kernel.on(base), "--against", "main", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    return json.loads(outcome.out)


def test_nothing(project: Kernel) -> None:
    outcome = run("report", *project.on("bsp"), "--against", "main", "--format", "markdown")
    assert outcome.out == "### q on bsp, against main\n\nNo difference on this base.\n"


def test_patches_that_come_and_go_and_move(project: Kernel) -> None:
    more = project.source.commit("main", "mptcp: more\n", {"net/mptcp/more.c": b"int more;\n"})
    (project.series / "series").write_text(
        f"new.patch # {project.new}\nhook.patch # {project.hook}\nmore.patch # {more}\n"
    )
    found = compared(project)
    assert found["patches"] == [
        {"name": "new.patch", "subject": "mptcp: a file of its own", "how": "moved"},
        {"name": "more.patch", "subject": "mptcp: more", "how": "added"},
        {"name": "counter.patch", "subject": "mptcp: add a counter", "how": "dropped"},
    ]
    assert found["files"]["net/mptcp/more.c"] == {"added": 1, "removed": 0}


def test_a_patch_that_is_only_called_otherwise(project: Kernel) -> None:
    (project.series / "series").write_text(
        f"counter.patch # {project.counter}\nhooks.patch # {project.hook}\nnew.patch # {project.new}\n"
    )
    project.override("hook.patch", OVERRIDE.replace("hook.patch", "hooks.patch"))
    found = compared(project)
    assert found["patches"] == [
        {"name": "hooks.patch", "subject": "mptcp: hook into tcp", "how": "renamed, was hook.patch"}
    ]
    assert found["files"] == {}


PATCH = """\
From: A U Thor <author@example.org>
Subject: mptcp: more

---
--- /dev/null
+++ b/net/mptcp/more.c
@@ -0,0 +1 @@
+int more;
"""


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("int more;", "int most;", "changed"),
        ("mptcp: more", "mptcp: much more", "another message or author"),
        ("A U Thor", "A N Other", "another message or author"),
    ],
)
def test_a_patch_file_that_changed(kernel: Kernel, work: Path, old: str, new: str, how: str) -> None:
    """The resulting tree shows neither whose change it is nor that only the words are others."""
    series = kernel.series / "series"
    series.write_text(f"{series.read_text()}more.patch\n")
    (kernel.series / "more.patch").write_text(PATCH)
    commit(work, "main")
    (kernel.series / "more.patch").write_text(PATCH.replace(old, new))
    (patch,) = compared(kernel)["patches"]
    assert (patch["name"], patch["how"]) == ("more.patch", how)
    text = run("report", *kernel.on("bsp"), "--against", "main", "--format", "markdown").out
    assert f"| {how} | {patch['subject']} |" in text


def test_a_pin_for_a_file_and_back(kernel: Kernel, work: Path) -> None:
    series = kernel.series / "series"
    text = series.read_text()
    commit(work, "main")
    series.write_text(text.replace(f" # {kernel.new}", ""))
    diff = kernel.source.git.diff(kernel.hook, kernel.new).patch
    (kernel.series / "new.patch").write_text(f"Subject: mptcp: a file of its own\n\n---\n{diff}")
    assert [one["how"] for one in compared(kernel)["patches"]] == ["no longer pinned"]
    commit(work, "unpinned")
    series.write_text(text)
    outcome = run("report", *kernel.on("bsp"), "--against", "unpinned", "--format", "json")
    assert [one["how"] for one in json.loads(outcome.out)["patches"]] == ["pinned"]


def test_an_override_of_a_series_below(kernel: Kernel, work: Path) -> None:
    """Of a stack every override counts, not those of its top alone."""
    kernel.override("hook.patch", OVERRIDE)
    top = work / "series" / "top"
    top.mkdir()
    recipe = (kernel.series / "recipe.toml").read_text()
    (top / "recipe.toml").write_text(recipe.replace('name = "q"', 'name = "top"\nafter = "q"'))
    (top / "series").write_text("more.patch\n")
    (top / "more.patch").write_text(PATCH)
    commit(work, "main")
    kernel.override("hook.patch", OVERRIDE.replace("its own", "its own hook"))
    options = ("--source", "linux.git", "--series", "series/top", "--base", "bsp")
    found = json.loads(run("report", *options, "--against", "main", "--format", "json").out)
    assert [(one["file"], one["how"], one["states"]) for one in found["overrides"]] == [
        ("q/hook.patch", "changed", ["used", "used"])
    ]


def test_what_is_wrong_with_the_revision_is_named_as_git_names_it(kernel: Kernel, work: Path) -> None:
    series = kernel.series / "series"
    text = series.read_text()
    series.write_text(f"{text}gone.patch\n")
    commit(work, "broken")
    series.write_text(text)
    outcome = run("report", *kernel.on("bsp"), "--against", "broken", "--format", "markdown")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "mptcp-series: error: broken:series/q/series:4: no patch file broken:series/q/gone.patch, and the line pins no "
        f"commit\n{_advice('broken')}"
    )


def _advice(revision: str) -> str:
    return (
        f"mptcp-series: error: --against {revision}: the queue of that revision cannot be replayed, so there is "
        "nothing to compare with; name another revision, or leave --against out for a report of what is here\n"
    )


def test_a_series_of_the_revision_that_is_none(kernel: Kernel, work: Path) -> None:
    series = kernel.series / "series"
    text = series.read_text()
    series.write_text(f"{text}x.patch -p\nx.patch --fuzz\n")
    commit(work, "broken")
    series.write_text(text)
    outcome = run("report", *kernel.on("bsp"), "--against", "broken", "--format", "markdown")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "mptcp-series: error: broken:series/q/series:4: option '-p' without its number\n"
        "mptcp-series: error: broken:series/q/series:5: unknown option '--fuzz' (expected '-pN' or '-R')\n"
        + _advice("broken")
    )


def test_a_commit_of_the_revision_that_the_source_lacks(kernel: Kernel, work: Path) -> None:
    series = kernel.series / "series"
    text = series.read_text()
    series.write_text(f"{text}far.patch # {'1' * 40}\n")
    commit(work, "far")
    series.write_text(text)
    outcome = run("report", *kernel.on("bsp"), "--against", "far", "--format", "markdown")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith(f"mptcp-series: error: far: far.patch is pinned to {'1' * 40}, which ")
    assert outcome.err.endswith(_advice("far"))


def test_what_is_wrong_here_too_is_not_told_of_the_revision(project: Kernel, work: Path) -> None:
    outcome = run("report", *project.on("v9"), "--against", "main", "--format", "markdown")
    assert outcome.code == 2
    assert "unknown revision 'v9'" in outcome.err
    assert "--against" not in outcome.err


def test_the_exit_code_is_of_what_is_new(kernel: Kernel, work: Path) -> None:
    """A conflict that was there before is not what a pull request brought."""
    command = ("report", *kernel.on("bsp"), "--format", "markdown", "--exit-code", "--against")
    commit(work, "conflict")
    same = run(*command, "conflict")
    assert (same.code, same.err) == (0, "")
    kernel.override("hook.patch", OVERRIDE)
    commit(work, "settled")
    assert run(*command, "conflict").code == 0
    (kernel.overrides / "hook.patch").unlink()
    worse = run(*command, "settled", "--to", "c.md")
    assert (worse.code, worse.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")
    assert "New, and a person is needed" in Path("c.md").read_text()
    assert run(*command[:-2], "--against", "settled").code == 0


def test_a_comment_is_no_longer_than_a_forge_takes(project: Kernel) -> None:
    """GitHub refuses a comment of more than 65,536 characters; what is left out is named."""
    for number in range(9):
        reason = "\n ".join(f"line {line} of a long story {'x' * 60}" for line in range(100))
        project.override(
            f"n{number}.patch", f"Patch: hook.patch\nBase: >=9.{number}\nSkip: yes\nReason: {reason}\n---\n"
        )
    text = run("report", *project.on("bsp"), "--against", "main", "--format", "markdown").out
    assert 40_000 < len(text) < 65_536
    for number in range(9):
        assert f"<code>q/n{number}.patch</code> added (- → not needed)" in text
    assert text.count("<details>") == text.count("</details>") < 9
    assert "* override <code>q/n8.patch</code> added (- → not needed): not shown here\n" in text
    assert text.endswith("left out, for a forge takes no longer comment; `--format json` has all.\n")


def test_an_override_by_its_effect(project: Kernel) -> None:
    """Another way to do the same is no effect; something else is, and is shown on the files."""
    project.override("hook.patch", OVERRIDE.replace("its own", "its own hook"))
    found = compared(project)
    (override,) = found["overrides"]
    assert (override["how"], override["effect"], found["diff"]) == ("changed", "", "")
    text = run("report", *project.on("bsp"), "--against", "main", "--format", "markdown").out
    assert "Its patch leaves the same behind on this base." in text
    assert text.endswith("The resulting tree is the same.\n")
    names = "--- a/net/ipv4/tcp.c\n+++ b/net/ipv4/tcp.c\n"
    diff = names + "@@ -4,3 +4,3 @@\n int tcp4;\n-int vendor;\n+int both;\n int tcp6;\n"
    project.override("hook.patch", OVERRIDE + diff)
    (override,) = compared(project)["overrides"]
    assert "-int vendor;\n+int both;\n" in override["effect"]
    assert "int last;" not in override["effect"], "the patch's other hunk did not change"
    assert override["states"] == ["used", "used"]


def test_an_override_that_goes_leaves_a_conflict(project: Kernel) -> None:
    (project.overrides / "hook.patch").unlink()
    found = compared(project)
    assert found["new_reasons"] == ["conflict: hook.patch: net/ipv4/tcp.c"]
    (override,) = found["overrides"]
    assert (override["how"], override["states"]) == ("removed", ["used", "-"])
    text = run("report", *project.on("bsp"), "--against", "main", "--format", "markdown").out
    assert "**New, and a person is needed** (1):\n\n* conflict: hook.patch: net/ipv4/tcp.c\n" in text
    assert "<details><summary>override <code>q/hook.patch</code> removed (used → -)</summary>\n\n" in text


def test_an_override_that_comes_settles_it(kernel: Kernel, work: Path) -> None:
    commit(work, "main")
    kernel.override("hook.patch", OVERRIDE)
    found = compared(kernel)
    assert (found["new_reasons"], found["gone_reasons"]) == ([], ["conflict: hook.patch: net/ipv4/tcp.c"])
    assert "Settled (1):" in run("report", *kernel.on("bsp"), "--against", "main", "--format", "markdown").out


@pytest.mark.parametrize(
    ("revision", "code", "why"),
    [("nowhere", 2, "unknown revision 'nowhere'"), ("empty", 2, "empty has no series/q/series to compare with")],
)
def test_what_there_is_nothing_of(project: Kernel, work: Path, revision: str, code: int, why: str) -> None:
    repo = pygit2.Repository(str(work))
    person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 0)
    made = repo.create_commit(None, person, person, "empty\n", repo.TreeBuilder().write(), [])
    repo.references.create("refs/tags/empty", made)
    outcome = run("report", *project.on("bsp"), "--against", revision, "--format", "markdown")
    assert outcome.code == code
    assert why in outcome.err


def test_a_series_in_no_repository(kernel: Kernel) -> None:
    outcome = run("report", *kernel.on("bsp"), "--against", "main", "--format", "markdown")
    assert outcome.code == 2
    assert "is in no git work tree; --against compares it with a revision of its repository" in outcome.err


def test_a_comparison_is_no_page(project: Kernel) -> None:
    outcome = run("report", *project.on("bsp"), "--against", "main", "--to", "x.html")
    assert outcome.code == 2
    assert "--against goes with --format markdown or json" in outcome.err


def test_the_fewest_that_moved() -> None:
    assert _moved(list("abcde"), list("abcde")) == set()
    assert _moved(list("abcde"), list("eabcd")) == {"e"}
    assert _moved(list("abcde"), list("acdbe")) == {"b"}
    assert len(_moved(list("abc"), list("cba"))) == 2
