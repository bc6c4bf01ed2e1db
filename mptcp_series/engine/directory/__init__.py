# SPDX-License-Identifier: MIT
"""Plain source directories: read as a base, and written so that a killed run leaves the old files or the new ones."""
