# SPDX-License-Identifier: MIT
"""`why`: what is told of one patch, and of the patches a topic or a symptom leads to."""

from __future__ import annotations

import json

import pygit2
import pytest

from .conftest import PROTOCOL, Kernel, run

TOPICS = """
[[topic]]
name = "accounting"
title = "Counters"
subjects = ["counter"]

[[symptom]]
name = "no-count"
title = "Nothing is counted"
text = "5.10 has no counter."
words = ["missing"]
subjects = ["counter"]
"""


@pytest.fixture
def topics(kernel: Kernel) -> Kernel:
    (kernel.series / "topics.toml").write_text(TOPICS)
    return kernel


def test_a_patch(topics: Kernel) -> None:
    outcome = run("why", *topics.options, "counter")
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == f"""\
mptcp: add a counter
counter.patch, patch, commit {topics.counter}
by A U Thor <author@example.org>

    It counts.

topic     accounting (subject: counter)
cures     no-count (subject: counter)
changes   net/mptcp/protocol.c
"""
    )


def test_a_patch_on_a_base_with_what_needs_it(topics: Kernel) -> None:
    """`hook` changes the same file, 17 lines below what `counter` adds: it applies without."""
    outcome = run("why", *topics.on("v5.10"), "counter")
    assert outcome.out.endswith(
        "on the base: clean\n  clean      net/mptcp/protocol.c\nevery other patch applies without it\n"
    )


def test_dependents_are_those_that_conflict_without_it(topics: Kernel) -> None:
    more = topics.source.commit("main", "mptcp: more of it\n", {"net/mptcp/pm.c": b"int pm;\nint more;\n"})
    with (topics.series / "series").open("a") as file:
        file.write(f"more.patch # {more}\n")
    outcome = run("why", *topics.on("v5.10"), "new")
    assert outcome.out.endswith("without it 1 patch does not apply:\n  more.patch (net/mptcp/pm.c)\n")
    document = json.loads(run("why", *topics.on("v5.10"), "--json", "new").out)
    assert document["patch"]["dependents"] == [{"name": "more.patch", "paths": ["net/mptcp/pm.c"]}]
    assert document["patch"]["outcome"]["status"] == "clean"


def test_an_override_and_whether_it_is_used(topics: Kernel) -> None:
    topics.override(
        "hook.patch",
        "Patch: hook.patch\nBase: >=5.10,<5.11\nWhen: net/ipv4/tcp.c has vendor\nDrop: net/ipv4/tcp.c\n"
        "Reason: the vendor's tcp\n has its own hook\n---\n",
    )
    for base, state in (("v5.10", "not used on this base"), ("bsp", "used on this base")):
        outcome = run("why", *topics.on(base), "hook")
        assert (
            f"override  q/hook.patch, {state} (Base: >=5.10,<5.11; When: net/ipv4/tcp.c has vendor)\n"
            "          the vendor's tcp\n          has its own hook\n"
        ) in outcome.out
        assert outcome.code == 0, "to ask is no verdict"


def test_what_it_fixes_and_what_fixes_it(topics: Kernel) -> None:
    fix = topics.source.commit(
        "main",
        f'mptcp: count right\n\nFixes: {topics.counter[:12]} ("mptcp: add a counter")\n',
        {"net/mptcp/other.c": b"int x;\n"},
    )
    with (topics.series / "series").open("a") as file:
        file.write(f"fix.patch # {fix}\n")
    assert "\nfixed by fix.patch\n" in run("why", *topics.options, "counter").out
    told = run("why", *topics.options, "fix").out
    assert "\nfixes     counter.patch\n" in told
    assert "\ntopic     accounting (fixes counter.patch)\n" in told


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("accounting",), "topic accounting: Counters\n"),
        (("no-count",), "symptom no-count: Nothing is counted\n5.10 has no counter.\n"),
        (("counts", "are", "missing"), "symptom no-count: Nothing is counted\n5.10 has no counter.\n"),
    ],
)
def test_what_leads_to_patches(topics: Kernel, words: tuple[str, ...], title: str) -> None:
    outcome = run("why", *topics.options, *words)
    assert (outcome.code, outcome.out) == (
        0,
        f"{title}1 patch\n  mptcp: add a counter\n    counter.patch (subject: counter)\n",
    )


