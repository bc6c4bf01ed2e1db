# SPDX-License-Identifier: MIT
"""Recipes: lossless, every problem with its line, additions appended as text."""

from __future__ import annotations

import re

import attrs
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput, BadRecipe
from mptcp_series.values.condition import Condition
from mptcp_series.values.override import DropTarget
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.recipe import Acknowledge, CommitReason, LostPolicy, Prerequisite, Recipe
from mptcp_series.values.version import VersionRange
from mptcp_series.values.writeup import WriteUp

ID, ID2, ID3, ID4 = ("049fe386d35353398eee40ba8d76ab62cb5a24e5", "2" * 40, "3" * 40, "4" * 40)
HUNK = "1f2e3d4c5b6a"

MINIMAL = """[series]
name = "q"
range = "v1..v2"
match = ["net/mptcp"]
owned = ["net/mptcp/"]
"""

SAMPLE = f"""# SPDX-License-Identifier: MIT
[series]
name = "mptcp-5.15"
range = "v5.10.66..v5.15.162"     # as git reads it
match = ["net/mptcp"]
owned = ["net/mptcp/",
         "include/net/mptcp.h"]
root = "v5.10"
target = "v5.15.170"
overrides = ["mptcp-5.15", "vendor/x"]
lost = "refuse"
bases = ">=5.10,<5.11"
pathspecs = ["net", ":(exclude)net/wireless"]

[[prerequisite]]
commit = "{ID}"
reason = '''
parses options
[[include]]
of resets'''
before = "mptcp-a.patch"
when = "include/linux/sysctl.h lacks proc_dou8vec_minmax"

[[prerequisite]]
commit = "{ID2.upper()}"
reason = "needed"

[[include]]
commit = "{ID3}"
reason = "the range's"

[[exclude]]
commit = "{ID4}"
reason = "cannot be carried"

[[acknowledge]]
commit = "{ID}"
reason = "seen"

[[acknowledge]]
path = "net/mptcp/pm.c"
hunk = "{HUNK}.2"
reason = "vendor edit"
"""


def parse(text: str) -> Recipe:
    return Recipe.parse(text.encode(), "recipe.toml")


def refused(text: str | bytes) -> list[str]:
    with pytest.raises(BadRecipe) as caught:
        Recipe.parse(text if isinstance(text, bytes) else text.encode(), "r.toml")
    return [str(problem) for problem in caught.value.problems]


def test_parse() -> None:
    assert parse(SAMPLE) == Recipe(
        name="mptcp-5.15",
        range="v5.10.66..v5.15.162",
        match=("net/mptcp",),
        owned=OwnedPaths(patterns=("net/mptcp/", "include/net/mptcp.h")),
        root="v5.10",
        target="v5.15.170",
        overrides=("mptcp-5.15", "vendor/x"),
        lost=LostPolicy.REFUSE,
        bases=VersionRange.parse(">=5.10,<5.11"),
        pathspecs=("net", ":(exclude)net/wireless"),
        prerequisites=(
            Prerequisite(
                commit=ID,
                reason="parses options\n[[include]]\nof resets",
                before="mptcp-a.patch",
                when=Condition.parse("include/linux/sysctl.h lacks proc_dou8vec_minmax"),
            ),
            Prerequisite(commit=ID2, reason="needed"),
        ),
        includes=(CommitReason(commit=ID3, reason="the range's"),),
        excludes=(CommitReason(commit=ID4, reason="cannot be carried"),),
        acknowledged=(
            Acknowledge(commit=ID, reason="seen"),
            Acknowledge(target=DropTarget(path="net/mptcp/pm.c", hunk=HUNK, nth=2), reason="vendor edit"),
        ),
    )


