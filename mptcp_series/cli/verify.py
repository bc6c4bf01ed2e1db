# SPDX-License-Identifier: MIT
"""`mptcp-series verify`: what compiling and booting cannot show, that nothing of the queue is missing."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.proof.verify import verify as check
from ..engine.store.files import read_input, replace_file
from ..errors import BadInput, NeedsPerson
from ..values.certificate import Changed, Filed, compare
from ..values.verification import Verification
from .inputs import load_queue
from .options import FUZZ, NO_ALIGN, Run, takes
from .verify_view import certificate_lines, verification_lines

__all__ = ["verify"]


@click.command(short_help="Check a result hunk by hunk, and against the target release.")
@click.option("--result", metavar="REV-or-DIR", required=True, help="What is checked: a revision, or a directory.")
@click.option(
    "--ignore",
    metavar="PATTERN",
    multiple=True,
    help="Files that are no part of the result, as a .gitignore names them. One that should be there is never ignored.",
)
@click.option(
    "--certificate",
    metavar="FILE",
    multiple=True,
    help="Write a certificate if the result is proven: JSON where FILE ends in .json, else text. Repeatable.",
)
@click.option(
    "--certificate-check", metavar="FILE", help="Hold today's certificate against one that was written before."
)
@NO_ALIGN
@FUZZ
@takes("source", "repo", "base", "series", "overrides")
def verify(
    run: Run,
    result: str,
    ignore: tuple[str, ...],
    certificate: tuple[str, ...],
    certificate_check: str | None,
    no_align: bool,
    fuzz: int,
) -> None:
    """Make the result once more, compare every file with it, and the stack's own files with the target release.

    A missing, extra or altered hunk is named with the patch and the override it belongs to. A difference from the
    target is explained by an override, an exclusion, a change that was put back or an acknowledged loss, line by line;
    or it is unexplained. Nothing is written but certificates.

    Exit status 1: something differs, is unexplained, or is not as in the certificate.
    """
    filed = None if certificate_check is None else Filed.parse(_read(certificate_check), certificate_check)
    for file in certificate:
        _check_place(file, result)
    repo, base = run.target()
    queue = load_queue(run)
    with run.console.progress("making the result") as progress:
        found = check(queue, repo, result, base=base, align=not no_align, fuzz=fuzz, ignore=ignore, progress=progress)
    changed = () if filed is None else compare(filed, found.certificate)
    written = certificate if found.proven else ()
    for file in written:
        replace_file(Path(file), found.certificate.render(file))
    run.answer(
        document=lambda: _document(found, certificate_check, changed, written),
        report=lambda: [
            *verification_lines(found, verbose=run.console.verbose),
            *certificate_lines(certificate, written, certificate_check, changed),
        ],
    )
    stale = [f"certificate {certificate_check}: {one}" for one in changed if one.counts]
    if stale or not found.proven:
        raise NeedsPerson([*found.reasons(), *stale])


def _read(file: str) -> bytes:
    return read_input(Path(file))


def _check_place(file: str, result: str) -> None:
    """Refuse a certificate among the files it is about: the next check would find it there."""
    place, directory = Path(file).resolve(), Path(result).resolve()
    if directory.is_dir() and directory in place.parents:
        raise BadInput("lies in the directory that is checked; name another place for the certificate", file=file)


def _document(
    found: Verification, check: str | None, changed: tuple[Changed, ...], written: tuple[str, ...]
) -> dict[str, object]:
    filed = None
    if check is not None:
        filed = {
            "file": check,
            "holds": not any(one.counts for one in changed),
            "changed": [one.to_json() for one in changed],
        }
    return {**found.to_json(), "filed": filed, "written": list(written)}
