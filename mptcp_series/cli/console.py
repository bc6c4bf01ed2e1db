# SPDX-License-Identifier: MIT
"""Standard output, standard error and the terminal, as the commands see them.

Reports go to standard output as plain lines with colours, which click takes out where no terminal reads them.
rich is imported only for a progress bar that really appears: its import costs as much as half a replay.
Text from patches may hold anything; what a terminal would obey is shown as backslash escapes instead.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

import attrs
import click

__all__ = ["PROGRAM", "Console", "Progress", "Volume", "complain", "counted", "plain", "printable", "visible"]

PROGRAM = "mptcp-series"

Progress = Callable[[int, int | None], None]
"""Called with what is done, and what there is in all where that is known."""

_TURNING = {code: f"\\u{code:04x}" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""What turns text round (Unicode's bidirectional controls): with them code reads as another than it is."""
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"} | _TURNING
_PATIENCE = 0.3
_EVERY = 0.1


class Volume(enum.Enum):
    """How much is said: `-q`, nothing, `-v`."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def printable(text: str) -> str:
    r"""The text without what a terminal would obey or could not show; tabs and newlines stay.

    >>> printable("caf\udce9 \x1b[31m\t.")
    'caf\\xe9 \\x1b[31m\t.'
    """
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace").translate(_CONTROLS)


def plain() -> bool:
    """Whether the environment asks for no colours, whatever reads: NO_COLOR, or a terminal that has none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def visible(text: str) -> str:
    r"""The text without what turns it round in a browser (CVE-2021-42574); everything else stays.

    >>> visible("/* \u202e */\t")
    '/* \\u202e */\t'
    """
    return text.translate(_TURNING)


def complain(lines: Iterable[str], hint: str | None = None) -> None:
    """Say what went wrong on standard error, one line a problem, and what may help."""
    said = [f"{PROGRAM}: {click.style('error:', fg='red', bold=True)} {printable(line)}" for line in lines]
    if hint is not None:
        said.append(hint if "\n" in hint else f"{PROGRAM}: {click.style('hint:', bold=True)} {hint}")
    if said:
        # The command has ended, and with it the context that knows about colours.
        click.echo("\n".join(said), err=True, color=False if plain() else None)


@attrs.frozen(kw_only=True)
class Console:
    """Where a command speaks."""

    volume: Volume = Volume.NORMAL

    @property
    def quiet(self) -> bool:
        return self.volume is Volume.QUIET

    @property
    def verbose(self) -> bool:
        return self.volume is Volume.VERBOSE

    def report(self, lines: Iterable[str]) -> None:
        """Lines for people, on standard output; at once, as a flush a line would cost more than making them."""
        if not self.quiet:
            click.echo("\n".join(lines))

    def document(self, data: bytes) -> None:
        """A document for programs, on standard output, whatever was said about volume."""
        click.echo(data, nl=False)

    def note(self, text: str) -> None:
        """Something only `-v` asks for, on standard error."""
        if self.verbose:
            click.echo(printable(text), err=True)

    def warn(self, text: str) -> None:
        """Something whoever runs the command did not ask for and should know, on standard error."""
        if not self.quiet:
            click.echo(f"{PROGRAM}: {click.style('warning:', fg='yellow', bold=True)} {printable(text)}", err=True)

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """A progress bar on standard error where that is a terminal; it appears only if the work takes a while."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda done, total: None
            return
        with contextlib.ExitStack() as stack:
            yield _bar(stack, what)


def _bar(stack: contextlib.ExitStack, what: str) -> Progress:
    shown: list[Callable[[int, int | None], None]] = []
    due = monotonic() + _PATIENCE

    def step(done: int, total: int | None) -> None:
        nonlocal due
        now = monotonic()
        if now < due:
            return
        due = now + _EVERY
        if not shown:
            shown.append(_open_bar(stack, what))
        shown[0](done, total)

    return step


def _open_bar(stack: contextlib.ExitStack, what: str) -> Callable[[int, int | None], None]:
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = stack.enter_context(Bar(*columns, console=Terminal(stderr=True), transient=True))
    task = bar.add_task(what, total=None)

    def step(done: int, total: int | None) -> None:
        # To `update` no total is the one before, which was of another part of the work.
        next(one for one in bar.tasks if one.id == task).total = total
        bar.update(task, completed=done)

    return step


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "patch", "patches"), counted(2, "hunk")
    ('1 patch', '2 hunks')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