def test_the_list_as_a_document(topics: Kernel) -> None:
    assert json.loads(run("why", *topics.options, "--json", "net/ipv4").out) == {
        "schema": 1,
        "command": "why",
        "series": "q",
        "question": "path",
        "asked": "net/ipv4",
        "patches": [{"name": "hook.patch", "why": "changes net/ipv4/tcp.c"}],
    }


def test_bad_topics_are_told_with_their_line(topics: Kernel) -> None:
    (topics.series / "topics.toml").write_text('[[topic]]\nname = "x"\n')
    outcome = run("why", *topics.options, "counter")
    assert outcome.code == 2
    assert "series/q/topics.toml:1: Missing required value in 'topic[0].title'" in outcome.err


def test_nobody_knows(topics: Kernel) -> None:
    outcome = run("why", *topics.options, "conter.patch")
    assert outcome.code == 2
    assert "'conter.patch' is no patch, commit or path of the queue" in outcome.err
    assert "did you mean 'counter.patch'?" in outcome.err


@pytest.mark.parametrize(
    ("encoding", "author", "body"),
    [("ISO-8859-1", "Zoë", "café"), ("klingon", "Zo\\xeb", "caf\\xe9"), ("UTF-8", "Zo\\xeb", "caf\\xe9")],
)
def test_text_that_is_no_utf_8(kernel: Kernel, encoding: str, author: str, body: str) -> None:
    """A commit says which encoding it is in; where that is unknown or not true, bytes are shown as escapes."""
    data = kernel.source.git[kernel.new].read_raw()
    data = data.replace(b"author A U Thor", b"author Zo\xeb").replace(
        b"\n\nmptcp: a file of its own\n",
        f"\nencoding {encoding}\n\n".encode() + b"mptcp: a file of its own\n\ncaf\xe9\n",
    )
    made = kernel.source.git.write(pygit2.enums.ObjectType.COMMIT, data)
    (kernel.series / "series").write_text(f"new.patch # {made}\n")
    found = json.loads(run("why", "--source", "linux.git", "--series", "series/q", "new.patch", "--json").out)["patch"]
    assert (found["author"], found["body"]) == (f"{author} <author@example.org>", body)
    document = json.loads(run("report", *kernel.on("v5.10"), "--format", "json").out)["patches"][-1]
    assert (document["author"], document["message"]) == (f"{author} <author@example.org>", body)


def test_what_alignment_made_on_a_base(kernel: Kernel) -> None:
    """Entries that `check` and `verify` name, and no series file has."""
    text = PROTOCOL.replace(b"int line28;\n", b"int vendor28;\n")
    kernel.source.commit("vendor", "vendor: mptcp\n", {"net/mptcp/protocol.c": text}, kernel.old)
    entries = json.loads(run("check", *kernel.on("vendor"), "--json").out)["patches"]
    (align,) = (one["name"] for one in entries if one["kind"] == "align")
    (restored,) = (one["name"] for one in entries if one["kind"] == "restore")
    found = json.loads(run("why", *kernel.on("vendor"), restored, "--json").out)
    assert (found["question"], found["patch"]["kind"], found["patch"]["paths"]) == (
        "patch",
        "restore",
        ["net/mptcp/protocol.c"],
    )
    assert found["patch"]["reason"].startswith(
        "the base has it and no patch of the queue brings it; vendor: mptcp: carried"
    )
    said = run("why", *kernel.on("vendor"), align.removesuffix(".patch"))
    assert said.code == 0
    assert "in the queue because: changes of the base to the stack's own files that it takes out: 1\n" in said.out
    assert run("why", "--source", "linux.git", "--series", "series/q", restored).code == 2
    assert run("why", *kernel.on("v5.10"), restored).code == 2
