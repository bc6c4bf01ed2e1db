# SPDX-License-Identifier: MIT
"""What an edit was begun with: a JSON file that carries a digest, and is refused when it is not as it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import BadInput
from ...values.paths import check_tree_path
from ..resolving.job import Job

__all__ = ["EditState"]

_SCHEMA = 2


@attrs.frozen(kw_only=True)
class EditState:
    """What an edit was begun with. Paths of the machine are absolute."""

    series: str
    source: str | None
    sources: Mapping[str, str]
    repo: str
    rev: str | None
    commit: str | None
    overrides: tuple[str, ...] | None
    align: bool
    patch: str
    queue: str
    """Digest of the series file and the recipe."""
    tree: str
    """The tree with the patch."""
    files: tuple[str, ...]
    """What was laid out."""
    checkout: bool
    head: str | None = None
    """Commit that a git worktree had checked out."""
    untracked: tuple[str, ...] = ()
    """Files that lay about in a git worktree, and are no part of the edit."""
    complete: bool = True
    """False while files are laid out or put back: what a killed run left then is not what somebody edited."""

    def render(self) -> bytes:
        document = {"schema": _SCHEMA, **attrs.asdict(self)}
        return _encoded({**document, "digest": _digest(document)}) + b"\n"

    @classmethod
    def parse(cls, data: bytes, file: str) -> EditState:
        """Read it back. Raises BadInput for a file that is not as it was written."""
        hint = "begin the edit anew; what you edited stays where it is"
        try:
            document = json.loads(data)
            schema, digest = document["schema"], document.pop("digest")
            if schema != _SCHEMA:
                raise BadInput(f"made by another version (schema {schema!r}); {hint}", file=file)
            if digest != _digest(document):
                raise BadInput(f"changed by hand or cut off: its digest does not fit; {hint}", file=file)
            document.pop("schema")
            overrides = document.pop("overrides")
            files, untracked = tuple(document.pop("files")), tuple(document.pop("untracked"))
            state = cls(
                **document,
                files=files,
                untracked=untracked,
                overrides=None if overrides is None else tuple(overrides),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"damaged: {error}; {hint}", file=file) from None
        for path in (*state.files, *state.untracked):
            if trouble := check_tree_path(path):
                raise BadInput(f"damaged: unsafe path {path!r}: {trouble}", file=file)
        return state

    def job(self) -> Job:
        return Job(
            series=self.series,
            repo=self.repo,
            base=self.rev,
            source=self.source,
            overrides=self.overrides,
            align=self.align,
            sources={name: Path(place) for name, place in self.sources.items()},
        )


def _encoded(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii")


def _digest(document: object) -> str:
    return hashlib.sha256(_encoded(document)).hexdigest()
