# SPDX-License-Identifier: MIT
"""Override files: what one patch does differently on some bases, in a form a reviewer can read.

A resolution kept as a merge-tool's cache cannot be reviewed and is not refused when stale. An override is a patch
file with DEP-3-like header fields: which patch, on which bases, what is left out, what is added, and why.
The file is kept byte for byte; the diff may hold any bytes, the header is UTF-8.

Refused, with every problem and its line: unknown or repeated fields, a missing reason, no patch named, `Skip` beside
`Drop` or a diff, no effect at all, bad ranges, conditions, ids and unsafe paths, text after `---` that is no diff, and
a diff that is damaged or leaves the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from ..errors import BadInput, BadOverride, BadPatch, Problem
from .condition import Condition
from .droptarget import DropTarget
from .hunk import split_lines
from .naming import did_you_mean, parse_commit_id
from .patchreader import read_patch
from .remembered import read_remembered
from .version import KernelVersion, VersionRange

__all__ = ["DropTarget", "Override"]

T = TypeVar("T")

_FIELDS = ("Patch", "Commit", "Base", "When", "Skip", "Drop", "Optional", "Reason")
_CANONICAL = {name.lower(): name for name in _FIELDS}
_REPEATABLE = frozenset({"When", "Drop"})
_FIELD = re.compile(r"([^\s:]+)[ \t]*:(.*)", re.DOTALL)
_DIFF_LINE = re.compile(rb"^(?:--- |diff --git )", re.MULTILINE)
_DIFF_STARTS = (b"diff --git ", b"--- ", b"+++ ", b"@@ ")
_BLANKS = " \t\r"


def _yes(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise BadInput(f"bad value {text!r} (expected yes or no)")
    return text.lower() == "yes"


def _tidy(reason: str) -> str:
    """The reason without the blanks around it and around each of its lines."""
    return "\n".join(line.strip(_BLANKS) for line in reason.split("\n")).strip("\n")


def _is_diff(data: bytes) -> bool:
    return _DIFF_LINE.search(data) is not None


def _effect_troubles(*, skip: bool, drop: bool, rest: bool) -> Iterator[tuple[str, str]]:
    """(the field it is about, what is wrong) with what an override does; `rest`: anything after `---`."""
    if skip and drop:
        yield "Skip", "'Skip' leaves the whole patch out and excludes 'Drop'"
    if skip and rest:
        yield "Skip", "'Skip' leaves the whole patch out and excludes a diff"
    if not (skip or drop or rest):
        yield "", "no effect: neither 'Skip', 'Drop' nor a diff"


@attrs.frozen(kw_only=True)
class Override:
    """One override file.

    patch: a patch name, else an exact subject. commit: the picked id, else the upstream id; wins over `patch`.
    base: versions it is for, None for all. when: conditions on the base, all of which must hold.
    skip: the whole patch is left out. drop: what of it is left out. optional: a queue without the patch is no drift.
    reason: for the reviewer; lines are separated by a newline.
    diff: unified diff as raw bytes, empty where there is none. diff_line: its first line's number in the file.
    file, diff_line, raw: where it came from; they do not count in comparisons.

    Raises BadOverride, naming every problem, for one that does not say what it must.
    """

    patch: str | None = None
    commit: str | None = attrs.field(default=None, converter=attrs.converters.optional(parse_commit_id))
    base: VersionRange | None = None
    when: tuple[Condition, ...] = ()
    skip: bool = False
    drop: tuple[DropTarget, ...] = ()
    optional: bool = False
    reason: str = attrs.field(converter=_tidy)
    diff: bytes = b""
    file: str | None = attrs.field(default=None, eq=False)
    diff_line: int | None = attrs.field(default=None, eq=False)
    remembered: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, eq=False, repr=False)
    """The removed and added lines of dropped hunks, by hunk id, as far as comments of the file tell them."""
    raw: bytes | None = attrs.field(init=False, default=None, eq=False, repr=False)
    """The bytes it was parsed from; not kept by `attrs.evolve`, whose result is rendered anew."""

    def __attrs_post_init__(self) -> None:
        troubles = []
        if self.patch is None and self.commit is None:
            troubles.append("missing field 'Patch' or 'Commit'")
        if not self.reason:
            troubles.append("missing field 'Reason'")
        troubles += [text for _, text in _effect_troubles(skip=self.skip, drop=bool(self.drop), rest=bool(self.diff))]
        for name, values in self._values():
            for value in values:
                if name != "Reason" and (not value or value != value.strip(_BLANKS) or re.search(r"[\r\n]", value)):
                    troubles.append(f"field {name!r} is not one line without surrounding blanks: {value!r}")
                if re.search("[\ud800-\udfff]", value):
                    troubles.append(f"field {name!r} cannot be written as UTF-8: {value!r}")
        if "." in self.reason.split("\n"):
            troubles.append("field 'Reason' has a line that is a single dot, which stands for an empty line")
        if self.diff and not _is_diff(self.diff):
            troubles.append("the diff has no line that starts with '--- ' or 'diff --git '")
        if troubles:
            raise BadOverride(Problem(file=self.file, message=trouble) for trouble in troubles)

    @classmethod
    def parse(cls, data: bytes, file: str) -> Override:
        """Read an override file; `parse(x, file).render() == x`.

        Raises BadOverride with every problem of the file and its line.

        >>> text = b"Patch: a.patch\\nWhen: net/x.c lacks foo\\nSkip: yes\\nReason: needs foo,\\n which 5.10 lacks\\n"
        >>> override = Override.parse(text, "overrides/q/a.patch")
        >>> override.skip, str(override.when[0]), override.reason
        (True, 'net/x.c lacks foo', 'needs foo,\\nwhich 5.10 lacks')
        """
        return _Reader(data, file).override()

    def render(self) -> bytes:
        """The file's bytes: those it was parsed from, else the canonical form, which parses to an equal override."""
        if self.raw is not None:
            return self.raw
        lines = [f"{name}: {value}" for name, values in self._values() for value in values]
        return ("\n".join(lines) + "\n---\n").encode() + self.diff

    def drops(self, path: str, identifier: str) -> bool:
        """Whether a hunk of a file, by its id as `hunk_ids` lists it, is left out."""
        return self.skip or any(target.path == path and target.listed in (None, identifier) for target in self.drop)

    @property
    def left_out(self) -> list[str]:
        """What is left out of the patch, in a few words each."""
        if self.skip:
            return ["skips the patch"]
        said = []
        hunks = sum(target.hunk is not None for target in self.drop)
        files = [target.path for target in self.drop if target.hunk is None]
        if hunks:
            said.append(f"drops {hunks} hunk{'s' if hunks > 1 else ''}")
        if files:
            said.append(f"drops all of {', '.join(files)}")
        return said

    def named(self, file: str) -> Override:
        """The same file under another name: unlike with `attrs.evolve`, its bytes are kept."""
        renamed = attrs.evolve(self, file=file)
        object.__setattr__(renamed, "raw", self.raw)
        return renamed

    def in_force(self, version: KernelVersion, read: Callable[[str], bytes | None]) -> bool:
        """Whether it is for a base of this version whose files `read` gives (None: no such file)."""
        if self.base is not None and not self.base.contains(version):
            return False
        return all(condition.holds(read(condition.path)) for condition in self.when)

    def _values(self) -> Iterator[tuple[str, Iterable[str]]]:
        """The header's fields in the contract's order, each with its values as text."""
        yield "Patch", () if self.patch is None else (self.patch,)
        yield "Commit", () if self.commit is None else (self.commit,)
        yield "Base", () if self.base is None else (str(self.base),)
        yield "When", map(str, self.when)
        yield "Skip", ("yes",) if self.skip else ()
        yield "Drop", map(str, self.drop)
        yield "Optional", ("yes",) if self.optional else ()
        yield "Reason", ("\n ".join(line or "." for line in self.reason.split("\n")),)