def test_defaults() -> None:
    recipe = parse(MINIMAL)
    assert (recipe.root, recipe.target, recipe.bases, recipe.pathspecs) == (None, None, None, ())
    assert (recipe.overrides, recipe.lost) == (("q",), LostPolicy.RESTORE)
    assert (recipe.range_start, recipe.range_end, recipe.target_or_end) == ("v1", "v2", "v2")
    assert parse(SAMPLE).target_or_end == "v5.15.170"
    assert parse(MINIMAL + "overrides = []\n").overrides == ()
    assert parse(MINIMAL.replace('["net/mptcp/"]', "[]")).owned.patterns == ()


def test_acknowledged_hunk() -> None:
    entry = parse(SAMPLE).acknowledged[1]
    assert (entry.commit, entry.path, entry.hunk) == (None, "net/mptcp/pm.c", HUNK + ".2")
    entry = parse(SAMPLE).acknowledged[0]
    assert (entry.commit, entry.path, entry.hunk) == (ID, None, None)


@pytest.mark.parametrize("text", [SAMPLE, SAMPLE.replace("\n", "\r\n"), MINIMAL.rstrip()])
def test_lossless(text: str) -> None:
    assert parse(text).render() == text.encode()


@given(st.lists(st.sampled_from(SAMPLE.splitlines(keepends=True)), max_size=30).map("".join) | st.text())
def test_what_is_accepted_is_given_back(text: str) -> None:
    text = MINIMAL + text
    try:
        recipe = parse(text)
    except BadRecipe as error:
        assert error.problems
        assert all(problem.file == "recipe.toml" and problem.line is not None for problem in error.problems)
        return
    assert recipe.render() == text.encode()
    assert parse(attrs.evolve(recipe).render().decode()) == recipe


def test_canonical_form_reads_back() -> None:
    recipe = attrs.evolve(parse(SAMPLE), root=None)
    assert recipe.raw is None
    text = recipe.render().decode()
    assert parse(text) == recipe
    assert text.startswith(
        '[series]\nname = "mptcp-5.15"\nrange = "v5.10.66..v5.15.162"\nmatch = ["net/mptcp"]\n'
        'owned = ["net/mptcp/", "include/net/mptcp.h"]\ntarget = "v5.15.170"\n'
    )
    assert attrs.evolve(parse(MINIMAL)).render().decode() == MINIMAL + 'lost = "restore"\n'


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: bool(text.strip())))
def test_any_reason_reads_back(reason: str) -> None:
    recipe = parse(MINIMAL).with_include(ID, reason)
    assert recipe.includes == (CommitReason(commit=ID, reason=reason),)
    assert parse(recipe.render().decode()) == recipe


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_additions_are_appended_as_text(eol: str, final: bool) -> None:
    text = (SAMPLE if final else SAMPLE[:-1]).replace("\n", eol)
    when = Condition.parse("a.h lacks foo")
    recipe = parse(text).with_prerequisite(ID[::-1], 'it "needs" it', before="b.patch", when=when)
    assert recipe.prerequisites[2:] == (
        Prerequisite(commit=ID[::-1], reason='it "needs" it', before="b.patch", when=when),
    )
    assert recipe.render().decode() == (
        text
        + ("" if final else eol)
        + eol
        + "[[prerequisite]]\n".replace("\n", eol)
        + f'commit = "{ID[::-1]}"\n'.replace("\n", eol)
        + 'reason = "it \\"needs\\" it"\n'.replace("\n", eol)
        + 'before = "b.patch"\n'.replace("\n", eol)
        + 'when = "a.h lacks foo"\n'.replace("\n", eol)
    )


