# SPDX-License-Identifier: MIT
"""Measures extract and apply beside what git and quilt need for the same, in one run.

Both sides run interleaved on one generated kernel, whole processes, warm cache; the figures are
medians. A wanted figure that is missed is reported, not an error: machines differ. What is an error
(exit status 1) is a side that ends with another tree or another set of commits, or a command that
fails: then there is nothing to compare.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
import click
from generate import BASE, Spec
from lab import CommandFailed, Lab, Sample
from rich.console import Console
from rich.table import Table

__all__ = ["main"]

_LOG = "git -C {source} log --no-merges --full-history --name-only {range}"
_COMMANDS = {
    "extract.git-log": _LOG,
    "extract.ours": "{program} extract --source {source} --series {series} -q",
    "extract-paths.git-log": _LOG + " -- net/mptcp",
    "extract-paths.ours": "{program} extract --source {source} --series {series_paths} -q",
    "apply.ours": "{program} apply --source {source} --series {series} --base {base} --branch bench -q",
    "apply.directory": "{program} apply --source {source} --series {series} --repo {plain} -q",
    "apply.push": "{program} push -a -q",
    "apply.quilt": "quilt --quiltrc - push -a -q --fuzz=0",
    "apply.git-am": "git am -q --patch-format=mboxrd {mbox}",
    "apply.git-rebase": "git -c sequence.editor='cp {todo}' rebase -q -i {base}",
    "rebase.git-rebase": "git rebase -q --onto {stable} {base}",
    "rebase.ours": "{program} apply --source {source} --series {series} --base {stable} --no-align --branch bench -q",
}
_SLOW = frozenset({"apply.git-am", "apply.git-rebase", "rebase.git-rebase"})


@attrs.frozen(kw_only=True)
class Goal:
    """A ratio of two medians and the bound it is wanted within."""

    over: str
    under: str
    least: float | None = None
    most: float | None = None


_GOALS = (
    Goal(over="extract.ours", under="extract.git-log", most=1.3),
    Goal(over="extract-paths.ours", under="extract-paths.git-log", most=1.3),
    Goal(over="apply.git-am", under="apply.ours", least=40),
    Goal(over="apply.quilt", under="apply.ours", least=10),
    Goal(over="apply.quilt", under="apply.directory", least=10),
    Goal(over="apply.quilt", under="apply.push", least=10),
    Goal(over="apply.git-rebase", under="apply.ours"),
    Goal(over="rebase.git-rebase", under="rebase.ours"),
)
_PEAK_MB = 500.0


@attrs.define(kw_only=True)
class Measurement:
    """All runs of one side."""

    name: str
    command: list[str]
    samples: list[Sample] = attrs.field(factory=list)
    results: set[str] = attrs.field(factory=set)
    """What the runs ended with: tree ids, or how the picked commits compare."""

    @property
    def median(self) -> float:
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def peak_mb(self) -> float:
        return max(sample.peak_mb for sample in self.samples)


@attrs.frozen(kw_only=True)
class Figure:
    """A figure with what is wanted of it."""

    name: str
    value: float
    wanted: str
    met: bool | None


class Bench:
    """Runs the sides of a section in turn and collects what they say."""

    def __init__(self, lab: Lab, commands: dict[str, str], program: list[str], runs: int, slow_runs: int) -> None:
        self._lab = lab
        self._commands = commands
        self._program = program
        self._runs = runs
        self._slow_runs = slow_runs
        self.measurements: dict[str, Measurement] = {}
        self.failures: list[str] = []
        self._sides: dict[str, Callable[[list[str]], tuple[Sample, str]]] = {
            "extract.git-log": self._git_log,
            "extract.ours": lambda command: self._extract(command, lab.series, lab.expected),
            "extract-paths.git-log": self._git_log,
            "extract-paths.ours": lambda command: self._extract(command, lab.series_paths, lab.expected_with_paths()),
            "apply.git-am": lambda command: self._checkout(command, BASE, keep=True),
            "apply.git-rebase": lambda command: self._checkout(command, BASE),
            "apply.quilt": self._plain,
            "apply.ours": self._apply,
            "apply.directory": self._plain,
            "apply.push": self._plain,
            "rebase.git-rebase": lambda command: self._checkout(command, lab.queue_tip()),
            "rebase.ours": self._apply,
        }

    def command(self, name: str) -> list[str]:
        names = self._lab.names()
        words: list[str] = []
        for word in shlex.split(self._commands[name]):
            words.extend(self._program if word == "{program}" else [word.format_map(names)])
        return words

    def run(self, section: str, progress: Callable[[str], None]) -> None:
        """All sides of a section, one after the other in each round; a side that fails is left out of later rounds."""
        sides = [name for name in self._commands if name.split(".")[0] == section]
        self._prepare(sides)
        for number in range(max(self._runs, self._slow_runs)):
            for name in list(sides):
                if number >= (self._slow_runs if name in _SLOW else self._runs):
                    continue
                progress(f"{name}, run {number + 1}")
                measurement = self.measurements.setdefault(name, Measurement(name=name, command=self.command(name)))
                try:
                    sample, result = self._sides[name](measurement.command)
                except CommandFailed as error:
                    self.failures.append(f"{name}: {error}")
                    sides.remove(name)
                    continue
                measurement.samples.append(sample)
                measurement.results.add(result)
        self._compare(section)

    def _prepare(self, sides: list[str]) -> None:
        lab = self._lab
        section = sides[0].split(".")[0] if sides else ""
        if section not in ("apply", "rebase"):
            return
        lab.prepare_mails()
        plain = {"apply.quilt", "apply.directory", "apply.push"} & set(sides)
        if plain or any("git" in name for name in sides):
            lab.prepare_checkout()
        if plain:
            lab.prepare_plain()
        if {f"{section}.ours", "apply.directory"} & set(sides):
            lab.ensure_series()

    def _compare(self, section: str) -> None:
        found = {
            name: result
            for name, measurement in self.measurements.items()
            if name.split(".")[0] == section
            for result in sorted(measurement.results)
            if result
        }
        if len(set(found.values())) > 1 or any(len(self.measurements[name].results) > 1 for name in found):
            lines = [f"  {name}: {', '.join(sorted(self.measurements[name].results))}" for name in found]
            self.failures.append("\n".join([f"{section}: the sides do not end with the same result", *lines]))

    # one run of each side: its sample, and the result to compare ("" where there is none)

    def _git_log(self, command: list[str]) -> tuple[Sample, str]:
        return self._lab.measure(command, self._lab.source), ""

    def _extract(self, command: list[str], series: Path, expected: list[str]) -> tuple[Sample, str]:
        self._lab.series_file(series)
        sample = self._lab.measure(command, self._lab.source)
        pins = self._lab.pins(series)
        if pins != expected:
            lost, extra = len(set(expected) - set(pins)), len(set(pins) - set(expected))
            what = (
                f"{lost} commits missing, {extra} too many" if lost or extra else "the right commits in another order"
            )
            self.failures.append(f"extract into {series}: {what}")
        return sample, f"{len(pins)} commits"

    def _checkout(self, command: list[str], start: str, keep: bool = False) -> tuple[Sample, str]:
        lab = self._lab
        lab.reset_checkout(start)
        sample = lab.measure(command, lab.checkout, **lab.writing(with_queue=start != BASE))
        tree = lab.checkout_tree()
        if keep:
            lab.keep_queue()
        lab.reset_checkout(BASE)
        return sample, tree

    def _plain(self, command: list[str]) -> tuple[Sample, str]:
        lab = self._lab
        lab.reset_plain()
        sample = lab.measure(command, lab.plain)
        tree = lab.plain_tree()
        lab.reset_plain()
        return sample, tree

    def _apply(self, command: list[str]) -> tuple[Sample, str]:
        lab = self._lab
        lab.reset_source()
        try:
            sample = lab.measure(command, lab.source)
            return sample, lab.source_tree("bench")
        finally:
            lab.reset_source()

    def figures(self) -> list[Figure]:
        """The ratios and peaks that are wanted, of what was measured."""
        measured = {name: side for name, side in self.measurements.items() if side.samples}
        figures = []
        for goal in _GOALS:
            if goal.over in measured and goal.under in measured:
                value = measured[goal.over].median / measured[goal.under].median
                met = wanted = None
                if goal.most is not None:
                    met, wanted = value <= goal.most, f"at most {goal.most:g}"
                if goal.least is not None:
                    met, wanted = value >= goal.least, f"at least {goal.least:g}"
                figures.append(Figure(name=f"{goal.over} / {goal.under}", value=value, wanted=wanted or "", met=met))
        for name, side in measured.items():
            if name.endswith((".ours", ".directory")):
                met = side.peak_mb < _PEAK_MB
                figures.append(
                    Figure(name=f"{name} peak MB", value=side.peak_mb, wanted=f"under {_PEAK_MB:g}", met=met)
                )
        return figures


def _tables(bench: Bench) -> list[Table]:
    times = Table("side", "runs", "median s", "min s", "max s", "peak MB", "result", title="Whole processes")
    for name, side in bench.measurements.items():
        if side.samples:
            seconds = [sample.seconds for sample in side.samples]
            numbers = (f"{side.median:.3f}", f"{min(seconds):.3f}", f"{max(seconds):.3f}", f"{side.peak_mb:.0f}")
            result = ", ".join(text[:12] for text in sorted(side.results))
            times.add_row(name, str(len(seconds)), *numbers, result)
    wanted = Table("figure", "value", "wanted", "met", title="Figures")
    for figure in bench.figures():
        met = {True: "yes", False: "no", None: ""}[figure.met]
        wanted.add_row(figure.name, f"{figure.value:.2f}", figure.wanted, met)
    for table in (times, wanted):
        for column in table.columns[1:-1]:
            column.justify = "right"
    return [times, wanted]


def _version(*command: str) -> str:
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.split("\n")[0]


def _document(bench: Bench, spec: Spec) -> dict[str, object]:
    sides = {
        name: {
            "command": shlex.join(side.command),
            "seconds": [round(sample.seconds, 4) for sample in side.samples],
            "median": round(side.median, 4),
            "peak_mb": round(side.peak_mb, 1),
            "results": sorted(result for result in side.results if result),
        }
        for name, side in bench.measurements.items()
        if side.samples
    }
    machine = {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "git": _version("git", "--version"),
        "quilt": _version("quilt", "--version"),
    }
    figures = [attrs.asdict(figure) for figure in bench.figures()]
    return {
        "schema": 1,
        "command": "benchmark",
        "repository": attrs.asdict(spec),
        "machine": machine,
        "sides": sides,
        "figures": figures,
        "failures": bench.failures,
    }


def _configured(settings: tuple[str, ...], only: tuple[str, ...], skip: tuple[str, ...]) -> dict[str, str]:
    commands = dict(_COMMANDS)
    for setting in settings:
        name, found, text = setting.partition("=")
        if name not in commands or not found:
            raise click.UsageError(
                f"--command {setting!r}: expected NAME=COMMAND with NAME one of {', '.join(commands)}"
            )
        commands[name] = text
    unknown = [name for name in (*only, *skip) if not any(name in (side, *side.split(".")) for side in commands)]
    if unknown:
        raise click.UsageError(f"no such side or section: {', '.join(unknown)}")

    def named(side: str, names: tuple[str, ...]) -> bool:
        return any(name in (side, *side.split(".")) for name in names)

    return {
        name: text
        for name, text in commands.items()
        if text and (not only or named(name, only)) and not named(name, skip)
    }


def _program(text: str | None, commands: dict[str, str]) -> list[str]:
    if not any("{program}" in command for command in commands.values()):
        return []
    words = shlex.split(text) if text else [str(Path(sys.executable).with_name("mptcp-series"))]
    program = shutil.which(words[0]) or (shutil.which("mptcp-series") if not text else None)
    if program is None:
        raise click.UsageError(f"{words[0]} is not there: install the project, or --skip ours")
    return [program, *words[1:]]


@click.command()
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(tempfile.gettempdir()) / "mptcp-series-benchmark",
    show_default=True,
    help="Directory for generated data; used again by the next run (about 4 GB).",
)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="Runs of each side.")
@click.option(
    "--slow-runs", type=click.IntRange(1), default=1, show_default=True, help="Runs of git am and git rebase."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file as well.")
@click.option("--only", multiple=True, metavar="NAME", help="Sections or sides to run (extract, apply.quilt, ...).")
@click.option("--skip", multiple=True, metavar="NAME", help="Sections or sides to leave out (ours, git-rebase, ...).")
@click.option("--command", "settings", multiple=True, metavar="NAME=COMMAND", help="Another command for a side.")
@click.option("--program", help="The command to measure.  [default: mptcp-series beside this Python, else on PATH]")
@click.option("--files", default=Spec().files, show_default=True, help="Files of the generated kernel.")
@click.option("--commits", default=Spec().commits, show_default=True, help="Commits in range.")
@click.option("--picked", default=Spec().picked, show_default=True, help="Commits of the queue.")
@click.option("--seed", default=Spec().seed, show_default=True)
def main(
    work: Path,
    runs: int,
    slow_runs: int,
    json_file: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    settings: tuple[str, ...],
    program: str | None,
    files: int,
    commits: int,
    picked: int,
    seed: int,
) -> None:
    """Measure mptcp-series beside git and quilt on a generated kernel."""
    commands = _configured(settings, only, skip)
    words = _program(program, commands)
    missing = [tool for tool in ("git", "quilt") if not shutil.which(tool) and any(tool in name for name in commands)]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} not installed; --skip them to go without")
    notes = Console(stderr=True, highlight=False)
    spec = Spec(files=files, commits=commits, picked=picked, seed=seed)
    lab = Lab(work.resolve(), spec, lambda text: notes.print(text, markup=False))
    bench = Bench(lab, commands, words, runs, slow_runs)
    for section in dict.fromkeys(name.split(".")[0] for name in commands):
        bench.run(section, lambda text: notes.print(f"measuring {text}", markup=False))
    lab.clear()
    console = Console(highlight=False, width=max(110, notes.width))
    for table in _tables(bench):
        if table.rows:
            console.print(table)
    document = json.dumps(_document(bench, spec), indent=2, sort_keys=True)
    if json_file:
        json_file.write_text(document + "\n")
    else:
        print(document)
    for failure in bench.failures:
        notes.print(f"error: {failure}", markup=False, style="red")
    if bench.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
