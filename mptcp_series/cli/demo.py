# SPDX-License-Identifier: MIT
"""`mptcp-series demo`: the whole job on the mini-kernel, by the same commands a reader would type.

Every command is shown before it runs and runs through the real command group, so nothing is seen here that the
commands do not do. Only a directory that a demo made is ever replaced: a marker file tells.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import attrs
import click
import pygit2

from ..engine.queue import Queue
from ..engine.result import Result
from ..errors import BadInput
from ..minikernel.world import BSP_BRANCH, SERIES_NAME, World, build_world
from ..values.series import Series
from .console import PROGRAM, complain
from .failures import ExitCode, explain
from .tables import counted

__all__ = ["MARKER", "RESULT_BRANCH", "command_line", "demo"]

MARKER = ".mptcp-series-demo"
RESULT_BRANCH = "mptcp-5.15"

_WIDTH = 80
_SETTINGS = f"""\
# Commands given in this directory need no options.
source = "linux.git"
repo = "bsp.git"
base = "{BSP_BRANCH}"
series = "series/{SERIES_NAME}"
overrides = "overrides"
"""


@click.command(short_help="The whole job on a small kernel-like tree the package makes.")
@click.option("--to", "place", metavar="DIR", help="Directory to work in. Default: a new temporary one.")
def demo(place: str | None) -> None:
    """Make a small kernel, and bring its 5.15 stack to its 5.10 vendor tree.

    Extract, check, override, apply, export, verify, rebase, report: each command is shown with what it prints.

    The directory is replaced if a demo made it; any other that is not empty is refused.
    """
    show = _Demo.begin(place)
    show.extract()
    show.check()
    show.override()
    show.apply()
    show.export()
    show.verify()
    show.rebase()
    show.report()
    show.close()


def command_line(arguments: Sequence[str]) -> str:
    r"""A command as one types it; a long one goes on in further lines, each option with its value.

    >>> command_line(["check", "--base", "my branch"])
    "mptcp-series check --base 'my branch'"
    """
    groups = [PROGRAM]
    for word in arguments:
        if word.startswith("-"):
            groups.append(word)
        else:
            groups[-1] += f" {shlex.quote(word)}"
    lines = [groups[0]]
    for group in groups[1:]:
        # Room for the prompt before the first line, and for the backslash behind every one.
        if len(lines[-1]) + len(group) + 1 > _WIDTH - 4:
            lines.append(f"    {group}")
        else:
            lines[-1] += f" {group}"
    return " \\\n".join(lines)


@attrs.frozen(kw_only=True)
class _Demo:
    """One run: where it works and what it works on."""

    place: Path
    world: World

    @classmethod
    def begin(cls, place: str | None) -> _Demo:
        """Make the directory and the mini-kernel in it."""
        directory = _directory(place)
        world = build_world(directory)
        series = directory / "series" / SERIES_NAME
        series.mkdir(parents=True)
        (series / "recipe.toml").write_bytes(world.recipe)
        (directory / "overrides").mkdir()
        (directory / "mptcp-series.toml").write_text(_SETTINGS)
        _say(
            f"""A small kernel in {directory}. linux.git is upstream, with v5.10, v5.15 and their stable branches.
            bsp.git is a vendor's tree: v5.10.4 in one commit, and changes of their own.
            series/{SERIES_NAME}/recipe.toml says what to pick."""
        )
        return cls(place=directory, world=world)

    @property
    def series(self) -> Path:
        return self.place / "series" / SERIES_NAME

    @property
    def overrides(self) -> Path:
        return self.place / "overrides"

    @property
    def queue(self) -> list[str]:
        """The options of every command that reads the queue."""
        return [
            *("--source", str(self.world.source)),
            *("--series", str(self.series)),
            *("--overrides", str(self.overrides)),
        ]

    @property
    def base(self) -> list[str]:
        return ["--repo", str(self.world.bsp), "--base", self.world.bsp_branch]

    def extract(self) -> None:
        _head("1. Pick the commits")
        _run(["extract", "--source", str(self.world.source), "--series", str(self.series)])
        count = len(Series.parse((self.series / "series").read_bytes(), str(self.series / "series")).entries)
        _say(
            f"""The queue has {counted(count, "patch", "patches")}, each pinned to its commit. One is a merge that
            someone resolved by hand: no other commit holds that work. One more commit changes the stack where the
            recipe does not look; it is told, and left to you."""
        )

    def check(self) -> None:
        _head("2. Try it on the vendor's tree")
        _run(["check", *self.queue, *self.base], ExitCode.PERSON)
        _say(
            """Exit status 1, as expected: a person is needed. The vendor put a line of their own right above the one
            that upstream changes. Nothing was written. The lines about alignment are for step 4."""
        )

    def override(self) -> None:
        _head("3. Answer the conflict, in a file that can be reviewed")
        shipped = sorted(self.world.overrides.glob("*.patch"))
        target = self.overrides / SERIES_NAME
        target.mkdir()
        for file in shipped:
            shutil.copyfile(file, target / file.name)
        _say(f"The answers are shipped with the demo. They are now in {target}; this is the one for the conflict:")
        answer = target / "frag-room-offload.patch"
        click.echo()
        click.echo(textwrap.indent(answer.read_text(), "    ", lambda line: True), nl=False)
        _say(
            """The other one leaves out two cases that 5.10 cannot compile, which no merge would notice. Do they fit the
            queue, and is anything left for a person?"""
        )
        _run(["override", "check", *self.queue])
        _run(["check", "-q", *self.queue, *self.base])
        _say("Exit status 0: no conflict is left, and no override is stale.")

    def apply(self) -> None:
        _head("4. Write the branch")
        _run(["apply", "--branch", RESULT_BRANCH, *self.queue, *self.base])
        alignment = self.result().alignment
        if alignment.retracted:
            _say(
                f"""The vendor's tree had {counted(len(alignment.retracted), "change")} of its own in the files of the
                stack, backports mostly. They were taken out first, in one commit, so that the queue meets the files it
                was made for; then each was accounted for. What the queue does not bring itself is back at its end:
                {counted(len(alignment.restored), "change")}. Nothing is lost. So the branch has that commit and one
                for each patch."""
            )

    def export(self) -> None:
        _head("5. The same as patches, for quilt")
        _run(["export", "-q", "--format", "quilt", "--to", str(self.place / "patches"), *self.queue, *self.base])
        _say(f"{counted(len(list((self.place / 'patches').glob('*.patch'))), 'patch', 'patches')} and a series file.")

    def verify(self) -> None:
        _head("6. Prove that nothing is missing")
        _run(["verify", "--result", RESULT_BRANCH, *self.queue, *self.base], ExitCode.PERSON)
        _say(
            """No hunk is missing, and none is there that nobody asked for. What differs from upstream's v5.15 is told
            too, and who is behind it. One line is unexplained: it is of the commit that extract told of and left to
            you, so the exit status is 1. With the lines extract prints in the recipe, it is 0."""
        )

    def rebase(self) -> None:
        _head("7. The next 5.10 release")
        upstream = ["--repo", str(self.world.source)]
        _run(["rebase", "--from", "v5.10.1", "--to", "v5.10.4", *self.queue, *upstream])
        _say("What a new release changes for the queue, and since when. Most patches: nothing.")

    def report(self) -> None:
        _head("8. A page for the reviewer")
        _run(["report", "--to", str(self.place / "report.html"), *self.queue, *self.base])

    def result(self) -> Result:
        """What the last commands worked with, for the sentences about it."""
        queue = Queue.load(self.series, overrides=self.overrides, source=self.world.source)
        return queue.apply(self.world.bsp, base=self.world.bsp_branch)

    def close(self) -> None:
        """What there is now, and what to do on a real kernel."""
        bsp = self.world.bsp
        tip = pygit2.Repository(str(bsp)).branches[RESULT_BRANCH].peel(pygit2.Commit)
        result = self.result()
        counts = ", ".join(f"{number} {status}" for status, number in result.counts.items() if number)
        _head("Done")
        _list(
            ("branch", f"{RESULT_BRANCH} in {bsp}"),
            ("tree", str(tip.tree_id)),
            ("queue", f"{counted(sum(result.counts.values()), 'patch', 'patches')}: {counts}"),
            ("patches", f"{self.place / 'patches'}, the same for quilt"),
            ("report", f"{self.place / 'report.html'}, for a browser"),
            ("look", f"git -C {shlex.quote(str(bsp))} log --oneline {self.world.bsp_branch}..{RESULT_BRANCH}"),
            ("try", f"cd {shlex.quote(str(self.place))} && {PROGRAM} check -v"),
        )
        _say(
            """On a real kernel, in a checkout of mptcp_series, with linux-stable a full clone of upstream's stable tree
            and bsp-kernel your own:"""
        )
        queue = ["--source", "linux-stable", "--series", "series/mptcp-5.15.162"]
        base = ["--repo", "bsp-kernel", "--base", "HEAD"]
        click.echo()
        for arguments in (
            ["extract", *queue],
            ["check", *queue, *base],
            ["apply", "--branch", RESULT_BRANCH, *queue, *base],
        ):
            click.echo(textwrap.indent(command_line(arguments), "  "))


def _directory(place: str | None) -> Path:
    """An empty directory with the marker in it. Raises BadInput for one that holds something else."""
    if place is None:
        directory = Path(tempfile.mkdtemp(prefix="mptcp-series-demo-"))
    else:
        directory = Path(place)
        if directory.exists() and not directory.is_dir():
            raise BadInput(f"{place}: not a directory; name another place with --to")
        directory.mkdir(parents=True, exist_ok=True)
        _clear(directory)
    (directory / MARKER).write_text("`mptcp-series demo` made this directory, and replaces all of it when run again.\n")
    return directory


def _clear(directory: Path) -> None:
    present = sorted(directory.iterdir())
    if present and not (directory / MARKER).is_file():
        raise BadInput(f"{directory}: holds {present[0].name}, and no demo made it; name a new directory with --to")
    for path in present:
        # The marker goes last: a run killed here can be repeated.
        if path.name == MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _run(arguments: Sequence[str], expected: ExitCode = ExitCode.DONE) -> None:
    """Show a command and run it. Raises what it raises, unless that is the ending the demo is about."""
    from .main import cli  # the group imports this module

    click.echo()
    click.echo(click.style(f"$ {command_line(arguments)}", bold=True))
    code = ExitCode.DONE
    try:
        cli.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except Exception as error:
        failure = explain(error)
        code = failure.code
        if code is not expected:
            raise
        complain(failure.lines, failure.hint)
    if code is not expected:
        raise AssertionError(f"`{arguments[0]}` of the demo ended with {code.value}, {expected.value} was expected")


def _head(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True, underline=True))


def _say(text: str) -> None:
    click.echo()
    click.echo(textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False))


def _list(*rows: tuple[str, str]) -> None:
    click.echo()
    for word, text in rows:
        click.echo(f"  {word:<7}  {text}")