def test_an_addition_cannot_make_a_bad_recipe() -> None:
    with pytest.raises(BadRecipe) as caught:
        parse(SAMPLE).with_include(ID, " ")
    last = SAMPLE.count("\n") + 1
    assert str(caught.value).split("\n") == [
        f"recipe.toml:{last + 2}: both prerequisite and include: {ID} in 'include[1]', first in 'prerequisite[0]'",
        f"recipe.toml:{last + 3}: empty text in 'include[1].reason'",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ('name = "q"', "name = 3", ["r.toml:2: Unexpected type int (expected str) in 'series.name'"]),
        ('name = "q"\n', "", ["r.toml:1: Missing required value in 'series.name'"]),
        (
            'name = "q"',
            'nam = "q"',
            [
                "r.toml:1: Missing required value in 'series.name'",
                "r.toml:2: unknown key 'series.nam'; did you mean 'name'?",
            ],
        ),
        ('"q"', '"a/b"', ["r.toml:2: bad name 'a/b' (expected one word without '/') in 'series.name'"]),
        ('"q"', '".."', ["r.toml:2: unsafe path '..': leaves the tree by '..' in 'series.name'"]),
        ('["net/mptcp"]', '"net/mptcp"', ["r.toml:4: Unexpected type str (expected list) in 'series.match'"]),
        ('["net/mptcp"]', "[]", ["r.toml:4: empty list in 'series.match': nothing would be picked"]),
        ('["net/mptcp"]', '[\n"",\n  7 ]', [
            "r.toml:5: empty text in 'series.match[0]'",
            "r.toml:6: Unexpected type int (expected str) in 'series.match[1]'",
        ]),
        ('["net/mptcp/"]', '["net/mptcp/", "../x"]', [
            "r.toml:5: unsafe path '../x': leaves the tree by '..' in 'series.owned[1]'",
        ]),
        ("v1..v2", "v1...v2", ["r.toml:3: bad range 'v1...v2' (expected 'A..B') in 'series.range'"]),
        ("v1..v2", "v1..", ["r.toml:3: bad range 'v1..' (expected 'A..B') in 'series.range'"]),
        ("v1..v2", "v2", ["r.toml:3: bad range 'v2' (expected 'A..B') in 'series.range'"]),
        ("v1..v2", "v1..v2..v3", ["r.toml:3: bad range 'v1..v2..v3' (expected 'A..B') in 'series.range'"]),
        ("v1..v2", "--all..v2", ["r.toml:3: bad revision '--all' in 'series.range'"]),
        ("v1..v2", "v1..v2 v3", ["r.toml:3: bad revision 'v2 v3' in 'series.range'"]),
        ("[series]", "[serie]", [
            "r.toml:1: unknown key 'serie'; did you mean 'series'?",
            "r.toml: Missing required value in 'series'",
        ]),
        ("[series]", "[other]\n[series]", ["r.toml:1: unknown key 'other'"]),
    ],
)  # fmt: skip
def test_refuses_in_the_series_table(old: str, new: str, problems: list[str]) -> None:
    assert refused(MINIMAL.replace(old, new)) == problems


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ('root = ""', ["r.toml:6: bad revision '' in 'series.root'"]),
        ('target = "-x"', ["r.toml:6: bad revision '-x' in 'series.target'"]),
        ('lost = "keep"', ["r.toml:6: unknown word 'keep' (expected 'restore' or 'refuse') in 'series.lost'"]),
        ("lost = true", ["r.toml:6: Unexpected type bool (expected str) in 'series.lost'"]),
        ('bases = "5.10"', [
            "r.toml:6: bad version range '5.10': Invalid specifier: '5.10' (expected such as '>=5.10.0,<5.11') "
            "in 'series.bases'",
        ]),
        ('overrides = ["/x"]', ["r.toml:6: unsafe path '/x': is absolute in 'series.overrides[0]'"]),
        ('pathspecs = [""]', ["r.toml:6: empty text in 'series.pathspecs[0]'"]),
        ("pathspec = []", ["r.toml:6: unknown key 'series.pathspec'; did you mean 'pathspecs'?"]),
        ("[prerequisite]", ["r.toml:6: Unexpected type dict (expected list) in 'prerequisite'"]),
        ("[[prerequisit]]", ["r.toml:6: unknown key 'prerequisit'; did you mean 'prerequisite'?"]),
        ("[[include]]", [
            "r.toml:6: Missing required value in 'include[0].commit'",
            "r.toml:6: Missing required value in 'include[0].reason'",
        ]),
        (f'[[exclude]]\nreason = "  "\ncommit = "{ID[:12]}"', [
            "r.toml:7: empty text in 'exclude[0].reason'",
            "r.toml:8: not a full commit id: '049fe386d353' (expected 40 hex digits) in 'exclude[0].commit'",
        ]),
        (f'[[include]]\ncommit = "{ID}"\nreason = "x"\nbefore = "b"', ["r.toml:9: unknown key 'include[0].before'"]),
        (f'[[prerequisite]]\ncommit = "{ID}"\nreason = "x"\nbefore = "../b"\nwhen = "a is b"', [
            "r.toml:9: unsafe path '../b': leaves the tree by '..' in 'prerequisite[0].before'",
            "r.toml:10: bad condition 'a is b': unknown word 'is' (expected 'path has text' or 'path lacks text') "
            "in 'prerequisite[0].when'",
        ]),
        (f'[[include]]\ncommit = "{ID}"\nreason = "x"\n[[include]]\ncommit = "{ID.upper()}"\nreason = "y"', [
            f"r.toml:10: duplicate {ID} in 'include[1]', first in 'include[0]'",
        ]),
        (f'[[exclude]]\ncommit = "{ID}"\nreason = "x"\n[[prerequisite]]\ncommit = "{ID}"\nreason = "y"', [
            f"r.toml:7: both prerequisite and exclude: {ID} in 'exclude[0]', first in 'prerequisite[0]'",
        ]),
        (f'[[exclude]]\ncommit = "{ID}"\nreason = "x"\n[[include]]\ncommit = "{ID}"\nreason = "y"', [
            f"r.toml:7: both include and exclude: {ID} in 'exclude[0]', first in 'include[0]'",
        ]),
        ('[[acknowledge]]\nreason = "x"', [
            "r.toml:6: expected 'commit', or 'path' and 'hunk', got neither in 'acknowledge[0]'",
        ]),
        ('[[acknowledge]]\nreason = "x"\npath = "a"', [
            "r.toml:6: expected 'commit', or 'path' and 'hunk', got 'path' in 'acknowledge[0]'",
        ]),
        (f'[[acknowledge]]\nreason = "x"\npath = "a"\nhunk = "{HUNK}"\ncommit = "{ID}"', [
            "r.toml:6: expected 'commit', or 'path' and 'hunk', got 'commit' and 'path' and 'hunk' "
            "in 'acknowledge[0]'",
        ]),
        ('[[acknowledge]]\nreason = "x"\npath = "a"\nhunk = "12"', [
            "r.toml:9: bad hunk id '12' (expected 12 hex digits, or such as '1f2e3d4c5b6a.2') "
            "in 'acknowledge[0].hunk'",
        ]),
        (f'[[acknowledge]]\nreason = "x"\npath = "a"\nhunk = "{HUNK}"\n' * 2, [
            f"r.toml:10: duplicate a#{HUNK} in 'acknowledge[1]', first in 'acknowledge[0]'",
        ]),
        ('[[include]]\n"commit" = 1\n  reason=[]', [
            "r.toml:7: Unexpected type int (expected str) in 'include[0].commit'",
            "r.toml:8: Unexpected type list (expected str) in 'include[0].reason'",
        ]),
    ],
)  # fmt: skip
def test_refuses(line: str, problems: list[str]) -> None:
    assert refused(MINIMAL + line + "\n") == problems


