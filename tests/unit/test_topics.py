# SPDX-License-Identifier: MIT
"""Topics and symptoms: the rules, the file they are in, and which patches of a queue they lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.replay.item import Item
from mptcp_series.engine.review.asked import Question, ask
from mptcp_series.engine.review.topics import Classified, classify, fixed_items, load_topics, traits
from mptcp_series.engine.upstream.citations import FixKind
from mptcp_series.errors import BadInput, BadTopics
from mptcp_series.values.topics import Match, Rules, Topics, Traits

from .conftest import Lab

FILE = """
[[topic]]
name = "subflow"
title = "Subflows"
functions = ["__mptcp_close_*"]

[[topic]]
name = "tests"
title = "Tests"
paths = ["tools/**/mptcp/*.sh"]

[[symptom]]
name = "no-recovery"
title = "A link that is cut hangs the transfer"
text = "It waits for ever."
words = ["handover"]
subjects = ['\\bstale\\b']
"""


def parsed(text: str = FILE) -> Topics:
    return Topics.parse(text.encode(), "topics.toml")


@pytest.mark.parametrize(
    ("rules", "traits", "match"),
    [
        (Rules(subjects=("stal(e|l)",)), Traits(subject="mptcp: STALE subflow"), Match("subject", "STALE")),
        (
            Rules(functions=("mptcp_pm_*",)),
            Traits(subject="x", functions=("a", "mptcp_pm_add")),
            Match("function", "mptcp_pm_add"),
        ),
        (Rules(functions=("mptcp_pm_*",)), Traits(subject="mptcp_pm_add", functions=("xmptcp_pm_add",)), None),
        (
            Rules(paths=("net/mptcp/*.c",)),
            Traits(subject="x", paths=("net/mptcp/pm.c",)),
            Match("path", "net/mptcp/pm.c"),
        ),
        (Rules(paths=("net/*.c",)), Traits(subject="x", paths=("net/mptcp/pm.c",)), None),
        (Rules(paths=("net/**.c",)), Traits(subject="x", paths=("net/mptcp/pm.c",)), Match("path", "net/mptcp/pm.c")),
        (Rules(paths=("net/p?.c",)), Traits(subject="x", paths=("net/pm.c",)), Match("path", "net/pm.c")),
        (Rules(paths=("net/p.c",)), Traits(subject="x", paths=("net/pxc",)), None),
        # The subject tells most, a path least.
        (
            Rules(subjects=("x",), functions=("f",), paths=("p",)),
            Traits(subject="x", functions=("f",), paths=("p",)),
            Match("subject", "x"),
        ),
        (
            Rules(functions=("f",), paths=("p",)),
            Traits(subject="x", functions=("f",), paths=("p",)),
            Match("function", "f"),
        ),
    ],
)
def test_rules(rules: Rules, traits: Traits, match: Match | None) -> None:
    assert rules.match(traits) == match


def test_a_file_reads() -> None:
    topics = parsed()
    assert [(topic.name, topic.title) for topic in topics.topics] == [("subflow", "Subflows"), ("tests", "Tests")]
    (symptom,) = topics.symptoms
    assert (symptom.text, symptom.words) == ("It waits for ever.", ("handover",))


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = """\
[[topic]]
name = "Sub Flow"
title = "x"
paths = ["a"]
[[topic]]
name = "a"
title = " "
subjects = ['(']
[[topic]]
name = "b"
title = "B"
colour = "red"
[[symptom]]
name = "c"
title = "C"
paths = [1]
[[symptom]]
name = "d"
title = "D"
paths = ["x"]
[[symptom]]
name = "d"
title = "D"
paths = ["x"]
[other]
"""
    with pytest.raises(BadTopics) as error:
        parsed(text)
    assert sorted(str(problem) for problem in error.value.problems) == [
        "topics.toml:12: unknown key 'topic[2].colour'",
        "topics.toml:13: no rule: give 'symptom[0]' paths, functions or subjects",
        "topics.toml:16: Unexpected type int (expected str) in 'symptom[0].paths[0]'",
        "topics.toml:22: 'd' is named twice",
        "topics.toml:25: unknown key 'other'",
        "topics.toml:2: bad name 'Sub Flow' (expected small letters, digits and hyphens) in 'topic[0].name'",
        "topics.toml:7: empty text in 'topic[1].title'",
        "topics.toml:8: '(' is no regular expression: missing ), unterminated subpattern at position 0",
        "topics.toml:9: no rule: give 'topic[2]' paths, functions or subjects",
    ]


def test_the_shipped_file_reads_and_has_every_complaint() -> None:
    """The topics and complaints a reviewer starts from."""
    topics = load_topics(Path("no such series"))
    assert Path(topics.file).name == "topics.toml"
    assert {"subflow", "path-manager", "scheduler", "dss-retransmission", "nat-fallback", "stability", "selftests"} <= {
        topic.name for topic in topics.topics
    }
    assert {
        "subflow-no-recovery",
        "no-fullmesh",
        "add-addr-faults",
        "data-fin-stuck",
        "join-fails-behind-nat",
        "hangs",
    } <= {symptom.name for symptom in topics.symptoms}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("a transfer hangs when a link is cut", ["subflow-no-recovery"]),
        ("fullmesh unavailable", ["no-fullmesh"]),
        ("DATA_FIN stuck", ["data-fin-stuck"]),
        ("join failing behind NAT", ["join-fails-behind-nat"]),
        ("ADD_ADDR lost", ["add-addr-faults"]),
        ("hangs in poll", ["hangs"]),
        ("quantum", []),
    ],
)
def test_complaints_in_ones_own_words(said: str, names: list[str]) -> None:
    assert [symptom.name for symptom in load_topics(Path()).search(said)] == names


def test_a_series_may_have_rules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text(FILE)
    assert [topic.name for topic in load_topics(tmp_path).topics] == ["subflow", "tests"]


CODE = b"""\
int before(void)
{
\treturn 0;
}

