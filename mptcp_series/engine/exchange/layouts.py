# SPDX-License-Identifier: MIT
"""The directories that build systems take kernel patches from: which files there are, and what they say.

Yocto       `NAME.inc` to be required by a recipe: SRC_URI in order, the patches found by FILESEXTRAPATHS beside it;
            and `NAME/NAME.scc` with `patch` lines for kernel meta data (linux-yocto).
Buildroot   `linux/NNNN-name.patch`: a directory of BR2_GLOBAL_PATCH_DIR, applied in the order of the names by
            support/scripts/apply-patches.sh at fuzz 0. A `series` file there would be followed instead.
OpenWrt     `NUMBER-NNNN-name.patch` for target/linux/.../patches-5.10, applied in the order of the names by
            scripts/patch-kernel.sh, or pushed by quilt, which keeps the header.

All of them apply with GNU patch; what that cannot do is refused before (`export.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from ...values.naming import patch_name
from ...values.result import BaseInfo
from ..replay.commits import Step
from ..store.objects import Objects
from .render import render_patch, render_quilt

__all__ = ["Layout", "buildroot", "openwrt", "slug", "yocto"]

Files = Mapping[str, bytes]
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


@attrs.frozen(kw_only=True)
class Layout:
    """What a layout is made of: the commits of a result, and where it comes from."""

    objects: Objects
    series: str
    base: BaseInfo
    steps: Sequence[Step]

    @property
    def title(self) -> str:
        return f"{self.series} for Linux {self.base.version}, exported by mptcp-series"

    def patches(self, render: Callable[[Objects, Step], bytes]) -> dict[str, bytes]:
        """The patches by a name that any of these tools takes, in order."""
        found: dict[str, bytes] = {}
        for step in self.steps:
            found[_unique(step.name, found)] = render(self.objects, step)
        return found


def slug(text: str) -> str:
    """A name that needs no quoting in a recipe, a Makefile or a shell.

    >>> slug("sub/my patch;1.patch")
    'sub-my-patch-1.patch'
    """
    return _UNSAFE.sub("-", text).strip("-.") or "patch"


def _unique(name: str, taken: Iterable[str]) -> str:
    """A file name for a patch, by which no two of a directory are called.

    Directories are gone from it: tools know a patch by the last part of its path.
    """
    plain = slug(name)
    if not plain.endswith(".patch"):
        plain += ".patch"
    names = set(taken)
    if plain not in names:
        return plain
    return patch_name(plain.removesuffix(".patch"), names)


def _git(objects: Objects, step: Step) -> bytes:
    return render_patch(objects, step.raw, step.changes)


def _quilt(objects: Objects, step: Step) -> bytes:
    return render_quilt(objects, step.raw, step.changes)


def yocto(layout: Layout) -> Files:
    """`NAME.inc`, and in `NAME/` the patches and `NAME.scc`.

    The names have no numbers: the order is that of SRC_URI, and a patch that comes or goes renames no other.
    """
    name = slug(layout.series)
    patches = layout.patches(_git)
    lines = [
        f"# {layout.title}. In a recipe or .bbappend of the kernel: require {name}.inc",
        "#",
        "# bitbake does not check the sums of local files; mptcp-series.bbclass does.",
        "",
        f'FILESEXTRAPATHS:prepend := "${{THISDIR}}/{name}:"',
        "",
        'SRC_URI += " \\',
        *(f"    file://{file};sha256sum={hashlib.sha256(data).hexdigest()} \\" for file, data in patches.items()),
        '"',
        "",
    ]
    scc = [f"# {layout.title}.", *(f"patch {file}" for file in patches), ""]
    return {
        f"{name}.inc": "\n".join(lines).encode(),
        f"{name}/{name}.scc": "\n".join(scc).encode(),
        **{f"{name}/{file}": data for file, data in patches.items()},
    }


def buildroot(layout: Layout) -> Files:
    """`linux/NNNN-name.patch`."""
    return {f"linux/{number}-{file}": data for number, file, data in _numbered(layout.patches(_git))}


def openwrt(layout: Layout, number: int) -> Files:
    """`NUMBER-NNNN-name.patch`: NUMBER places the queue among the other patches of the directory."""
    return {f"{number:03d}-{at}-{file}": data for at, file, data in _numbered(layout.patches(_quilt))}


def _numbered(patches: Files) -> Iterable[tuple[str, str, bytes]]:
    """With as many digits for all that the order of the names is that of the patches."""
    width = max(4, len(str(len(patches))))
    return [(f"{at:0{width}d}", file, data) for at, (file, data) in enumerate(patches.items(), start=1)]
