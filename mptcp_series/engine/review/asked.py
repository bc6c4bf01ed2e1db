# SPDX-License-Identifier: MIT
"""What someone means who asks about a patch, a commit, a path, a topic or a symptom, and the patches it leads to."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

import attrs

from ...errors import BadInput
from ...values.naming import did_you_mean
from ...values.topics import Symptom, Topic
from ..replay.item import Item, touched_paths
from .topics import Classified

__all__ = ["Asked", "Question", "ask"]


class Question(enum.Enum):
    """What was asked about."""

    PATCH = "patch"
    COMMIT = "commit"
    PATH = "path"
    TOPIC = "topic"
    SYMPTOM = "symptom"


@attrs.frozen(kw_only=True)
class Asked:
    """A question and the patches it leads to, in the order of the queue, each with why it is there."""

    question: Question
    text: str
    patches: Mapping[str, str]
    about: Topic | Symptom | None = None


def ask(text: str, items: Sequence[Item], classified: Classified) -> Asked:
    """Find out what is asked about.

    A patch is named by its file (`.patch` may be left out) or its subject, a commit by 7 digits or more of the picked
    id or of one its message names, a path by itself or by a directory above it, a topic by its name, a symptom by its
    name or by words of it. The first of these that fits counts. Raises BadInput where none does, or several patches
    have the subject or the id.
    """
    text = text.strip()
    named = {item.name: "named" for item in items if item.name in (text, f"{text}.patch")}
    if not named:
        named = {item.name: "its subject" for item in items if item.subject == text}
    if named:
        return Asked(question=Question.PATCH, text=text, patches=_one(text, named))
    if re.fullmatch(r"[0-9a-fA-F]{7,40}", text):
        wanted = text.lower()
        commits = {item.name: f"is {found}" for item in items for found in item.upstream if found.startswith(wanted)}
        if commits:
            return Asked(question=Question.COMMIT, text=text, patches=_one(text, commits))
    path = text.removeprefix("./").rstrip("/")
    touching = {
        item.name: f"changes {', '.join(touched)}"
        for item in items
        if (
            touched := [one for one in sorted(touched_paths(item.changes)) if one == path or one.startswith(f"{path}/")]
        )
    }
    if touching:
        return Asked(question=Question.PATH, text=path, patches=touching)
    topics = classified.topics
    for topic in topics.topics:
        if text == topic.name:
            return _found(Question.TOPIC, topic, classified)
    for symptom in topics.symptoms:
        if text == symptom.name:
            return _found(Question.SYMPTOM, symptom, classified)
    # What looks like a name is no sentence: a mistyped patch must not lead to what some of its words fit.
    near = topics.search(text) if re.fullmatch(r"[\w\s,.;!?']+", text) else []
    if len(near) == 1:
        return _found(Question.SYMPTOM, near[0], classified)
    if near:
        raise BadInput(f"{text!r} fits {len(near)} symptoms: {', '.join(one.name for one in near)}; name one of them")
    known = [item.name for item in items]
    known += [topic.name for topic in topics.topics] + [symptom.name for symptom in topics.symptoms]
    raise BadInput(
        f"{text!r} is no patch, commit or path of the queue, no topic and no symptom{did_you_mean(text, known)}; "
        f"symptoms are {', '.join(one.name for one in topics.symptoms)}"
    )


def _one(text: str, found: Mapping[str, str]) -> Mapping[str, str]:
    if len(found) > 1:
        raise BadInput(f"{text!r} fits {len(found)} patches: {', '.join(found)}; name one of them")
    return found


def _found(question: Question, about: Topic | Symptom, classified: Classified) -> Asked:
    patches = {name: str(match) for name, match in classified.patches(about.name).items()}
    return Asked(question=question, text=about.name, patches=patches, about=about)