@attrs.define(kw_only=True)
class _Field:
    name: str
    line: int
    parts: list[str]

    @property
    def value(self) -> str:
        """Continuation lines are joined by a blank, those of a reason by a newline; ` .` is an empty line (deb822)."""
        if self.name == "Reason":
            return _tidy("\n".join("" if part == "." else part for part in self.parts))
        return " ".join(filter(None, self.parts))


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data, self.file = data, file
        self.problems: list[Problem] = []
        self.fields: list[_Field] = []
        self.rest, self.rest_line = b"", 0
        self.read_header()

    def problem(self, line: int | None, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, message=message))

    def read_header(self) -> None:
        """Fill `fields`, and `rest` with what follows the `---` line."""
        lines = split_lines(self.data)
        current: _Field | None = None
        for number, raw in enumerate(lines, start=1):
            if raw.rstrip() == b"---":
                self.rest, self.rest_line = b"".join(lines[number:]), number + 1
                return
            if raw.startswith(_DIFF_STARTS):
                self.problem(number, "a diff starts here without a line '---' before it")
                self.rest, self.rest_line = b"".join(lines[number - 1 :]), number
                return
            text = self.decode(raw, number)
            if text.startswith("#"):
                continue
            if text[:1] in (" ", "\t") and text.strip(_BLANKS):
                if current is None:
                    self.problem(number, "an indented line that continues no field")
                else:
                    current.parts.append(text.strip(_BLANKS))
                continue
            current = self.start_field(text, number) if text.strip(_BLANKS) else None

    def decode(self, raw: bytes, number: int) -> str:
        try:
            return raw.removesuffix(b"\n").decode()
        except UnicodeDecodeError:
            self.problem(number, "the header is not UTF-8")
            return raw.removesuffix(b"\n").decode(errors="replace")

    def start_field(self, text: str, number: int) -> _Field | None:
        match = _FIELD.fullmatch(text)
        if match is None:
            self.problem(number, f"not a header field: {text.strip(_BLANKS)!r} (expected 'Name: value')")
            return None
        written, value = match.groups()
        name = _CANONICAL.get(written.lower())
        field = _Field(name=name or written, line=number, parts=[value.strip(_BLANKS)])
        if name is None:
            self.problem(number, f"unknown field {written!r}{did_you_mean(written, _FIELDS)}")
            return field  # takes its continuation lines along
        if name not in _REPEATABLE and (first := self.first(name)) is not None:
            self.problem(number, f"field {name!r} is given twice, first on line {first.line}")
            return field
        self.fields.append(field)
        return field

    def first(self, name: str) -> _Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def all(self, name: str, convert: Callable[[str], T]) -> tuple[T, ...]:
        """The converted values of a field; one that cannot be converted is a problem."""
        values: list[T] = []
        for field in self.fields:
            if field.name != name:
                continue
            if not field.value:
                self.problem(field.line, f"field {name!r} is empty")
                continue
            try:
                value = convert(field.value)
            except BadInput as error:
                self.problem(field.line, f"field {name!r}: {error.problems[0].message}")
                continue
            if value in values:
                self.problem(field.line, f"{field.value!r} is given twice in {name!r}")
            values.append(value)
        return tuple(values)

    def one(self, name: str, convert: Callable[[str], T]) -> T | None:
        return next(iter(self.all(name, convert)), None)

    def diff(self) -> bytes:
        """What follows `---`; empty if it is nothing but blanks."""
        if not self.rest.strip():
            return b""
        if not _is_diff(self.rest):
            blank = len(self.rest) - len(self.rest.lstrip())
            line = self.rest_line + self.rest.count(b"\n", 0, blank)
            self.problem(line, "text after '---' is no diff: no line starts with '--- ' or 'diff --git '")
            return self.rest
        try:
            _, changes, _ = read_patch(self.rest, self.file, 1)
        except BadPatch as error:
            for problem in error.problems:
                self.problem(self.rest_line + (problem.line or 1) - 1, problem.message)
        else:
            if not changes:
                self.problem(self.rest_line, "no file starts here: `---`, `+++` and `@@` lines expected")
        return self.rest

    def override(self) -> Override:
        patch, commit = self.one("Patch", str), self.one("Commit", parse_commit_id)
        base, when = self.one("Base", VersionRange.parse), self.all("When", Condition.parse)
        skip, optional = self.one("Skip", _yes), self.one("Optional", _yes)
        drop, reason = self.all("Drop", DropTarget.parse), self.one("Reason", str)
        diff = self.diff()
        if self.first("Patch") is None and self.first("Commit") is None:
            self.problem(None, "missing field 'Patch' or 'Commit'")
        if self.first("Reason") is None:
            self.problem(None, "missing field 'Reason'")
        # A field that could not be read was meant to do something: only one complaint about it.
        skip_field, dropping = self.first("Skip"), self.first("Drop") is not None
        skipping = skip_field is not None and skip is not False
        for about, message in _effect_troubles(skip=skipping, drop=dropping, rest=bool(diff)):
            self.problem(skip_field.line if about and skip_field else None, message)
        if self.problems:
            raise BadOverride(sorted(self.problems, key=lambda problem: (problem.line is None, problem.line or 0)))
        override = Override(
            patch=patch,
            commit=commit,
            base=base,
            when=when,
            skip=bool(skip),
            drop=drop,
            optional=bool(optional),
            reason=reason or "",
            diff=diff,
            file=self.file,
            diff_line=self.rest_line if diff else None,
            remembered=read_remembered(self.data),
        )
        object.__setattr__(override, "raw", self.data)
        return override
