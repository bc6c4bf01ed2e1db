# SPDX-License-Identifier: MIT
"""What a base changed in the stack's own files: retracted, followed, restored."""
