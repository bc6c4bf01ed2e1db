# SPDX-License-Identifier: MIT
"""`matrix`: a row a base, the picture, the document, the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mptcp_series.cli.matrix import _lines
from mptcp_series.values.matrix import Matrix, MatrixRow
from mptcp_series.values.result import BaseInfo, Status

from .conftest import MAKEFILE, PROTOCOL, Kernel, Outcome, Repository, run


@pytest.fixture
def bases(kernel: Kernel) -> Kernel:
    """v5.10.1 and v5.10.2, and a tag that is no kernel."""
    source = kernel.source
    for number in (1, 2):
        files = {"Makefile": MAKEFILE.replace(b"SUBLEVEL = 0", b"SUBLEVEL = %d" % number)}
        source.tag(f"v5.10.{number}", source.commit("stable", f"Linux 5.10.{number}\n", files))
    source.tag("docs", source.commit("docs", "docs\n", {"README": b"no kernel\n"}, source.commit("docs", "x\n", {})))
    return kernel


def matrix(kernel: Kernel, *arguments: str) -> Outcome:
    return run("matrix", *kernel.options, "-j", "1", *arguments)


HEAD = "base     clean  offset  merged  overridden  upstream  skipped  conflict  restore  lost\n"
LAST = "restore: of the conflicts, those of changes of the base put back at the queue's end\n"


def test_rows(bases: Kernel) -> None:
    row = "      3       0       0           0         0        0         0        0     0\n"
    assert matrix(bases, "--bases", "v5.10*") == Outcome(
        code=0,
        out=f"q on 3 bases\n\n{HEAD}v5.10  {row}v5.10.1{row}v5.10.2{row}\n3 of 3 bases done without a person\n",
        err="",
    )


def test_a_person_is_needed(bases: Kernel) -> None:
    found = matrix(bases, "--bases", "v5.10,bsp")
    assert found == Outcome(
        code=1,
        out=f"""\
q on 2 bases

{HEAD.replace("     clean", "   clean")}\
v5.10      3       0       0           0         0        0         0        0     0
bsp        2       0       0           0         0        0         1        0     0

