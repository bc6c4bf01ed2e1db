# SPDX-License-Identifier: MIT
"""What counts as a fix of the queue: who cites whom, what is queued, taken back, decided, and in which release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.alignment.releases import Releases, mainline_tags
from mptcp_series.engine.store.objects import Objects
from mptcp_series.engine.upstream.citations import Citation, FixKind, Message, citations
from mptcp_series.engine.upstream.fixes import Fixes, fixes_among
from mptcp_series.values.provenance import upstream_ids
from mptcp_series.values.recipe import Recipe

from .stable_lab import CORE, PM, TCP, Kernel

FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
SEND = ("\tmptcp_send_work(data, sk->send_budget);\n", "\tif (data->send_ready)\n\t\tmptcp_send_work(data, 1);\n")


class Told:
    """A kernel in which nothing but messages matters."""

    def __init__(self, directory: Path) -> None:
        self.kernel = Kernel(directory)
        self.flush = self.kernel.mainline("mptcp: flush under the lock", {PM: FLUSH})
        self.send = self.kernel.mainline("mptcp: send when ready", {CORE: SEND})
        self._number = 0

    def release(self, version: str, branch: str = "master") -> None:
        self.kernel.release(branch, version)
        if version == "5.15":
            self.kernel.fork("linux-5.15.y", "v5.15")

    def commit(self, subject: str, body: str, branch: str = "master") -> str:
        self._number += 1
        return self.kernel.commit(branch, {f"lib/{self._number}.c": b"int x;\n"}, subject, body)

    def find(self, recipe: str = "", range: str = "v5.10..v5.15") -> Fixes:
        queue = self.kernel.queue(recipe=recipe, range=range)
        assert isinstance(queue.recipe, Recipe)
        objects = Objects(self.kernel.source)
        return fixes_among(self._messages(), queue.items(objects), queue.recipe, self.kernel.source)

    def _messages(self) -> Iterator[Message]:
        """As `git log` gives them."""
        source = self.kernel.source
        order = pygit2.enums.SortMode.TIME | pygit2.enums.SortMode.TOPOLOGICAL
        walker = source.walk(None, order)
        for tip in self.kernel.tips.values():
            walker.push(pygit2.Oid(hex=tip))
        walker.hide(source.revparse_single("v5.10").peel(pygit2.Commit).id)
        for commit in walker:
            message = commit.message.encode()
            cites = citations(message)
            if cites:
                yield Message(
                    commit=str(commit.id),
                    subject=commit.message.split("\n")[0],
                    upstream=upstream_ids(message),
                    cites=cites,
                )


@pytest.fixture
def told(tmp_path: Path) -> Told:
    told = Told(tmp_path)
    told.release("5.15")
    return told


def fixes(commit: str, subject: str = "mptcp: send when ready") -> str:
    return f'Fixes: {commit[:12]} ("{subject}")'


def subjects(found: Fixes) -> list[str]:
    return [fix.subject for fix in found.missing]


# Messages.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Fixes: 049fe386d353 ("tcp: parse (reset)")', Citation(FixKind.FIX, "049fe386d353", "tcp: parse (reset)")),
        (
            "fixes: 049FE386D35353398EEE40ba8d76ab62cb5a24e5",
            Citation(FixKind.FIX, "049fe386d35353398eee40ba8d76ab62cb5a24e5"),
        ),
        ('Fixes: commit 049fe38 "tcp: parse"', Citation(FixKind.FIX, "049fe38", "tcp: parse")),
        (
            "This reverts commit 049fe386d35353398eee40ba8d76ab62cb5a24e5.",
            Citation(FixKind.REVERT, "049fe386d35353398eee40ba8d76ab62cb5a24e5"),
        ),
        ("This reverts commit\n049fe386d353 which", Citation(FixKind.REVERT, "049fe386d353")),
    ],
)
def test_reads_every_form(text: str, expected: Citation) -> None:
    assert citations(f"mptcp: a fix\n\n{text}\n".encode()) == (expected,)


@pytest.mark.parametrize(
    "text", ["Fixes: a bug", "Fixes: 049fe3", "See 049fe386d353", "> Reported-by: Fixes: 049fe386d353"]
)
def test_reads_nothing_else(text: str) -> None:
    assert citations(f"mptcp: a fix\n\n{text}\n".encode()) == ()


def test_each_citation_counts_once() -> None:
    line = b'Fixes: 049fe386d353 ("x")\n'
    assert citations(b"a\n\n" + line + line) == (Citation(FixKind.FIX, "049fe386d353", "x"),)


# What counts.


def test_a_fix_of_a_queued_patch(told: Told) -> None:
    commit = told.commit("mptcp: fix", fixes(told.send))
    (fix,) = told.find().missing
    assert (fix.commit, fix.upstream, fix.kind, fix.fixes) == (commit, None, FixKind.FIX, "send-when-ready.patch")
    assert (fix.via, fix.release, fix.later_target, fix.in_range) == (None, None, False, False)


def test_a_revert_of_a_queued_patch(told: Told) -> None:
    told.commit('Revert "mptcp: flush"', f"This reverts commit {told.flush}.\n\n{fixes(told.flush)}")
    (fix,) = told.find().missing
    assert (fix.kind, fix.fixes) == (FixKind.REVERT, "flush-under-the-lock.patch")


def test_what_is_queued_is_no_news(told: Told) -> None:
    # Queued itself: it touches net/mptcp.
    told.kernel.mainline("mptcp: fix", {CORE: ("\tmptcp_free_count(data);\n", "")}, fixes(told.send))
    told.release("5.16")
    assert told.find(range="v5.10..v5.16").missing == ()
    assert subjects(told.find()) == ["mptcp: fix"]


def test_the_backport_of_a_queued_fix_is_no_news(told: Told) -> None:
    fix = told.kernel.mainline("mptcp: fix", {CORE: ("\tmptcp_free_count(data);\n", "")}, fixes(told.send))
    told.release("5.16")
    told.commit("mptcp: fix", f"commit {fix} upstream.\n\n{fixes(told.send)}", "linux-5.15.y")
    assert told.find(range="v5.10..v5.16").missing == ()


def test_a_fix_and_its_backport_are_one(told: Told) -> None:
    upstream = told.commit("mptcp: fix", fixes(told.send))
    stable = told.commit("mptcp: fix", f"[ Upstream commit {upstream} ]\n\n{fixes(told.send)}", "linux-5.15.y")
    told.release("5.15.1", "linux-5.15.y")
    (fix,) = told.find().missing
    assert (fix.commit, fix.upstream, fix.release, fix.later_target) == (stable, upstream, "v5.15.1", True)


def test_a_fix_of_a_fix_counts(told: Told) -> None:
    first = told.commit("mptcp: one", fixes(told.send))
    second = told.commit("mptcp: two", fixes(first, "mptcp: one"))
    told.commit("mptcp: three", fixes(second, "mptcp: two"))
    found = told.find()
    assert [(fix.subject, fix.fixes, fix.via) for fix in found.missing] == [
        ("mptcp: one", "send-when-ready.patch", None),
        ("mptcp: two", "send-when-ready.patch", first),
        ("mptcp: three", "send-when-ready.patch", second),
    ]


def test_a_fix_that_was_taken_back_is_none(told: Told) -> None:
    first = told.commit("mptcp: one", fixes(told.send))
    revert = told.commit('Revert "mptcp: one"', f"This reverts commit {first}.\n\n{fixes(first, 'mptcp: one')}")
    assert told.find().missing == ()
    told.commit('Revert "Revert"', f"This reverts commit {revert}.")
    assert subjects(told.find()) == ["mptcp: one"]


def test_what_only_a_stable_branch_took_back_is_still_needed(told: Told) -> None:
    upstream = told.commit("mptcp: fix", fixes(told.send))
    stable = told.commit("mptcp: fix", f"commit {upstream} upstream.\n\n{fixes(told.send)}", "linux-5.15.y")
    told.release("5.15.1", "linux-5.15.y")
    told.commit('Revert "mptcp: fix"', f"This reverts commit {stable}.", "linux-5.15.y")
    told.release("5.15.2", "linux-5.15.y")
    told.release("5.16")
    (fix,) = told.find().missing
    assert (fix.commit, fix.release, fix.later_target) == (upstream, "v5.16", False)


def test_a_revert_of_a_revert_of_a_queued_patch(told: Told) -> None:
    revert = told.commit('Revert "mptcp: send"', f"This reverts commit {told.send}.")
    told.commit('Revert "Revert"', f"This reverts commit {revert}.")
    assert told.find().missing == ()


def test_an_id_the_source_does_not_have_is_told_by_its_subject(told: Told) -> None:
    """A queue that was imported has ids of its own."""
    told.commit("mptcp: fix", fixes("ab" * 20))
    told.commit("mptcp: another", fixes("cd" * 20, "mptcp: unheard of"))
    assert subjects(told.find()) == ["mptcp: fix"]


def test_the_subject_of_another_commit_does_not_count(told: Told) -> None:
    other = told.commit("mptcp: send when ready", "Of another file.")
    told.commit("mptcp: fix", fixes(other))
    assert told.find().missing == ()


# What a person decided.


@pytest.mark.parametrize("array", ["acknowledge", "exclude"])
def test_what_the_recipe_names_is_listed_and_does_not_fail(told: Told, array: str) -> None:
    commit = told.commit("mptcp: fix", fixes(told.send))
    told.commit("mptcp: mend the fix", fixes(commit, "mptcp: fix"))
    found = told.find(f'[[{array}]]\ncommit = "{commit}"\nreason = "not on 5.10"\n')
    assert found.missing == ()
    assert [(fix.subject, fix.reason) for fix in found.acknowledged] == [
        ("mptcp: fix", "not on 5.10"),
        ("mptcp: mend the fix", "not on 5.10"),
    ]


def test_a_decision_about_the_mainline_commit_is_one_about_its_backport(told: Told) -> None:
    upstream = told.commit("mptcp: fix", fixes(told.send))
    told.commit("mptcp: fix", f"commit {upstream} upstream.\n\n{fixes(told.send)}", "linux-5.15.y")
    found = told.find(f'[[acknowledge]]\ncommit = "{upstream}"\nreason = "not on 5.10"\n')
    assert (len(found.missing), len(found.acknowledged)) == (0, 1)


# What to do.


def test_the_smallest_target_that_has_most(told: Told) -> None:
    for number in (1, 2):
        upstream = told.commit(f"mptcp: fix {number}", fixes(told.send))
        told.commit("mptcp: fix", f"commit {upstream} upstream.\n\n{fixes(told.send)}", "linux-5.15.y")
        told.release(f"5.15.{number}", "linux-5.15.y")
    told.release("5.15.3", "linux-5.15.y")
    told.commit("mptcp: too new", fixes(told.send))
    found = told.find()
    assert (found.target, found.covers, len(found.missing)) == ("v5.15.2", 2, 3)
    assert found.upto == ("v5.15.3", "v5.15")


def test_lines_for_the_recipe(told: Told) -> None:
    commit = told.commit('mptcp: a "fix"', fixes(told.flush, "mptcp: flush under the lock"))
    (fix,) = told.find().missing
    assert fix.as_toml() == (
        f'[[prerequisite]]\ncommit = "{commit}"\n'
        'reason = "fixes flush-under-the-lock.patch: mptcp: a \\"fix\\""\nbefore = "send-when-ready.patch"\n'
    )
    queue = told.kernel.queue(recipe=fix.as_toml())
    assert queue.recipe is not None
    assert queue.recipe.prerequisites[0].reason == 'fixes flush-under-the-lock.patch: mptcp: a "fix"'


def test_a_fix_of_the_range_becomes_an_include(tmp_path: Path) -> None:
    told = Told(tmp_path)
    commit = told.kernel.mainline("tcp: fix", {TCP: ("\ttcp_done_count(data);\n", "")}, fixes(told.send))
    told.release("5.15")
    (fix,) = told.find().missing
    assert (fix.in_range, fix.release, fix.later_target) == (True, "v5.15", False)
    assert fix.as_toml().startswith(f'[[include]]\ncommit = "{commit}"\n')


def test_a_fix_of_the_last_patch_has_no_place_before_it(told: Told) -> None:
    told.commit("mptcp: fix", fixes(told.send))
    (fix,) = told.find().missing
    assert fix.as_toml() == ""


# Releases.


def test_the_first_release_is_found_whatever_the_dates_say(told: Told) -> None:
    kernel = told.kernel
    commits = []
    for number in range(1, 6):
        commits.append(told.commit(f"mptcp: {number}", "", "linux-5.15.y"))
        told.release(f"5.15.{number}", "linux-5.15.y")
    releases = Releases(kernel.source, "v5.15")
    for number, commit in enumerate(commits, start=1):
        found = kernel.source[commit]
        assert isinstance(found, pygit2.Commit)
        assert releases.in_line(found) == (number, f"v5.15.{number}")
        assert releases.in_mainline(found) is None
    assert [name.removeprefix("refs/tags/") for name in mainline_tags(kernel.source)] == ["v5.10", "v5.15"]
