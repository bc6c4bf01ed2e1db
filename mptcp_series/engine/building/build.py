# SPDX-License-Identifier: MIT
"""One result built: the order of the steps, and what is made of what was said.

source → configuration → preparation → objects, until nothing new comes → the same objects of the base, where there is
something to compare → whose it is → the kernel image, where one is wanted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault
from ...values.built import Blame, Build, Finding, Hidden, PatchBuild
from ...values.diagnostic import Diagnostic, Missing, Severity
from ...values.paths import OwnedPaths
from ..result import Result
from ..store.objects import Oid, hexed
from ..store.tree import TreeEditor
from .blame import Blamer
from .compile import Make, StageProgress, Toolchain, check_machine
from .configuration import (
    COMPANIONS,
    Configured,
    Request,
    check_stack,
    missing_sources,
    renamed_symbols,
    source_arch,
    stack_symbols,
)
from .directory import BuildDirectory
from .each import Patchwise, step_tree
from .objects import Includers, Targets, derive_targets
from .site import Compiled, KconfigBroken, Site
from .state import BuildState, Identity
from .worktree import absent_files, tree_files

__all__ = ["BuildOptions", "build"]

Cure = Callable[[str], str | None]
"""What would bring a name that is missing, in words; None where that is not known."""


@attrs.frozen(kw_only=True)
class BuildOptions:
    """How to build."""

    toolchain: Toolchain
    request: Request = attrs.field(factory=Request)
    without: tuple[str, ...] = ()
    """Globs of files that may be left out where their content is absent."""
    image: bool = False
    each: bool = False
    bisect: bool = False
    fresh: bool = False
    """Begin the directory anew."""


def build(
    result: Result,
    directory: str | Path,
    options: BuildOptions,
    *,
    owned: OwnedPaths,
    cure: Cure | None = None,
    progress: StageProgress | None = None,
) -> Build:
    """Build a result in a directory, which is made, or gone on with where an earlier run ended.

    Raises NeedsPerson for a result that is not complete; EnvironmentFault (ToolMissing, MissingObject) for what the
    machine or the tree lacks, before anything is built; BadInput for a directory of another job or of nobody.
    """
    result.require()
    place = BuildDirectory(Path(directory))
    _check_names(place.path)
    tree = bytes.fromhex(str(result.tree))
    get = TreeEditor(result.objects, tree).get
    _check_tree(result, get, source_arch(options.toolchain.arch))
    check_stack(options.request, None)
    touched = tuple(sorted({change.path for step in result.steps for change in step.changes}))
    left_out = absent_files(result.objects, tree_files(result.objects, tree), options.without, touched)
    compiler = check_machine(options.toolchain, get)
    identity = Identity(
        series=result.series, base=str(result.base.commit), arch=options.toolchain.arch, compiler=compiler
    )
    with place.claimed() as lock:
        if options.fresh:
            place.clear()
        job = _Job(
            result=result,
            tree=tree,
            options=options,
            owned=owned,
            cure=cure,
            place=place,
            lock=lock,
            state=place.state(identity),
            touched=touched,
            left_out=tuple(sorted(left_out)),
            progress=progress,
        )
        return job.run()


def _check_names(path: Path) -> None:
    """What the kernel's Makefile refuses: it cannot be built in a directory of such a name."""
    full = str(path.absolute())
    if re.search(r"[\s:]", full):
        raise BadInput(f"{full}: a kernel cannot be built in a directory whose path holds blanks or colons")


def _check_tree(result: Result, get: Callable[[str], object], arch: str) -> None:
    wanted = ["Makefile", "Kconfig"]
    missing = [path for path in wanted if get(path) is None]
    if not missing:
        editor = TreeEditor(result.objects, bytes.fromhex(str(result.tree)))
        top = editor.get("Kconfig")
        assert top is not None
        data = result.objects.read(top.oid) if top.is_text else b""
        missing = list(missing_sources(data, arch, lambda path: get(path) is not None))
    if missing:
        other = (
            f", or another architecture than {arch}" if any(one.startswith(f"arch/{arch}/") for one in missing) else ""
        )
        raise EnvironmentFault(
            f"the base {result.base.rev} is no whole kernel tree: it has no {', '.join(missing)}; "
            f"name a base that has all of its files{other}"
        )


