# SPDX-License-Identifier: MIT
"""The mini-kernel's first state, v5.9: every file of the tree by path.

About a hundred files: the MPTCP stack, what it shares with TCP, its selftests and documentation, and filler around
it. Among them what trips naive tools: bytes that are not UTF-8, CRLF, a missing final newline, a binary file, an
executable and a symbolic link.
"""

from __future__ import annotations

from collections.abc import Iterator

from pygit2.enums import FileMode

from mptcp_series.minikernel import shared, stack, stack_headers
from mptcp_series.minikernel.history import FileEntry, Files
from mptcp_series.minikernel.text import c_file, code, header_file, script_file

__all__ = [
    "CRLF_FILE",
    "LATIN1_FILE",
    "NO_NEWLINE_FILE",
    "SELFTESTS",
    "initial_files",
    "makefile",
    "sockopt_file",
]

SELFTESTS = "tools/testing/selftests/net/mptcp"
LATIN1_FILE = "Documentation/networking/mptcp-sysctl.rst"
CRLF_FILE = f"{SELFTESTS}/pm_rules.txt"
NO_NEWLINE_FILE = f"{SELFTESTS}/settings"

_STACK_INCLUDES = ("<linux/kernel.h>", "<net/sock.h>", "<net/mptcp.h>", '"protocol.h"')
_TCP_INCLUDES = ("<linux/module.h>", "<net/sock.h>", "<net/tcp.h>", "<net/mptcp.h>")

_SOCKOPT_NAMES = tuple(
    f"mptcp_sockopt_{name}" for name in ("congestion", "linger", "priority", "mark", "keepalive", "window_clamp")
)

_STACK: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "protocol.c",
        stack.PROTOCOL,
        "accept backlog bind check_send_head clean_una connect forward_alloc get_port hash init_sock ioctl listen "
        "move_skb ofo_queue poll rbtree_insert recv_skb release_cb sendpage shutdown skb_splice stream_wait unhash",
    ),
    (
        "subflow.c",
        stack.SUBFLOW,
        "add_reset_opt check_req clone conn_request create_socket data_available drop_ctx error_report finish_connect "
        "get_mapping hmac_sha init_token kill_request map_csum prep_synack set_owner state_change syn_recv ulp_init",
    ),
    (
        "options.c",
        stack.OPTIONS,
        "ack_suboption add_addr_len capable_len check_hmac csum_len dss_len expand_seq fully_established get_options "
        "join_len mp_prio out_synack parse_suboption rm_addr_len set_bwin syn_ack_opts update_rcv_data",
    ),
    (
        "pm.c",
        stack.PM,
        "accept_new add_timer allow_new close_work connection_closed destroy_ids fully_open get_local init_data "
        "new_connection post_send read_limits reset_ids schedule_work",
    ),
    (
        "pm_netlink.c",
        stack.PM_NETLINK,
        "add_fill check_work_pending cmd_dump cmd_flush cmd_get create_listener del_entry dump_addr event_size "
        "exit_net fill_addr flags_changed genl_init lookup_addr parse_entry release_list select_local set_flags",
    ),
    ("ctrl.c", stack_headers.CTRL, "init_net exit_net register_table read_defaults"),
    ("token_cache.c", (), "age drop find grow insert peek resize shrink"),
    ("token_test.c", (), "accept_ok exists_in_use missing new_request req_basic"),
)