static int __mptcp_close_ssk(struct sock *sk)
{
\tint a;

\tif (a)
\t\treturn 1;
\treturn 2;
}

int after(void)
{
\treturn 3;
}
"""


@pytest.fixture
def items(lab: Lab) -> list[Item]:
    """Three patches: one in a function, its fix in a script, one about something else."""
    start = lab.commit({"net/mptcp/a.c": CODE})
    changed = CODE.replace(b"\treturn 2;", b"\treturn 4;")
    first = lab.commit({"net/mptcp/a.c": changed}, "mptcp: close it\n", [start])
    files = {"net/mptcp/a.c": changed, "tools/testing/mptcp/x.sh": b"echo\n"}
    second = lab.commit(files, f'mptcp: mend it\n\nFixes: {first[:12]} ("mptcp: close it")\n', [first])
    third = lab.commit({**files, "net/mptcp/b.c": b"int b;\n"}, "mptcp: stale subflows\n", [second])
    return [lab.pinned(commit, f"p{number}.patch") for number, commit in enumerate((first, second, third), 1)]


def test_traits_name_the_function_of_the_changed_line(lab: Lab, items: list[Item]) -> None:
    """Not the one git's hunk header names, which is `before`, and not `after`, which is context."""
    assert traits(lab.objects, items[0]) == Traits(
        subject="mptcp: close it", paths=("net/mptcp/a.c",), functions=("__mptcp_close_ssk",)
    )


def classified(lab: Lab, items: list[Item]) -> Classified:
    return classify(lab.objects, items, parsed())


def test_a_fix_has_the_topic_of_what_it_mends(lab: Lab, items: list[Item]) -> None:
    assert [(kind, one.name) for kind, one in fixed_items(items)["p2.patch"]] == [(FixKind.FIX, "p1.patch")]
    found = classified(lab, items)
    assert found.by_patch == {
        "p1.patch": {"subflow": Match("function", "__mptcp_close_ssk")},
        "p2.patch": {"subflow": Match("fixes", "p1.patch"), "tests": Match("path", "tools/testing/mptcp/x.sh")},
        "p3.patch": {},
    }
    assert found.patches("subflow") == {
        "p1.patch": Match("function", "__mptcp_close_ssk"),
        "p2.patch": Match("fixes", "p1.patch"),
    }
    assert found.patches("no-recovery") == {"p3.patch": Match("subject", "stale")}


@pytest.mark.parametrize(
    ("text", "question", "patches"),
    [
        ("p1", Question.PATCH, {"p1.patch": "named"}),
        ("p1.patch", Question.PATCH, {"p1.patch": "named"}),
        ("mptcp: mend it", Question.PATCH, {"p2.patch": "its subject"}),
        ("net/mptcp/b.c", Question.PATH, {"p3.patch": "changes net/mptcp/b.c"}),
        ("./net/mptcp/b.c", Question.PATH, {"p3.patch": "changes net/mptcp/b.c"}),
        (
            "net/mptcp/",
            Question.PATH,
            {"p1.patch": "changes net/mptcp/a.c", "p3.patch": "changes net/mptcp/b.c"},
        ),
        ("tests", Question.TOPIC, {"p2.patch": "path tools/testing/mptcp/x.sh"}),
        ("no-recovery", Question.SYMPTOM, {"p3.patch": "subject: stale"}),
        ("it hangs after a handover", Question.SYMPTOM, {"p3.patch": "subject: stale"}),
    ],
)
def test_what_is_asked(lab: Lab, items: list[Item], text: str, question: Question, patches: dict[str, str]) -> None:
    asked = ask(text, items, classified(lab, items))
    assert (asked.question, asked.patches) == (question, patches)


def test_a_commit_is_asked_by_its_digits(lab: Lab, items: list[Item]) -> None:
    commit = items[1].commit
    assert commit is not None
    asked = ask(commit[:8].upper(), items, classified(lab, items))
    assert (asked.question, asked.patches) == (Question.COMMIT, {"p2.patch": f"is {commit}"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "p1.pathc",
            r"'p1\.pathc' is no patch, commit or path .*; did you mean 'p1\.patch'\?; symptoms are no-recovery",
        ),
        # Words of a symptom in what looks like a name lead nowhere.
        ("mptcp-handover-fix", "'mptcp-handover-fix' is no patch"),
        ("1234567", "'1234567' is no patch"),
    ],
)
def test_what_nobody_knows_is_refused(lab: Lab, items: list[Item], text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        ask(text, items, classified(lab, items))


def test_two_of_one_subject_are_told(lab: Lab, items: list[Item]) -> None:
    twin = lab.pinned(items[0].commit or "", "twin.patch")
    with pytest.raises(BadInput, match=r"'mptcp: close it' fits 2 patches: p1\.patch, twin\.patch; name one"):
        ask("mptcp: close it", [*items, twin], classified(lab, items))
