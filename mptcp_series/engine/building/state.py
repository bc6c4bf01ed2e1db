# SPDX-License-Identifier: MIT
"""What a build directory knows of itself: whose it is, what its source holds, which objects were compiled.

It is written before something is begun and after it is done, so that a run that was killed at any moment is told from
one that ended: the next run then looks at what is there instead of believing it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import attrs

from ...values.diagnostic import Diagnostic

__all__ = ["SCHEMA", "BuildState", "DamagedState", "Identity", "Ledger", "Written", "digest"]

SCHEMA = 1


class DamagedState(Exception):
    """A state file that says something no version of this program wrote."""


def digest(data: bytes) -> str:
    """SHA-256 of a configuration or the like, in 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


@attrs.frozen(kw_only=True)
class Identity:
    """What all runs in one directory have in common."""

    series: str
    base: str
    """The base's commit, 40 hex digits."""
    arch: str
    compiler: str
    """How the compiler calls itself, its version included: objects of another one cannot be mixed in."""

    def differs(self, other: Identity) -> str | None:
        """In what it is not the other one, in words; None where it is."""
        ours, theirs = attrs.asdict(self), attrs.asdict(other)
        wrong = [f"{name} {ours[name]}, not {theirs[name]}" for name in ours if ours[name] != theirs[name]]
        return "; ".join(wrong) or None


@attrs.frozen(kw_only=True)
class Written:
    """What `source` holds."""

    tree: str
    """Id of the tree it holds, or is being made to hold (40 hex digits)."""
    stamp: int | None = None
    """Time of the file system (ns) after which no file was changed by us; None while it is being written."""
    before: str | None = None
    """While it is being written: the tree it held."""
    left_out: tuple[str, ...] = ()
    """Files that were left out because their content is absent."""


@attrs.frozen(kw_only=True)
class BuildState:
    """The state file of a build directory."""

    identity: Identity
    source: Written | None = None
    configuration: str | None = None
    """Digest of the configuration asked for."""
    image: str | None = None
    """Id of the tree the kernel image in `out` was made of; None where none was made."""
    relaxed: tuple[str, ...] = ()
    """Arguments the machine's tools turned out to need."""

    def render(self) -> bytes:
        return (json.dumps({"schema": SCHEMA, **attrs.asdict(self)}, indent=2, sort_keys=True) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> BuildState:
        """Read a state file. Raises DamagedState."""
        try:
            fields = json.loads(data)
            if fields.pop("schema") != SCHEMA:
                raise DamagedState("it was written by another version")
            source = fields["source"]
            if source is not None:
                source = Written(**{**source, "left_out": tuple(source["left_out"])})
            return cls(
                **{
                    **fields,
                    "identity": Identity(**fields["identity"]),
                    "source": source,
                    "relaxed": tuple(fields["relaxed"]),
                }
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedState(f"it cannot be read ({error})") from error


@attrs.define(kw_only=True)
class Ledger:
    """What was said when each object was compiled last: an object that is up to date says nothing again."""

    said: dict[str, tuple[Diagnostic, ...]] = attrs.field(factory=dict)

    def enter(self, compiled: Sequence[str], diagnostics: Sequence[Diagnostic]) -> None:
        """Take over one run of make. Messages belong to the file that was compiled, by the stem of its name."""
        by_stem: dict[str, list[Diagnostic]] = {}
        for diagnostic in diagnostics:
            if diagnostic.unit is not None:
                by_stem.setdefault(diagnostic.unit.rpartition(".")[0], []).append(diagnostic)
        for name in compiled:
            self.said[name] = tuple(by_stem.get(name.removesuffix(".o"), ()))

    def warnings(self) -> list[Diagnostic]:
        return [one for name in sorted(self.said) for one in self.said[name] if one.severity.value == "warning"]

    def render(self) -> bytes:
        objects = {name: [one.to_json() for one in said] for name, said in self.said.items()}
        return (json.dumps({"schema": SCHEMA, "objects": objects}, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> Ledger:
        """Read a ledger. Raises DamagedState."""
        try:
            fields: Mapping[str, Mapping[str, Sequence[Mapping[str, object]]]] = json.loads(data)
            said = {name: tuple(map(Diagnostic.from_json, found)) for name, found in fields["objects"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedState(f"it cannot be read ({error})") from error
        return cls(said=said)
