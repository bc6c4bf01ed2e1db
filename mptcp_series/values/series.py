# SPDX-License-Identifier: MIT
"""The series file: the ordered queue, read as quilt reads it and kept byte for byte.

People write comments and order into this file, so nothing may be lost by a tool that edits one line:
every line is kept verbatim, and `Series.parse(x).render() == x`.

The grammar is quilt's (`cat_series` and `patch_args` in scripts/patchfns): a name, options, and a comment
introduced by a blank and `#`. Where quilt's own commands disagree or would guess, the file is refused,
with all such places named: an indented comment (quilt takes it for a patch name), options other than
`-pN` and `-R`, an option given twice, `-p N` (push reads it, refresh does not), a name twice, and names that
leave the directory. A CR before the newline is the line's end here, where quilt would make it part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from ..errors import BadInput, BadSeries, Problem
from .hunk import split_lines
from .naming import parse_commit_id
from .paths import check_tree_path

__all__ = ["Series", "SeriesEntry", "SeriesLine"]

_ENTRY = re.compile(r"[ \t]*([^ \t]+)(.*)", re.DOTALL)
_COMMENT = re.compile(r"[ \t]+#(.*)", re.DOTALL)
_PIN = re.compile(r"([0-9a-fA-F]{40})(?:[ \t]+(.*))?", re.DOTALL)
_STRIP = re.compile(r"-p([0-9]{1,3})")
_BLANK_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def _name_trouble(name: str) -> str | None:
    """Why quilt could not, or should not, use this patch name."""
    if name.startswith("#"):
        return f"quilt reads this indented comment as the patch name {name!r}; start it in the first column"
    if name.startswith("-"):
        return f"patch name {name!r} reads as an option; the name comes first"
    if trouble := check_tree_path(name):
        return f"unsafe patch name {name!r}: {trouble}"
    if _BLANK_OR_CONTROL.search(name):
        return f"patch name {name!r} holds a blank or a control character"
    if '"' in name:
        return f"patch name {name!r} holds a double quote, which quilt cannot look up"
    return None


@attrs.frozen(kw_only=True)
class SeriesEntry:
    """One patch of the queue.

    name: file name, may be in a subdirectory (`a/b.patch`); bytes that are not UTF-8 are surrogate-escaped.
    strip, reverse: quilt's `-pN` (default 1) and `-R`.
    pin: full commit id of a pinned patch, in lower case; None for a materialised one.
    comment: the comment without the pin and surrounding blanks; None if nothing is left.
    line: 1-based line of the file, 0 for an entry that was not read; does not count in comparisons.

    Raises BadSeries for what a series file cannot say.
    """

    name: str
    strip: int = 1
    reverse: bool = False
    pin: str | None = attrs.field(default=None, converter=attrs.converters.optional(parse_commit_id))
    comment: str | None = None
    line: int = attrs.field(default=0, eq=False)

    def __attrs_post_init__(self) -> None:
        if trouble := _name_trouble(self.name) or self._trouble():
            raise BadSeries(trouble, line=self.line or None)

    def _trouble(self) -> str | None:
        if not 0 <= self.strip <= 999:
            return f"strip level {self.strip} of {self.name!r} is not in 0..999"
        comment = self.comment
        if comment is None:
            return None
        if not comment or comment != comment.strip(" \t\r") or "\n" in comment:
            return f"comment {comment!r} of {self.name!r} is not one line without surrounding blanks"
        if self.pin is None and _PIN.fullmatch(comment):
            return f"comment {comment!r} of {self.name!r} would be read as a pin"
        return None

    def render(self) -> str:
        """The line in its canonical form, without its end.

        >>> SeriesEntry(name="a.patch", strip=0, comment="why").render()
        'a.patch -p0 # why'
        """
        words = [self.name]
        if self.strip != 1:
            words.append(f"-p{self.strip}")
        if self.reverse:
            words.append("-R")
        if self.pin is not None or self.comment is not None:
            words.extend(word for word in ("#", self.pin, self.comment) if word is not None)
        return " ".join(words)


@attrs.frozen(kw_only=True)
class SeriesLine:
    """One line: its bytes as written, line end included, and the entry it holds (None: comment or blank)."""

    raw: bytes
    entry: SeriesEntry | None = None


def _options(words: Sequence[str]) -> tuple[int, bool, list[str]]:
    """(strip level, reverse, what is wrong with the words after the name)."""
    strip, reverse, troubles = None, False, []
    for index, word in enumerate(words):
        level = _STRIP.fullmatch(word)
        if level is not None and strip is None:
            strip = int(level[1])
        elif level is not None:
            troubles.append(f"strip level given twice: '-p{strip}', then {word!r}")
        elif word == "-R" and not reverse:
            reverse = True
        elif word == "-R":
            troubles.append("option '-R' given twice")
        elif word == "-p":
            number = "".join(words[index + 1 : index + 2])
            hint = f"; write '-p{number}'" if number.isdecimal() else ""
            troubles.append(f"option '-p' without its number{hint}")
        elif word.startswith("-"):
            troubles.append(f"unknown option {word!r} (expected '-pN' or '-R')")
        elif not (index and words[index - 1] == "-p"):
            troubles.append(f"unexpected word {word!r} after the patch name (a comment starts with ' #')")
    return 1 if strip is None else strip, reverse, troubles


def _read_line(raw: bytes, number: int) -> tuple[SeriesEntry | None, list[str]]:
    """The entry of a line, if it has one, or what is wrong with it."""
    text = raw.removesuffix(b"\n")
    if text != raw:
        text = text.removesuffix(b"\r")
    match = None if text.startswith(b"#") else _ENTRY.fullmatch(text.decode("utf-8", "surrogateescape"))
    if match is None:
        return None, []
    name, rest = match.groups()
    if name[0] in "#-":  # what follows is no option either
        return None, [_name_trouble(name) or ""]
    introduced = _COMMENT.search(rest)
    comment = pin = None
    if introduced is not None:
        rest = rest[: introduced.start()]
        comment = introduced[1].strip(" \t\r") or None
    if comment is not None and (pinned := _PIN.fullmatch(comment)):
        pin, comment = pinned[1], (pinned[2] or "").strip(" \t\r") or None
    strip, reverse, troubles = _options([word for word in re.split(r"[ \t]+", rest) if word])
    if trouble := _name_trouble(name):
        troubles.insert(0, trouble)
    if troubles:
        return None, troubles
    return SeriesEntry(name=name, strip=strip, reverse=reverse, pin=pin, comment=comment, line=number), []


def _eol(raw: bytes) -> bytes:
    return b"\r\n" if raw.endswith(b"\r\n") else b"\n"


@attrs.frozen(kw_only=True)
class Series:
    """A series file. Made by `parse` and `of`; the editing methods return a new one and change one line only."""

    lines: tuple[SeriesLine, ...] = ()
    file: str = attrs.field(default="series", eq=False)
    """The file's name, for messages."""

    @classmethod
    def parse(cls, data: bytes, file: str = "series") -> Series:
        """Read a series file; `parse(x).render() == x`.

        Raises BadSeries with every problem of the file.

        >>> series = Series.parse(b"# bugs\\na.patch -p0 # 2dcb96bacce36021c2f3eaae0cef607b5bb71ede\\n", "series")
        >>> [(entry.name, entry.strip, entry.pin) for entry in series.entries]
        [('a.patch', 0, '2dcb96bacce36021c2f3eaae0cef607b5bb71ede')]
        """
        lines: list[SeriesLine] = []
        problems: list[Problem] = []
        first: dict[str, int] = {}
        for number, raw in enumerate(split_lines(data), start=1):
            entry, troubles = _read_line(raw, number)
            lines.append(SeriesLine(raw=raw, entry=entry))
            if entry is not None and first.setdefault(entry.name, number) != number:
                troubles = [f"patch {entry.name!r} stands in the series twice, first on line {first[entry.name]}"]
            problems.extend(Problem(file=file, line=number, message=trouble) for trouble in troubles)
        if problems:
            raise BadSeries(problems)
        return cls(lines=tuple(lines), file=file)

    @classmethod
    def of(cls, entries: Iterable[SeriesEntry], header_comment: str | None = None, file: str = "series") -> Series:
        """A new series of these entries, in canonical form, under a comment of one or more lines.

        Raises BadSeries if two entries have one name.
        """
        comment = [] if header_comment is None else [f"# {line}".rstrip() for line in header_comment.split("\n")]
        texts = [*comment, *(entry.render() for entry in entries)]
        return cls.parse(b"".join(_encode(text) + b"\n" for text in texts), file)

    def render(self) -> bytes:
        """The file's bytes; what was parsed is given back unchanged."""
        return b"".join(line.raw for line in self.lines)

    @property
    def entries(self) -> tuple[SeriesEntry, ...]:
        """The patches, in order."""
        return tuple(line.entry for line in self.lines if line.entry is not None)

    def find(self, name: str) -> SeriesEntry | None:
        """The patch of that name, None if there is none."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def append(self, entry: SeriesEntry) -> Series:
        """With the entry as the last line; a missing final newline is added first, as quilt does."""
        return self._with(len(self.lines), len(self.lines), _encode(entry.render()))

    def insert_before(self, name: str, entry: SeriesEntry) -> Series:
        """With the entry on a line of its own before the patch `name`."""
        at = self._index(name)
        return self._with(at, at, _encode(entry.render()))

    def remove(self, name: str) -> Series:
        """Without the line of the patch `name`."""
        at = self._index(name)
        return self._with(at, at + 1)

    def replace_entry(self, name: str, entry: SeriesEntry) -> Series:
        """With the entry in place of the patch `name`; the same series if that changes nothing."""
        at = self._index(name)
        if self.lines[at].entry == entry:
            return self
        return self._with(at, at + 1, _encode(entry.render()))

    def comment_out(self, name: str, reason: str) -> Series:
        """With the patch `name` as a comment that ends in the reason; deleting its `# ` brings the patch back.

        >>> Series.parse(b"a.patch -R\\n").comment_out("a.patch", "upstream in 5.10.90").render()
        b'# a.patch -R # upstream in 5.10.90\\n'
        """
        at = self._index(name)
        entry = self.lines[at].entry
        assert entry is not None
        text, said = entry.render(), " ".join(reason.split())
        if said:
            text += f"; {said}" if entry.comment else f" {said}" if entry.pin else f" # {said}"
        return self._with(at, at + 1, _encode("# " + text))

    def _index(self, name: str) -> int:
        """Where the patch `name` stands in `lines`; raises BadSeries if it does not."""
        for index, line in enumerate(self.lines):
            if line.entry is not None and line.entry.name == name:
                return index
        raise BadSeries(f"no patch {name!r} in the series", file=self.file)

    def _with(self, start: int, stop: int, *texts: bytes) -> Series:
        """With lines start..stop replaced; read anew, so an edit cannot make a series that would be refused."""
        raws = [line.raw for line in self.lines]
        eol = _eol(raws[0]) if raws else b"\n"
        if start == len(raws) and raws and not raws[-1].endswith(b"\n"):
            raws[-1] += eol
        raws[start:stop] = [text + eol for text in texts]
        return Series.parse(b"".join(raws), self.file)


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise BadInput(f"{text!r} cannot be turned into bytes: {error.reason}") from None
