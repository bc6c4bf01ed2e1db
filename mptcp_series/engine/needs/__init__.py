# SPDX-License-Identifier: MIT
"""What a queue needs from outside the stack: found by parsing what it adds, and what the target defines."""
