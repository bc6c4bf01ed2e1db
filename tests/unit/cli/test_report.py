# SPDX-License-Identifier: MIT
"""`report`: the page, the comment and the document say the same of a queue on a base."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mptcp_series.cli.report.markdown import fenced, inline
from mptcp_series.cli.report.words import hunk_lines, plain_lines

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


def test_a_certificate_is_shown(kernel: Kernel) -> None:
    Path("c.json").write_text('{"tree": "</script><b>1234"}')
    assert run("report", *kernel.on("v5.10"), "--to", "r.html", "--certificate", "c.json").code == 0
    text = Path("r.html").read_text()
    assert '<section id="certificate"' in text
    assert "</script><b>" not in text


@pytest.mark.parametrize(("data", "why"), [("{", "is no JSON"), ("[]", "is no certificate")])
def test_a_certificate_that_is_none(kernel: Kernel, data: str, why: str) -> None:
    Path("c.json").write_text(data)
    outcome = run("report", *kernel.on("v5.10"), "--to", "r.html", "--certificate", "c.json")
    assert outcome.code == 2
    assert f"c.json: {why}" in outcome.err
    assert not Path("r.html").exists()


def test_html_wants_a_file(kernel: Kernel) -> None:
    outcome = run("report", *kernel.on("v5.10"))
    assert outcome.code == 2
    assert "--to FILE" in outcome.err


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


def test_markdown_is_shown_as_it_is() -> None:
    assert inline("a `b` *c*\n@d") == "a \\`b\\` \\*c\\* \\@d"
    assert list(fenced(["a ``` b"])) == ["````diff", "a ``` b", "````"]
    assert list(fenced([str(at) for at in range(70)]))[-2:] == ["... 10 more lines", "```"]
