# SPDX-License-Identifier: MIT
"""What a compiler, an assembler, a linker, Kconfig and make said, as values.

Text is read, not gcc's JSON: gcc 8 and clang have none, and the tools around them never will. The forms are those of
gcc's manual (Formatting of diagnostics), of clang's with its default format, of GNU as, GNU ld, modpost and objtool.
Source lines and carets are left out; messages are kept as said, with straight quotes. What make says of a target that
failed is kept beside them: a target that failed and for which nothing was said must not look like success.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

__all__ = ["Diagnostic", "DiagnosticParser", "Missing", "MissingKind", "Note", "Place", "Severity", "missing_name"]


class Severity(enum.Enum):
    """How bad it is. A warning that a flag made an error is an error."""

    ERROR = "error"
    WARNING = "warning"


class MissingKind(enum.Enum):
    """What kind of thing a compiler did not find, as far as its words tell."""

    FUNCTION = "function"
    NAME = "name"
    TYPE = "type"
    MEMBER = "member"
    INCLUDE = "include file"
    SYMBOL = "symbol"
    """The linker's: declared, used and nowhere defined."""
    PROTOTYPE = "prototype"
    """There, and with other arguments."""


@attrs.frozen(kw_only=True)
class Missing:
    """A name a message complains about. A member has the struct in `owner`."""

    name: str
    kind: MissingKind
    owner: str | None = None


