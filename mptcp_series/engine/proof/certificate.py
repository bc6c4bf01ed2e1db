# SPDX-License-Identifier: MIT
"""What goes into a certificate: digests of every input, ids of every tree and commit, and the account.

A digest is the SHA-256 of a file as it is on the disk, so that `sha256sum` gives it too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import pygit2

from ... import __version__
from ...errors import EnvironmentFault, UnknownRevision
from ...values.certificate import Certificate
from ...values.verification import Difference, DifferenceKind, Ground, Ignored, Parity, Verified
from ..queue import Queue
from ..result import Result
from ..store.files import read_input
from ..store.repository import resolve_commit
from .actual import true_tree
from .layers import base_tree

__all__ = ["certify"]

Json = Mapping[str, object]


def certify(
    queue: Queue,
    result: Result,
    *,
    aligned: bool,
    fuzz: int,
    verified: Verified,
    differences: Sequence[Difference],
    parity: Sequence[Parity],
    ignored: Sequence[Ignored],
) -> Certificate:
    """Make the certificate of a check. Raises BadInput where a file of the queue cannot be read again."""
    proven = not differences and not any(one.unexplained for one in parity)
    return Certificate(
        document={
            "tool": {"name": "mptcp-series", "version": __version__},
            "base": {
                "commit": result.base.commit,
                "tree": true_tree(result.objects, base_tree(result)),
                "version": result.base.version,
            },
            "series": {one.name: _series(one, result) for one in queue.stack},
            "run": {"aligned": aligned, "fuzz": fuzz, "ignored": sorted(one.pattern for one in ignored)},
            "account": _account(result),
            "result": {
                "commit": verified.commit,
                "tree": verified.tree,
                "expected": true_tree(result.objects, bytes.fromhex(result.predicted_tree)),
            },
            "verdict": {
                "proven": proven,
                "differences": {
                    kind.value: sum(difference.kind is kind for difference in differences) for kind in DifferenceKind
                },
                "parity": {one.series: _parity(one) for one in parity},
            },
        }
    )


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _series(queue: Queue, result: Result) -> Json:
    """One series of the stack: its files, and the commits its recipe names."""
    recipe = queue.recipe
    used, not_needed = set(result.overrides.used), set(result.overrides.not_needed)
    patches = {
        entry.name: _digest(read_input(queue.directory / entry.name))
        for entry in queue.series.entries
        if entry.pin is None or queue.source is None
    }
    return {
        "series": _digest(queue.series.render()),
        "recipe": None if recipe is None else _digest(recipe.render()),
        "entries": len(queue.series.entries),
        "patches": patches,
        "overrides": {
            str(override.file): {
                "digest": _digest(override.render()),
                "use": "used" if override.file in used else "not needed" if override.file in not_needed else "drift",
            }
            for override in queue.overrides
        },
        "source": None if recipe is None else _source(queue),
    }


def _source(queue: Queue) -> Json:
    """The commits the recipe's revisions name."""
    recipe = queue.recipe
    assert recipe is not None
    named = {
        "start": recipe.range_start,
        "end": recipe.range_end,
        "root": recipe.root,
        "target": recipe.target_or_end,
    }
    return {
        "range": recipe.range,
        **{what: None if rev is None else _commit(queue.source, rev) for what, rev in named.items()},
    }


def _commit(source: pygit2.Repository | None, rev: str) -> str | None:
    """The id a revision stands for; None where the source is not there or does not have it."""
    if source is None:
        return None
    try:
        return str(resolve_commit(source, rev).id)
    except (UnknownRevision, EnvironmentFault):
        return None


def _account(result: Result) -> Json:
    alignment = result.alignment
    return {
        "patches": dict(result.counts),
        "hunks": {"total": result.hunks.total, **result.hunks.to_json()},
        "alignment": {
            "retracted": len(alignment.retracted),
            "restored": len(alignment.restored),
            "acknowledged": len(alignment.acknowledged),
            "reinstated": len(alignment.reinstated),
            "lost": len(alignment.lost),
        },
    }


def _parity(parity: Parity) -> Json:
    grounds = Counter(entry.ground for entry in parity.explained)
    return {
        "target": parity.commit,
        "files": parity.files,
        "equal": parity.equal,
        "explained": {ground.value: grounds[ground] for ground in Ground},
        "unexplained": len(parity.unexplained),
        "overrides": list(parity.overrides),
    }