@attrs.define(kw_only=True)
class _Job:
    result: Result
    tree: Oid
    options: BuildOptions
    owned: OwnedPaths
    cure: Cure | None
    place: BuildDirectory
    lock: int
    state: BuildState
    touched: tuple[str, ...]
    left_out: tuple[str, ...]
    progress: StageProgress | None
    notes: list[str] = attrs.field(factory=list)

    def run(self) -> Build:
        result, options = self.result, self.options
        site = self._site(self.place, self.state)
        companions = {**COMPANIONS, **stack_symbols(result.objects, self.tree, self.owned)}
        arch = source_arch(options.toolchain.arch)
        headers = [path for path in self.touched if path.endswith(".h")]
        includers = Includers(result.objects, self.tree, headers, arch)
        targets = derive_targets(result.objects, self.tree, self.touched, includers, arch)
        walk = Patchwise(
            result=result,
            site=site,
            request=options.request,
            companions=companions,
            includers=includers,
            arch=arch,
            touched=self.touched,
        )
        patches: tuple[PatchBuild, ...] | None = None
        if options.each:
            # The state's configuration is part of what patches are remembered by: it has to be known first.
            site.bring(step_tree(result, 0))
            try:
                self._configure(site, companions)
            except KconfigBroken as error:
                raise EnvironmentFault(f"the base cannot be configured: {error}") from error
            patches = walk.each()
        site.bring(self.tree)
        configured: Configured | None = None
        try:
            configured = self._configure(site, companions)
            compiled = self._compile(site, targets)
        except KconfigBroken as error:
            compiled = Compiled(errors=error.errors)
        errors, warnings, known, old = self._judged(site, compiled, targets)
        image = None
        linked = False
        if options.image and not errors and configured is not None:
            image, found = self._image(site)
            linked = image is not None
            errors = [*errors, *found]
        # A bisection configures and compiles other trees with the same ledger.
        made = sum(targets.covers(name) for name in site.ledger.said)
        hidden = self._hidden(site, compiled, targets, linked)
        bisected = None
        if options.bisect and errors:
            bisected = walk.bisect()
            site.bring(self.tree)
        asked = {} if configured is None else configured.asked
        return Build(
            series=result.series,
            base=result.base,
            commit=result.commit,
            tree=hexed(self.tree),
            directory=str(self.place.path),
            arch=options.toolchain.arch,
            compiler=self.state.identity.compiler,
            arguments=(*options.toolchain.arguments, *site.make.relaxed),
            directories=targets.every_directory,
            compiled=made,
            errors=tuple(errors),
            warnings=tuple(warnings),
            known=tuple(known),
            old_warnings=old,
            renamed=renamed_symbols(result, [name for name, value in asked.items() if value != "n"]),
            unfulfilled=() if configured is None else configured.unfulfilled,
            passes=compiled.passes,
            hidden=hidden,
            image=image,
            patches=patches,
            bisected=bisected,
            notes=(*site.notes, *self.notes),
        )

    def _site(self, place: BuildDirectory, state: BuildState) -> Site:
        make = Make(
            directory=place,
            toolchain=self.options.toolchain,
            lock=self.lock,
            progress=self.progress,
            relaxed=state.relaxed,
        )
        return Site(
            objects=self.result.objects,
            directory=place,
            make=make,
            state=state,
            left_out=self.left_out,
            ledger=place.ledger(),
        )

    def _configure(self, site: Site, companions: dict[str, str]) -> Configured:
        configured = site.configure(self.options.request, companions)
        check_stack(self.options.request, configured)
        return configured

    def _compile(self, site: Site, targets: Targets) -> Compiled:
        broken = site.prepare()
        if broken:
            self.notes.append("the preparation failed, which every object needs: nothing else was compiled")
            return Compiled(errors=broken)
        site.forget_unknown(targets)
        return site.compile(targets.words)

    def _judged(
        self, site: Site, compiled: Compiled, targets: Targets
    ) -> tuple[list[Finding], list[Finding], list[str], int]:
        """Errors and new warnings with their patches, errors of the base, and how many warnings are the base's."""
        warnings = [one for one in compiled.warnings if one.unit is None or targets.covers(one.unit)]
        blamer = Blamer(self.result)
        laid = {one: blamer.lay(one) for one in (*compiled.errors, *warnings)}
        base = self._base(site, [*compiled.errors, *warnings])
        theirs = {one.said for one in base.errors}
        # A line of the queue too: what was taken out and put back is as it was.
        known = [one for one in compiled.errors if one.said in theirs]
        had = Counter(one.said for one in base.warnings)
        fresh = []
        for one in warnings:
            if had[one.said] > 0:
                had[one.said] -= 1
            else:
                fresh.append(one)
        errors = [one for one in compiled.errors if one not in known]
        return (
            self._findings(errors, laid, compiled),
            self._findings(fresh, laid, compiled),
            [str(one) for one in known],
            len(warnings) - len(fresh),
        )

    def _findings(
        self,
        diagnostics: Iterable[Diagnostic],
        laid: dict[Diagnostic, tuple[str | None, Blame]],
        compiled: Compiled,
    ) -> list[Finding]:
        """One finding for a message, however many files it was said for; sorted as the queue, then as the tree."""
        groups: dict[tuple[object, ...], list[Diagnostic]] = {}
        for one in diagnostics:
            groups.setdefault((one.severity, one.path, one.line, one.column, one.message), []).append(one)
        order = {patch.name: at for at, patch in enumerate(self.result.patches)}
        found = []
        for group in groups.values():
            patch, blame = laid[group[0]]
            reasons = [compiled.behind[one] for one in group if one in compiled.behind]
            found.append(
                Finding(
                    diagnostic=group[0],
                    units=tuple(sorted({one.unit for one in group if one.unit is not None})),
                    patch=patch,
                    blame=blame,
                    cure=self._cured(group[0].missing),
                    behind=reasons[0] if len(reasons) == len(group) else None,
                )
            )
        return sorted(
            found,
            key=lambda one: (
                order.get(one.patch or "", len(order)),
                one.diagnostic.path or "",
                one.diagnostic.line or 0,
                one.diagnostic.column or 0,
            ),
        )

    def _cured(self, missing: Missing | None) -> str | None:
        if missing is None or self.cure is None:
            return None
        named = [missing.name] if missing.owner is None else [f"{missing.owner}.{missing.name}", missing.name]
        return next((said for name in named if (said := self.cure(name)) is not None), None)

    def _base(self, main: Site, questions: Sequence[Diagnostic]) -> Compiled:
        """What the unpatched base says of the files that there are questions about; nothing where there are none."""
        base_tree = step_tree(self.result, 0)
        get = TreeEditor(self.result.objects, base_tree).get
        units = {one.unit for one in questions if one.unit is not None}
        words = sorted(
            f"{unit.rpartition('.')[0]}.o" for unit in units if unit.endswith((".c", ".S")) and get(unit) is not None
        )
        if not words:
            return Compiled()
        place = self.place.base()
        place.logs.mkdir(parents=True, exist_ok=True)
        place.out.mkdir(exist_ok=True)
        state = place.state(self.state.identity)
        site = self._site(place, state)
        site.make.relaxed = tuple(dict.fromkeys((*site.make.relaxed, *main.make.relaxed)))
        if state.source is None:
            site.source.share(main.source, self.tree, base_tree)
            main.restamp()
        site.bring(base_tree)
        theirs = {**COMPANIONS, **stack_symbols(self.result.objects, base_tree, self.owned)}
        try:
            site.configure(self.options.request, theirs)
            broken = site.prepare()
        except KconfigBroken as error:
            broken = error.errors
        if broken:
            self.notes.append(f"the base itself cannot be prepared ({broken[0]}): nothing was compared with it")
            return Compiled()
        site.forget_unknown(Targets(objects=tuple(words)))
        return site.compile(words)

    def _image(self, site: Site) -> tuple[str | None, list[Finding]]:
        """Make the kernel image; its path, or the errors that kept it from being made."""
        named = site.make.run(["-s", "image_name"], stage="image", log="image")
        name = next((line.strip() for line in reversed(named.tail) if re.fullmatch(r"[\w./-]+", line.strip())), None)
        if not named.done or name is None:
            raise named.fault("make image_name")
        made = site.make.run([name.rpartition("/")[2]], stage="image", log="image", keep_going=True)
        site.ledger.enter(made.parser.compiled, made.parser.diagnostics)
        self.place.save_ledger(site.ledger)
        if made.done:
            site.state = attrs.evolve(site.state, image=hexed(self.tree))
            self.place.save(site.state)
            return str(self.place.out / name), []
        errors = [one for one in made.parser.diagnostics if one.severity is Severity.ERROR]
        if not errors:
            raise made.fault(f"make {name}")
        blamer = Blamer(self.result)
        laid = {one: blamer.lay(one) for one in errors}
        return None, self._findings(errors, laid, Compiled())

    def _hidden(self, site: Site, compiled: Compiled, targets: Targets, linked: bool) -> Hidden:
        get = TreeEditor(self.result.objects, self.tree).get
        sources = [path for path in self.touched if path.endswith(".c") and get(path) is not None]
        tried = {one.unit for one in compiled.errors} | {f"{name[:-2]}.c" for name in site.ledger.said}
        hollow = {f"{name[:-2]}.c" for name in compiled.hollow}
        unread = {one.unit for one in compiled.errors if one.fatal and one.unit is not None} - hollow
        return Hidden(
            behind=tuple(sorted(hollow)),
            unread=tuple(sorted(unread)),
            not_compiled=tuple(path for path in sources if path not in tried and path not in targets.outside),
            outside=targets.outside,
            left_out=self.left_out,
            linked=linked,
        )