_SHARED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "net/ipv4/tcp.c",
        shared.TCP,
        "abort alloc_md5 check_oom cleanup_rbuf disconnect enter_memory fastopen_defer get_info init_sockets "
        "ioctl_read mark_push peek_queue recv_timestamp remove_empty send_zero set_rcvlowat splice_read "
        "update_recv_tstamps",
    ),
    (
        "net/ipv4/tcp_input.c",
        shared.TCP_INPUT,
        "ack_update check_space clean_rtx collapse dsack_set enter_recovery fack_update grow_window init_cwnd "
        "mark_lost ofo_insert process_frto rack_mark rcv_rtt sack_tag try_undo update_reordering urg_mode",
    ),
    (
        "net/ipv4/tcp_output.c",
        shared.TCP_OUTPUT,
        "base_options chrono_set cwnd_test event_data fragment_tail grow_rto init_nondata minshall_check mtu_probe "
        "nagle_test pacing_check retrans_try select_window send_mss snd_wnd_test tso_fragment write_wakeup",
    ),
    (
        "net/ipv4/syncookies.c",
        shared.SYNCOOKIES,
        "hash_pair init_sequence is_valid make_stamp secure_count stamp_check tcp_options",
    ),
    (
        "net/core/sock.c",
        shared.CORE_SOCK,
        "alloc_send bind_index busy_wait check_caps diag_put enable_stamp free_owner get_timeout init_data lock_slow "
        "mem_raise omalloc prot_alloc rcvbuf_adjust set_reserve wfree_limit",
    ),
)

_FILLER = (
    "kernel/fork.c kernel/panic.c kernel/sched/core.c kernel/sched/fair.c kernel/time/timer.c kernel/irq/manage.c "
    "mm/page_alloc.c mm/slub.c mm/vmscan.c mm/memory.c lib/bitmap.c lib/idr.c lib/radix-tree.c lib/string.c lib/sort.c "
    "fs/exec.c fs/namei.c fs/open.c fs/ext4/inode.c fs/ext4/super.c fs/proc/base.c block/blk-core.c block/bio.c "
    "drivers/base/core.c drivers/base/bus.c drivers/net/veth.c drivers/net/dummy.c drivers/net/loopback.c "
    "drivers/char/mem.c drivers/char/random.c drivers/tty/tty_io.c net/core/dev.c net/core/skbuff.c "
    "net/core/neighbour.c net/ipv4/af_inet.c net/ipv4/route.c net/ipv4/udp.c net/ipv6/af_inet6.c net/ipv6/tcp_ipv6.c "
    "net/sched/sch_generic.c net/netlink/af_netlink.c crypto/api.c security/commoncap.c init/main.c"
)

_FILLER_NAMES = "init setup lookup insert remove account wait_ready"

_CASES = "simple fullmesh backup signal_address remove_address add_twice syncookies checksum mixed_family"


def initial_files() -> Files:
    """The whole tree of v5.9."""
    return dict(_entries())


def makefile(patchlevel: int, sublevel: int, extraversion: str = "") -> bytes:
    """The top-level Makefile of one release; its numbers are a base's version."""
    suffix = f" {extraversion}" if extraversion else ""
    return code(
        shared.MAKEFILE.replace("{patchlevel}", str(patchlevel))
        .replace("{sublevel}", str(sublevel))
        .replace("{extraversion}", suffix)
    ).encode()


def sockopt_file() -> bytes:
    """net/mptcp/sockopt.c as the commit that creates it writes it."""
    return c_file(
        "net/mptcp/sockopt.c",
        includes=_STACK_INCLUDES,
        hand=(stack.SOCKOPT_POLL, stack.SOCKOPT_SET, stack.SOCKOPT_GET),
        names=_SOCKOPT_NAMES,
        struct="mptcp_sock",
        var="msk",
    ).encode()


def _entries() -> Iterator[tuple[str, FileEntry]]:
    yield "Makefile", FileEntry(data=makefile(9, 0))
    yield "Kconfig", _text('# SPDX-License-Identifier: MIT\n\nsource "net/Kconfig"\nsource "drivers/Kconfig"\n')
    yield from _stack_entries()
    yield from _shared_entries()
    yield from _selftest_entries()
    yield from _documentation_entries()
    for path in _FILLER.split():
        stem = path.removesuffix(".c").replace("/", "_").replace("-", "_")
        names = [f"{stem}_{name}" for name in _FILLER_NAMES.split()]
        text = c_file(path, includes=("<linux/kernel.h>",), names=names, struct=f"{stem}_ctx", var="ctx")
        yield path, _text(text)


