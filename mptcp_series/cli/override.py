# SPDX-License-Identifier: MIT
"""`mptcp-series override`: the override files of a queue, listed, laid beside their patch, checked, begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..engine.queue import Queue
from ..engine.store.files import replace_file
from ..errors import BadInput, NeedsPerson
from .annotations import FORMATS, annotation_lines, of_drift
from .inputs import load_queue, load_sources
from .inspection import Base, Shown, find_item, named_hunks, overrides_of, queue_items, target_of
from .jsons import SCHEMA, drift_document, override_entry, show_document, template_document
from .options import Run, takes
from .override_view import list_lines, show_lines, template
from .tables import counted, spaced

__all__ = ["override"]


@click.group(short_help="List, show, check and start override files.")
def override() -> None:
    """Override files: what one patch does differently on some bases."""


@override.command("list", short_help="Every override: its patch, bases, conditions and effect.")
@takes("source", "repo", "base", "series", "overrides")
def list_(run: Run) -> None:
    """List every override of the queue; with --base, say whether it is in force there."""
    found = overrides_of(run)
    base = Base.read(run, found) if run.has_base() else None

    def report() -> Iterator[str]:
        if not found:
            yield "no overrides"
        yield from spaced(list_lines(one, None if base is None else base.in_force(one)) for one in found)

    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "override list",
            "base": None if base is None else base.info.to_json(),
            "overrides": [override_entry(one, None if base is None else base.in_force(one)) for one in found],
        },
        report=report,
    )


@override.command("show", short_help="An override beside the upstream patch it concerns.")
@click.argument("what", metavar="FILE|PATCH")
@takes("source", "repo", "base", "series", "overrides")
def show(run: Run, what: str) -> None:
    """Show an override and the hunks of the patch it concerns: what is dropped, what stays, what is added.

    Name its file, or the patch; several overrides of one patch are shown one after the other.
    """
    found = overrides_of(run)
    base = Base.read(run, found) if run.has_base() else None
    queue = load_queue(run)
    objects, items = queue_items(queue)
    chosen = [one for one in found if one.answers_to(what)]
    if not chosen:
        item = find_item(queue, items, what, "override or patch")
        chosen = [one for one in found if target_of(one.override, items) is item]
        if not chosen:
            raise BadInput(f"no override is for {item.name}; `mptcp-series override new {item.name}` begins one")
    shown = [Shown.of(one, base, objects, items) for one in chosen]
    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "override show",
            "overrides": [show_document(one) for one in shown],
        },
        report=lambda: (
            line for number, one in enumerate(shown) for line in (*[""] * min(number, 1), *show_lines(one))
        ),
    )


@override.command("check", short_help="Whether every override fits the queue, in force or not.")
@click.option(
    "--annotate", type=click.Choice(FORMATS), help="Print what is wrong as a code review shows it, beside its line."
)
@takes("source", "series", "overrides")
def check(run: Run, annotate: str | None) -> None:
    """Hold every override against the queue: its patch, the hunks it drops, its diff, in force or not.

    With --annotate github these are workflow commands, with gitlab a code quality report.

    Exit status 1: an override has drifted; each is named as `file: field: why`.
    """
    try:
        queue = load_queue(run)
    except BadInput as error:
        if annotate is not None:
            found = [(one.file or "", one.line or 1, one.message) for one in error.problems]
            run.console.report(annotation_lines(annotate, found))
        raise
    drift = queue.check_overrides()
    if annotate is not None:
        paths = [found.path for found in overrides_of(run)]
        run.console.report(annotation_lines(annotate, [of_drift(one, paths) for one in drift]))
        if drift:
            raise NeedsPerson(map(str, drift))
        return
    files = counted(len(queue.overrides), "override")
    patches = counted(len(queue.series.entries), "patch", "patches")
    run.answer(
        document=lambda: drift_document(queue.name, len(queue.overrides), drift),
        report=lambda: [
            f"{files} against {patches} of {queue.name}: {len(drift) or 'no'} drift",
            *(f"{one.file}\n{one.detail}" for one in drift if one.detail is not None),
        ],
    )
    if drift:
        raise NeedsPerson(map(str, drift))


@override.command("new", short_help="Begin an override: a template with the hunk ids of a patch.")
@click.argument("patch")
@click.option("--to", "place", metavar="FILE", help="File to write; it must not be there yet. Default: print it.")
@takes("source", "series")
def new(run: Run, patch: str, place: str | None) -> None:
    """Print an override file for PATCH with all its hunks as `Drop` lines, ready to be edited.

    PATCH is a name of the series, an exact subject, or a commit id.
    """
    queue = Queue.load(run.series(), overrides=(), source=run.common_source(), sources=load_sources(run))
    objects, items = queue_items(queue)
    item = find_item(queue, items, patch)
    files = named_hunks(objects, item)
    text = template(item, files)
    if place is not None:
        path = Path(place)
        if path.exists() or path.is_symlink():
            raise BadInput("is there already; name another file", file=place)
        replace_file(path, text.encode())
    run.answer(
        document=lambda: template_document(item, files, text, place),
        report=lambda: [text.removesuffix("\n")] if place is None else [f"wrote {place}"],
    )
