# SPDX-License-Identifier: MIT
"""Lines: merging three versions of a file, placing hunks, telling what is alike."""
