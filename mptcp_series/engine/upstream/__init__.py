# SPDX-License-Identifier: MIT
"""The source's history: what is picked from it, what fixes it, how it is fetched."""
