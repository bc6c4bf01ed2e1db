# SPDX-License-Identifier: MIT
"""Prerequisites that would bring what is missing, as entries of the recipe.

A proposal is one commit, why it is there, and a condition by which a base that has all of it leaves it out. Proposed
is only what the source's history tells for certain: a commit of its own, not a squashed release and not a merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from ...errors import BadInput
from ...values.condition import Condition, Relation
from ...values.need import Introduction, Need, NeedKind, Needs, Proposal
from ...values.recipe import Recipe
from .answers import Answers
from .requirement import Requirement

__all__ = ["condition_for", "proposals", "with_answers", "with_proposals"]


def condition_for(requirement: Requirement, base: bytes | None, target: bytes | None) -> Condition | None:
    """What holds for a base that lacks a definition, and not once it has it: `path lacks text`.

    base, target: the file of the definition in both. The text is `name(` of what is called, else the identifier alone;
    where the base's file has that, as something else, a longer piece of the definition. None where no line of text
    tells the two apart.
    """
    if target is None:
        return None
    for text in _texts(requirement, target):
        raw = text.encode("ascii", "replace")
        if raw in target and (base is None or raw not in base):
            try:
                return Condition(path=requirement.path, relation=Relation.LACKS, text=text)
            except BadInput:
                return None
    return None


def _texts(requirement: Requirement, target: bytes) -> list[str]:
    name, kind = requirement.name, requirement.definition.kind
    if kind is NeedKind.INCLUDE:
        # Any line of a file that is not there; its guard is the one that stays.
        return [match[1].decode("ascii", "replace") for match in re.finditer(rb"#\s*(?:ifndef|define)\s+(\w+)", target)]
    if kind is NeedKind.CONFIG:
        return [f"config {name}"]
    lines = target.split(b"\n")
    line = lines[requirement.definition.line - 1].decode("ascii", "replace").strip()
    head = f"{kind.value} {name} {{"
    called = [f"{name}("] if requirement.definition.arity is not None and kind is not NeedKind.FIELD else []
    return [*called, name, head, *([line] if name in line else [])]


def proposals(needs: Iterable[Need], answers: Answers) -> list[Proposal]:
    """One for each commit that brings something missing and that nobody has decided about, in the order of needs."""
    by_commit: dict[str, list[Need]] = {}
    commits: dict[str, Introduction] = {}
    for need in needs:
        for introduced in _chain(need.introduced_by) if need.unmet else ():
            if introduced.exact and not answers.decided(introduced):
                by_commit.setdefault(introduced.commit, []).append(need)
                commits[introduced.commit] = introduced
    return [_proposal(commits[commit], found) for commit, found in by_commit.items()]


def _chain(introduced: Introduction | None) -> list[Introduction]:
    """A commit and those it builds on, the oldest first."""
    found: list[Introduction] = []
    while introduced is not None:
        found.insert(0, introduced)
        introduced = introduced.former
    return found


def _proposal(introduced: Introduction, needs: list[Need]) -> Proposal:
    brought = ", ".join(f"{need.kind.value} {need.identifier}" for need in needs)
    users = list(dict.fromkeys(use.name for need in needs for use in need.used_by))
    more = "" if len(users) == 1 else f" and {len(users) - 1} more"
    since = "" if introduced.release is None else f", {introduced.release}"
    reason = f"{introduced.subject} ({introduced.commit[:12]}{since}). It brings {brought}; used by {users[0]}{more}."
    return Proposal(
        commit=introduced.commit,
        subject=introduced.subject,
        identifiers=tuple(need.identifier for need in needs),
        reason=re.sub(r"[\x00-\x1f\x7f]", " ", reason),
        when=next((need.when for need in needs if need.when is not None), None),
    )


def with_proposals(recipe: Recipe, found: Iterable[Proposal]) -> Recipe:
    """The recipe with each proposal appended; what it names already is not named again."""
    named = {entry.commit for entry in (*recipe.prerequisites, *recipe.includes, *recipe.excludes)}
    for proposal in found:
        if proposal.commit not in named:
            named.add(proposal.commit)
            recipe = recipe.with_prerequisite(proposal.commit, proposal.reason, when=proposal.when)
    return recipe


def with_answers(needs: Needs, written: Iterable[Proposal]) -> Needs:
    """What was found, with what the recipe answers now that some proposals are in it."""
    commits = {identifier: proposal.commit for proposal in written for identifier in proposal.identifiers}
    return attrs.evolve(
        needs,
        needs=tuple(
            attrs.evolve(need, answered_by=commits[need.identifier])
            if need.unmet and need.identifier in commits
            else need
            for need in needs.needs
        ),
        proposals=(),
    )
