# SPDX-License-Identifier: MIT
"""The recipe: what a queue picks from upstream, and what people decided about single commits.

A recipe is a reviewed document, so it is kept byte for byte and additions are appended as text. It decides what
is lost and what is kept, so nothing in it may be misread: unknown keys, wrong types, missing keys, abbreviated ids,
empty reasons, a commit named twice or with contradicting intent, bad ranges and conditions are refused, all at once,
each with its line. (`tomlreader` finds them.)
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from ..errors import BadInput, BadRecipe, Problem
from .condition import Condition
from .droptarget import DropTarget
from .naming import parse_commit_id
from .paths import OwnedPaths
from .recipevalues import name_value, owned_value, path_value, range_value, revision_value, text_value, valid
from .tomlreader import Table, TomlReader
from .tomlwriter import written_table
from .version import VersionRange
from .writeup import WriteUp

__all__ = ["Acknowledge", "CommitReason", "LostPolicy", "Prerequisite", "Recipe", "WriteUp"]

T = TypeVar("T")

_SERIES_KEYS = ("name", "range", "match", "owned", "root", "target", "overrides", "lost", "bases", "pathspecs", "after")
_ARRAY_KEYS = {
    "prerequisite": ("commit", "reason", "before", "when"),
    "include": ("commit", "reason"),
    "exclude": ("commit", "reason"),
    "acknowledge": ("commit", "path", "hunk", "reason"),
}
# Only one of these may name a commit: it cannot be left out and queued, nor queued twice.
_INTENTS = ("prerequisite", "include", "exclude")


class LostPolicy(enum.Enum):
    """What becomes of a lost fix: put back at the end of the queue, or refused."""

    RESTORE = "restore"
    REFUSE = "refuse"


def _lost(value: str) -> LostPolicy:
    if value not in [policy.value for policy in LostPolicy]:
        raise BadInput(f"unknown word {value!r} (expected 'restore' or 'refuse')")
    return LostPolicy(value)


@attrs.frozen(kw_only=True)
class CommitReason:
    """A commit and why it is named: an include or an exclude."""

    commit: str = attrs.field(converter=parse_commit_id)
    reason: str = attrs.field(validator=valid(text_value))


@attrs.frozen(kw_only=True)
class Prerequisite(CommitReason):
    """A commit outside the stack that the series needs.

    before: the patch it is placed before; None for its topological place, else the queue's start.
    when: it is queued only on a base for which this holds; None for every base.
    """

    before: str | None = attrs.field(default=None, validator=valid(path_value))
    when: Condition | None = None


@attrs.frozen(kw_only=True)
class Acknowledge:
    """A lost fix a person accepts: a commit, or a hunk of a path where there is no commit."""

    commit: str | None = attrs.field(default=None, converter=attrs.converters.optional(parse_commit_id))
    target: DropTarget | None = None
    reason: str = attrs.field(validator=valid(text_value))

    def __attrs_post_init__(self) -> None:
        if (self.commit is None) == (self.target is None) or (self.target and self.target.hunk is None):
            raise BadRecipe("an acknowledged loss is either a commit, or a path with a hunk")

    @property
    def path(self) -> str | None:
        return None if self.target is None else self.target.path

    @property
    def hunk(self) -> str | None:
        """The hunk's id as written, `.N` included."""
        return None if self.target is None else self.target.id


