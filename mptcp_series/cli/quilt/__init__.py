# SPDX-License-Identifier: MIT
"""quilt's verbs on the command line: one file a verb, or a few that belong together."""
