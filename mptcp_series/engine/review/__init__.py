# SPDX-License-Identifier: MIT
"""What people ask about a queue before they let it through: what a patch is about, why it is there, what needs it."""