1 of 2 bases done without a person
""",
        err="mptcp-series: error: bsp: conflict: hook.patch: net/ipv4/tcp.c\n",
    )
    assert "       conflict: hook.patch: net/ipv4/tcp.c\n" in matrix(bases, "--bases", "v5.10,bsp", "-v").out


def test_what_many_bases_have_in_common_is_told_once(bases: Kernel) -> None:
    for number in (7, 8, 9):
        files = {"Makefile": MAKEFILE.replace(b"SUBLEVEL = 0", b"SUBLEVEL = %d" % number)}
        bases.source.tag(f"bsp.{number}", bases.source.commit("bsp", "bump\n", files))
    said = "conflict: hook.patch: net/ipv4/tcp.c\n"
    assert matrix(bases, "-q", "--bases", "bsp.*").err == f"mptcp-series: error: bsp.7 to bsp.9 (3 bases): {said}"
    found = matrix(bases, "-q", "--bases", "bsp.7,bsp.8,v5.10,bsp.9")
    assert found.err == f"mptcp-series: error: bsp.7 to bsp.8 (2 bases), bsp.9: {said}"


def test_conflicts_of_what_was_put_back_are_told_apart() -> None:
    counts = {status.value: 0 for status in Status} | {"conflict": 3}
    row = MatrixRow(repo="r", base=BaseInfo(rev="b", commit=None, version="5.10.9"), counts=counts, restore_conflicts=2)
    shown = list(_lines(Matrix(series="q", rows=(row,)), verbose=False))
    assert (shown[3].split()[-3:], shown[-1]) == (["3", "2", "0"], LAST.rstrip())


def test_a_base_that_cannot_be_checked(bases: Kernel) -> None:
    found = matrix(bases, "--bases", "docs,v5.10")
    assert (found.code, found.err) == (2, "mptcp-series: error: docs: base docs is no kernel: it has no Makefile\n")
    assert "docs   base docs is no kernel: it has no Makefile\nv5.10      3 " in found.out
    assert found.out.endswith("\n1 of 2 bases done without a person\n")
    # What a person must settle is told first.
    assert matrix(bases, "--bases", "docs,bsp").code == 1


def test_a_base_whose_objects_are_missing(bases: Kernel) -> None:
    git = bases.source.git
    blob = str(git.revparse_single("v5.10.2:Makefile").id)
    (Path(git.path) / "objects" / blob[:2] / blob[2:]).unlink()
    found = matrix(bases, "--bases", "v5.10.*")
    assert found.code == 3
    assert found.err.startswith(f"mptcp-series: error: v5.10.2: object {blob} is missing from ")
    assert "v5.10.1      3 " in found.out
    # Bad input is the user's to mend, and comes first.
    assert matrix(bases, "--bases", "v5.10.*,docs").code == 2


def test_the_document(bases: Kernel) -> None:
    found = matrix(bases, "--bases", "bsp", "--bases", "docs", "--json")
    zero = dict.fromkeys(("offset", "merged", "overridden", "upstream", "skipped"), 0)
    none = {"commit": None, "tree": None, "branch": None}
    assert found.code == 1
    assert json.loads(found.out) == {
        "schema": 1,
        "command": "matrix",
        "series": "q",
        "bases": [
            {
                "repo": "linux.git",
                "base": {"rev": "bsp", "commit": bases.bsp, "version": "5.10.0"},
                "counts": {**zero, "clean": 2, "conflict": 1},
                "result": none,
                "conflicts": ["hook.patch: net/ipv4/tcp.c"],
                "overrides": [],
                "restore_conflicts": 0,
                "lost": [],
                "error": None,
            },
            {
                "repo": "linux.git",
                "base": {
                    "rev": "docs",
                    "commit": str(bases.source.git.revparse_single("docs").id),
                    "version": "",
                },
                "counts": {},
                "result": none,
                "conflicts": [],
                "overrides": [],
                "restore_conflicts": 0,
                "lost": [],
                "error": "base docs is no kernel: it has no Makefile",
            },
        ],
    }


def test_the_picture(bases: Kernel) -> None:
    assert matrix(bases, "--bases", "v5.10,bsp,docs", "--svg", "map.svg", "-q").out == ""
    picture = ElementTree.fromstring(Path("map.svg").read_bytes())
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [
        "q: 3 patches on 3 bases",
        *(f"v5.10: {name}.patch: clean" for name in ("counter", "hook", "new")),
        "bsp: counter.patch: clean",
        "bsp: hook.patch: conflict",
        "bsp: new.patch: clean",
    ]


def test_several_repositories(bases: Kernel) -> None:
    """`--in` looks in others too; what is not there is looked for where it is."""
    other = Repository.make(Path("other.git"))
    files = {"Makefile": MAKEFILE, "net/mptcp/protocol.c": PROTOCOL, "net/ipv4/tcp.c": b"int other;\n"}
    other.tag("v5.10", other.commit("main", "a drop\n", files))
    found = matrix(bases, "--bases", "v5.10,v5.10.1,main", "--in", "other.git", "--json")
    rows = json.loads(found.out)["bases"]
    assert [(row["repo"], row["base"]["rev"], row["counts"]["conflict"]) for row in rows] == [
        ("linux.git", "v5.10", 0),
        ("other.git", "v5.10", 1),
        ("linux.git", "v5.10.1", 0),
        ("linux.git", "main", 0),
        ("other.git", "main", 1),
    ]


def test_no_align(bases: Kernel) -> None:
    """The base has the first patch already: aligned it is taken out and brought back, plain it is upstream."""
    source = bases.source
    data = PROTOCOL.replace(b"int line3;\n", b"int line3;\nint counter;\n")
    source.commit("stable", "mptcp: add a counter\n", {"net/mptcp/protocol.c": data})
    words = {}
    for arguments in ((), ("--no-align",)):
        row = json.loads(matrix(bases, "--bases", "stable", "--json", *arguments).out)["bases"][0]
        words[arguments] = (row["counts"]["clean"], row["counts"]["upstream"])
    assert words == {(): (3, 0), ("--no-align",): (2, 1)}


def test_bad_input(bases: Kernel) -> None:
    place = "linux.git"
    cases = {
        ("--bases", "v6.*,nothing"): (
            2,
            f"mptcp-series: error: no base fits 'v6.*', 'nothing' in {place}; `git tag -l` shows what there is\n",
        ),
        ("--bases", ","): (
            2,
            "mptcp-series: error: no base is named; a pattern is a revision, a glob such as v5.10.*, or a range of "
            "releases\n",
        ),
        ("--bases", "@none"): (2, "mptcp-series: error: none: cannot be read: No such file or directory\n"),
        ("--bases", "v5.10", "--in", "none.git"): (
            3,
            "mptcp-series: error: none.git: no such directory\n",
        ),
    }
    for arguments, (code, message) in cases.items():
        found = matrix(bases, *arguments)
        assert (found.code, found.err.split("mptcp-series: hint")[0]) == (code, message)


def test_nothing_is_written(bases: Kernel) -> None:
    before = bases.source.branches()
    files = sorted(path.name for path in Path().iterdir())
    matrix(bases, "--bases", "v5.10*")
    assert bases.source.branches() == before
    assert sorted(path.name for path in Path().iterdir()) == files
