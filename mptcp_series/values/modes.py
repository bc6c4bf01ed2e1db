# SPDX-License-Identifier: MIT
"""The modes git gives the entries of a tree (git's object.h, and "object mode" in gitformat-index)."""

from __future__ import annotations

from typing import Final

__all__ = ["EXECUTABLE", "LINK", "REGULAR", "SUBMODULE", "TREE"]

TREE: Final = 0o040000
REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755
LINK: Final = 0o120000
SUBMODULE: Final = 0o160000
