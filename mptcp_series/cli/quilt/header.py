# SPDX-License-Identifier: MIT
"""`mptcp-series header`: what a patch says of itself."""

from __future__ import annotations

import sys

import click

from ...engine.quilt.header import with_header, without_stat, without_trailing_blanks
from ...engine.quilt.patchfile import write_patch
from ...errors import BadInput
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["header"]

_DEP3 = b"""\
Description: <short description, required>
 <long description that can span multiple lines, optional>
Author: <name and email of author, optional>
Origin: <upstream|backport|vendor|other>, <URL, required except if Author is present>
Bug: <URL to the upstream bug report if any, implies patch has been forwarded, optional>
Forwarded: <URL|no|not-needed, useless if you have a Bug field, optional>
Applied-Upstream: <version|URL|commit, identifies patches merged upstream, optional>
Last-Update: <YYYY-MM-DD, last update of the meta-information, optional>
---
This patch header follows DEP-3: http://dep.debian.net/deps/dep3/
"""


@quilt_verb("header", "Show or change the header of a patch.")
@click.argument("patch", required=False)
@click.option("-a", "append", is_flag=True, help="Append standard input to it.")
@click.option("-r", "replace", is_flag=True, help="Put standard input in its place.")
@click.option("-e", "edit", is_flag=True, help="Edit it in $EDITOR.")
@click.option("--dep3", is_flag=True, help="With -e: begin an empty one with Debian's fields.")
@click.option("--strip-diffstat", is_flag=True, help="Without a diffstat.")
@click.option("--strip-trailing-whitespace", "strip_blanks", is_flag=True, help="Without blanks at the ends of lines.")
@click.option("--backup", is_flag=True, help="Keep the old patch file as `name~`.")
@on_quilt
def header(
    run: QuiltRun,
    patch: str | None,
    append: bool,
    replace: bool,
    edit: bool,
    dep3: bool,
    strip_diffstat: bool,
    strip_blanks: bool,
    backup: bool,
) -> None:
    """Print the header of the top patch or of PATCH, or change it; the diff stays as it is, byte for byte."""
    if append + replace + edit > 1:
        raise BadInput("-a, -r and -e exclude each other")
    quilt = run.open()
    name = quilt.in_series(patch)
    content = run.reader(quilt).read(name)
    text = content.header
    if append or replace:
        given = sys.stdin.buffer.read()
        text = given if replace else text + given
    if edit:
        text = _edited(_DEP3 if dep3 and not text else text)
    text = without_stat(text) if strip_diffstat else text
    text = without_trailing_blanks(text) if strip_blanks else text
    if append or replace or edit:
        if content.pinned:
            raise BadInput(f"{quilt.shown(name)} is pinned; its header is that of the commit in the source")
        data = with_header(content, text, quilt.entry(name).strip)
        if data != content.data:
            write_patch(quilt.patch_file(name), data, backup=backup or run.settings.backup)
        done = f"Appended text to header of patch {quilt.shown(name)}"
        run.say(done if append else f"Replaced header of patch {quilt.shown(name)}")
        run.answer(lambda: {"command": "header", "patch": name})
    elif run.json:
        run.answer(lambda: {"command": "header", "patch": name, "header": text.decode("utf-8", "backslashreplace")})
    else:
        click.echo(text, nl=False)


def _edited(text: bytes) -> bytes:
    """The text as somebody leaves it in an editor."""
    edited = click.edit(text.decode("utf-8", "surrogateescape"), extension=".txt", require_save=False)
    return (edited or "").encode("utf-8", "surrogateescape")
