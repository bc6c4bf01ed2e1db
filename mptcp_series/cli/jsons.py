# SPDX-License-Identifier: MIT
"""JSON documents: one on standard output, keys sorted, no timestamps, the same bytes for the same answer.

Text from patches and paths may hold bytes that are not UTF-8; they are shown as backslash escapes (`\\xe9`), because
a lone surrogate is no JSON text to most readers. The document is UTF-8 whatever the locale, as RFC 8259 wants it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.replay.item import Item
    from ..engine.upstream.extract import Extraction
    from ..values.result import Drift
    from .inspection import Found, NamedHunks, Shown

__all__ = [
    "SCHEMA",
    "Json",
    "drift_document",
    "extraction_document",
    "override_entry",
    "render",
    "show_document",
    "template_document",
]

Json = Mapping[str, object]
SCHEMA = 1


def render(document: Json) -> bytes:
    r"""The document's bytes.

    >>> render({"b": "caf\udce9", "a": 1})
    b'{\n  "a": 1,\n  "b": "caf\\\\xe9"\n}\n'
    """
    return (json.dumps(_clean(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(below) for key, below in value.items()}
    if isinstance(value, Sequence):
        return [_clean(below) for below in value]
    return value


def _text(text: str) -> str:
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()


def extraction_document(series: str, extraction: Extraction, files: Sequence[Path]) -> Json:
    """The document of `extract`."""
    return {
        "schema": SCHEMA,
        "command": "extract",
        "series": series,
        "examined": extraction.examined,
        "picks": [
            {
                "commit": pick.commit,
                "subject": pick.subject,
                "name": pick.name,
                "kind": pick.kind.value,
                "merge": pick.is_merge,
            }
            for pick in extraction.picks
        ],
        "uncovered": [
            {"commit": entry.commit, "subject": entry.subject, "paths": list(entry.paths)}
            for entry in extraction.uncovered
        ],
        "excluded": [
            {"commit": entry.commit, "subject": entry.subject, "reason": entry.reason} for entry in extraction.excluded
        ],
        "files": [str(file) for file in files],
    }


def override_entry(found: Found, in_force: bool | None) -> Json:
    """One override of `override list`; `in_force` is None where no base was named."""
    override = found.override
    return {
        "file": str(found.path),
        "patch": override.patch,
        "commit": override.commit,
        "base": None if override.base is None else str(override.base),
        "when": [str(condition) for condition in override.when],
        "skip": override.skip,
        "drop": [str(target) for target in override.drop],
        "diff": found.diff_paths,
        "optional": override.optional,
        "reason": override.reason,
        "in_force": in_force,
    }


def show_document(shown: Shown) -> Json:
    """One override of `override show`: as in the list, with the patch it is for and the text it adds."""
    return {
        **override_entry(shown.found, shown.in_force),
        "target": None if shown.item is None else _target(shown.item),
        "paths": [
            {
                "path": file.path,
                "hunks": [
                    {
                        "id": identifier,
                        "fate": "dropped" if shown.drops(file.path, identifier) else "kept",
                        "text": _decoded(hunk.render()),
                    }
                    for identifier, hunk in file.hunks
                ],
            }
            for file in shown.files
        ],
        "text": _decoded(shown.found.override.diff),
    }


def drift_document(series: str, overrides: int, drift: Sequence[Drift]) -> Json:
    """The document of `override check`."""
    return {
        "schema": SCHEMA,
        "command": "override check",
        "series": series,
        "overrides": overrides,
        "drift": [entry.to_json() for entry in drift],
    }


def template_document(item: Item, files: Sequence[NamedHunks], text: str, place: str | None) -> Json:
    """The document of `override new`."""
    return {
        "schema": SCHEMA,
        "command": "override new",
        "target": _target(item),
        "paths": [
            {
                "path": file.path,
                "hunks": [{"id": identifier, "text": _decoded(hunk.render())} for identifier, hunk in file.hunks],
            }
            for file in files
        ],
        "template": text,
        "file": place,
    }


def _target(item: Item) -> Json:
    return {"name": item.name, "commit": item.commit, "subject": item.subject}


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
