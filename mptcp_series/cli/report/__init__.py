# SPDX-License-Identifier: MIT
"""`mptcp-series report`: the review of a queue on a base, as a page, a comment or a document."""
