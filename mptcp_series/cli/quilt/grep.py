# SPDX-License-Identifier: MIT
"""`mptcp-series grep`: grep(1) through the sources, without patches and quilt's own files.

All options are grep's, those of `--repo` and the like apart; they are taken apart here only to tell the pattern from
the files.
"""

from __future__ import annotations

import getopt
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

import attrs
import click

from ...engine.quilt.sources import source_files
from ...errors import BadInput, EnvironmentFault, NeedsPerson
from ..failures import ExitCode
from .command import quilt_verb
from .run import QuiltRun, on_tree

__all__ = ["grep"]

_SHORT = "EFGPe:f:iwxzsvVm:bHnhqoaId:D:RrlLcB:ZA:C:Uu"
_LONG = [
    *("extended-regexp", "fixed-strings", "basic-regexp", "perl-regexp", "regexp=", "file=", "ignore-case"),
    *("no-ignore-case", "word-regexp", "line-regexp", "null-data", "no-messages", "invert-match", "version"),
    *("max-count=", "byte-offset", "line-number", "line-buffered", "with-filename", "no-filename", "label="),
    *("only-matching", "quiet", "silent", "binary-files=", "text", "directories=", "devices=", "recursive"),
    *("include=", "exclude=", "exclude-from=", "files-without-match", "files-with-matches", "count", "null"),
    *("before-context=", "after-context=", "context=", "color=", "colour=", "binary", "initial-tab"),
]
_OURS = ["repo=", "series=", "source=", "quiltrc="]
_WHEN = {"--color": "--color=auto", "--colour": "--color=auto"}
_BATCH = 100_000
"""Bytes of file names that one grep is given."""


@attrs.frozen
class Search:
    """What grep is asked: its options, pattern among them, and the files; () for all."""

    options: tuple[str, ...]
    places: tuple[str, ...]


@quilt_verb("grep", "grep(1) through the sources, without patches.", unknown=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[GREP'S OPTIONS] PATTERN [FILE]...")
@on_tree
def grep(run: QuiltRun, words: tuple[str, ...]) -> None:
    """Search the files of the tree, or FILEs and what is below them, without patches and quilt's own files.

    Names stand before matches unless `-h` is given behind a `--`; a pattern that begins with a dash goes behind a
    second one, or after -e.

    Exit status, as grep's: 0 found, 1 not found.
    """
    search = parse_words([*run.settings.arguments.get("grep", ()), *click.get_current_context().meta["given"]])
    quilt = run.open()
    found = False
    for batch in _batches(source_files(quilt, [run.top.path(place).removeprefix("./") for place in search.places])):
        try:
            done = subprocess.run(
                ["grep", *search.options, "--", *batch], cwd=quilt.root, stdout=subprocess.PIPE, check=False
            )
        except OSError as error:
            raise EnvironmentFault(f"cannot run grep: {error.strerror}") from error
        if done.returncode > 1:
            raise NeedsPerson([f"grep ended with {done.returncode}"])
        found = found or done.returncode == 0
        click.echo(done.stdout, nl=False)
    if not found:
        click.get_current_context().exit(int(ExitCode.PERSON))


def parse_words(words: Sequence[str]) -> Search:
    """Tell grep's options, the pattern and the files apart, as quilt's getopt does. Raises BadInput.

    >>> parse_words(["-n", "two", "d"])
    Search(options=('-H', '-n', '-e', 'two'), places=('d',))
    >>> parse_words(["--", "-h", "two"])
    Search(options=('-h', '-e', 'two'), places=())
    >>> parse_words(["--", "--", "-two"])
    Search(options=('-H', '-e', '-two'), places=())
    """
    options, rest = _options([_WHEN.get(word, word) for word in words])
    if rest and rest[0].startswith("-"):
        more, rest = _options([_WHEN.get(word, word) for word in rest])
        options += more
    names = {name for name, _ in options}
    if not names & {"-e", "-f", "--regexp", "--file"}:
        if not rest:
            raise BadInput("a pattern to look for is missing")
        options.append(("-e", rest.pop(0)))
    given = [f"{name}={value}" if name.startswith("--") and value else name for name, value in options]
    flat = [word for name, (_, value) in zip(given, options, strict=True) for word in _with_value(name, value)]
    return Search(options=(*(() if "-h" in names else ("-H",)), *flat), places=tuple(rest))


def _with_value(name: str, value: str) -> Iterable[str]:
    return (name,) if name.startswith("--") or not value else (name, value)


def _options(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        options, rest = getopt.gnu_getopt(list(words), _SHORT, [*_LONG, *_OURS])
    except getopt.GetoptError as error:
        raise BadInput(f"{error}; `grep --help` shows what it takes") from error
    ours = {f"--{name.removesuffix('=')}" for name in _OURS}
    return [(name, _when(name, value)) for name, value in options if name not in ours], rest


def _when(name: str, value: str) -> str:
    """`--color=auto` by where the output of this program goes: grep writes into a pipe."""
    if name in ("--color", "--colour") and value == "auto":
        return "always" if sys.stdout.isatty() else "never"
    return value


def _batches(paths: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += len(path) + 1
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
