# SPDX-License-Identifier: MIT
"""The proof that comes with a result: who wrote each line, what differs, and why."""
