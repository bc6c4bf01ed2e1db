# SPDX-License-Identifier: MIT
"""What a machine must have, told all at once and before anything is built; programs are pretended."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mptcp_series.engine.building import compile as module
from mptcp_series.engine.building.compile import Toolchain, check_machine
from mptcp_series.engine.store.objects import REGULAR, Entry
from mptcp_series.errors import BadInput, EnvironmentFault, ToolMissing

KERNEL = (
    "scripts/kconfig/lexer.l",
    "scripts/kconfig/parser.y",
    "kernel/time/timeconst.bc",
    "tools/objtool/Makefile",
)
ALL = ("make", "gcc", "flex", "bison", "bc", "aarch64-linux-gnu-gcc", "clang")


class Machine:
    """Programs that are there, and what they say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs: tuple[str, ...] = ALL
        self.make = "GNU Make 4.3\n"
        self.libelf = True
        monkeypatch.setattr(module, "find_program", lambda name: name if name in self.programs else None)
        monkeypatch.setattr(module, "output_of", self.say)

    def say(self, command: Sequence[str], *, stdin: bytes = b"") -> tuple[int, str]:
        program = command[0]
        if program not in self.programs:
            return 127, f"{program}: No such file or directory"
        if "-fsyntax-only" in command:
            assert stdin == b"#include <gelf.h>\n"
            return (0, "") if self.libelf else (1, "no gelf.h")
        if command[1:] == ["-dumpmachine"]:
            return 0, "aarch64-linux-gnu\n" if program.startswith("aarch64") else "x86_64-linux-gnu\n"
        return 0, self.make if program == "make" else f"{program} 12.2.0\nCopyright\n"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def check(*paths: str, **options: object) -> str:
    fields: dict[str, object] = {"arch": "x86_64", "jobs": 1, **options}
    there = {path: Entry(REGULAR, bytes(20)) for path in paths}
    return check_machine(Toolchain(**fields), there.get)  # type: ignore[arg-type]


def test_a_machine_that_has_all(machine: Machine) -> None:
    assert check(*KERNEL) == "gcc 12.2.0"


def test_everything_that_is_missing_is_told_at_once(machine: Machine) -> None:
    machine.programs, machine.libelf = (), False
    with pytest.raises(ToolMissing) as caught:
        check(*KERNEL)
    assert str(caught.value).splitlines() == [
        "make is not installed; Debian, Ubuntu: apt install make",
        "the compiler gcc is not installed; Debian, Ubuntu: apt install gcc",
        "flex is not installed, and scripts/kconfig/lexer.l asks for it; Debian, Ubuntu: apt install flex",
        "bison is not installed, and scripts/kconfig/parser.y asks for it; Debian, Ubuntu: apt install bison",
        "bc is not installed, and kernel/time/timeconst.bc asks for it; Debian, Ubuntu: apt install bc",
    ]


def test_the_headers_of_libelf(machine: Machine) -> None:
    machine.libelf = False
    with pytest.raises(ToolMissing, match=r"libelf are not installed, and tools/objtool asks for them; .* libelf-dev"):
        check(*KERNEL)
    # Only where the tree and the architecture ask for them.
    assert check("scripts/kconfig/lexer.l")
    assert check(*KERNEL, arch="arm64", cross_compile="aarch64-linux-gnu-") == "aarch64-linux-gnu-gcc 12.2.0"


def test_a_tree_asks_for_what_it_has(machine: Machine) -> None:
    machine.programs = ("make", "gcc")
    assert check() == "gcc 12.2.0"


def test_an_old_make(machine: Machine) -> None:
    for said in ("GNU Make 3.82\n", "bmake\n"):
        machine.make = said
        with pytest.raises(ToolMissing, match=r"make is not GNU make 4\.0 or later"):
            check()


def test_a_cross_compiler(machine: Machine) -> None:
    with pytest.raises(ToolMissing, match="the compiler arm-linux-gnueabi-gcc is not installed"):
        check(arch="arm", cross_compile="arm-linux-gnueabi-")
    with pytest.raises(EnvironmentFault, match="gcc makes code for x86_64-linux-gnu, and the architecture is arm64"):
        check(arch="arm64")
    # clang makes code for any.
    assert check(arch="arm64", cc="clang") == "clang 12.2.0"
    machine.programs = ("make", "aarch64-linux-gnu-gcc")
    with pytest.raises(ToolMissing, match="the compiler gcc, for the kernel's own tools, is not installed"):
        check(arch="arm64", cross_compile="aarch64-linux-gnu-")


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"cross_compile": "arm-linux-gnueabihf-"}, "; Debian, Ubuntu: apt install gcc-arm-linux-gnueabihf"),
        ({"cross_compile": "x86_64-linux-gnu-"}, "; Debian, Ubuntu: apt install gcc-x86-64-linux-gnu"),
        ({"cc": "aarch64-linux-gnu-gcc-12"}, "; Debian, Ubuntu: apt install gcc-12-aarch64-linux-gnu"),
        ({"cc": "gcc-9"}, "; Debian, Ubuntu: apt install gcc-9"),
        ({"cc": "clang-15"}, "; Debian, Ubuntu: apt install clang-15"),
        ({"cross_compile": "arm-poky-linux-"}, ", or not on PATH; --cross-compile or --cc names another"),
        ({"cc": "/opt/sdk/bin/cc"}, ", or not on PATH; --cross-compile or --cc names another"),
    ],
)
def test_the_package_of_a_compiler(machine: Machine, options: dict[str, str], advice: str) -> None:
    """A package that has another compiler in it is no advice."""
    with pytest.raises(ToolMissing) as caught:
        check(**{"arch": "arm", **options})
    compiler = options.get("cc", f"{options.get('cross_compile')}gcc")
    assert str(caught.value) == f"the compiler {compiler} is not installed{advice}"


def test_which_compiler() -> None:
    def tools(**options: object) -> Toolchain:
        return Toolchain(**{"arch": "arm64", "jobs": 1, **options})  # type: ignore[arg-type]

    assert tools().words() == ["ARCH=arm64"]
    cross = tools(cross_compile="a-", cc="a-gcc-8")
    assert (cross.compiler, cross.words()) == ("a-gcc-8", ["ARCH=arm64", "CROSS_COMPILE=a-", "CC=a-gcc-8"])
    assert tools(cross_compile="a-").compiler == "a-gcc"
    assert (tools(arguments=("LLVM=1",)).compiler, tools(arguments=("LLVM=1",)).host_compiler) == ("clang", "clang")
    assert tools(arguments=("HOSTCC=gcc-8",)).host_compiler == "gcc-8"


@pytest.mark.parametrize("argument", ["-i", "clean", "O=/tmp", "ARCH=arm", "CC=gcc", "V=1", "A B=1", "=1"])
def test_bad_arguments_of_make_are_refused(argument: str) -> None:
    with pytest.raises(BadInput, match="bad make argument"):
        Toolchain(arch="x86_64", jobs=1, arguments=(argument,))


def test_a_bad_architecture_is_refused() -> None:
    with pytest.raises(BadInput, match=r"bad architecture '\.\./x'"):
        Toolchain(arch="../x", jobs=1)
