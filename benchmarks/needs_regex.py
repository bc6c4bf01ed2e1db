# SPDX-License-Identifier: MIT
"""What `prereqs` would find with regular expressions instead of a parser, on the same files.

Two scans, as one would write them. `words`: a word of the queue's lines that no header of the base has at all, and
that a line of the target's headers looks like defining. `kinds`: uses and definitions both told apart by what stands
around them. Neither is part of the package; docs/explanation/prerequisites.md has the figures.

    python benchmarks/needs_regex.py --series DIR --source REPO --base REV [--repo REPO] [--overrides DIR]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mptcp_series.engine.needs.find import find_needs
from mptcp_series.engine.needs.lookup import View
from mptcp_series.engine.needs.scene import Scene
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.store.repository import commit_tree, resolve_commit

__all__ = ["main"]

Found = set[tuple[str, str]]
"""(name, what it is used as)."""

_NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
_USE = re.compile(r"(?P<before>->\s*|\.\s*|\b(?:struct|union|enum)\s+)?\b(?P<name>[A-Za-z_]\w*)\b(?P<call>\s*\()?")
_INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
_DEFINITIONS = {
    "value": re.compile(
        r"^[ \t]*#[ \t]*define[ \t]+(\w+)|^[A-Za-z_][^\n;{}=()]*?\b(\w+)\s*\(|^[ \t]+([A-Z]\w*)[ \t]*[=,]"
        r"|^extern\b[^\n;()]*?\b(\w+)(?:\[\w*\])*;|^typedef\b[^\n;]*?\b(\w+);",
        re.MULTILINE,
    ),
    "tag": re.compile(r"^[ \t]*(?:typedef[ \t]+)?(?:struct|union|enum)[ \t]+(\w+)\s*\{", re.MULTILINE),
    "field": re.compile(
        r"^[ \t]+[A-Za-z_][^\n;(){}=]*?\b(\w+)(?:\[[^\]\n]*\])*(?:[ \t]*:[ \t]*\d+)?[ \t]*[;,]"
        r"|^[ \t]+[^\n;{}=]*?\(\*(\w+)\)\s*\(",
        re.MULTILINE,
    ),
}


def _text(data: bytes) -> str:
    return _NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), data.decode("latin-1"))


def _role(match: re.Match[str]) -> str:
    before = (match["before"] or "").strip()
    if before in ("->", "."):
        return "field"
    return "tag" if before else "value"


def _uses(scene: Scene) -> Found:
    """What the queue's lines use, but for what their own file defines."""
    found: Found = set()
    for file in scene.c_files:
        text = _text(scene.made.data(file.path) or b"")
        here: Found = set()
        for number, line in enumerate(text.split("\n"), start=1):
            if number in file.added:
                here |= {(match["name"], _role(match)) for match in _USE.finditer(line)}
        found |= here - (_definitions(text) if file.path.endswith(".c") else set())
    return found


def _includes(scene: Scene) -> Found:
    """Included files that the base does not have, and the target has."""
    names = {
        name
        for file in scene.c_files
        for number, line in enumerate(_text(scene.made.data(file.path) or b"").split("\n"), start=1)
        if number in file.added
        for name in _INCLUDE.findall(line)
    }
    here = {name for name in names if scene.known.resolve(f"<{name}>", "") is None}
    return {(name, "include") for name in here if scene.target.resolve(f"<{name}>", "") is not None}


def _definitions(text: str) -> Found:
    return {
        (name, role)
        for role, pattern in _DEFINITIONS.items()
        for match in pattern.finditer(text)
        for name in match.groups()
        if name
    }


def _defined(view: View, paths: Iterable[str]) -> Found:
    return {found for path in paths for found in _definitions(_text(view.data(path) or b""))}


def _words(view: View, paths: Iterable[str]) -> set[str]:
    return {word for path in paths for word in re.findall(r"[A-Za-z_]\w*", _text(view.data(path) or b""))}


def _scans(scene: Scene) -> Iterator[tuple[str, Found, float]]:
    start = process_time()
    uses, includes = _uses(scene), _includes(scene)
    target = _defined(scene.target, [path for path in scene.target_headers if not scene.owned.contains(path)])
    stack = _defined(scene.known, [path for path in scene.headers if scene.owned.contains(path)])
    outside = [path for path in scene.headers if not scene.owned.contains(path)]
    shared = process_time() - start
    start = process_time()
    known = _words(scene.known, outside) | {name for name, _ in stack}
    names = {name for name, _ in target} - known
    yield "words", includes | {use for use in uses if use[0] in names}, shared + process_time() - start
    start = process_time()
    base = _defined(scene.known, outside) | stack
    yield "kinds", includes | (uses & target) - base, shared + process_time() - start


def main() -> None:
    """Print what each scan finds, beside what `prereqs` finds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    for name, required in (("series", True), ("source", True), ("base", True), ("repo", False), ("overrides", False)):
        parser.add_argument(f"--{name}", required=required)
    given = parser.parse_args()
    queue = Queue.load(given.series, source=given.source, overrides=given.overrides)
    result = queue.apply(given.repo or given.source, base=given.base)
    assert queue.recipe is not None
    assert queue.source is not None
    start = process_time()
    needs = find_needs(result, queue)
    print(f"parser: {process_time() - start:.1f} s")
    theirs = {need.word: need for need in needs.needs}
    for need in needs.needs:
        print(f"  {need.kind.value} {need.identifier}")
    target = commit_tree(resolve_commit(queue.source, queue.recipe.target_or_end))
    scene = Scene.of(result, queue.owned, target)
    for name, found, seconds in _scans(scene):
        also = {word for word, _ in found} & theirs.keys()
        print(f"{name}: {seconds:.1f} s, {len(found)} found, {len(also)} of the parser's {len(theirs)}")
        print(f"  missed: {', '.join(sorted(theirs.keys() - also)) or 'none'}")
        print(
            f"  besides: {', '.join(sorted(f'{role} {word}' for word, role in found if word not in theirs)) or 'none'}"
        )


if __name__ == "__main__":
    main()
