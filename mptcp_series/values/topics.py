# SPDX-License-Identifier: MIT
"""What patches are about, by rules people read and edit: topics, and the symptoms that lead to patches.

The file is TOML (docs/reference/files.md). A rule says what it looks at; a match says which rule it was, so that
nobody has to guess why a patch is where it is.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import attrs

from ..errors import BadInput, BadTopics
from .tomlreader import Table, TomlReader

__all__ = ["Match", "Rules", "Symptom", "Topic", "Topics", "Traits"]

_RULES = ("paths", "functions", "subjects")
_KEYS = {"topic": ("name", "title", *_RULES), "symptom": ("name", "title", "text", "words", *_RULES)}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@attrs.frozen(kw_only=True)
class Traits:
    """What rules look at in one patch."""

    subject: str
    paths: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    """Functions its hunks are in, and those it adds or removes."""


@attrs.frozen
class Match:
    """Why a rule fits: the kind of rule, and what of the patch it fits."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.what}" if self.rule != "subject" else f"subject: {self.what}"


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """A path glob: `*` and `?` stay in a directory, `**` does not."""
    text = re.escape(pattern)
    for escaped, expression in ((r"\*\*", ".*"), (r"\*", "[^/]*"), (r"\?", "[^/]")):
        text = text.replace(escaped, expression)
    return re.compile(text, re.DOTALL)


@attrs.frozen(kw_only=True)
class Rules:
    """When a patch belongs somewhere; any of the rules is enough."""

    paths: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    @cached_property
    def _subjects(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(text, re.IGNORECASE) for text in self.subjects)

    def match(self, traits: Traits) -> Match | None:
        """The first rule that fits a patch, None where none does."""
        for pattern in self._subjects:
            found = pattern.search(traits.subject)
            if found is not None:
                return Match("subject", found[0])
        for glob in self.functions:
            for function in traits.functions:
                if fnmatch.fnmatchcase(function, glob):
                    return Match("function", function)
        for glob in self.paths:
            for path in traits.paths:
                if _glob(glob).fullmatch(path):
                    return Match("path", path)
        return None


@attrs.frozen(kw_only=True)
class Topic:
    """One subject matter of a queue."""

    name: str
    title: str
    rules: Rules


@attrs.frozen(kw_only=True)
class Symptom:
    """What people complain about, and the rules that lead to the patches which cure it."""

    name: str
    title: str
    text: str
    words: tuple[str, ...]
    rules: Rules


@attrs.frozen(kw_only=True)
class Topics:
    """The topics and symptoms of a file, in its order."""

    file: str
    topics: tuple[Topic, ...]
    symptoms: tuple[Symptom, ...]

    @classmethod
    def parse(cls, data: bytes, file: str) -> Topics:
        """Read a file of topics. Raises BadTopics with every problem it has."""
        reader = TomlReader(data, file, BadTopics)
        reader.known(reader.document, _KEYS, "")
        topics = tuple(
            Topic(name=name, title=title, rules=rules) for name, title, rules, _, _ in _read(reader, "topic")
        )
        symptoms = tuple(
            Symptom(name=name, title=title, rules=rules, text=_text(reader, table, place), words=words)
            for name, title, rules, (table, place), words in _read(reader, "symptom")
        )
        names: set[str] = set()
        kinds = (("topic", [topic.name for topic in topics]), ("symptom", [symptom.name for symptom in symptoms]))
        for kind, listed in kinds:
            for index, name in enumerate(listed):
                if name in names:
                    reader.problem(f"{kind}[{index}].name", f"{name!r} is named twice")
                names.add(name)
        if reader.problems:
            raise BadTopics(reader.problems)
        return cls(file=file, topics=topics, symptoms=symptoms)

    def search(self, text: str) -> list[Symptom]:
        """Symptoms that what a person says fits, best first: by the share of its words that a symptom has.

        A word counts where a symptom's name, title or words have it, or one that begins with its first five letters.
        """
        wanted = re.findall(r"[a-z0-9_]+", text.lower())
        scored = []
        for place, symptom in enumerate(self.symptoms):
            has = set(re.findall(r"[a-z0-9_]+", f"{symptom.name} {symptom.title} {' '.join(symptom.words)}".lower()))
            score = sum(
                any(word == one or (len(word) > 4 and one.startswith(word[:5])) for one in has) for word in wanted
            )
            if score:
                scored.append((-score, place, symptom))
        best = min((score for score, _, _ in scored), default=0)
        return [symptom for score, _, symptom in sorted(scored, key=lambda entry: entry[:2]) if score == best]


_Read = tuple[str, str, Rules, tuple[Table, str], tuple[str, ...]]


def _read(reader: TomlReader, kind: str) -> Iterable[_Read]:
    found = reader.document.get(kind, [])
    tables: Sequence[object] = reader.typed(found, list, kind) or []
    for index, entry in enumerate(tables):
        place = f"{kind}[{index}]"
        table = reader.typed(entry, dict, place)
        if table is None:
            continue
        reader.known(table, _KEYS[kind], place)
        name = reader.get(table, "name", _name, place, required=True)
        title = reader.get(table, "title", _filled, place, required=True)
        lists = {key: _texts(reader, table, key, place) for key in (*_RULES, "words")}
        for at, text in enumerate(lists["subjects"]):
            try:
                re.compile(text)
            except re.error as error:
                reader.problem(f"{place}.subjects[{at}]", f"{text!r} is no regular expression: {error}")
        if not any(lists[key] for key in _RULES):
            reader.problem(place, f"no rule: give {place!r} paths, functions or subjects")
        if name is not None and title is not None:
            rules = Rules(paths=lists["paths"], functions=lists["functions"], subjects=lists["subjects"])
            yield name, title, rules, (table, place), lists["words"]


def _text(reader: TomlReader, table: Table, place: str) -> str:
    return reader.get(table, "text", _filled, place) or ""


def _texts(reader: TomlReader, table: Table, key: str, place: str) -> tuple[str, ...]:
    entries = reader.typed(table.get(key, []), list, f"{place}.{key}") or []
    found = (reader.converted(entry, _filled, f"{place}.{key}[{at}]") for at, entry in enumerate(entries))
    return tuple(text for text in found if text is not None)


def _filled(value: str) -> str:
    if not value.strip():
        raise BadInput("empty text")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise BadInput(f"bad name {value!r} (expected small letters, digits and hyphens)")
    return value
