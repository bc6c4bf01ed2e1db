# SPDX-License-Identifier: MIT
"""make at work in a build directory, and what the machine must have for it.

What is missing on the machine is told all at once and before anything is written: a kernel build that fails after
minutes for want of bison helps nobody. What a tree needs is read from the tree: a file it has asks for the tool.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault, ToolMissing
from ...values.diagnostic import DiagnosticParser
from ..store.objects import Entry
from .configuration import source_arch
from .directory import BuildDirectory
from .process import find_program, output_of, run_logged

__all__ = ["Made", "Make", "StageProgress", "Toolchain", "check_machine"]

StageProgress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and of how much where that is known."""

Get = Callable[[str], Entry | None]

_OLDEST_MAKE = (4, 0)
_RESERVED = frozenset({"ARCH", "CC", "CROSS_COMPILE", "KBUILD_OUTPUT", "KCONFIG_CONFIG", "O", "V"})
_MACHINES = {
    "x86": r"x86_64|i[3-6]86",
    "arm64": "aarch64",
    "arm": "arm",
    "riscv": "riscv",
    "mips": "mips",
    "powerpc": "powerpc",
    "s390": "s390",
}
"""What a compiler's target begins with, by the directory below arch/."""


@attrs.frozen(kw_only=True)
class Toolchain:
    """Which compiler, for which machine, and how make is called."""

    arch: str
    cross_compile: str = ""
    cc: str | None = None
    jobs: int
    arguments: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        for argument in self.arguments:
            name = argument.partition("=")[0]
            if "=" not in argument or name in _RESERVED or not re.fullmatch(r"\w+", name):
                raise BadInput(
                    f"bad make argument {argument!r} (expected NAME=VALUE; ARCH, CROSS_COMPILE and CC have options "
                    "of their own, O and V are ours)"
                )
        if not re.fullmatch(r"\w+", self.arch):
            raise BadInput(f"bad architecture {self.arch!r} (expected a directory below arch/, or x86_64)")

    @property
    def compiler(self) -> str:
        """The compiler's program."""
        if self.cc is not None:
            return self.cc
        return "clang" if self._argument("LLVM") not in (None, "", "0") else f"{self.cross_compile}gcc"

    @property
    def host_compiler(self) -> str:
        return self._argument("HOSTCC") or ("clang" if self.compiler == "clang" else "gcc")

    def words(self) -> list[str]:
        """What make is told about the compiler."""
        found = [f"ARCH={self.arch}"]
        if self.cross_compile:
            found.append(f"CROSS_COMPILE={self.cross_compile}")
        if self.cc is not None:
            found.append(f"CC={self.cc}")
        return found

    def identify(self) -> str:
        """How the compiler calls itself. Raises ToolMissing where it is not there or does not answer."""
        status, said = output_of([*self.compiler.split(), "--version"])
        if status != 0 or not said.strip():
            raise ToolMissing(_install_compiler(f"the compiler {self.compiler} is not installed", self.compiler))
        return said.splitlines()[0].strip()

    def _argument(self, name: str) -> str | None:
        found = None
        for argument in self.arguments:
            if argument.startswith(f"{name}="):
                found = argument.partition("=")[2]
        return found


def _install(what: str, *packages: str) -> str:
    return f"{what}; Debian, Ubuntu: apt install {' '.join(packages)}"


_GCC = re.compile(r"(?:(?P<target>\w+-linux-gnu\w*)-)?gcc(?P<version>-\d+)?")


def _install_compiler(what: str, program: str) -> str:
    """Debian calls a compiler's package as the program, a cross compiler's `gcc-TARGET` (packages.debian.org)."""
    match = _GCC.fullmatch(program)
    if match is not None:
        target = f"-{match['target'].replace('_', '-')}" if match["target"] else ""
        return _install(what, f"gcc{match['version'] or ''}{target}")
    if re.fullmatch(r"clang(-\d+)?", program):
        return _install(what, program)
    return f"{what}, or not on PATH; --cross-compile or --cc names another"