def test_inline_tables_have_the_line_of_their_element() -> None:
    text = (
        f'prerequisite = [ # all of them\n  {{commit = "{ID}", reason = "]"}},\n  {{commit = "x", reason = 1}},\n 3]\n'
    )
    assert refused(text + MINIMAL) == [
        "r.toml:3: not a full commit id: 'x' (expected 40 hex digits) in 'prerequisite[1].commit'",
        "r.toml:3: Unexpected type int (expected str) in 'prerequisite[1].reason'",
        "r.toml:4: Unexpected type int (expected dict) in 'prerequisite[2]'",
    ]
    assert refused('series.name = 1\nseries."range" = 2\n') == [
        "r.toml:1: Unexpected type int (expected str) in 'series.name'",
        "r.toml:2: Unexpected type int (expected str) in 'series.range'",
        "r.toml: Missing required value in 'series.match'",
        "r.toml: Missing required value in 'series.owned'",
    ]
    assert refused("series = 1\n") == ["r.toml:1: Unexpected type int (expected dict) in 'series'"]


def test_names_every_problem_of_every_table() -> None:
    text = SAMPLE.replace('"mptcp-5.15"\nrange', "1\nrange").replace('"seen"', '""').replace(ID3, "beef")
    assert refused(text) == [
        "r.toml:3: Unexpected type int (expected str) in 'series.name'",
        "r.toml:29: not a full commit id: 'beef' (expected 40 hex digits) in 'include[0].commit'",
        "r.toml:38: empty text in 'acknowledge[0].reason'",
    ]
    assert [text.splitlines()[number - 1][:6] for number in (3, 29, 38)] == ["name =", "commit", "reason"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[series\n", r"r\.toml:1: .+ \(TOML, column 8\)"),
        (b"[series]\nname = 1\nname = 2\n", r"r\.toml:3: Cannot overwrite a value \(TOML, column \d+\)"),
        (b"[series]\n\nname = \xff\n", r"r\.toml:3: not UTF-8"),
        (b"a = " + b"9" * 5000, r"r\.toml: cannot be read as TOML: .+"),
        (b"a = " + b"[" * 100_000, r"r\.toml(:1)?: .+"),
    ],
)
def test_syntax_errors(data: bytes, problem: str) -> None:
    (found,) = refused(data)
    assert re.fullmatch(problem, found)


