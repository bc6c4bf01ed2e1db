# SPDX-License-Identifier: MIT
"""Kernel versions, and the ranges recipes and overrides are limited to.

What a base is decides which overrides are in force, and tags of a BSP lie about it: the numbers come
from the Makefile. Only x.y.z counts; EXTRAVERSION and everything after it is ignored, so a vendor's
`5.10.209-rt101+` is 5.10.209. Text that is no version, a file that is no kernel Makefile, and a range
that is empty or not in PEP 440's form are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from ..errors import BadInput

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["KernelVersion", "VersionRange"]

_NUMBER = r"(0|[1-9][0-9]{0,5})"
# A suffix is EXTRAVERSION or a local version; a fourth number (2.6.32.71) is EXTRAVERSION too.
_VERSION = re.compile(rf"v?{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER}(?:\.[0-9A-Za-z]\S*)?)?(?:[-_~+]\S*)?")

_MAKEFILE_KEYS = (b"VERSION", b"PATCHLEVEL", b"SUBLEVEL")
_MAKEFILE_LINE = re.compile(rb"(VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*:?=[ \t]*(0|[1-9][0-9]{0,5})[ \t]*(?:#.*)?")
# Linux sets them in its first six lines; vendors put a notice above.
_MAKEFILE_HEAD = 100


def _counts(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 0:
        raise BadInput(f"{attribute.name} of a kernel version is negative: {value}")


@attrs.frozen(kw_only=True, order=True)
class KernelVersion:
    """VERSION.PATCHLEVEL.SUBLEVEL of a kernel, ordered as numbers.

    >>> KernelVersion.parse("v5.10.9") < KernelVersion.parse("5.10.209")
    True
    """

    version: int = attrs.field(validator=_counts)
    patchlevel: int = attrs.field(validator=_counts)
    sublevel: int = attrs.field(validator=_counts)

    def __str__(self) -> str:
        return f"{self.version}.{self.patchlevel}.{self.sublevel}"

    @classmethod
    def parse(cls, text: str) -> KernelVersion:
        """Read `x.y.z` or `x.y` (z is 0), with or without a leading `v` and a suffix.

        Raises BadInput if the text is no version.

        >>> str(KernelVersion.parse("v5.10.209-rt101"))
        '5.10.209'
        >>> str(KernelVersion.parse("5.10"))
        '5.10.0'
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise BadInput(f"not a kernel version: {text!r} (expected x.y.z, such as 5.10.209)")
        version, patchlevel, sublevel = match.groups(default="0")
        return cls(version=int(version), patchlevel=int(patchlevel), sublevel=int(sublevel))

    @classmethod
    def from_makefile(cls, data: bytes, file: str | None = None) -> KernelVersion:
        """Read VERSION, PATCHLEVEL and SUBLEVEL from the first lines of a kernel's top Makefile.

        Raises BadInput if one of them is missing there, or is set twice to different numbers.

        >>> str(KernelVersion.from_makefile(b"VERSION = 5\\nPATCHLEVEL = 10\\nSUBLEVEL = 66\\nEXTRAVERSION = -bsp\\n"))
        '5.10.66'
        """
        found: dict[bytes, int] = {}
        for number, line in enumerate(data.split(b"\n", _MAKEFILE_HEAD)[:_MAKEFILE_HEAD], start=1):
            match = _MAKEFILE_LINE.fullmatch(line.removesuffix(b"\r"))
            if match is None:
                continue
            key, value = match[1], int(match[2])
            if found.setdefault(key, value) != value:
                raise BadInput(f"{key.decode()} is set twice: {found[key]}, then {value}", file=file, line=number)
        missing = [key.decode() for key in _MAKEFILE_KEYS if key not in found]
        if missing:
            raise BadInput(f"not a kernel Makefile: its head does not set {', '.join(missing)}", file=file)
        version, patchlevel, sublevel = (found[key] for key in _MAKEFILE_KEYS)
        return cls(version=version, patchlevel=patchlevel, sublevel=sublevel)


@attrs.frozen(kw_only=True)
class VersionRange:
    """A range of kernel versions, in PEP 440's form of comma-separated clauses; equal if written alike.

    >>> VersionRange.parse(">=5.10.0,<5.11").contains(KernelVersion.parse("5.10.209"))
    True
    """

    text: str
    _specifiers: SpecifierSet = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.text.strip():
            raise BadInput("empty version range (expected clauses, such as '>=5.10.0,<5.11')")
        # It brings half of the standard library along, and most runs meet no range.
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            specifiers = SpecifierSet(self.text)
        except InvalidSpecifier as error:
            raise BadInput(f"bad version range {self.text!r}: {error} (expected such as '>=5.10.0,<5.11')") from None
        object.__setattr__(self, "_specifiers", specifiers)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read a range; the text is kept as written, without surrounding blanks.

        Raises BadInput if it is empty or not in PEP 440's form.

        >>> str(VersionRange.parse(" >= 5.10,<5.11 "))
        '>= 5.10,<5.11'
        """
        return cls(text=text.strip())

    def contains(self, version: KernelVersion) -> bool:
        """Whether every clause admits the version; PEP 440 reads 5.10 and 5.10.0 as equal."""
        return self._specifiers.contains(str(version), prereleases=True)
