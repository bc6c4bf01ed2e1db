# SPDX-License-Identifier: MIT
"""Text in Markdown stays text, whatever stands in a patch, and refers to nobody."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mptcp_series.cli.report.markdown import code, escaped, fenced, inline, render_markdown
from mptcp_series.values.report import OverridePage, Row

from .reports import report_of


def test_markdown_is_shown_as_it_is() -> None:
    assert inline("a `b` *c*\n@d") == "a \\`b\\` \\*c\\* \\@\u200bd"
    assert list(fenced(["a ``` b"])) == ["````diff", "a ``` b", "````"]
    assert list(fenced([str(at) for at in range(70)]))[-2:] == ["... 10 more lines", "```"]
    assert code("a`b.c") == "``a`b.c``"
    (line,) = [line for line in fenced(["+" + "x" * 1000]) if line.startswith("+")]
    assert line == "+" + "x" * 399 + "... 601 more characters"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
@example("1. one").via("a list")
@example("- one").via("a list")
@example("=== one").via("a heading")
@example("&lt; &copy; ![x](y) <!-- --> | a | ~~b~~ $x$").via("all that is markup")
def test_law_text_in_markdown_is_text(text: str) -> None:
    """Law: Markdown makes of it, by itself and in a table, what it was, but for blanks and what breaks references."""
    words = " ".join(text.split())
    assume(words)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown = inline(text)
    alone = parser.render(shown)
    cell = re.search(r"<td>(.*)</td>", parser.render(f"| a |\n| --- |\n| {shown} |\n"), re.DOTALL)
    assert cell is not None
    for html in (alone.removeprefix("<p>").removesuffix("</p>\n"), cell[1]):
        assert "<" not in html
        assert unescape(html).replace("\u200b", "") == words.replace("\u200b", "")


@pytest.mark.parametrize("text", ["@someone", "see #123", "group/project!7", "GH-12"])
def test_nobody_and_nothing_is_referred_to(text: str) -> None:
    """Forges look for names and numbers in what Markdown leaves: a backslash is gone by then."""
    html = MarkdownIt("commonmark").render(inline(text))
    assert re.search(r"@\w|[#!]\d|GH-\d", html) is None
    assert re.search(r"@\w|[#!]\d|GH-\d", escaped(text)) is None


def override(number: int, places: int) -> OverridePage:
    rows = tuple(
        Row(path=f"net/mptcp/{at}.c", hunk=None, upstream=None, base=None, ours=("@@ -1 +1 @@", f"+{'x' * 300}"))
        for at in range(places)
    )
    return OverridePage(
        file=f"q/{number}.patch",
        state="used",
        patch="p.patch",
        subject="mptcp: p",
        effect="changes much",
        base=None,
        when=(),
        optional=False,
        reason="why",
        rows=rows,
    )


def test_of_an_override_with_many_places_some_are_shown() -> None:
    text = render_markdown(report_of(overrides=[override(1, 40)])).decode()
    assert text.count("We do instead:") == 11
    assert "\n... 29 more places.\n\n</details>\n" in text


def test_a_report_is_no_longer_than_a_forge_takes() -> None:
    """GitHub refuses a comment of more than 65,536 characters."""
    text = render_markdown(report_of(overrides=[override(number, 40) for number in range(20)])).decode()
    assert 50_000 < len(text) < 65_536
    assert all(f"<code>q/{number}.patch</code> used: changes much" in text for number in range(20))
    assert text.count("<details>") == text.count("</details>") < 20
    assert "\n* <code>q/19.patch</code> used: changes much: not shown here\n" in text