@given(st.lists(st.sampled_from(['"', "'", "\\", "\n", "#", "[", "]", "=", ",", "a", " ", '"""', "'''"])).map("".join))
def test_lines_are_found_behind_any_text(noise: str) -> None:
    """A string of any content, in each of TOML's four ways to write one, does not shift the lines of what follows."""
    for head in (f"x = {noise}\n", f'x = """{noise}"""\n', f"x = '''{noise}'''\n", f"x = [{noise}]\n", f"# {noise}\n"):
        text = head + MINIMAL.replace('"q"', "3")
        try:
            tomli.loads(text)
        except tomli.TOMLDecodeError:
            continue
        line = text.count("\n", 0, text.index("name = 3")) + 1
        assert f"r.toml:{line}: Unexpected type int (expected str) in 'series.name'" in refused(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"range": "v1"}, "bad range 'v1' (expected 'A..B') in 'range'"),
        ({"name": "a b"}, "bad name 'a b' (expected one word without '/') in 'name'"),
        ({"match": ()}, "recipe.toml: empty list in 'series.match': nothing would be picked"),
        ({"pathspecs": (" ",)}, "empty text in 'pathspecs'"),
        (
            {"includes": (CommitReason(commit=ID, reason="x"),), "excludes": (CommitReason(commit=ID, reason="y"),)},
            f"recipe.toml: both include and exclude: {ID} in 'exclude[0]', first in 'include[0]'",
        ),
    ],
)
def test_one_that_is_built_cannot_hold_nonsense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadRecipe) as caught:
        attrs.evolve(parse(MINIMAL), **changes)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_entries_that_are_built_cannot_hold_nonsense() -> None:
    with pytest.raises(BadInput) as caught:
        CommitReason(commit="x", reason="y")
    assert str(caught.value) == "not a full commit id: 'x' (expected 40 hex digits)"
    with pytest.raises(BadInput) as caught:
        CommitReason(commit=ID, reason="")
    assert str(caught.value) == "empty text in 'reason'"
    for wrong in (None, DropTarget(path="a")):
        with pytest.raises(BadInput) as caught:
            Acknowledge(target=wrong, reason="x")
        assert str(caught.value) == "an acknowledged loss is either a commit, or a path with a hunk"


