# SPDX-License-Identifier: MIT
"""Configurations: what is asked for, what the stack offers, what the queue renames."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.building.configuration import (
    COMPANIONS,
    Request,
    default_target,
    missing_sources,
    parse_assignment,
    parse_config,
    renamed_symbols,
    render,
    source_arch,
    stack_symbols,
    unfulfilled,
)
from mptcp_series.engine.result import Result
from mptcp_series.errors import BadInput
from mptcp_series.values.built import RenamedSymbol
from mptcp_series.values.paths import OwnedPaths

from .conftest import MAKEFILE, Files, Lab
from .queues import queue_result


def test_the_last_word_on_a_symbol_counts() -> None:
    text = 'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_A is not set\nCONFIG_C="a b"\nCONFIG_D=3\n# words\n'
    assert parse_config(text) == {"A": "n", "B": "m", "C": '"a b"', "D": "3"}
    assert parse_config(render(parse_config(text))) == parse_config(text)


@pytest.mark.parametrize("text", ["MPTCP", "MPTCP=", "MPTCP=yes", "=y", "A B=y", "A=y\nB=y"])
def test_bad_settings_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"bad setting .* \(expected SYMBOL=y"):
        parse_assignment(text)


def test_what_is_asked_for() -> None:
    assert COMPANIONS.keys() == {"NET", "INET", "IPV6", "INET_DIAG", "KUNIT", "TLS"}
    assert Request().explicit({"MPTCP": "y"}) == {"MPTCP": "y"}
    given = Request(texts=("CONFIG_MPTCP=y\n", "CONFIG_TLS=m\n# CONFIG_MPTCP is not set\n"), settings=(("VETH", "y"),))
    assert given.explicit({"IPV6": "y"}) == {"MPTCP": "n", "TLS": "m", "VETH": "y"}


def test_architectures_as_the_kernel_has_them() -> None:
    assert (default_target("x86_64"), default_target("arm64")) == ("x86_64_defconfig", "defconfig")
    assert (source_arch("i386"), source_arch("riscv")) == ("x86", "riscv")


def test_what_the_stack_lets_one_switch_on(lab: Lab) -> None:
    kconfig = b"""\
menuconfig MPTCP
\tbool "MPTCP"
\thelp
\t  config HELP
if MPTCP
config INET_MPTCP_DIAG
\tdepends on INET_DIAG
\tdef_tristate INET_DIAG
config MPTCP_LIMIT
\tint "A number"
endif
"""
    tree = lab.tree({"net/mptcp/Kconfig": kconfig, "net/mptcp/pm.c": b"config A\n\tbool\n", "net/Kconfig": kconfig})
    owned = OwnedPaths(patterns=("net/mptcp/",))
    assert stack_symbols(lab.objects, tree, owned) == {"MPTCP": "y", "INET_MPTCP_DIAG": "y"}


def test_what_kconfig_did_not_set() -> None:
    assert unfulfilled({"A": "y", "B": "m", "C": "n", "D": "y", "E": "7"}, {"A": "y", "D": "n"}) == ["B", "D"]


def test_a_tree_that_is_not_whole() -> None:
    top = b'source "net/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\n  source "$(X)/y"\n#source "no"\n'
    top += b'source "init/Kconfig"\n'
    there = {"net/Kconfig"}
    assert missing_sources(top, "x86", there.__contains__) == ["arch/x86/Kconfig", "init/Kconfig"]


def kconfig(*names: str) -> bytes:
    return b"".join(b'config %s\n\tbool "x"\n' % name.encode() for name in names)


def renamings(lab: Lab, tmp_path: Path, states: list[tuple[str, ...]], asked: list[str]) -> tuple[RenamedSymbol, ...]:
    files: list[Files] = [{"Makefile": MAKEFILE, "net/mptcp/Kconfig": kconfig(*names)} for names in states]
    result: Result = queue_result(lab, tmp_path, files)
    return renamed_symbols(result, asked)


def test_a_symbol_the_queue_renames(lab: Lab, tmp_path: Path) -> None:
    states = [("MPTCP", "MPTCP_KUNIT_TESTS"), ("MPTCP", "MPTCP_KUNIT_TESTS"), ("MPTCP", "MPTCP_KUNIT_TEST", "OTHER")]
    states[1] = ("MPTCP", "MPTCP_KUNIT_TESTS", "OTHER")
    (found,) = renamings(lab, tmp_path, states, ["MPTCP", "MPTCP_KUNIT_TESTS"])
    assert found == RenamedSymbol(symbol="MPTCP_KUNIT_TESTS", now="MPTCP_KUNIT_TEST", patch="patch-2.patch")
    assert str(found) == "CONFIG_MPTCP_KUNIT_TESTS is renamed to CONFIG_MPTCP_KUNIT_TEST by patch-2.patch"


def test_renames_are_followed_and_drops_are_told(lab: Lab, tmp_path: Path) -> None:
    states = [("MPTCP_HMAC", "MPTCP_OLD_WAYS"), ("MPTCP_HMACS", "MPTCP_OLD_WAYS"), ("MPTCP_HMACS_TEST",)]
    assert renamings(lab, tmp_path, states, ["MPTCP_HMAC", "MPTCP_OLD_WAYS", "NET"]) == (
        RenamedSymbol(symbol="MPTCP_HMAC", now="MPTCP_HMACS_TEST", patch="patch-1.patch"),
        RenamedSymbol(symbol="MPTCP_OLD_WAYS", now=None, patch="patch-2.patch"),
    )


def test_what_nobody_asked_for_or_came_back_is_not_told(lab: Lab, tmp_path: Path) -> None:
    states = [("MPTCP", "A_SYMBOL"), ("MPTCP",), ("MPTCP", "A_SYMBOL")]
    assert renamings(lab, tmp_path, states, ["A_SYMBOL"]) == ()
    assert renamings(lab, tmp_path / "2", [("MPTCP", "A_SYMBOL"), ("MPTCP",)], ["MPTCP"]) == ()
