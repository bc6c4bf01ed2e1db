# SPDX-License-Identifier: MIT
"""Writes a TOML table of texts, numbers and lists of them."""

from __future__ import annotations

import json

from .tomlreader import Table

__all__ = ["written_table"]


def written_table(header: str, values: Table) -> str:
    """A TOML table with its header line; keys without a value are left out."""

    def written(value: object) -> str:
        if isinstance(value, tuple):
            return f"[{', '.join(map(written, value))}]"
        if isinstance(value, int):
            return str(value)
        # JSON's escapes are TOML's, but TOML wants DEL escaped too.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")

    lines = [f"{key} = {written(value)}" for key, value in values.items() if value is not None]
    return "\n".join([header, *lines, ""])
