# SPDX-License-Identifier: MIT
"""A tree as files beside what make makes of it: brought to a tree, configured, prepared, compiled.

The base and the result have a site each, so that comparing the two does not make either be compiled twice.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, MissingObject
from ...values.diagnostic import Diagnostic, DiagnosticParser, MissingKind, Severity
from ..store.files import replace_file
from ..store.objects import Objects, Oid, hexed
from ..store.tree import TreeEditor
from .compile import Made, Make
from .configuration import Configured, Request, default_target, parse_config, render
from .directory import BuildDirectory
from .objects import Targets
from .state import BuildState, Ledger, Written, digest
from .worktree import SourceTree, tree_files

__all__ = ["Compiled", "KconfigBroken", "Site"]

_REQUEST = ".config.requested"
_RELAXED = "WERROR=0"
_OWN_TOOLS = ("tools/", "scripts/")
_KEEP = 25
"""Objects after which the ledger is written again while make is at work."""


@attrs.frozen(kw_only=True)
class Compiled:
    """What was said when objects were compiled until nothing new came."""

    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    """Of every object of the site, those compiled by an earlier run included."""
    behind: Mapping[Diagnostic, str] = attrs.field(factory=dict)
    """Errors only said when an empty header stood for a missing one, and that header."""
    hollow: tuple[str, ...] = ()
    """Files that were compiled with such headers."""
    passes: int = 1


@attrs.define(kw_only=True)
class Site:
    """One `source` and one `out`."""

    objects: Objects
    directory: BuildDirectory
    make: Make
    state: BuildState
    left_out: tuple[str, ...] = ()
    notes: list[str] = attrs.field(factory=list)
    ledger: Ledger = attrs.field(factory=Ledger)
    _tree: Oid | None = attrs.field(init=False, default=None)

    @property
    def tree(self) -> Oid:
        """What the source holds."""
        assert self._tree is not None, "nothing was brought yet"
        return self._tree

    @property
    def source(self) -> SourceTree:
        return SourceTree(self.objects, self.directory.source)

    def bring(self, tree: Oid) -> None:
        """Make the source hold a tree.

        Raises BadInput where somebody changed it by hand, or nobody knows what it holds.
        """
        known = self.state.source
        if self._tree is None and known is not None:
            self._recall(known)
        wanted = hexed(tree)
        source = self.source
        if known is not None and known.stamp is not None and known.left_out == self.left_out:
            held = bytes.fromhex(known.tree)
            if self._tree is None:
                # Only what was there before this run can have been touched.
                source.refuse_altered(held, known.stamp, self.left_out)
                gone = source.missing(held, self.left_out)
            else:
                gone = []
            if known.tree == wanted and not gone:
                self._tree = tree
                return
            self._begin(wanted, known.tree)
            source.rewrite(held, gone)
            source.move(held, tree, self.left_out, progress=self._writing)
        else:
            before = None if known is None else known.before or known.tree
            self._begin(wanted, before)
            source.write(
                tree,
                self.left_out,
                before=None if before is None else bytes.fromhex(before),
                progress=self._writing,
            )
        self._tree = tree
        self._save(Written(tree=wanted, stamp=source.stamp(), left_out=self.left_out))

    def restamp(self) -> None:
        """Take the times of the files as they are now for ours: links to them were made."""
        assert self.state.source is not None
        self._save(attrs.evolve(self.state.source, stamp=self.source.stamp()))

    def _begin(self, tree: str, before: str | None) -> None:
        self._keep(tree, before or tree)
        self._save(Written(tree=tree, stamp=None, before=before, left_out=self.left_out))

    def _recall(self, known: Written) -> None:
        """Have the trees the source holds again: an earlier run made them, and wrote no repository."""
        for data in self.directory.trees():
            self.objects.write("tree", data)
        for tree in {known.tree, known.before or known.tree}:
            try:
                tree_files(self.objects, bytes.fromhex(tree))
            except MissingObject as error:
                raise BadInput(
                    f"{self.directory.path}: nothing knows any more what its source holds (tree {tree}); "
                    "--fresh begins it anew"
                ) from error

    def _keep(self, *trees: str) -> None:
        """What `_recall` will want."""
        made = self.objects.made()
        kept: dict[Oid, bytes] = {}

        def visit(tree: Oid) -> None:
            # Below a tree that a repository has it has everything.
            if tree in made and tree not in kept:
                kept[tree] = made[tree][1]
                for entry in self.objects.tree(tree).values():
                    if entry.is_tree:
                        visit(entry.oid)

        for tree in trees:
            visit(bytes.fromhex(tree))
        self.directory.save_trees(kept.values())

    def _save(self, written: Written) -> None:
        self.state = attrs.evolve(self.state, source=written)
        self.directory.save(self.state)

    def _writing(self, done: int, total: int) -> None:
        if self.make.progress is not None:
            self.make.progress("source files", done, total)

    def configure(self, request: Request, companions: Mapping[str, str]) -> Configured:
        """Ask Kconfig for a configuration; `.config` is only written where another one comes of it.

        Raises EnvironmentFault where Kconfig fails without naming a line of a Kconfig file, `KconfigBroken` else.
        """
        place = self.directory.out / _REQUEST
        asked = request.explicit(companions)
        named = [f"KCONFIG_CONFIG={_REQUEST}"]
        text = "\n".join(request.texts)
        if not request.is_given:
            target = request.target or default_target(self.make.toolchain.arch)
            self._kconfig(target, named)
            text = place.read_text("utf-8", "surrogateescape")
            text += render(companions)
        text += ("" if text.endswith("\n") or not text else "\n") + render(dict(request.settings))
        place.write_bytes(text.encode("utf-8", "surrogateescape"))
        self._kconfig("olddefconfig", named)
        made = place.read_bytes()
        config = self.directory.out / ".config"
        if not config.is_file() or config.read_bytes() != made:
            # An object of another configuration may not be part of this one: what was said of it counts no more.
            self.ledger.said.clear()
            self.directory.save_ledger(self.ledger)
            replace_file(config, made)
        self.state = attrs.evolve(self.state, configuration=digest(text.encode("utf-8", "surrogateescape")))
        self.directory.save(self.state)
        return Configured(asked=asked, got=parse_config(made.decode("utf-8", "surrogateescape")))

    def _kconfig(self, goal: str, extra: Sequence[str]) -> None:
        made = self.make.run([goal], stage="configuration", log="config", extra=extra)
        if not made.done:
            errors = tuple(one for one in made.parser.diagnostics if one.severity is Severity.ERROR and one.path)
            if not any("Kconfig" in (one.path or "") for one in errors):
                raise made.fault(f"make {goal}")
            raise KconfigBroken(errors)

    def prepare(self) -> tuple[Diagnostic, ...]:
        """Make what every object needs; the errors of the tree's own code, which keep all else from being compiled.

        Where the kernel's own programs do not compile because this compiler warns of more than they knew, they are
        made without turning warnings into errors, and that is said.
        """
        made = self.make.run(["prepare"], stage="preparation", log="prepare")
        strict = [one for one in _errors(made) if (one.option or "").startswith("-Werror") and self._is_tool(one)]
        if not made.done and strict and _RELAXED not in self.make.relaxed:
            self.make.relaxed = (*self.make.relaxed, _RELAXED)
            self.state = attrs.evolve(self.state, relaxed=self.make.relaxed)
            self.directory.save(self.state)
            first = strict[0]
            self.notes.append(
                f"{first.path} does not compile with this compiler's new warnings ({first.option}): the kernel's own "
                f"programs were made with {_RELAXED}, which changes nothing in the kernel"
            )
            made = self.make.run(["prepare"], stage="preparation", log="prepare")
        if made.done:
            return ()
        errors = [one for one in _errors(made) if one.path is not None and not self._is_tool(one)]
        if not errors:
            raise made.fault("make prepare")
        return tuple(dict.fromkeys(errors))

    def _is_tool(self, diagnostic: Diagnostic) -> bool:
        """Whether a message is about a program of the kernel's own: these are compiled where they are, and say so."""
        path = diagnostic.path or ""
        return path.startswith(_OWN_TOOLS) or TreeEditor(self.objects, self.tree).get(path) is None

    def forget_unknown(self, targets: Targets) -> None:
        """Take away objects of which it is not known what was said when they were made: a killed run left them.

        What was said of a source that is not there any more is forgotten.
        """
        out = self.directory.out
        get = TreeEditor(self.objects, self.tree).get
        for name in sorted(self.ledger.said):
            if all(get(name.removesuffix(".o") + suffix) is None for suffix in (".c", ".S")):
                del self.ledger.said[name]
        places = [place for directory in targets.directories for place in sorted((out / directory).rglob("*.o"))]
        places += [out / name for name in targets.objects]
        for place in places:
            name = str(place.relative_to(out))
            if name not in self.ledger.said and get(f"{name.removesuffix('.o')}.c") is not None:
                place.unlink(missing_ok=True)

    def compile(self, words: Sequence[str], *, log: str = "objects", thorough: bool = True) -> Compiled:
        """Compile what is asked for, and again with what is known until the set of errors stands still.

        A header that is not there ends its file early; what stands behind it is seen with an empty one in its place.
        Objects that were made so are taken away again. thorough: whether to do that.
        """
        # What stood for missing headers in an earlier run must not make this one's passes fewer.
        shutil.rmtree(self.directory.stubs, ignore_errors=True)
        made = self._objects(words, log)
        self.ledger.enter(made.parser.compiled, made.parser.diagnostics)
        for failed in made.parser.failed:
            self.ledger.said.pop(failed, None)
        self.directory.save_ledger(self.ledger)
        errors: dict[Diagnostic, None] = dict.fromkeys(self._all_errors(made, words))
        behind: dict[Diagnostic, str] = {}
        hollow: set[str] = set()
        headers: set[str] = set()
        passes = 1
        while thorough:
            ended = {unit: name for one in errors if (unit := one.unit) and (name := _header(one))}
            absent = set(ended.values()) - headers
            if not absent:
                break
            headers |= absent
            again = sorted(f"{unit.rpartition('.')[0]}.o" for unit in ended)
            made = self._hollow(headers, again, log)
            passes += 1
            hollow.update(again)
            fresh = [one for one in _errors(made) if one not in errors]
            behind.update({one: ended[one.unit] for one in fresh if one.unit in ended})
            errors.update(dict.fromkeys(fresh))
        return Compiled(
            errors=tuple(errors),
            warnings=tuple(dict.fromkeys(self.ledger.warnings())),
            behind=behind,
            hollow=tuple(sorted(hollow)),
            passes=passes,
        )

    def _objects(self, words: Sequence[str], log: str, extra: Sequence[str] = ()) -> Made:
        kept = 0

        def heard(parser: DiagnosticParser) -> None:
            nonlocal kept
            if len(parser.compiled) >= kept + _KEEP:
                # The last one was only begun: what is said of it comes after its name.
                kept = len(parser.compiled)
                self.ledger.enter(parser.compiled[:-1], parser.diagnostics)
                self.directory.save_ledger(self.ledger)

        return self.make.run(
            words, stage="objects", log=log, keep_going=True, extra=extra, heard=None if extra else heard
        )

    def _hollow(self, headers: Iterable[str], again: Sequence[str], log: str) -> Made:
        """Compile some objects with empty headers, and leave no trace of them."""
        stubs = Path(self.directory.stubs).absolute()
        for name in headers:
            place = stubs / name
            if ".." in Path(name).parts or Path(name).is_absolute():
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"")
        given = [word.partition("=")[2] for word in self.make.toolchain.arguments if word.startswith("KCPPFLAGS=")]
        made = self._objects(again, log, [f"KCPPFLAGS={' '.join([*given, f'-I{stubs}'])}"])
        for name in again:
            (self.directory.out / name).unlink(missing_ok=True)
            self.ledger.said.pop(name, None)
        self.directory.save_ledger(self.ledger)
        return made

    def _all_errors(self, made: Made, words: Sequence[str]) -> list[Diagnostic]:
        """Every error of a run; none of make's own is swallowed."""
        found = _errors(made)
        units = {one.unit.rpartition(".")[0] for one in found if one.unit is not None}
        for target, wanted_by in made.parser.no_rule:
            if wanted_by is not None:
                found.append(self._no_rule(target, wanted_by))
            elif target not in words:
                found.append(_plain(f"nothing makes {target}"))
        for target in made.parser.failed:
            if target.endswith(".o") and target.removesuffix(".o") not in units:
                found.append(_plain(f"{target} could not be made; {made.log} has the reason"))
        if not found and not made.done and not made.parser.no_rule:
            raise made.fault("make")
        return found

    def _no_rule(self, target: str, wanted_by: str) -> Diagnostic:
        """An object that a Makefile lists and no source makes: laid at the line that lists it."""
        directory, _, name = f"{target.rpartition('.')[0]}.o".rpartition("/")
        editor = TreeEditor(self.objects, self.tree)
        for file in ("Makefile", "Kbuild"):
            entry = editor.get(f"{directory}/{file}" if directory else file)
            if entry is None or not entry.is_text:
                continue
            for number, line in enumerate(self.objects.read(entry.oid).split(b"\n"), start=1):
                if re.search(rb"(?<![\w./-])" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"(?!\w)", line):
                    return Diagnostic(
                        severity=Severity.ERROR,
                        path=f"{directory}/{file}" if directory else file,
                        line=number,
                        message=f"nothing makes {target}",
                    )
        return _plain(f"nothing makes {target}, which {wanted_by} needs")


class KconfigBroken(Exception):
    """Kconfig could not read the tree's Kconfig files; `errors` has the lines it named."""

    def __init__(self, errors: tuple[Diagnostic, ...]) -> None:
        super().__init__(str(errors[0]))
        self.errors = errors


def _plain(message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=None, message=message)


def _errors(made: Made) -> list[Diagnostic]:
    return [one for one in made.parser.diagnostics if one.severity is Severity.ERROR]


def _header(diagnostic: Diagnostic) -> str | None:
    """The header a message says is not there."""
    missing = diagnostic.missing
    return missing.name if missing is not None and missing.kind is MissingKind.INCLUDE and diagnostic.fatal else None
