# SPDX-License-Identifier: MIT
"""Conflicts laid out as files, and the answers captured as overrides."""