@attrs.frozen(kw_only=True)
class Recipe:
    """A whole recipe. Required: name, range, match, owned; `overrides` defaults to the series' name.

    range, root and target are revisions of the source, as text; root None stands for the range's merge base.
    match: texts, one of which a touched path contains. pathspecs: git pathspecs that narrow the history walk.
    after: series this one goes on top of, directories beside its own (`engine/stack.py`).
    write_up: the numbers of the text the recipe follows, for `check` to set beside its own.
    Raises BadRecipe for what a recipe cannot say.
    """

    name: str = attrs.field(validator=valid(name_value))
    range: str = attrs.field(validator=valid(range_value))
    match: tuple[str, ...] = attrs.field(validator=valid(text_value))
    owned: OwnedPaths
    root: str | None = attrs.field(default=None, validator=valid(revision_value))
    target: str | None = attrs.field(default=None, validator=valid(revision_value))
    overrides: tuple[str, ...] = attrs.field(
        default=attrs.Factory(lambda self: (self.name,), takes_self=True), validator=valid(path_value)
    )
    lost: LostPolicy = LostPolicy.RESTORE
    bases: VersionRange | None = None
    pathspecs: tuple[str, ...] = attrs.field(default=(), validator=valid(text_value))
    after: tuple[str, ...] = attrs.field(default=(), validator=valid(name_value))
    prerequisites: tuple[Prerequisite, ...] = ()
    includes: tuple[CommitReason, ...] = ()
    excludes: tuple[CommitReason, ...] = ()
    acknowledged: tuple[Acknowledge, ...] = ()
    write_up: WriteUp | None = None
    file: str = attrs.field(default="recipe.toml", eq=False)
    raw: bytes | None = attrs.field(init=False, default=None, eq=False, repr=False)
    """The bytes it was parsed from; not kept by `attrs.evolve`, whose result is rendered anew."""

    def __attrs_post_init__(self) -> None:
        problems = [] if self.match else [Problem(file=self.file, message=_NO_MATCH)]
        ids: dict[str, Sequence[str]] = {
            "prerequisite": [entry.commit for entry in self.prerequisites],
            "include": [entry.commit for entry in self.includes],
            "exclude": [entry.commit for entry in self.excludes],
            "acknowledge": [entry.commit or str(entry.target) for entry in self.acknowledged],
        }
        named = [(array, f"{array}[{i}]", text) for array, texts in ids.items() for i, text in enumerate(texts)]
        problems += [Problem(file=self.file, message=message) for _, message in _contradictions(named)]
        if len(set(self.after)) < len(self.after):
            problems.append(Problem(file=self.file, message=_TWICE))
        if problems:
            raise BadRecipe(problems)

    @classmethod
    def parse(cls, data: bytes, file: str) -> Recipe:
        """Read a recipe; `parse(x, file).render() == x`.

        Raises BadRecipe with every problem of the file; of a TOML syntax error, that one alone.

        >>> text = b'[series]\\nname = "q"\\nrange = "v1..v2"\\nmatch = ["net/mptcp"]\\nowned = ["net/mptcp/"]\\n'
        >>> Recipe.parse(text, "recipe.toml").range_end
        'v2'
        """
        recipe = _Reader(data, file).recipe()
        object.__setattr__(recipe, "raw", data)
        return recipe

    def render(self) -> bytes:
        """The file's bytes: those it was parsed from, else canonical TOML, which parses to an equal recipe."""
        if self.raw is not None:
            return self.raw
        series: dict[str, object] = {"name": self.name, "range": self.range, "match": self.match}
        series |= {"owned": self.owned.patterns, "root": self.root, "target": self.target}
        series |= {"overrides": None if self.overrides == (self.name,) else self.overrides, "lost": self.lost.value}
        series |= {"bases": self.bases and str(self.bases), "pathspecs": self.pathspecs or None}
        series |= {"after": self.after[0] if len(self.after) == 1 else self.after or None}
        blocks = [written_table("[series]", series)]
        blocks += [
            written_table(f"[[{array}]]", attrs.asdict(entry, recurse=False))
            for array, entries in (
                ("prerequisite", self.prerequisites),
                ("include", self.includes),
                ("exclude", self.excludes),
            )
            for entry in entries
        ]
        for entry in self.acknowledged:
            lost = {"commit": entry.commit, "path": entry.path, "hunk": entry.hunk, "reason": entry.reason}
            blocks.append(written_table("[[acknowledge]]", lost))
        if self.write_up is not None:
            blocks.append(written_table("[write_up]", attrs.asdict(self.write_up, recurse=False)))
        return "\n".join(blocks).encode()

    @property
    def range_start(self) -> str:
        """The text before `..`: the last commit that is not picked."""
        return self.range.split("..")[0]

    @property
    def range_end(self) -> str:
        """The text after `..`."""
        return self.range.split("..")[1]

    @property
    def target_or_end(self) -> str:
        """What parity is measured against: the target, by default the range's end."""
        return self.target or self.range_end

    def with_prerequisite(
        self, commit: str, reason: str, *, before: str | None = None, when: Condition | None = None
    ) -> Recipe:
        """With one more [[prerequisite]] at the end of the text; raises BadRecipe if that makes a bad recipe."""
        return self._with("prerequisite", {"commit": commit, "reason": reason, "before": before, "when": when})

    def with_include(self, commit: str, reason: str) -> Recipe:
        """With one more [[include]] at the end of the text; raises BadRecipe if that makes a bad recipe."""
        return self._with("include", {"commit": commit, "reason": reason})

    def _with(self, array: str, values: Table) -> Recipe:
        data = self.render()
        eol = b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") else b"\n"
        gap = eol if data.endswith(b"\n") else eol + eol
        block = written_table(f"[[{array}]]", values).encode().replace(b"\n", eol)
        try:
            return Recipe.parse(data + gap + block, self.file)
        except BadRecipe as error:
            inline = re.search(rb"^[ \t]*%s[ \t]*=" % array.encode(), data, re.MULTILINE)
            if inline is None:
                raise
            why = f"`{array} = [...]` cannot be added to; write each entry as a [[{array}]] of its own, at the end"
            raise BadRecipe(why, file=self.file, line=data.count(b"\n", 0, inline.start()) + 1) from error


_TWICE = "a series twice in 'series.after'"
_NO_MATCH = "empty list in 'series.match': nothing would be picked"