def _stack_entries() -> Iterator[tuple[str, FileEntry]]:
    for name, hand, names in _STACK:
        path = f"net/mptcp/{name}"
        stem = name.removesuffix(".c")
        generated = [f"mptcp_{stem}_{word}" for word in names.split()]
        text = c_file(path, includes=_STACK_INCLUDES, hand=hand, names=generated, struct="mptcp_sock", var="msk")
        yield path, _text(text)
    slow = [f"mptcp_subflow_{name}" for name in ("hmac_sha", "init_token", "map_csum", "set_owner")]
    header = header_file(
        "net/mptcp/protocol.h", body=stack_headers.PROTOCOL_H, names=slow, struct="mptcp_sock", var="msk"
    )
    yield "net/mptcp/protocol.h", _text(header)
    yield "net/mptcp/Makefile", _text(code(stack_headers.MAKEFILE))
    yield "net/mptcp/Kconfig", _text(code(stack_headers.KCONFIG))
    yield "include/net/mptcp.h", _text(header_file("include/net/mptcp.h", body=stack_headers.MPTCP_H))
    yield "include/uapi/linux/mptcp.h", _text(header_file("include/uapi/linux/mptcp.h", body=stack_headers.UAPI_H))


def _shared_entries() -> Iterator[tuple[str, FileEntry]]:
    for path, hand, names in _SHARED:
        stem = path.rpartition("/")[2].removesuffix(".c")
        generated = [f"{stem}_{word}" for word in names.split()]
        yield path, _text(c_file(path, includes=_TCP_INCLUDES, hand=hand, names=generated, struct="sock", var="sk"))
    yield "include/net/tcp.h", _text(header_file("include/net/tcp.h", body=shared.TCP_H))
    yield "include/net/sock.h", _text(header_file("include/net/sock.h", body=shared.SOCK_H))
    path = "include/uapi/asm-generic/socket.h"
    yield path, _text(header_file(path, body=shared.ASM_SOCKET_H))
    path = "samples/net/mptcp_probe.c"
    probes = ("mptcp_probe_attach", "mptcp_probe_detach", "mptcp_probe_print", "mptcp_probe_filter")
    yield path, _text(c_file(path, includes=_TCP_INCLUDES, hand=shared.SAMPLE, names=probes, struct="sock", var="sk"))


def _selftest_entries() -> Iterator[tuple[str, FileEntry]]:
    join = script_file("mptcp_join.sh", body=shared.JOIN_SH, cases=[f"join_{case}" for case in _CASES.split()])
    yield f"{SELFTESTS}/mptcp_join.sh", _text(join, FileMode.BLOB_EXECUTABLE)
    diag = script_file("diag.sh", body=shared.JOIN_SH, cases=["diag_listen", "diag_established", "diag_fallback"])
    yield f"{SELFTESTS}/diag.sh", _text(diag)
    yield f"{SELFTESTS}/Makefile", _text(code(shared.SELFTESTS_MAKEFILE))
    yield NO_NEWLINE_FILE, _text("jobs=1\nretries=2\ntimeout=300")
    rules = "".join(f"rule {index}: flow {index * 7 % 5} weight {index * 13 % 11}\r\n" for index in range(1, 25))
    yield CRLF_FILE, _text("# rules of the path manager test\r\n" + rules)
    yield f"{SELFTESTS}/syn.pcap", FileEntry(data=bytes([0xD4, 0xC3, 0xB2, 0xA1, *range(0, 250, 3), 0, 0, 0xFF]))


def _documentation_entries() -> Iterator[tuple[str, FileEntry]]:
    yield LATIN1_FILE, FileEntry(data=shared.SYSCTL_RST.removeprefix("\n").encode("latin-1"))
    yield "Documentation/process/changes.rst", _text("Tools for the mini-kernel\n=========================\n\nNone.\n")
    yield "Documentation/Changes", _text("process/changes.rst", FileMode.LINK)


def _text(text: str, mode: FileMode = FileMode.BLOB) -> FileEntry:
    return FileEntry(mode=int(mode), data=text.encode())
