# SPDX-License-Identifier: MIT
"""`build` up to the first process it would start, and how it tells what came of it."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from mptcp_series.cli.build_view import build_document, build_lines, builds_lines
from mptcp_series.values.built import (
    Blame,
    Build,
    BuildRow,
    Builds,
    Finding,
    Found,
    Hidden,
    PatchBuild,
    PatchFate,
    RenamedSymbol,
)
from mptcp_series.values.diagnostic import Diagnostic, Severity
from mptcp_series.values.result import BaseInfo

from .conftest import MAKEFILE, Kernel, run

CONFIG = "CONFIG_INET=y\n"


@pytest.fixture
def tree(kernel: Kernel) -> Kernel:
    """The kernel of the commands' tests, with what a whole tree has."""
    files = {"Kconfig": b'source "net/Kconfig"\n', "net/Kconfig": b'source "net/mptcp/Kconfig"\n'}
    kernel.source.commit("whole", "a whole tree\n", files, kernel.old)
    return kernel


def test_a_tree_that_is_not_whole(kernel: Kernel) -> None:
    found = run("build", *kernel.on("v5.10"))
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        "mptcp-series: error: the base v5.10 is no whole kernel tree: it has no Kconfig; "
        "name a base that has all of its files\n"
    )
    kernel.source.commit("part", "a part\n", {"Kconfig": b'source "net/Kconfig"\nsource "init/Kconfig"\n'}, kernel.old)
    found = run("build", *kernel.on("part"))
    assert found.code == 3
    assert "it has no net/Kconfig, init/Kconfig;" in found.err
    kernel.source.commit("arch", "archs\n", {"Kconfig": b'source "arch/$(SRCARCH)/Kconfig"\n'}, kernel.old)
    found = run("build", *kernel.on("arch"), "--arch", "zebra")
    assert (found.code, "name a base that has all of its files, or another architecture than zebra" in found.err) == (
        3,
        True,
    )


def test_a_configuration_without_the_stack(tree: Kernel, work: Path) -> None:
    (work / "bsp.config").write_text(CONFIG)
    found = run("build", *tree.on("whole"), "--config", "bsp.config")
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        "mptcp-series: error: the configuration has no CONFIG_MPTCP; set CONFIG_MPTCP=y (it needs CONFIG_INET=y), "
        "in the file or with --set MPTCP=y\n"
    )
    (work / "bsp.config").write_text(CONFIG + "# CONFIG_MPTCP is not set\n")
    assert run("build", *tree.on("whole"), "--config", "bsp.config").code == 3
    found = run("build", *tree.on("whole"), "--set", "MPTCP=n")
    assert (found.code, found.err.partition(";")[0]) == (
        3,
        "mptcp-series: error: the configuration has no CONFIG_MPTCP",
    )
    assert not (work / ".mptcp-series").exists(), "nothing was begun"


def test_a_missing_object_is_named(tree: Kernel) -> None:
    git = tree.source.git
    blob = str(git.revparse_single("whole:net/Kconfig").id)
    tree.source.commit("more", "more\n", {"drivers/big.h": b"big\n"}, str(git.revparse_single("whole").id))
    big = str(git.revparse_single("more:drivers/big.h").id)
    (Path(git.path) / "objects" / big[:2] / big[2:]).unlink()
    found = run("build", *tree.on("more"))
    assert found.code == 3
    assert found.err.splitlines()[0] == f"mptcp-series: error: drivers/big.h: object {big} is missing"
    assert "--without 'drivers/big.h'" in found.err
    assert blob not in found.err


def test_bad_usage(tree: Kernel, work: Path) -> None:
    on = tree.on("whole")
    for arguments, said in (
        (("--each", "--bisect"), "--each and --bisect exclude each other"),
        (("--config", "x", "--defconfig", "y"), "--defconfig and --config exclude each other"),
        (("--set", "MPTCP"), "bad setting 'MPTCP'"),
        (("--make-arg", "O=x"), "bad make argument 'O=x'"),
        (("--arch", "a/b"), "bad architecture 'a/b'"),
        (("--config", "not-there"), "not-there: cannot be read"),
        (("--dir", "with blank/b"), "a kernel cannot be built in a directory whose path holds blanks or colons"),
    ):
        found = run("build", *on, *arguments)
        assert (found.code, found.out) == (2, ""), arguments
        assert said in found.err