@attrs.frozen(kw_only=True, order=True)
class Place:
    """A line of a file; 1-based."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@attrs.frozen(kw_only=True)
class Note:
    """What a compiler added to a message, and where that points."""

    place: Place | None
    message: str


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One error or warning."""

    severity: Severity
    path: str | None
    """A path of the tree, or as the tool said it where it is none; None where no file was named."""
    line: int | None = None
    column: int | None = None
    message: str
    option: str | None = None
    """The flag that asked for it, as said: `-Wunused-variable`, `-Werror=implicit-function-declaration`."""
    fatal: bool = False
    """Whether the compiler read no further in this file: what stands behind it was not looked at."""
    includes: tuple[Place, ...] = ()
    """The `#include` lines that lead to the file, innermost first."""
    notes: tuple[Note, ...] = ()

    @property
    def place(self) -> Place | None:
        return None if self.path is None or self.line is None else Place(path=self.path, line=self.line)

    @property
    def unit(self) -> str | None:
        """The file that was compiled: the outermost of the includes, else the path itself."""
        return self.includes[-1].path if self.includes else self.path

    @property
    def missing(self) -> Missing | None:
        return missing_name(self.message)

    @property
    def said(self) -> tuple[Severity, str | None, str, str | None]:
        """The same message of another version of the file: all but where it stands."""
        option = None if self.option is None else self.option.replace("-Werror=", "-W", 1)
        return self.severity, self.path, self.message, option

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        option = "" if self.option is None else f" [{self.option}]"
        return f"{where + ': ' if where else ''}{self.severity.value}: {self.message}{option}"

    def to_json(self) -> Mapping[str, object]:
        return {
            "severity": self.severity.value,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "option": self.option,
            "fatal": self.fatal,
            "includes": [attrs.asdict(place) for place in self.includes],
            "notes": [
                {"place": None if note.place is None else attrs.asdict(note.place), "message": note.message}
                for note in self.notes
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Diagnostic:
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""

        def place(value: object) -> Place | None:
            return None if value is None else Place(**value)  # type: ignore[arg-type]

        fields = dict(data)
        includes: Sequence[Mapping[str, object]] = fields.pop("includes")  # type: ignore[assignment]
        notes: Sequence[Mapping[str, object]] = fields.pop("notes")  # type: ignore[assignment]
        return cls(
            **{**fields, "severity": Severity(fields["severity"])},  # type: ignore[arg-type]
            includes=tuple(found for one in includes if (found := place(one)) is not None),
            notes=tuple(Note(place=place(note["place"]), message=str(note["message"])) for note in notes),
        )


_NAMED: tuple[tuple[re.Pattern[str], MissingKind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"implicit declaration of function '(?P<name>\w+)'", MissingKind.FUNCTION),
        (r"call to undeclared (?:library )?function '(?P<name>\w+)'", MissingKind.FUNCTION),
        (r"^'(?P<name>\w+)' undeclared", MissingKind.NAME),
        (r"use of undeclared identifier '(?P<name>\w+)'", MissingKind.NAME),
        (r"unknown type name '(?P<name>\w+)'", MissingKind.TYPE),
        (r"^'(?:const )?(?:struct|union) (?P<owner>\w+)' has no member named '(?P<name>\w+)'", MissingKind.MEMBER),
        (r"no member named '(?P<name>\w+)' in '(?:const )?(?:struct|union) (?P<owner>\w+)'", MissingKind.MEMBER),
        (
            r"field designator '(?P<name>\w+)' does not refer to any field in type "
            r"'(?:const )?(?:struct|union) (?P<owner>\w+)'",
            MissingKind.MEMBER,
        ),
        (r"invalid use of undefined type '(?:const )?(?:struct|union|enum) (?P<name>\w+)'", MissingKind.TYPE),
        (r"'(?:const )?(?:struct|union|enum) (?P<name>\w+)' declared inside parameter list", MissingKind.TYPE),
        (r"incomplete (?:definition of )?type '(?:const )?(?:struct|union|enum) (?P<name>\w+)'", MissingKind.TYPE),
        (r"^(?P<name>\S+): No such file or directory$", MissingKind.INCLUDE),
        (r"^'(?P<name>\S+)' file not found$", MissingKind.INCLUDE),
        (r"too (?:few|many) arguments to function '(?P<name>\w+)'", MissingKind.PROTOTYPE),
        (r"passing argument \d+ of '(?P<name>\w+)'", MissingKind.PROTOTYPE),
        (r"conflicting types for '(?P<name>\w+)'", MissingKind.PROTOTYPE),
        (r"static declaration of '(?P<name>\w+)' follows non-static declaration", MissingKind.PROTOTYPE),
        (r"(?:undefined reference to|undefined symbol:) '?(?P<name>\w+)'?", MissingKind.SYMBOL),
        (r'^"(?P<name>\w+)" \[\S+\] undefined!', MissingKind.SYMBOL),
    )
)


def missing_name(message: str) -> Missing | None:
    """What a message says is not there, or not as it is used; None where it names nothing.

    >>> missing_name("implicit declaration of function 'tcp_build_frag'; did you mean 'ip_build_frag'?").name
    'tcp_build_frag'
    >>> missing_name("'const struct genl_multicast_group' has no member named 'flags'").owner
    'genl_multicast_group'
    """
    for pattern, kind in _NAMED:
        found = pattern.search(message)
        if found is not None:
            groups = found.groupdict()
            return Missing(name=groups["name"], kind=kind, owner=groups.get("owner"))
    return None


_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "`": "'"})
_OPTION = re.compile(r" \[(-W[^\]]+)\]$")
_PLACED = re.compile(
    r"(?P<path>[^\s:][^:]*):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?P<what>fatal error|Fatal error|error|Error|warning|Warning|note|sorry, unimplemented): (?P<text>.*)$"
)
_INCLUDED = re.compile(r"(?:In file included|\s+) from (?P<path>[^:]+):(?P<line>\d+)(?::\d+)?[,:]?$")
_TOOL = re.compile(r"(?P<path>[^\s:]+\.o): (?P<what>warning|error): (?P<text>.+)$")
_LINKER = re.compile(
    r"(?:\S*\bld(?:\.\w+)?: )?(?:[^\s:]+\.o:)?(?P<path>[^\s:]+):(?:(?P<line>\d+):|\([^)]*\):)? ?"
    r"(?P<text>undefined reference to .+)$"
)
_FUNCTION = re.compile(r"(?:\S*\bld(?:\.\w+)?: )?(?P<object>[^\s:]+\.o): in function '")
_LLD = re.compile(r"\S*ld\.lld: error: (?P<text>undefined symbol: .+)$")
_MODPOST = re.compile(r"(?P<what>ERROR|WARNING|FATAL)(?:: modpost)?: (?P<text>.+)$")
_KCONFIG = re.compile(r"(?P<path>[^\s:]*Kconfig[^\s:]*):(?P<line>\d+):\s?(?P<text>.+)$")
_FAILED = re.compile(
    r"\S*make(?:\[\d+\])?: \*\*\* \[(?:[^\]\s]+:\d+: )?(?P<target>[^\]]+)\] (?:Error|Terminated|Killed)"
)
_NO_RULE = re.compile(
    r"\S*make(?:\[\d+\])?: \*\*\* No rule to make target '(?P<target>[^']+)'(?:, needed by '(?P<for>[^']+)')?"
)
_MAKEFILE = re.compile(r"(?P<path>[^\s:]+):(?P<line>\d+): \*\*\* (?P<text>.+?)\.?\s+Stop\.$")
_STEP = re.compile(r"  (?P<word>[A-Z][A-Z0-9_-]*)(?: \[M\])?\s+(?P<target>\S.*)$")


