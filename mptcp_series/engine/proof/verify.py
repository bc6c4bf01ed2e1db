# SPDX-License-Identifier: MIT
"""Check a result: make it once more, hold every file against it, and its owned paths against the target.

Nothing is taken from the result but its tree. What it should be comes from the queue, the overrides, the source and
the base; a result that was edited by hand, built from another queue or only half written cannot pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ...values.paths import OwnedPaths
from ...values.verification import Verification, Verified
from ..queue import Queue
from ..replay.replay import Progress
from ..store.repository import Place
from .actual import read_actual, true_tree
from .annotate import Annotator
from .certificate import certify
from .compare import differences
from .layers import Layer, Origin, Part
from .parity import parity, target_commit

__all__ = ["Verifier", "verify"]


def verify(
    queue: Queue,
    repo: Place,
    result: str | Path,
    *,
    base: str | None = None,
    align: bool = True,
    fuzz: int = 0,
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> Verification:
    """Check a result of a queue on a base.

    repo, base, align, fuzz, progress: as in `Queue.apply`, and as they were when the result was made.
    result: a revision of the repository, or a plain directory; a name that is both is refused.
    ignore: patterns, as a .gitignore has them, of files that are no part of the result, such as what a build leaves in
    a directory; they never hide a file that should be there.

    Raises what `Queue.apply` raises, NeedsPerson where the queue itself does not come through on the base, NoTarget
    where the release for parity is not at hand, BadInput and UnknownRevision for a result that is none. What differs
    is in the verification, whose `require()` raises it.
    """
    return Verifier(queue, repo, base=base, align=align, fuzz=fuzz, progress=progress).check(result, ignore=ignore)


class Verifier:
    """What a queue leads to on one base, made once: any number of trees can be held against it."""

    def __init__(
        self,
        queue: Queue,
        repo: Place,
        *,
        base: str | None = None,
        align: bool = True,
        fuzz: int = 0,
        progress: Progress | None = None,
    ) -> None:
        """Make the expected result. Raises as `verify` does."""
        for one in queue.stack:
            if one.recipe is not None and one.recipe.owned.patterns:
                # What is cheap to get wrong is told before a queue is replayed.
                target_commit(one)
        self._queue = queue
        self._repo = Path(repo)
        self._aligned = align
        self._fuzz = fuzz
        self._expected = queue.apply(repo, base=base, align=align, fuzz=fuzz, progress=progress).require()
        self._tree = bytes.fromhex(self._expected.predicted_tree)
        self._owned = OwnedPaths(
            patterns=tuple(dict.fromkeys(path for one in queue.stack for path in one.owned.patterns))
        )

    def check(self, result: str | Path, *, ignore: Sequence[str] = ()) -> Verification:
        """Hold one tree against the expected one, and its owned paths against the target."""
        if Path(result).is_dir() and self._repo.resolve() == Path(result).resolve():
            raise BadInput(f"{result} is the base itself; what is checked is made anew from a base without the queue")
        expected, objects = self._expected, self._expected.objects
        touched = {
            path
            for changes in expected.written.values()
            for change in changes
            for path in (change.path, change.old_path)
        }
        actual = read_actual(objects, result, self._tree, self._owned, ignore=ignore, touched=touched)
        annotator = Annotator.of(expected)
        found = tuple(differences(annotator, actual.changes))
        tree = actual.tree(objects)
        verified = Verified(place=actual.place, commit=actual.commit, tree=true_tree(objects, tree))
        foreign = Layer(
            origin=Origin(name=actual.place, kind=None, part=Part.FOREIGN),
            files={change.path: change.new for change in actual.changes if self._owned.contains(change.path)},
        )
        parities = parity(self._queue, expected, annotator.laid_over(foreign), tree)
        return Verification(
            series=expected.series,
            base=expected.base,
            result=verified,
            expected=true_tree(objects, self._tree),
            differences=found,
            parity=parities,
            ignored=actual.ignored,
            certificate=certify(
                self._queue,
                expected,
                aligned=self._aligned,
                fuzz=self._fuzz,
                verified=verified,
                differences=found,
                parity=parities,
                ignored=actual.ignored,
            ),
        )
