# SPDX-License-Identifier: MIT
"""`mptcp-series boot`: what compiles may still not work; this boots it, cuts a link, and says what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..engine.booting.boot import Booted, BootSpec
from ..engine.booting.boot import boot as run_boot
from ..engine.booting.compile_probe import SOURCES
from ..engine.booting.qemu import Accelerator
from ..errors import NeedsPerson
from ..values.bootreport import CASES, BootReport, Case, Comparison, Verdict
from .console import printable
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["boot"]

_COLOURS = {Verdict.PROVED: "green", Verdict.ABSENT: "yellow", Verdict.NOT_RUN: "yellow"}
_ROLES = ("patched", "base")
_NAME = max(map(len, CASES))
_VERDICT = max(len(verdict.value) for verdict in Verdict)


@click.command(short_help="Boot a built kernel under QEMU and prove it over two links.")
@click.option("--print-config", is_flag=True, help="Print the configuration of a small kernel that has all it takes.")
@click.option("--build", "build", metavar="DIR", help="Build directory that has the kernel to boot.")
@click.option("--kernel", "kernel", metavar="FILE", help="Kernel to boot, a bzImage for x86_64.")
@click.option("--against", metavar="PATH", help="Kernel or build directory of the unpatched base, to compare with.")
@click.option("--to", "place", metavar="DIR", default="build/boot", show_default=True, help="Where the logs go.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=30),
    default=600,
    show_default=True,
    help="What all of it may take.",
)
@click.option(
    "--stall",
    metavar="SECONDS",
    type=click.IntRange(min=1, max=600),
    default=20,
    show_default=True,
    help="Time without a byte that counts as a hang.",
)
@click.option(
    "--accel",
    type=click.Choice([accelerator.value for accelerator in Accelerator]),
    default=Accelerator.TCG.value,
    show_default=True,
    help="Emulate, use KVM, or use KVM where it can be used.",
)
@click.option(
    "--cpus",
    metavar="N",
    type=click.IntRange(min=1, max=8),
    default=1,
    show_default=True,
    help="Processors of the machine; more find more races, and take longer where they are emulated.",
)
@click.option("--cc", "compiler", metavar="PROGRAM", default="gcc", show_default=True, help="Compiler of the probe.")
@click.option(
    "--qemu", "emulator", metavar="PROGRAM", default="qemu-system-x86_64", show_default=True, help="The emulator."
)
@takes()
def boot(
    run: Run,
    *,
    print_config: bool,
    build: str | None,
    kernel: str | None,
    against: str | None,
    place: str,
    timeout: int,
    stall: int,
    accel: str,
    cpus: int,
    compiler: str,
    emulator: str,
) -> None:
    """Boot a kernel with a small probe as its only program, in an emulated machine: no root, no disk, no network.

    Between two network namespaces with two links the probe makes connections, joins a second subflow, cuts a link
    during a transfer, and adds fullmesh endpoints; counters and hashes decide. KUnit results and splats are read from
    the kernel's log, which is kept.

    Exit status 1: a case is not proved. 3: a program is missing, or the kernel lacks what the boot needs.
    """
    if print_config:
        run.console.document((SOURCES / "boot.config").read_bytes())
        return
    if (build is None) == (kernel is None):
        raise click.UsageError("one of --build and --kernel says what to boot", click.get_current_context())
    spec = BootSpec(
        kernel=Path(build if build is not None else kernel or ""),
        against=None if against is None else Path(against),
        to=Path(place),
        seconds=float(timeout),
        stall=stall,
        accelerator=Accelerator(accel),
        processors=cpus,
        compiler=compiler,
        emulator=emulator,
    )
    with run.console.progress("cases") as progress:
        booted = run_boot(spec, progress)
    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "boot",
            "accelerator": booted.accelerator.value,
            "stall": stall,
            "images": [str(image) for image in booted.images],
            "logs": [str(log) for log in booted.logs],
            **booted.comparison.to_json(),
        },
        report=lambda: _lines(booted, verbose=run.console.verbose),
    )
    bad = [case for case in booted.comparison.patched.cases if case.verdict is not Verdict.PROVED]
    if bad:
        raise NeedsPerson(f"{case.name}: {case.verdict.value}: {case.reason}" for case in bad)


def _lines(booted: Booted, *, verbose: bool) -> Iterator[str]:
    found = booted.comparison
    reports = [report for report in (found.patched, found.base) if report is not None]
    for report, role, image in zip(reports, _ROLES, booted.images, strict=False):
        column = "" if found.base is None else f"{role:<7}  "
        yield click.style(f"{column}Linux {printable(report.kernel)}  {printable(str(image))}", bold=True)
    yield "emulated" if booted.accelerator is Accelerator.TCG else "with KVM"
    yield ""
    for case in found.patched.cases:
        yield _row(case.name, "" if found.base is None else _ROLES[0], case)
        yield from _checks(case) if verbose else ()
        if found.base is not None:
            other = found.base.case(case.name)
            yield _row("", _ROLES[1], other)
            yield from _checks(other) if verbose else ()
    yield ""
    yield from _splats("", found.patched)
    if found.base is not None:
        yield from _splats("base: ", found.base)
    yield from _counts(found)
    yield from (f"log: {printable(str(log))}" for log in booted.logs)


def _row(name: str, role: str, case: Case) -> str:
    verdict = click.style(f"{case.verdict.value:<{_VERDICT}}", fg=_COLOURS.get(case.verdict, "red"))
    column = f"{role:<7}  " if role else ""
    return f"{name:<{_NAME}}  {column}{verdict}  {printable(case.note)}".rstrip()


def _checks(case: Case) -> Iterator[str]:
    for check in case.checks:
        yield f"{'':<{_NAME}}    {'holds' if check.holds else 'fails'}  {printable(str(check))}"


def _splats(role: str, report: BootReport) -> Iterator[str]:
    for splat in report.splats:
        during = "" if splat.case is None else f", in case {printable(splat.case)}"
        yield click.style(f"{role}{splat.kind} at line {splat.line} of the log{during}", fg="red")
        yield from (f"  {printable(line)}" for line in splat.text[:12])


def _counts(found: Comparison) -> Iterator[str]:
    proved = sum(case.verdict is Verdict.PROVED for case in found.patched.cases)
    yield f"{proved} of {counted(len(found.patched.cases), 'case')} proved"
    if found.base is not None:
        apart = [case.name for case in found.patched.cases if found.separates(case.name)]
        yield f"proved here and not on the base: {', '.join(apart) or 'none'}"
