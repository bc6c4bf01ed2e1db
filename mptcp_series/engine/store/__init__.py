# SPDX-License-Identifier: MIT
"""Git objects and trees in memory, and the way they are published."""