@pytest.mark.parametrize(
    ("line", "after"), [('after = "low"', ("low",)), ('after = ["low", "vendor"]', ("low", "vendor")), ("", ())]
)
def test_what_a_series_goes_on_top_of(line: str, after: tuple[str, ...]) -> None:
    recipe = Recipe.parse(f"{MINIMAL}{line}\n".encode(), "recipe.toml")
    assert recipe.after == after
    assert Recipe.parse(attrs.evolve(recipe).render(), "recipe.toml").after == after


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("after = 5", "Unexpected type int (expected list) in 'series.after'"),
        ('after = ["low", 5]', "Unexpected type int (expected str) in 'series.after[1]'"),
        ('after = "a/b"', "bad name 'a/b' (expected one word without '/') in 'series.after[0]'"),
        ('after = ".."', "unsafe path '..': leaves the tree by '..' in 'series.after[0]'"),
        ('after = ["low", "low"]', "a series twice in 'series.after'"),
    ],
)
def test_refuses_what_is_no_series_below(line: str, problem: str) -> None:
    with pytest.raises(BadRecipe) as caught:
        Recipe.parse(f"{MINIMAL}{line}\n".encode(), "recipe.toml")
    assert str(caught.value) == f"recipe.toml:6: {problem}"


WRITTEN_UP = '''
[write_up]
patches = 431
conflicts = [3, 5]
text = """
counted by hand"""
'''


def test_what_the_write_up_counted() -> None:
    recipe = parse(MINIMAL + WRITTEN_UP)
    assert recipe.write_up == WriteUp(patches=431, conflicts=(3, 5), text="counted by hand")
    assert recipe.write_up.spoken == "431 patches, 3 to 5 conflicts"
    again = attrs.evolve(recipe)
    assert again.raw is None
    assert Recipe.parse(again.render(), "r.toml") == recipe
    assert parse(MINIMAL).write_up is None
    one = parse(MINIMAL + '[write_up]\npatches = 1\nconflicts = 1\ntext = "x"\n').write_up
    assert one is not None
    assert one.spoken == "1 patch, 1 conflict"
    more = recipe.with_include(ID, "needed")
    assert (more.write_up, len(more.includes)) == (recipe.write_up, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("patches = 431", "", "r.toml:7: Missing required value in 'write_up.patches'"),
        ("patches = 431", "patches = true", "r.toml:8: Unexpected type bool (expected int) in 'write_up.patches'"),
        (
            "patches = 431",
            "patches = -1",
            "r.toml:7: a write-up counts from 0 up, the fewest conflicts first in 'write_up'",
        ),
        ("[3, 5]", "[5, 3]", "r.toml:7: a write-up counts from 0 up, the fewest conflicts first in 'write_up'"),
        ("[3, 5]", "[3]", "r.toml:9: expected a number, or the fewest and the most in 'write_up.conflicts'"),
        ("[3, 5]", '"3-5"', "r.toml:9: Unexpected type str (expected list) in 'write_up.conflicts'"),
        ("counted by hand", "", "r.toml:7: empty text in 'text' in 'write_up'"),
        ("patches = 431", "patchs = 431", "r.toml:8: unknown key 'write_up.patchs'; did you mean 'patches'?"),
        ("[write_up]", "[[write_up]]", "r.toml:7: Unexpected type list (expected dict) in 'write_up'"),
    ],
)
def test_a_bad_write_up(old: str, new: str, message: str) -> None:
    assert message in refused(MINIMAL + WRITTEN_UP.replace(old, new, 1))
