# SPDX-License-Identifier: MIT
"""`mptcp-series why`: from a complaint to the patches that cure it, and from a patch to why it is there."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ..engine.review.asked import Asked, Question, ask
from ..engine.review.topics import classify, load_topics
from ..engine.review.why import Why, dependents, explain, explain_made
from ..engine.store.repository import plain_directory
from ..engine.upstream.citations import FixKind
from ..errors import BadInput
from ..values.topics import Symptom
from .console import printable
from .inputs import load_queue
from .inspection import read_stack
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["why"]

_DONE = {FixKind.FIX: ("fixes", "fixed by"), FixKind.REVERT: ("reverts", "reverted by")}


@click.command(short_help="Why a patch is in the queue, and which patches cure a symptom.")
@takes("source", "repo", "base", "series", "overrides")
@click.argument("words", metavar="PATCH|COMMIT|PATH|TOPIC|SYMPTOM", nargs=-1, required=True)
def why(run: Run, words: tuple[str, ...]) -> None:
    """Explain a patch: its message, its topics, what it fixes, what depends on it, its overrides.

    A path, a topic or a symptom lists the patches it leads to, each with the rule that says so; `why the transfer hangs
    when a link is cut` is a symptom in one's own words. With --base, a patch comes with its status there, and with
    the patches that do not apply without it; what alignment takes out and puts back there is explained as well.
    """
    queue = load_queue(run)
    reading = read_stack(queue)
    items = reading.items
    classified = classify(reading.objects, items, load_topics(run.series()))
    target = _target(run)
    text = " ".join(words)
    try:
        asked = ask(text, items, classified)
    except BadInput:
        made = None if target is None else explain_made(queue.apply(target[0], base=target[1]), text)
        if made is None:
            raise
        _answer(run, queue.name, Question.PATCH, made)
        return
    if asked.question not in (Question.PATCH, Question.COMMIT):
        subjects = {item.name: item.subject for item in items}
        run.answer(document=lambda: _list_document(queue.name, asked), report=lambda: _list_lines(asked, subjects))
        return
    (name,) = asked.patches
    if target is not None:
        repo, base = target
        result = queue.apply(repo, base=base)
        needing = dependents(reading, name, result, repo, base)
        found = explain(reading, classified, name, result=result, dependents=needing)
    else:
        found = explain(reading, classified, name)
    _answer(run, queue.name, asked.question, found)


def _answer(run: Run, series: str, question: Question, found: Why) -> None:
    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "why",
            "series": series,
            "question": question.value,
            "patch": found.to_json(),
        },
        report=lambda: _lines(found),
    )


def _target(run: Run) -> tuple[str, str | None] | None:
    """The base that is asked about; None where nobody named one."""
    repo = run.settings.optional("repo")
    if run.has_base() or (repo is not None and plain_directory(repo.value) is not None):
        return run.target()
    return None


def _list_document(series: str, asked: Asked) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "command": "why",
        "series": series,
        "question": asked.question.value,
        "asked": asked.text,
        "patches": [{"name": name, "why": reason} for name, reason in asked.patches.items()],
    }


def _list_lines(asked: Asked, subjects: dict[str, str]) -> Iterator[str]:
    about = asked.about
    title = asked.text if about is None else f"{about.name}: {about.title}"
    yield click.style(f"{asked.question.value} {printable(title)}", bold=True)
    if isinstance(about, Symptom) and about.text:
        yield printable(about.text)
    yield counted(len(asked.patches), "patch", "patches")
    for name, reason in asked.patches.items():
        yield f"  {printable(subjects[name])}"
        yield click.style(f"    {printable(name)} ({printable(reason)})", dim=True)


def _lines(found: Why) -> Iterator[str]:
    yield click.style(printable(found.subject), bold=True)
    yield f"{printable(found.name)}, {found.kind}" + ("" if found.commit is None else f", commit {found.commit}")
    if found.author:
        yield f"by {printable(found.author)}" + "".join(f"; upstream {one}" for one in found.upstream)
    if found.reason is not None:
        yield f"in the queue because: {printable(found.reason)}"
    if found.body:
        yield ""
        yield from (f"    {printable(line)}".rstrip() for line in found.body.split("\n"))
        yield ""
    for word, matches in (("topic", found.topics), ("cures", found.symptoms)):
        for name, match in matches.items():
            yield f"{word:<9} {name} ({printable(str(match))})"
    for citing in found.fixes:
        yield f"{_DONE[citing.kind][0]:<9} {printable(citing.name)}"
    for citing in found.fixed_by:
        yield f"{_DONE[citing.kind][1]} {printable(citing.name)}"
    for path in found.paths:
        yield f"changes   {printable(path)}"
    yield from _override_lines(found)
    yield from _base_lines(found)


def _override_lines(found: Why) -> Iterator[str]:
    for override in found.overrides:
        state = {None: "", True: ", used on this base", False: ", not used on this base"}[override.used]
        limits = [*([f"Base: {override.base}"] if override.base else []), *(f"When: {one}" for one in override.when)]
        yield f"override  {override.file}{state}" + (f" ({'; '.join(limits)})" if limits else "")
        yield from (f"          {printable(line)}" for line in override.reason.split("\n"))


def _base_lines(found: Why) -> Iterator[str]:
    if found.outcome is not None:
        yield f"on the base: {found.outcome.status.value}"
        for path in found.outcome.paths:
            yield f"  {path.status.value:<10} {printable(path.path)}"
    if found.dependents is not None:
        yield (
            f"without it {counted(len(found.dependents), 'patch does', 'patches do')} not apply:"
            if (found.dependents)
            else "every other patch applies without it"
        )
        for one in found.dependents:
            yield f"  {printable(one.name)} ({', '.join(map(printable, one.paths))})"
