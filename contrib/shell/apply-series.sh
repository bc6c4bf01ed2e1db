#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Patches a kernel source tree with an mptcp-series queue, in the manner of a vendor's build script:
#
#     apply-series.sh KERNEL_DIR SERIES_DIR [OPTION...]
#
# OPTIONs go to `mptcp-series apply`, such as `--source /srv/linux-stable.git`. KERNEL_DIR is a plain directory. The
# status is that of mptcp-series, so a caller with `set -e` stops; what it means is said on standard error.

set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 KERNEL_DIR SERIES_DIR [OPTION...]" >&2
    exit 2
fi
kernel=$1
series=$2
shift 2

status=0
"${MPTCP_SERIES:-mptcp-series}" apply --quiet --repo "$kernel" --series "$series" "$@" || status=$?
case $status in
    0) ;;
    1) echo "$0: the queue needs a person on $kernel; \`mptcp-series resolve\` opens the first conflict" >&2 ;;
    2) echo "$0: something given to the queue cannot be used; the lines above name file and line" >&2 ;;
    3) echo "$0: the surroundings lack something: a repository, an object, a tool" >&2 ;;
    *) echo "$0: mptcp-series ended with $status" >&2 ;;
esac
exit "$status"