def test_a_result_that_needs_a_person_is_not_built(tree: Kernel) -> None:
    found = run("build", *tree.on("bsp"))
    assert (found.code, found.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")


def test_several_bases(tree: Kernel) -> None:
    tree.source.tag("docs", tree.source.commit("docs", "docs\n", {"README": b"no kernel\n"}, None))
    found = run("build", *tree.options, "--bases", "bsp,v5.10,docs")
    assert found.code == 1
    assert (
        found.out
        == """\
q on 3 bases

base   objects  errors  new warnings
bsp    conflict: hook.patch: net/ipv4/tcp.c
v5.10  the base v5.10 is no whole kernel tree: it has no Kconfig; name a base that has all of its files
docs   base docs is no kernel: it has no Makefile

0 of 3 bases build
"""
    )
    assert found.err == "mptcp-series: error: bsp: conflict: hook.patch: net/ipv4/tcp.c\n"
    assert run("build", *tree.options, "--bases", "v5.10,docs").code == 2
    assert run("build", *tree.options, "--bases", "v5.10").code == 3


def test_two_bases_of_one_directory(tree: Kernel) -> None:
    git = tree.source.git
    git.references.create("refs/heads/a/b", git.revparse_single("whole").id)
    git.references.create("refs/heads/a-b", git.revparse_single("whole").id)
    found = run("build", *tree.options, "--bases", "a/b,a-b")
    assert (found.code, found.out) == (2, "")
    assert "two bases would be built in .mptcp-series/build/q/a-b" in found.err


def test_the_makefile_is_what_tells_a_kernel(kernel: Kernel) -> None:
    assert MAKEFILE.startswith(b"VERSION = 5")
    kernel.source.commit("none", "none\n", {"a": b"a\n"}, kernel.source.commit("none", "none\n", {}))
    assert run("build", *kernel.on("none")).code == 2


def diagnostic(severity: Severity, path: str, line: int, message: str, option: str | None = None) -> Diagnostic:
    return Diagnostic(severity=severity, path=path, line=line, column=9, message=message, option=option)


BUILD = Build(
    series="q",
    base=BaseInfo(rev="v5.10.66", commit="1" * 40, version="5.10.66"),
    commit="2" * 40,
    tree="3" * 40,
    directory="build",
    arch="x86_64",
    compiler="gcc 12.2.0",
    arguments=("WERROR=0",),
    directories=("net/ipv4", "net/mptcp"),
    compiled=12,
    errors=(
        Finding(
            diagnostic=diagnostic(Severity.ERROR, "net/mptcp/pm.c", 12, "'X' undeclared"),
            units=("net/mptcp/pm.c",),
            patch="mptcp-use-x.patch",
            blame=Blame.LINE,
            cure="444444444444 net: define X",
        ),
        Finding(
            diagnostic=diagnostic(Severity.ERROR, "include/net/tcp.h", 3, "odd"),
            units=("net/ipv4/tcp.c", "net/mptcp/pm.c"),
            patch="mptcp-use-x.patch",
            blame=Blame.REMOVED,
            behind="crypto/new.h",
        ),
        Finding(diagnostic=diagnostic(Severity.ERROR, "lib/a.c", 1, "odd"), units=(), patch=None, blame=Blame.NOBODY),
    ),
    warnings=(
        Finding(
            diagnostic=diagnostic(Severity.WARNING, "net/ipv4/tcp.c", 4, "unused 'y'", "-Wunused-variable"),
            units=("net/ipv4/tcp.c",),
            patch="tcp-hook.patch",
            blame=Blame.LINE,
        ),
    ),
    known=("lib/b.c:1: error: of the base",),
    old_warnings=2,
    renamed=(RenamedSymbol(symbol="MPTCP_KUNIT_TESTS", now="MPTCP_KUNIT_TEST", patch="mptcp-rename.patch"),),
    unfulfilled=("TLS",),
    passes=3,
    hidden=Hidden(behind=("net/mptcp/crypto.c",), left_out=("drivers/a.h",)),
    patches=(
        PatchBuild(name="a.patch", fate=PatchFate.BUILDS),
        PatchBuild(name="b.patch", fate=PatchFate.FAILS, errors=("net/b.c:1: error: odd",)),
        PatchBuild(name="c.patch", fate=PatchFate.STILL, errors=("net/b.c:1: error: odd",), since="b.patch"),
    ),
    bisected=Found(patch="b.patch", errors=("net/b.c:1: error: odd",), tried=(("c.patch", False),), window=("w",)),
    notes=("something to know",),
)


def test_the_report() -> None:
    assert "\n".join(build_lines(BUILD, verbose=False)).replace("\x1b[", "<") == "\n".join(
        (
            "<1mq on v5.10.66: Linux 5.10.66, commit 111111111111<0m",
            "build: x86_64, gcc 12.2.0, WERROR=0",
            "12 objects compiled in 2 directories; 3 errors, 1 new warning",
            "",
            "<1mmptcp-use-x.patch<0m",
            "  <31merror     <0mnet/mptcp/pm.c:12:9",
            "            'X' undeclared",
            "  cure      444444444444 net: define X",
            "  <31merror     <0minclude/net/tcp.h:3:9",
            "            odd",
            "  laid here it took away or changed what the line uses",
            "  seen in   net/ipv4/tcp.c, net/mptcp/pm.c",
            "  perhaps   a consequence: an empty file stood for the missing crypto/new.h",
            "",
            "<1mthe base<0m",
            "  <31merror     <0mlib/a.c:1:9",
            "            odd",
            "  laid here a line of the base, and no patch was found",
            "",
            "<1mtcp-hook.patch<0m",
            "  <33mwarning   <0mnet/ipv4/tcp.c:4:9",
            "            unused 'y' [-Wunused-variable]",
            "",
            "patch by patch: 3 patches: 1 builds, 1 fails, 1 still fails",
            "<31m  fails               b.patch<0m",
            "                      net/b.c:1: error: odd",
            "  still fails         c.patch, since b.patch",
            "bisected over 1 tree: the first patch that does not build is b.patch",
            "  net/b.c:1: error: odd",
            "  not tried: 1 patch before the window's end",
            "<33mwarning:<0m CONFIG_MPTCP_KUNIT_TESTS is renamed to CONFIG_MPTCP_KUNIT_TEST by mptcp-rename.patch; "
            "set the new one in your configuration",
            "not set by Kconfig, though asked for: TLS",
            "1 error of the base, with or without the queue:",
            "  lib/b.c:1: error: of the base",
            "2 warnings the base has as well",
            "note: something to know",
            "compiled in 3 passes, until the set of errors stood still",
            "not seen: 1 file compiled only with empty headers for missing ones: net/mptcp/crypto.c",
            "not seen: 1 file left out, their content is missing: drivers/a.h",
            "not seen: what only linking shows; --image links the kernel",
        )
    )


def test_what_a_person_is_told_to_settle() -> None:
    assert BUILD.reasons() == [
        "mptcp-use-x.patch: net/mptcp/pm.c:12:9: error: 'X' undeclared",
        "mptcp-use-x.patch (took it away): include/net/tcp.h:3:9: error: odd",
        "the base: lib/a.c:1:9: error: odd",
        "b.patch: does not build: net/b.c:1: error: odd",
    ]


def test_the_document_and_rows() -> None:
    document = build_document(BUILD)
    assert (document["schema"], document["command"], document["series"]) == (1, "build", "q")
    assert document["result"] == {"commit": "2" * 40, "tree": "3" * 40, "branch": None}
    errors = document["errors"]
    assert isinstance(errors, list)
    assert errors[0]["patch"] == "mptcp-use-x.patch"
    assert errors[1]["blame"] == "removed"
    row = BuildRow(repo="r", base=BUILD.base, build=BUILD, reasons=tuple(BUILD.reasons()))
    good = attrs.evolve(BUILD, errors=(), patches=None)
    fine = BuildRow(repo="r", base=attrs.evolve(BUILD.base, rev="v5.10.9"), build=good)
    lines = list(builds_lines(Builds(series="q", rows=(row, fine)), verbose=True))
    assert lines[2:5] == [
        "base      objects  errors  new warnings",
        "\x1b[31mv5.10.66       12       3             1\x1b[0m",
        "          mptcp-use-x.patch: net/mptcp/pm.c:12:9: error: 'X' undeclared",
    ]
    assert lines[-3:] == ["v5.10.9        12       0             1", "", "1 of 2 bases build"]
