# SPDX-License-Identifier: MIT
"""Boots a built kernel in a machine that is emulated, and has a probe prove its Multipath TCP there."""