def _contradictions(named: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """(context, message) for every id named twice; `named` is (array, context, id)."""
    first: dict[tuple[bool, str], tuple[str, str]] = {}
    for array, context, text in named:
        key = (array in _INTENTS, text)
        if key not in first:
            first[key] = (array, context)
            continue
        other, place = first[key]
        verdict = "duplicate" if other == array else f"both {other} and {array}:"
        yield context, f"{verdict} {text} in {context!r}, first in {place!r}"


class _Reader(TomlReader):
    """Reads one recipe and collects what is wrong with it."""

    def __init__(self, data: bytes, file: str) -> None:
        super().__init__(data, file, BadRecipe)

    def many(self, table: Table, key: str, convert: Callable[[str], T], required: bool = False) -> tuple[T, ...]:
        name = f"series.{key}"
        if key not in table:
            if required:
                self.problem(name, f"Missing required value in {name!r}")
            return ()
        values = self.typed(table[key], list, name) or []
        read = [self.converted(value, convert, f"{name}[{index}]") for index, value in enumerate(values)]
        return tuple(value for value in read if value is not None)

    def tables(self, array: str) -> Iterator[tuple[str, Table]]:
        values = self.typed(self.document.get(array, []), list, array) or []
        for index, value in enumerate(values):
            context = f"{array}[{index}]"
            table = self.typed(value, dict, context)
            if table is not None:
                self.known(table, _ARRAY_KEYS[array], context)
                yield context, table

    def recipe(self) -> Recipe:
        self.known(self.document, ("series", *_ARRAY_KEYS, "write_up"), "")
        series: Table | None = None
        if "series" in self.document:
            series = self.typed(self.document["series"], dict, "series")
        else:
            self.problem("series", "Missing required value in 'series'")
        fields = {} if series is None else self.series(series)
        named: list[tuple[str, str, str]] = []
        entries: dict[str, list[Any]] = {array: [] for array in _ARRAY_KEYS}
        for array in _ARRAY_KEYS:
            for context, table in self.tables(array):
                values = self.acknowledge(table, context) if array == "acknowledge" else self.entry(table, context)
                text = values.get("commit") or values.get("target")
                if text is not None:
                    named.append((array, context, str(text)))
                entries[array].append(values)
        for context, message in _contradictions(named):
            self.problem(f"{context}.commit", message)
        write_up = WriteUp.read(self, self.document["write_up"]) if "write_up" in self.document else None
        if self.problems:
            raise BadRecipe(sorted(self.problems, key=lambda problem: (problem.line is None, problem.line or 0)))
        return Recipe(
            **fields,
            prerequisites=tuple(Prerequisite(**values) for values in entries["prerequisite"]),
            includes=tuple(CommitReason(**values) for values in entries["include"]),
            excludes=tuple(CommitReason(**values) for values in entries["exclude"]),
            acknowledged=tuple(Acknowledge(**values) for values in entries["acknowledge"]),
            write_up=write_up,
            file=self.file,
        )

    def series(self, table: Table) -> dict[str, Any]:
        self.known(table, _SERIES_KEYS, "series")
        fields: dict[str, Any] = {
            "name": self.get(table, "name", name_value, "series", required=True),
            "range": self.get(table, "range", range_value, "series", required=True),
            "match": self.many(table, "match", text_value, required=True),
            "owned": OwnedPaths(patterns=self.many(table, "owned", owned_value, required=True)),
            "root": self.get(table, "root", revision_value, "series"),
            "target": self.get(table, "target", revision_value, "series"),
            "lost": self.get(table, "lost", _lost, "series") or LostPolicy.RESTORE,
            "bases": self.get(table, "bases", VersionRange.parse, "series"),
            "pathspecs": self.many(table, "pathspecs", text_value),
        }
        after = table.get("after")
        fields["after"] = self.many({"after": [after]} if isinstance(after, str) else table, "after", name_value)
        if len(set(fields["after"])) < len(fields["after"]):
            self.problem("series.after", _TWICE)
        if table.get("match") == []:
            self.problem("series.match", _NO_MATCH)
        if "overrides" in table:
            fields["overrides"] = self.many(table, "overrides", path_value)
        return fields

    def entry(self, table: Table, context: str) -> dict[str, Any]:
        """A prerequisite, include or exclude; only the first has all of these keys, `known` saw to that."""
        values = {
            "commit": self.get(table, "commit", parse_commit_id, context, required=True),
            "reason": self.get(table, "reason", text_value, context, required=True),
            "before": self.get(table, "before", path_value, context),
            "when": self.get(table, "when", Condition.parse, context),
        }
        return {key: value for key, value in values.items() if value is not None}

    def acknowledge(self, table: Table, context: str) -> dict[str, Any]:
        commit = self.get(table, "commit", parse_commit_id, context)
        path, hunk = self.get(table, "path", path_value, context), self.get(table, "hunk", text_value, context)
        reason = self.get(table, "reason", text_value, context, required=True)
        values: dict[str, Any] = {"commit": commit, "target": None, "reason": reason}
        named = tuple(key for key in ("commit", "path", "hunk") if key in table)
        if named not in (("commit",), ("path", "hunk")):
            said = " and ".join(map(repr, named)) or "neither"
            self.problem(context, f"expected 'commit', or 'path' and 'hunk', got {said} in {context!r}")
        elif path is not None and hunk is not None:
            values["target"] = self.converted(f"{path}#{hunk}", DropTarget.parse, f"{context}.hunk")
        return values