def check_machine(toolchain: Toolchain, get: Get) -> str:
    """Whether the machine has what a tree's build takes; how the compiler calls itself.

    get: the file the tree has at a path. Raises ToolMissing with everything that is missing, EnvironmentFault for a
    compiler that makes code for another machine.
    """
    lacks: list[str] = []
    if find_program("make") is None:
        lacks.append(_install("make is not installed", "make"))
    else:
        version = re.search(r"GNU Make (\d+)\.(\d+)", output_of(["make", "--version"])[1])
        if version is None or (int(version[1]), int(version[2])) < _OLDEST_MAKE:
            lacks.append("make is not GNU make 4.0 or later, which keeps the output of several compilers apart")
    compiler = ""
    try:
        compiler = toolchain.identify()
    except ToolMissing as error:
        lacks.append(str(error))
    host = toolchain.host_compiler
    if host != toolchain.compiler and find_program(host) is None:
        lacks.append(_install_compiler(f"the compiler {host}, for the kernel's own tools, is not installed", host))
    for path, tool, package in (
        ("scripts/kconfig/lexer.l", "flex", "flex"),
        ("scripts/kconfig/parser.y", "bison", "bison"),
        ("kernel/time/timeconst.bc", "bc", "bc"),
    ):
        if get(path) is not None and find_program(tool) is None:
            lacks.append(_install(f"{tool} is not installed, and {path} asks for it", package))
    if get("tools/objtool/Makefile") is not None and source_arch(toolchain.arch) == "x86" and not _has_libelf(host):
        lacks.append(_install("the headers of libelf are not installed, and tools/objtool asks for them", "libelf-dev"))
    if lacks:
        raise ToolMissing("\n".join(lacks))
    _check_target(toolchain)
    return compiler


def _has_libelf(host: str) -> bool:
    if find_program(host) is None:
        return True  # Said already; what it would find cannot be known.
    return output_of([host, "-x", "c", "-fsyntax-only", "-"], stdin=b"#include <gelf.h>\n")[0] == 0


def _check_target(toolchain: Toolchain) -> None:
    wanted = _MACHINES.get(source_arch(toolchain.arch))
    status, said = output_of([*toolchain.compiler.split(), "-dumpmachine"])
    if "clang" in toolchain.compiler or wanted is None or status != 0:
        return
    if re.match(wanted, said.strip()) is None:
        raise EnvironmentFault(
            f"{toolchain.compiler} makes code for {said.strip()}, and the architecture is {toolchain.arch}; "
            "name a compiler for it with --cross-compile PREFIX- or --cc"
        )


@attrs.frozen(kw_only=True)
class Made:
    """One run of make."""

    status: int
    parser: DiagnosticParser
    log: Path
    tail: tuple[str, ...]
    """The last lines it said."""

    @property
    def done(self) -> bool:
        return self.status == 0

    def fault(self, what: str) -> EnvironmentFault:
        """The error of a run whose failure is none of the queue's."""
        said = next((line for line in reversed(self.tail) if "***" in line), self.tail[-1] if self.tail else "")
        return EnvironmentFault(
            f"{what} failed: {said.strip() or f'exit status {self.status}'}; all of it is in {self.log}"
        )


@attrs.define(kw_only=True)
class Make:
    """make in one build directory.

    lock: the descriptor that holds the directory; make inherits it.
    """

    directory: BuildDirectory
    toolchain: Toolchain
    lock: int
    progress: StageProgress | None = None
    relaxed: tuple[str, ...] = ()
    """Arguments that turned out to be needed on this machine."""

    def run(
        self,
        goals: Sequence[str],
        *,
        stage: str,
        log: str,
        keep_going: bool = False,
        extra: Sequence[str] = (),
        heard: Callable[[DiagnosticParser], None] | None = None,
    ) -> Made:
        """Make some goals.

        stage: what progress calls it. log: name of the log. extra: more variables, for this run only.
        heard: called with what was read so far after every step of kbuild.
        """
        source, out = (Path(os.path.abspath(path)) for path in (self.directory.source, self.directory.out))
        command = ["make", "--no-print-directory", "-C", str(source), f"O={out}", f"-j{self.toolchain.jobs}"]
        command += ["--output-sync=target", *(["-k"] if keep_going else [])]
        command += [*self.toolchain.words(), *self.toolchain.arguments, *self.relaxed, *extra, "V=0", *goals]
        parser = DiagnosticParser(locate=lambda path: _located(path, source, out))
        tail: list[str] = []
        seen = 0

        def line(text: str) -> None:
            nonlocal seen
            parser.feed(text)
            tail.append(text)
            del tail[:-20]
            if parser.steps != seen:
                seen = parser.steps
                if heard is not None:
                    heard(parser)
                if self.progress is not None:
                    self.progress(stage, seen, None)

        if self.progress is not None:
            self.progress(stage, 0, None)
        place = self.directory.log(log)
        status = run_logged(command, directory=out, log=place, line=line, keep=(self.lock,))
        return Made(status=status, parser=parser, log=place, tail=tuple(tail))


def _located(path: str, source: Path, out: Path) -> str:
    """A path of the tree, or of `out`, as people name it; any other as it was said."""
    full = os.path.normpath(os.path.join(out, path))
    for root in (source, out):
        if full.startswith(f"{root}/"):
            return full[len(str(root)) + 1 :]
    return path
