# SPDX-License-Identifier: MIT
"""`mptcp-series report`: gathers what a reviewer wants to see, and writes it for a browser, a comment or a program."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import click

from ... import __version__
from ...engine.matrix import matrix as run_matrix
from ...engine.queue import Queue
from ...engine.result import Result
from ...engine.review.against import checkout_queue, compare_states
from ...engine.review.reading import Reading
from ...engine.review.report import make_report
from ...engine.review.topics import load_topics
from ...engine.runs import Runs
from ...engine.store.files import read_input, replace_file
from ...errors import BadInput, EnvironmentFault, NeedsPerson, Problem
from ...values.certificate import VERSION_FIELD, Filed
from ...values.matrix import Matrix
from ...values.report import Report
from ..bases import named_bases, queue_spec, require_rows
from ..inputs import load_queue, load_sources
from ..jsons import render
from ..options import NO_ALIGN, Run, takes
from ..tables import counted
from .against import render_comparison

__all__ = ["report"]

_FORMATS = ("html", "markdown", "json")


@click.command(short_help="The review of a queue on a base: a page, a comment, a document.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="html", show_default=True, help="What to write.")
@click.option("--to", "place", metavar="FILE", help="File to write. Default: print markdown and json.")
@click.option("--against", metavar="REV", help="Tell what is different from this revision of the series' repository.")
@click.option("--bases", "patterns", metavar="PATTERNS", multiple=True, help="Show these bases too, as matrix does.")
@click.option("--in", "repos", metavar="REPO", multiple=True, help="Look for these bases in this repository too.")
@click.option("--certificate", metavar="FILE", help="Show this certificate (JSON) of verify.")
@click.option("--exit-code", is_flag=True, help="End with 1 where a person is needed, as check does.")
@NO_ALIGN
@takes("source", "repo", "base", "series", "overrides")
def report(
    run: Run,
    form: str,
    place: str | None,
    against: str | None,
    patterns: tuple[str, ...],
    repos: tuple[str, ...],
    certificate: str | None,
    exit_code: bool,
    no_align: bool,
) -> None:
    """Lay a queue on a base out for review: what became of every patch, and every override beside what it replaces.

    The page is one file, works without a network, and can be mailed or kept as an artifact of a build. A result that
    needs a person is reported as such; the exit status is then 0 all the same, unless --exit-code is given.

    With --against it is a comment for a pull request: patches added, dropped and moved, overrides by their effect on
    the resulting files, what a person has to settle that was not there before. --exit-code is then about these alone.
    """
    if run.json and place is None:
        # With a file to write, --json asks for the receipt.
        form = "json"
    if against is not None:
        if form == "html" or patterns or certificate is not None:
            raise click.UsageError(
                "--against goes with --format markdown or json, and with no --bases or --certificate",
                click.get_current_context(),
            )
        new_reasons = _compare(run, form, place, against, align=not no_align)
        if exit_code and new_reasons:
            raise NeedsPerson(new_reasons)
        return
    if place is None and form == "html":
        raise click.UsageError("an HTML report needs a file to be written to: --to FILE", click.get_current_context())
    filed = None if certificate is None else _certificate(Path(certificate))
    repo, base = run.target()
    queue = load_queue(run)
    topics = load_topics(run.series())
    reading, result = _replayed(queue, repo, base, align=not no_align)
    found = make_report(
        reading,
        result,
        topics,
        version=__version__,
        matrix=_matrix(run, patterns, repos, not no_align) if patterns else None,
        certificate=filed,
    )
    _hand_out(run, found, form, place)
    if exit_code:
        result.require()
        if found.matrix is not None:
            require_rows(found.matrix.rows)


def _hand_out(run: Run, found: Report, form: str, place: str | None) -> None:
    """Print the report, or write its file and say so."""
    data = _rendered(found, form)
    if place is None:
        run.console.document(data)
        return
    replace_file(Path(place), data)
    # As `check` counts: the entry that aligns is no patch of anybody.
    patches, overrides = sum(found.counts.values()), len(found.overrides)
    run.answer(
        document=lambda: {"schema": 1, "command": "report", "file": place, "format": form},
        report=lambda: [
            f"wrote {place}: {counted(patches, 'patch', 'patches')}, {counted(overrides, 'override')}, "
            + ("a person is needed" if found.reasons else "complete")
        ],
    )


def _replayed(queue: Queue, repo: str, base: str | None, *, align: bool) -> tuple[Reading, Result]:
    """A queue on a base, and its entries as they were read for that."""
    runs = Runs(queue, repo)
    result = runs.run(base, align=align)
    return Reading.of(runs), result


def _compare(run: Run, form: str, place: str | None, against: str, *, align: bool) -> tuple[str, ...]:
    """Print or write the comparison with a revision; what needs a person now and did not then."""
    repo, base = run.target()
    queue = load_queue(run)
    named = run.overrides()
    # What is wrong with both, a base that is none say, is told of what lies here.
    new = _replayed(queue, repo, base, align=align)
    with tempfile.TemporaryDirectory(prefix="mptcp-series-") as scratch:
        series, overrides = checkout_queue(run.series(), None if named is None else Path(named), against, Path(scratch))
        with _told_of(against, scratch):
            before = Queue.load(series, overrides=overrides, source=run.common_source(), sources=load_sources(run))
            old = _replayed(before, repo, base, align=align)
        found = compare_states(old, new, against=against)
    data = render(found.to_json()) if form == "json" else render_comparison(found)
    if place is None:
        run.console.document(data)
        return found.new_reasons
    replace_file(Path(place), data)
    said = "no difference" if found.nothing else counted(len(found.new_reasons), "new reason")
    run.answer(
        document=lambda: {"schema": 1, "command": "report", "file": place, "format": form},
        report=lambda: [f"wrote {place}: {said}" + ("" if found.nothing else " that needs a person")],
    )
    return found.new_reasons


@contextlib.contextmanager
def _told_of(revision: str, scratch: str) -> Iterator[None]:
    """What is wrong with a revision is told of its files as git names them, not of their copies, and how to go on."""
    advice = (
        f"--against {revision}: the queue of that revision cannot be replayed, so there is nothing to compare with; "
        "name another revision, or leave --against out for a report of what is here"
    )

    def named(text: str) -> str:
        return text.replace(f"{scratch}/", f"{revision}:")

    try:
        yield
    except BadInput as error:
        problems = [
            attrs.evolve(one, file=None if one.file is None else named(one.file), message=named(one.message))
            for one in error.problems
        ]
        raise BadInput([*problems, Problem(message=advice)]) from error
    except EnvironmentFault as error:
        raise type(error)(f"{revision}: {named(str(error))}\n{advice}") from error


def _rendered(found: Report, form: str) -> bytes:
    if form == "json":
        return render(found.to_json())
    if form == "markdown":
        from .markdown import render_markdown

        return render_markdown(found)
    from .html import render_html

    return render_html(found)


def _matrix(run: Run, patterns: tuple[str, ...], repos: tuple[str, ...], align: bool) -> Matrix:
    spec = queue_spec(run, align=align)
    bases = named_bases(run, patterns, repos)
    with run.console.progress("bases") as progress:
        return run_matrix(spec, bases, progress=progress)


def _certificate(path: Path) -> Mapping[str, object]:
    data = read_input(path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no JSON: {error}; `verify --certificate FILE.json` writes one", file=str(path)) from None
    if not isinstance(found, dict) or VERSION_FIELD not in Filed.parse(data, str(path)).fields:
        raise BadInput("is no certificate; `verify --certificate FILE.json` writes one", file=str(path))
    # The document of `verify --json` has one in it.
    inner = found.get("certificate")
    return inner if isinstance(inner, dict) else found
