# SPDX-License-Identifier: MIT
"""A resolve as text and as a document: what is laid out, what is still to be settled, what was written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import click

from ..engine.resolving.place import Place
from ..engine.resolving.prove import Answer
from ..engine.resolving.standing import Standing, standing
from ..engine.resolving.state import State
from ..values.override import Override
from .console import printable
from .jsons import SCHEMA, Json
from .tables import counted

__all__ = ["Shown", "conflicts", "effect", "reason_template"]

_INDENT = "  "
_SHOWN = 5


@attrs.frozen(kw_only=True)
class Shown:
    """What one run of the command has to tell."""

    place: Place
    state: State | None = None
    """The conflict that is laid out."""
    files: tuple[Standing, ...] = ()
    written: Path | None = None
    override: Override | None = None
    replaced: bool = False
    """Whether what was written takes the place of another override."""
    said: tuple[str, ...] = ()
    """Sentences that come first."""
    more: int = 0
    """Other patches in conflict."""
    options: str = ""

    @classmethod
    def of(cls, place: Place, state: State | None, **rest: object) -> Shown:
        files = () if state is None else standing(place, state.files)
        return cls(place=place, state=state, files=files, **rest)  # type: ignore[arg-type]

    def document(self) -> Json:
        state = self.state
        return {
            "schema": SCHEMA,
            "command": "resolve",
            "directory": str(self.place.directory),
            "written": None if self.written is None else str(self.written),
            "conflicts": self.more + (state is not None),
            "open": None
            if state is None
            else {
                "patch": state.patch,
                "commit": state.upstream,
                "subject": state.subject,
                "base": {"rev": state.rev, "commit": state.commit, "version": state.version},
                "replaces": state.replaces,
                "files": [
                    {
                        "path": one.path,
                        "hunks": state.files[one.path].hunks,
                        "markers": one.markers,
                        "question": one.question,
                        "changed": one.changed,
                    }
                    for one in self.files
                ],
            },
        }

    def lines(self) -> Iterator[str]:
        yield from self.said
        if self.written is not None:
            yield f"wrote {printable(_short(self.written))}: {effect(self.override)}"
            if self.replaced:
                yield "it replaces the override in force on all its bases; `check` tells whether it fits them"
        state = self.state
        if state is None:
            return
        if self.written is not None:
            yield ""
        yield click.style(f"conflict in {printable(state.patch)}", fg="red", bold=True) + f" on {printable(state.rev)}"
        yield f"{_INDENT}{printable(state.subject)}"
        for one in self.files:
            yield from self._file(one)
        directory = printable(_short(self.place.directory))
        if self.more:
            yield f"{counted(self.more, 'more patch', 'more patches')} in conflict after it"
        yield f"laid out in {directory}: README says what is asked, PATCH is the patch, tree/ is to be the answer"
        yield from self._next()

    def _file(self, one: Standing) -> Iterator[str]:
        assert self.state is not None
        asked = self.state.files[one.path]
        name = printable(f"tree/{one.path}")
        if one.markers:
            shown = ", ".join(map(str, one.markers[:_SHOWN])) + (", ..." if len(one.markers) > _SHOWN else "")
            places = f"{counted(len(one.markers), 'place')}, line{'s' if len(one.markers) > 1 else ''} {shown}"
            yield f"{_INDENT}{click.style('markers', fg='red')}   {name}: {places}"
        elif one.question is not None:
            yield f"{_INDENT}{click.style('question', fg='red')}  {name}: {printable(one.question)}"
        elif asked.marked or asked.question is not None:
            yield f"{_INDENT}{click.style('answered', fg='green')}  {name}"
        elif one.changed:
            yield f"{_INDENT}changed   {name}"
        else:
            yield f"{_INDENT}merged    {name}"

    def _next(self) -> Iterator[str]:
        command = f"mptcp-series resolve{self.options}"
        if any(one.markers for one in self.files):
            yield f"next: edit the files below tree/ (or `{command} --edit`, `--tool CMD`), then `{command} --done`"
        elif asked := [one.path for one in self.files if one.question is not None]:
            path = printable(asked[0])
            yield f"next: change or delete tree/{path}, or `{command} --ours {path}`, `--theirs`, `--keep`"
        else:
            yield f"next: `{command} --done` captures the answer; --skip leaves the patch out, --abort takes all away"


def conflicts(state: State, files: Sequence[Standing]) -> list[str]:
    """One line for each file that is still to be settled, in the words of `check`."""
    asked = [f"conflict: {state.patch}: {one.path}" for one in files if one.open]
    return asked or [f"conflict: {state.patch}: answered, and not captured yet; see --done"]


def effect(override: Override | None) -> str:
    """What an override does, in a few words."""
    if override is None:
        return "skips the patch"
    said = list(map(printable, override.left_out))
    if override.diff:
        added = sum(line.startswith(b"+") and not line.startswith(b"+++ ") for line in override.diff.split(b"\n"))
        gone = sum(line.startswith(b"-") and not line.startswith(b"--- ") for line in override.diff.split(b"\n"))
        said.append(f"a diff of +{added} -{gone} lines")
    return "; ".join(said)


def reason_template(answer: Answer) -> bytes:
    """What the editor opens to ask for a reason: nothing but comments, the override among them."""
    state = answer.state
    head = [
        "",
        f"# Why is this the answer for {state.patch} on Linux {state.version}?",
        "# Say it for the one who reviews it. Lines that start with # are left out; an empty reason writes nothing.",
        "#",
    ]
    body = answer.text("(to be written)").split(b"\n")
    return "\n".join(head).encode() + b"\n" + b"\n".join(b"# " + line for line in body) + b"\n"


def _short(path: Path) -> str:
    """A path as one would type it here."""
    try:
        return str(path.relative_to(os.getcwd()))
    except ValueError:
        return str(path)
