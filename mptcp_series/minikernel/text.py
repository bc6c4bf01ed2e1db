# SPDX-License-Identifier: MIT
"""Invented C: source text for the mini-kernel that looks like a kernel and is none of it.

Code in this package's Python files is indented by four spaces and gets the kernel's tabs from `code`. Functions the
story edits are written by hand (stack.py, shared.py); what surrounds them is generated here from a handful of
templates. Every generated function carries its own name and numbers in most of its lines, so a hunk has one place
where it fits and no other.
"""

from __future__ import annotations

import re
import textwrap
import zlib
from collections.abc import Iterable

__all__ = ["c_file", "code", "function", "header_file", "script_file", "tabs"]

NOTICE = "/* SPDX-License-Identifier: MIT */\n/* {path}: invented for the mini-kernel of mptcp_series. */\n"

_INDENT = re.compile(r"^(?: {4})+", re.MULTILINE)
_MACRO = re.compile(r"^(#define \w+) {4}", re.MULTILINE)

_TEMPLATES = (
    """
    /* Take {word} out of the budget; the caller has checked that {field} is set. */
    static int {name}(struct {type} *{var}, unsigned int {word}_len)
    {
        unsigned int {field}_room = {var}->{field}_limit - {var}->{field}_used;

        if ({word}_len > {field}_room)
            return -ENOBUFS;
        {var}->{field}_used += {word}_len;
        if ({var}->{field}_used > {number})
            {name}_slow({var}, {word}_len);
        return {field}_room > {small};
    }
    """,
    """
    /* True while {word} of this object may still change. */
    static bool {name}(const struct {type} *{var})
    {
        u32 {word}_seq = READ_ONCE({var}->{field}_seq);

        if ({word}_seq == {number})
            return false;
        return !({word}_seq & {name_upper}_DONE) || {var}->{field}_users > {small};
    }
    """,
    """
    /* Walk the {word} list and drop whatever is older than {small} ticks. */
    static void {name}(struct {type} *{var})
    {
        struct {word}_node *{field}, *next_{field};

        list_for_each_entry_safe({field}, next_{field}, &{var}->{word}_list, {field}_link) {
            if ({field}->age + {small} >= {var}->{word}_clock)
                continue;
            list_del(&{field}->{field}_link);
            {word}_node_put({field}, {number});
        }
        WRITE_ONCE({var}->{field}_swept, {var}->{word}_clock);
    }
    """,
    """
    /* Fold {word} into the running sum that {field} keeps. */
    static u64 {name}(struct {type} *{var}, u64 {word})
    {
        u64 {field}_sum = {var}->{field}_sum ^ {number}ULL;

        {field}_sum += {word} << {small};
        {field}_sum ^= {field}_sum >> {shift};
        {var}->{field}_sum = {field}_sum;
        return {field}_sum & {name_upper}_MASK;
    }
    """,
    """
    /* Register {word}; a second call for the same {field} is refused. */
    static int {name}(struct {type} *{var}, struct {word}_ops *{field}_ops)
    {
        int {field}_slot = {field}_ops->id % {small};

        if ({var}->{word}_table[{field}_slot])
            return -EEXIST;
        spin_lock_bh(&{var}->{word}_lock);
        {var}->{word}_table[{field}_slot] = {field}_ops;
        {var}->{word}_count += {field}_ops->weight ?: {number};
        spin_unlock_bh(&{var}->{word}_lock);
        return {field}_slot;
    }
    """,
)

_WORDS = ("window", "segment", "budget", "backlog", "timer", "queue", "token", "anchor", "credit", "stamp", "ticket")
_FIELDS = ("head", "tail", "pending", "cached", "shadow", "quota", "epoch", "marker", "spare", "burst")


def code(text: str) -> str:
    """Source text as a file has it: no leading newline, no common margin, tabs."""
    return tabs(textwrap.dedent(text.removeprefix("\n")))


def tabs(text: str) -> str:
    """A piece of source text as a file has it: its margin is its indentation and stays, four spaces to a tab."""
    indented = _INDENT.sub(lambda match: "\t" * (len(match.group()) // 4), text.removeprefix("\n"))
    return _MACRO.sub(r"\1\t", indented)


def function(name: str, *, struct: str, var: str) -> str:
    """One generated function; the same name always gives the same text."""
    seed = zlib.crc32(name.encode())
    values = {
        "name": name,
        "name_upper": name.upper(),
        "type": struct,
        "var": var,
        "word": _WORDS[seed // 7 % len(_WORDS)],
        "field": _FIELDS[seed // 97 % len(_FIELDS)],
        "number": str(seed % 60_000 + 17),
        "small": str(seed % 29 + 2),
        "shift": str(seed % 23 + 5),
    }
    text = code(_TEMPLATES[seed // 1009 % len(_TEMPLATES)])
    return re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], text)


def c_file(
    path: str, *, includes: Iterable[str], hand: Iterable[str] = (), names: Iterable[str], struct: str, var: str
) -> str:
    """A C file: notice, includes, then written and generated functions in turn."""
    head = NOTICE.format(path=path) + "\n" + "".join(f"#include {name}\n" for name in includes)
    written = [code(text).rstrip("\n") + "\n" for text in hand]
    generated = [function(name, struct=struct, var=var).rstrip("\n") + "\n" for name in names]
    blocks = []
    while written or generated:
        share = max(1, round(len(generated) / (len(written) + 1)))
        blocks += generated[:share]
        generated = generated[share:]
        if written:
            blocks.append(written.pop(0))
    return "\n".join([head, *blocks])


def header_file(path: str, *, body: str, names: Iterable[str] = (), struct: str = "", var: str = "") -> str:
    """A C header: notice, guard, the written body, then one prototype and one macro for each name."""
    guard = "_" + re.sub(r"\W", "_", path.removeprefix("include/")).upper()
    extra = "".join(
        f"#define {name.upper()}_MASK\t0x{zlib.crc32(name.encode()):08x}\nvoid {name}_slow(struct {struct} *{var}, "
        f"unsigned int step_{zlib.crc32(name.encode()) % 97});\n"
        for name in names
    )
    head = NOTICE.format(path=path) + f"#ifndef {guard}\n#define {guard}\n"
    parts = [head, code(body), extra, f"#endif /* {guard} */\n"]
    return "\n".join(part for part in parts if part)


def script_file(path: str, *, body: str, cases: Iterable[str]) -> str:
    """A shell script of the selftests: setup, then one function and one call for each case."""
    names = list(cases)
    lines = [f"#!/bin/bash\n# SPDX-License-Identifier: MIT\n# {path}: invented for the mini-kernel of mptcp_series.\n"]
    lines.append(code(body))
    for name in names:
        number = zlib.crc32(name.encode())
        lines.append(
            f'{name}_case()\n{{\n\tlocal ns="{name}-$1"\n\n\tsetup_ns "$ns" {number % 7 + 2}\n'
            f'\trun_transfer "$ns" {number % 9000 + 64} || fail "{name}: transfer"\n\tdrop_ns "$ns"\n}}\n'
        )
    lines.append("".join(f"{name}_case {index}\n" for index, name in enumerate(names, 1)))
    return "\n".join(lines)
