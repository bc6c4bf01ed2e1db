# SPDX-License-Identifier: MIT
"""The certificate of a check: all that went into a result and all that came of it, as ids and digests.

A later run makes the certificate again and holds it against the one that was filed; what differs is named field by
field. There is no time, no path and no machine in it: the same input gives the same bytes.

As JSON it is one document. As text it has a line a field, `field: value`, the field's name being the keys on the way
to it, joined by dots. Both are read back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from ..errors import BadInput, Problem

__all__ = ["COMMIT_FIELDS", "SCHEMA", "VERSION_FIELD", "Certificate", "Changed", "Filed", "compare"]

SCHEMA = 1
TITLE = "mptcp-series certificate"
VERSION_FIELD = "tool.version"
COMMIT_FIELDS = ("base.commit", "result.commit")

Json = Mapping[str, object]


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _flat(value[key], f"{name}.{_word(key)}" if name else _word(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield name, ", ".join(map(_word, value)) or "none"
    else:
        yield name, _word(value)


def _word(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    # One line, and one that a file in UTF-8 can hold.
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


@attrs.frozen(kw_only=True)
class Certificate:
    """A certificate as it is made."""

    document: Json
    """Nested mappings with words, numbers, truths, None and lists of words."""

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields by name, values as words."""
        return dict(_flat(self.document, ""))

    def to_json(self) -> dict[str, object]:
        """The document of the JSON form."""
        return {"schema": SCHEMA, **self.document}

    def render_text(self) -> bytes:
        """The text form: a title, then a field a line, an empty line between groups."""
        lines = [f"{TITLE} {SCHEMA}"]
        group = ""
        for name, value in self.fields.items():
            head = name.split(".", 1)[0]
            if head != group:
                lines.append("")
                group = head
            lines.append(f"{_key(name)}: {value}")
        return ("\n".join(lines) + "\n").encode()

    def render_json(self) -> bytes:
        """The JSON form, keys sorted."""
        return (json.dumps(_plain(self.to_json()), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    def render(self, file: str) -> bytes:
        """The form a file of this name has: JSON where it ends in `.json`, else text."""
        return self.render_json() if file.endswith(".json") else self.render_text()


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(below) for key, below in value.items()}
    if isinstance(value, Sequence):
        return [_plain(below) for below in value]
    return value


def _key(name: str) -> str:
    """A field's name, quoted where it would be read otherwise."""
    return json.dumps(name, ensure_ascii=False) if ": " in name or name[:1] in '" ' or name[-1:] in ": " else name


@attrs.frozen(kw_only=True)
class Filed:
    """A certificate as it was read from a file."""

    file: str
    fields: Mapping[str, str]

    @classmethod
    def parse(cls, data: bytes, file: str) -> Filed:
        """Read either form. Raises BadInput, with the line, for what is no certificate."""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise BadInput("is no certificate: it is not UTF-8", file=file) from error
        return cls(file=file, fields=_of_json(text, file) if text[:1] == "{" else _of_text(text, file))


def _of_json(text: str, file: str) -> Mapping[str, str]:
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise BadInput(f"is no certificate: {error.msg}", file=file, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no certificate: {error}", file=file) from error
    if "certificate" in document and document.get("command") == "verify":
        # The document of `verify --json` has one in it.
        document = document["certificate"]
    schema = document.pop("schema", None) if isinstance(document, dict) else None
    _check_schema(schema, file, 1)
    fields: dict[str, str] = {}
    for name, value in _flat(document, ""):
        if name in fields:
            # `{"a.b": 1, "a": {"b": 2}}`: which of the two was filed?
            raise BadInput(f"is no certificate: {name!r} stands in it a second time", file=file)
        fields[name] = value
    return fields


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """A JSON object. Python takes the last of two equal keys; a certificate may not say two things."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise ValueError(f"{twice!r} stands in it a second time")
    return found


def _of_text(text: str, file: str) -> Mapping[str, str]:
    lines = text.split("\n")
    title, _, schema = lines[0].rpartition(" ")
    _check_schema(int(schema) if title == TITLE and re.fullmatch("[0-9]{1,9}", schema) else None, file, 1)
    fields: dict[str, str] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        if line.startswith('"'):
            try:
                name, end = json.JSONDecoder().raw_decode(line)
            except json.JSONDecodeError:
                name, end = "", 0
            mark, value = line[end : end + 2], line[end + 2 :]
        else:
            name, mark, value = line.partition(": ")
        if mark != ": " or not name or name in fields:
            why = "stands here a second time" if name in fields else "expected `field: value`"
            problems.append(Problem(file=file, line=number, message=f"{line!r}: {why}"))
        else:
            fields[name] = value
    if problems:
        raise BadInput(problems)
    return fields


def _check_schema(schema: object, file: str, line: int) -> None:
    if type(schema) is not int:
        raise BadInput(
            f"is no certificate: `{TITLE} {SCHEMA}` or a JSON document with a schema expected", file=file, line=line
        )
    if schema != SCHEMA:
        raise BadInput(f"certificate of schema {schema}; this version reads {SCHEMA}", file=file, line=line)


@attrs.frozen(kw_only=True)
class Changed:
    """A field that is not what it was when the certificate was filed."""

    field: str
    filed: str | None
    """None where the filed certificate does not have the field."""
    now: str | None
    """None where today's does not have it."""

    @property
    def counts(self) -> bool:
        """Whether the certificate no longer holds for it.

        Another version of the tool may come to the same result, and a directory has no commit: its tree stands for it.
        """
        if self.field in COMMIT_FIELDS:
            return "none" not in (self.filed, self.now)
        return self.field != VERSION_FIELD

    def __str__(self) -> str:
        filed = "not there" if self.filed is None else self.filed
        now = "not there" if self.now is None else self.now
        return f"{self.field}: was {filed}, is {now}"

    def to_json(self) -> Json:
        return attrs.asdict(self)


def compare(filed: Filed, now: Certificate) -> tuple[Changed, ...]:
    """The fields in which a filed certificate and today's differ, sorted by name."""
    fields = now.fields
    return tuple(
        Changed(field=name, filed=filed.fields.get(name), now=fields.get(name))
        for name in sorted({*filed.fields, *fields})
        if filed.fields.get(name) != fields.get(name)
    )