@attrs.define(kw_only=True)
class DiagnosticParser:
    """Reads output line by line. Give make `--output-sync`, else the lines of several compilers are mixed.

    locate: turns a path as a tool says it into a path of the tree.
    """

    locate: Callable[[str], str] = attrs.field(default=lambda path: path)
    diagnostics: list[Diagnostic] = attrs.field(init=False, factory=list)
    compiled: list[str] = attrs.field(init=False, factory=list)
    """Objects kbuild said it compiles (`CC`, `AS`), in the order of the output."""
    failed: list[str] = attrs.field(init=False, factory=list)
    """Targets make gave up on, those of its own directories and phony ones included."""
    no_rule: list[tuple[str, str | None]] = attrs.field(init=False, factory=list)
    """Targets nothing can make, and what needs them."""
    steps: int = attrs.field(init=False, default=0)
    """Steps of kbuild so far: every line with a word of its own (`CC`, `LD`, `AR`)."""
    _includes: list[Place] = attrs.field(init=False, factory=list)
    _led: dict[str, tuple[Place, ...]] = attrs.field(init=False, factory=dict)
    """How files were reached in this piece of output: gcc says it once for the messages of a file."""

    _object: str | None = attrs.field(init=False, default=None)
    """The object the linker speaks of: it names the source without its directory."""

    def feed(self, text: str) -> None:
        """Read one line, without its newline."""
        line = text.translate(_STRAIGHT).rstrip()
        step = _STEP.match(line)
        if step is not None:
            self.steps += 1
            self._led.clear()
            self._includes.clear()
            if step["word"] in ("CC", "AS") and step["target"].endswith(".o"):
                self.compiled.append(step["target"])
            return
        included = _INCLUDED.match(line)
        if included is not None:
            if line.startswith("In file") and not line.endswith(":"):
                self._includes.clear()
            place = Place(path=self.locate(included["path"]), line=int(included["line"]))
            # clang names the outermost file first and ends every line with a colon; gcc only the last.
            if line.startswith("In file") and self._includes and line.endswith(":"):
                self._includes.insert(0, place)
            else:
                self._includes.append(place)
            return
        self._message(line)

    def feed_all(self, lines: Iterable[str]) -> DiagnosticParser:
        for line in lines:
            self.feed(line)
        return self

    def _message(self, line: str) -> None:
        placed = _PLACED.match(line)
        if placed is not None:
            self._placed(placed)
            return
        if failed := _FAILED.match(line):
            self.failed.append(failed["target"])
        elif rule := _NO_RULE.match(line):
            self.no_rule.append((rule["target"], rule["for"]))
        elif makefile := _MAKEFILE.match(line):
            self._add(makefile["path"], int(makefile["line"]), Severity.ERROR, makefile["text"])
        elif tool := _TOOL.match(line):
            self._add(tool["path"], None, Severity(tool["what"]), tool["text"])
        elif function := _FUNCTION.match(line):
            self._object = self.locate(function["object"])
        elif linker := _LINKER.match(line):
            number, path = linker["line"], linker["path"]
            if "/" not in path and self._object is not None:
                path = f"{self._object.rpartition('/')[0]}/{path}".lstrip("/")
            self._add(path, None if number is None else int(number), Severity.ERROR, linker["text"])
        elif lld := _LLD.match(line):
            self._add(None, None, Severity.ERROR, lld["text"])
        elif kconfig := _KCONFIG.match(line):
            text = kconfig["text"].removeprefix("warning: ")
            worse = Severity.WARNING if text != kconfig["text"] else Severity.ERROR
            self._add(kconfig["path"], int(kconfig["line"]), worse, text)
        elif modpost := _MODPOST.match(line):
            worse = Severity.WARNING if modpost["what"] == "WARNING" else Severity.ERROR
            self._add(None, None, worse, modpost["text"])

    def _placed(self, found: re.Match[str]) -> None:
        path, number, what = self.locate(found["path"]), int(found["line"]), found["what"].lower()
        text, option = found["text"], None
        if what == "note":
            self._note(Note(place=Place(path=path, line=number), message=text))
            return
        if flag := _OPTION.search(text):
            text, option = text[: flag.start()], flag[1]
        if self._includes:
            self._led[path] = tuple(self._includes)
            self._includes.clear()
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.WARNING if what == "warning" else Severity.ERROR,
                path=path,
                line=number,
                column=None if found["column"] is None else int(found["column"]),
                message=text,
                option=option,
                fatal=what == "fatal error",
                includes=self._led.get(path, ()),
            )
        )

    def _note(self, note: Note) -> None:
        self._includes.clear()
        if self.diagnostics and not note.message.startswith("each undeclared identifier is reported only once"):
            last = self.diagnostics[-1]
            self.diagnostics[-1] = attrs.evolve(last, notes=(*last.notes, note))

    def _add(self, path: str | None, line: int | None, severity: Severity, text: str) -> None:
        where = None if path is None else self.locate(path)
        self.diagnostics.append(Diagnostic(severity=severity, path=where, line=line, message=text))
