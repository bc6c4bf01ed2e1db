# SPDX-License-Identifier: MIT
"""`report`: the page, the comment and the document say the same of a queue on a base."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mptcp_series.cli.report.html import render_html
from mptcp_series.cli.report.words import hunk_lines, plain_lines
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.item import Item
from mptcp_series.engine.store.objects import Objects
from mptcp_series.values.result import COUNT_ORDER

from ..reports import report_of
from .conftest import Kernel, run

OVERRIDE = """\
Patch: hook.patch
Base: >=5.10,<5.11
Drop: net/ipv4/tcp.c#7e6bba4ccff6
Reason: the vendor has <a hook> of its own
 and *keeps* it
---
--- a/net/ipv4/tcp.c
+++ b/net/ipv4/tcp.c
@@ -4,3 +4,3 @@
 int tcp4;
-int vendor;
+int vendor_hook;
 int tcp6;
"""


class Page(HTMLParser):
    """The elements of a page; every one that is opened must be closed in turn."""

    VOID = frozenset({"meta", "input", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


@pytest.fixture
def overridden(kernel: Kernel) -> Kernel:
    kernel.override("hook.patch", OVERRIDE)
    return kernel


def test_the_page_is_whole_and_asks_for_nothing(overridden: Kernel) -> None:
    outcome = run("report", *overridden.on("bsp"), "--to", "r.html", "--bases", "v5.10,bsp")
    assert (outcome.code, outcome.out) == (0, "wrote r.html: 3 patches, 1 override, complete\n")
    text = Path("r.html").read_text()
    page = Page(text)
    assert page.open == []
    fetching = [
        (tag, found)
        for tag, found in page.attributes
        if "src" in found or (tag == "link") or (tag == "a" and not (found["href"] or "").startswith("#"))
    ]
    assert fetching == []
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", text)
    targets = {found["id"] for _, found in page.attributes if "id" in found}
    links = {(found["href"] or "")[1:] for tag, found in page.attributes if tag == "a"}
    assert links <= targets
    for said in (
        "the vendor has &lt;a hook&gt; of its own",
        "Used on",
        '<span class="badge overridden">overridden</span>',
        "<strong>Complete</strong>",
    ):
        assert said in text


def test_the_base_of_the_page_is_one_that_an_override_is_used_on(overridden: Kernel) -> None:
    used = re.compile(r"<dt>Used on</dt><dd>([^<]*)</dd>")
    for bases, found in (("v5.10", "bsp, v5.10"), ("bsp", "bsp")):
        assert run("report", *overridden.on("bsp"), "--to", "r.html", "--bases", bases).code == 0
        assert used.findall(Path("r.html").read_text()) == [found]


def test_the_page_is_the_same_every_time(overridden: Kernel) -> None:
    for name in ("a.html", "b.html"):
        assert run("report", *overridden.on("bsp"), "--to", name).code == 0
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()


def test_an_override_is_laid_out_in_three_sides(overridden: Kernel) -> None:
    document = json.loads(run("report", *overridden.on("bsp"), "--format", "json").out)
    (override,) = document["overrides"]
    assert (override["file"], override["state"], override["patch"]) == ("q/hook.patch", "used", "hook.patch")
    assert override["effect"] == "drops 1 hunk; changes net/ipv4/tcp.c"
    (row,) = override["rows"]
    assert row["hunk"] == "7e6bba4ccff6"
    assert "-int tcp5;" in row["upstream"]
    assert "+int tcp5_hook;" in row["upstream"]
    assert row["base"]["start"] == 2
    assert "int vendor;" in row["base"]["lines"]
    assert row["ours"] == ["@@ -4,3 +4,3 @@", " int tcp4;", "-int vendor;", "+int vendor_hook;", " int tcp6;"]
    assert document["counts"]["overridden"] == 1
    patch = next(one for one in document["patches"] if one["name"] == "hook.patch")
    assert "+int vendor_hook;" in patch["diff"], "what it changes on this base, not upstream"
    assert patch["override"] == "q/hook.patch"


def test_an_override_that_is_not_needed_is_shown_too(overridden: Kernel) -> None:
    overridden.override("hook.patch", OVERRIDE.replace("Base: >=5.10,<5.11", "Base: >=5.4,<5.5"))
    document = json.loads(run("report", *overridden.on("v5.10"), "--format", "json").out)
    assert document["overrides"][0]["state"] == "not needed"
    assert document["overrides"][0]["rows"][0]["base"]["lines"][3] == "int tcp5;"


def test_a_conflict_is_reported_and_does_not_judge(kernel: Kernel) -> None:
    outcome = run("report", *kernel.on("bsp"), "--to", "r.html")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "wrote r.html: 3 patches, 0 overrides, a person is needed\n"
    text = Path("r.html").read_text()
    assert "<strong>A person is needed</strong>" in text
    leads = re.search(r'<li>conflict: <a href="#([^"]+)">hook.patch</a>: net/ipv4/tcp.c</li>', text)
    assert leads is not None
    assert f'<li id="{leads[1]}"' in text


@pytest.mark.parametrize("options", [["--to", "r.html"], ["--format", "markdown"], ["--json"]])
def test_the_exit_code_of_a_conflict_where_it_is_asked_for(kernel: Kernel, options: list[str]) -> None:
    plain = run("report", *kernel.on("bsp"), *options)
    outcome = run("report", *kernel.on("bsp"), *options, "--exit-code")
    assert (plain.code, outcome.code, outcome.out) == (0, 1, plain.out)
    assert outcome.err == run("check", "-q", *kernel.on("bsp")).err != ""
    good = run("report", *kernel.on("v5.10"), *options, "--exit-code")
    assert (good.code, good.err) == (0, "")


def test_the_exit_code_is_of_all_bases_that_are_shown(kernel: Kernel) -> None:
    command = ("report", *kernel.on("v5.10"), "--to", "r.html", "--exit-code")
    outcome = run(*command, "--bases", "bsp")
    assert (outcome.code, outcome.err) == (
        1,
        "mptcp-series: error: bsp: conflict: hook.patch: net/ipv4/tcp.c\n",
    )
    assert run(*command, "--bases", "v5.10").code == 0


def test_drift_is_shown(overridden: Kernel) -> None:
    overridden.override("hook.patch", OVERRIDE.replace("7e6bba4ccff6", "000000000000"))
    document = json.loads(run("report", *overridden.on("v5.10"), "--format", "json").out)
    assert document["overrides"][0]["state"] == "drift"
    assert document["overrides"][0]["drift"][0].startswith("Drop: net/ipv4/tcp.c#000000000000: the patch has no such")


def test_the_comment(overridden: Kernel) -> None:
    text = run("report", *overridden.on("bsp"), "--format", "markdown").out
    assert text.startswith("### q on bsp (5.10.0)\n\n**Complete**: no conflict")
    assert "| clean | offset | merged | overridden | upstream | skipped | conflict |" in text
    assert (
        "<details><summary><code>q/hook.patch</code> used: drops 1 hunk; changes net/ipv4/tcp.c</summary>\n\n" in text
    )
    assert "> the vendor has \\<a hook\\> of its own\n> and \\*keeps\\* it\n" in text
    assert "```diff\n@@ -4,3 +4,3 @@\n" in text


def test_why_a_prerequisite_is_there_or_is_not_needed(kernel: Kernel) -> None:
    with (kernel.series / "recipe.toml").open("a") as recipe:
        recipe.write(
            f'[[prerequisite]]\ncommit = "{kernel.hook}"\nreason = "tcp calls it"\n'
            'when = "net/ipv4/tcp.c lacks vendor"\n'
        )
    for base, status, reason in (
        ("v5.10", "clean", "tcp calls it"),
        ("bsp", "skipped", "not needed here: the base does not fulfil `net/ipv4/tcp.c lacks vendor`"),
    ):
        patches = json.loads(run("report", *kernel.on(base), "--format", "json").out)["patches"]
        (found,) = (one for one in patches if one["name"] == "hook.patch")
        assert (found["kind"], found["status"], found["reason"]) == ("prerequisite", status, reason)


def test_the_queue_is_read_once(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def items(queue: Queue, objects: Objects) -> list[Item]:
        read.append(queue.name)
        return [queue.item(objects, entry) for entry in queue.series.entries]

    monkeypatch.setattr(Queue, "items", items)
    assert run("report", *kernel.on("v5.10"), "--format", "json").code == 0
    assert read == ["q"]


def test_a_certificate_is_shown(kernel: Kernel) -> None:
    certificate = '{"schema": 1, "tool": {"version": "1"}, "tree": "</script><b>1234"}'
    verified = f'{{"schema": 1, "command": "verify", "files": 19, "certificate": {certificate}}}'
    for document in (certificate, verified):
        Path("c.json").write_text(document)
        assert run("report", *kernel.on("v5.10"), "--to", "r.html", "--certificate", "c.json").code == 0
        text = Path("r.html").read_text()
        assert '<section id="certificate"' in text
        assert "</script><b>" not in text
        assert "1234" in text
        assert "files" not in text.partition('<section id="certificate"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{", "is no JSON"),
        ("[]", "is no certificate"),
        ('{"schema": 1}', "is no certificate"),
        ('{"schema": 1, "command": "check"}', "is no certificate"),
        ('{"schema": 2, "tool": {"version": "1"}}', "c.json:1: certificate of schema 2"),
    ],
)
def test_a_certificate_that_is_none(kernel: Kernel, data: str, why: str) -> None:
    Path("c.json").write_text(data)
    outcome = run("report", *kernel.on("v5.10"), "--to", "r.html", "--certificate", "c.json")
    assert outcome.code == 2
    assert (why if why.startswith("c.json") else f"c.json: {why}") in outcome.err
    assert not Path("r.html").exists()


def test_html_wants_a_file(kernel: Kernel) -> None:
    outcome = run("report", *kernel.on("v5.10"))
    assert outcome.code == 2
    assert "--to FILE" in outcome.err


def test_json_without_a_file_is_the_document(kernel: Kernel) -> None:
    asked = run("report", *kernel.on("v5.10"), "--json")
    assert (asked.code, asked.err) == (0, "")
    assert asked.out == run("report", *kernel.on("v5.10"), "--format", "json").out
    receipt = json.loads(run("report", *kernel.on("v5.10"), "--json", "--to", "r.html").out)
    assert receipt == {"schema": 1, "command": "report", "file": "r.html", "format": "html"}


def test_a_change_without_a_commit_is_named_by_its_place() -> None:
    """Of a squashed base all subjects are the same, and the file is what tells them apart."""
    place = {"commit": None, "subject": "changes of the base", "path": "net/mptcp/x.c", "hunk": "1f2e3d4c5b6a"}
    alignment = {
        "retracted": [{**place, "upstream": None, "covered_by": None}],
        "restored": [],
        "acknowledged": [],
        "lost": [place],
    }
    text = render_html(report_of(alignment=alignment)).decode()
    assert text.count("<td>changes of the base <code>net/mptcp/x.c#1f2e3d4c5b6a</code></td>") == 2
    assert all(f"<dt>{status.value}</dt>" in text for status in COUNT_ORDER)


def test_hostile_text_ends_nothing(kernel: Kernel) -> None:
    commit = kernel.source.commit(
        "main", "mptcp: </script><img src=x>\n\n</script> \u2028 ]]>\n", {"net/mptcp/x.c": b"</script>\xff\n"}
    )
    with (kernel.series / "series").open("a") as file:
        file.write(f"x.patch # {commit}\n")
    assert run("report", *kernel.on("v5.10"), "--to", "r.html").code == 0
    text = Path("r.html").read_text()
    assert Page(text).open == []
    assert text.count("</script>") == 2, "the data's and the program's own"
    assert "<img" not in text


def test_words_that_changed_are_marked() -> None:
    lines = hunk_lines(["@@ -1,2 +1,2 @@", " \tint a;", "-\tif (queue > LIMIT)", "+\tif (queue > limit(sk))"], "a.c")
    assert [line.sign for line in lines] == ["@", " ", "-", "+"]
    assert re.sub(r"</?span[^>]*>", "", lines[2].html) == "\tif (queue &gt; <mark>LIMIT</mark>)"
    shown = re.sub(r"</?span[^>]*>", "", lines[3].html).replace("</mark><mark>", "")
    assert shown == "\tif (queue &gt; <mark>limit(sk)</mark>)"


def test_lines_that_are_not_alike_are_not_marked() -> None:
    lines = hunk_lines(["@@ -1 +1 @@", "-\treturn mptcp_subflow(sk);", "+#define X 1"], "a.h")
    assert "<mark>" not in "".join(line.html for line in lines)


@pytest.mark.parametrize(
    "text", ["", "\t", "int a;", "  /* half", " * of a comment", '"open', "#define X \\", "\x0c", "é"]
)
def test_no_line_is_changed_by_its_colours(text: str) -> None:
    """Law: without its markup a line is what it was."""
    (line,) = plain_lines(7, [text], "a.c")
    assert line.number == 7
    assert unescape(re.sub("<[^>]*>", "", line.html)) == text


def test_what_turns_text_round_is_shown(kernel: Kernel) -> None:
    """CVE-2021-42574: code that a reviewer reads otherwise than a compiler."""
    commit = kernel.source.commit(
        "main", "mptcp: \u202eturned\n\nand \u2066here\n", {"net/mptcp/x.c": "/* \u202e */\n".encode()}
    )
    with (kernel.series / "series").open("a") as series:
        series.write(f"turned.patch # {commit}\n")
    assert run("report", *kernel.on("v5.10"), "--to", "r.html").code == 0
    assert run("report", *kernel.on("v5.10"), "--to", "r.md", "--format", "markdown").code == 0
    for name in ("r.html", "r.md"):
        assert re.search("[\u202a-\u202e\u2066-\u2069]", Path(name).read_text()) is None
    page = Path("r.html").read_text()
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data[-1][0] == "and \\u2066here"
    assert "+/* \\u202e */" in data[-1][1]
    assert "mptcp: \\u202eturned" in page
