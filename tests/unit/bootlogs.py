# SPDX-License-Identifier: MIT
"""Kernels without a kernel in them, and logs of guests: one in which all is proved, and the ways to spoil it."""

from __future__ import annotations

import struct
from pathlib import Path

from mptcp_series.engine.booting.kernel import NEEDED

__all__ = ["CONFIG", "HANG", "JOINS", "bzimage", "kernel_log", "place_image", "without"]

CONFIG = "".join(f"CONFIG_{name}=y\n" for name in NEEDED)


def bzimage(release: bytes = b"5.10.66 (nobody@nowhere) #1 SMP", flags: int = 1) -> bytes:
    """A bzImage's head: boot sector signature, setup header with the version string, flags."""
    head = bytearray(1024)
    head[0x1FE:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x100)
    struct.pack_into("<H", head, 0x236, flags)
    head[0x300 : 0x300 + len(release)] = release
    return bytes(head)


def place_image(directory: Path, config: str | None = CONFIG) -> Path:
    """A kernel's build directory."""
    file = directory / "arch/x86/boot/bzImage"
    file.parent.mkdir(parents=True)
    file.write_bytes(bzimage())
    if config is not None:
        (directory / ".config").write_text(config)
    return file


_KUNIT = """\
TAP version 14
1..1
    # Subtest: mptcp-token
    1..2
    ok 1 - mptcp_token_test_req_basic
    ok 2 - mptcp_token_test_accept
ok 1 - mptcp-token
"""

_START = """\
probe: step=start version=1 kernel=5.15.1 machine=x86_64 process=1 stall=20 limit=60 size=8388608
probe: step=begin case=world
probe: step=feature name=links result=present
probe: step=feature name=mptcp result=present
probe: step=feature name=path-manager result=present
probe: step=feature name=MPJoinAckRx result=present
probe: step=feature name=SubflowStale result=present
probe: step=case name=world result=done why=- ms=170
"""

_CAPABLE = """\
probe: step=begin case=capable
probe: step=transfer case=capable sent=262144 received=262144 sent_hash=00ad received_hash=00ad
probe: step=counters case=capable side=server MPCapableSYNRX=1 MPCapableACKRX=1
probe: step=counters case=capable side=client MPCapableSYNTX=1
probe: step=link case=capable name=link1 bytes=266000
probe: step=link case=capable name=link2 bytes=90
probe: step=case name=capable result=done why=- ms=333
"""

_JOIN = """\
probe: step=begin case=join
probe: step=transfer case=join sent=8388608 received=8388608 sent_hash=00e1 received_hash=00e1
probe: step=counters case=join side=server MPCapableSYNRX=1 MPCapableACKRX=1 MPJoinSynRx=1 MPJoinAckRx=1
probe: step=counters case=join side=client MPCapableSYNTX=1 MPJoinSynAckRx=1
probe: step=link case=join name=link1 bytes=4221424
probe: step=link case=join name=link2 bytes=4237854
probe: step=case name=join result=done why=- ms=1329
"""

_CUT = """\
probe: step=begin case={name}
probe: step=cut case={name} received=2097152 link1=1158846 link2=1042660
probe: step=after-cut case={name} ms=1766
probe: step=transfer case={name} sent=8388608 received=8388608 sent_hash=00e1 received_hash=00e1
probe: step=counters case={name} side=server MPCapableSYNRX=1 MPJoinSynRx=1 MPJoinAckRx=1
probe: step=counters case={name} side=client MPJoinSynAckRx=1 SubflowStale=1
probe: step=link case={name} name=link1 bytes=1176024
probe: step=link case={name} name=link2 bytes=7769274
probe: step=case name={name} result=done why=- ms=2400
"""

HANG = """\
probe: step=begin case=cut
probe: step=cut case=cut received=2097152 link1=1158846 link2=1042660
probe: step=after-cut case=cut ms=20001
probe: step=transfer case=cut sent=2457600 received=2097152 sent_hash=00aa received_hash=00bb
probe: step=counters case=cut side=server MPCapableSYNRX=1 MPJoinSynRx=1 MPJoinAckRx=1
probe: step=counters case=cut side=client MPJoinSynAckRx=1
probe: step=link case=cut name=link1 bytes=1176024
probe: step=link case=cut name=link2 bytes=1769274
probe: step=case name=cut result=hangs why=no-byte-for-20s ms=20461
"""

_MESH = """\
probe: step=begin case={name}
probe: step=joins case={name} wanted={joins} seen={joins}
probe: step=transfer case={name} sent=262144 received=262144 sent_hash=00ad received_hash=00ad
probe: step=counters case={name} side=server MPJoinAckRx={joins}
probe: step=counters case={name} side=client MPJoinSynAckRx={joins}
probe: step=case name={name} result=done why=- ms=500
"""

JOINS = {"fullmesh-2x1": 4, "fullmesh-1x1": 3, "fullmesh-1x2": 5, "fullmesh-limited": 4}


def kernel_log(*, kunit: str = _KUNIT, cut: str | None = None) -> str:
    """The log of a kernel on which every case is proved, without times; parts of it may be others."""
    return "".join(
        (
            "Linux version 5.15.1 (nobody@nowhere)\n",
            kunit,
            _START,
            _CAPABLE,
            _JOIN,
            _CUT.format(name="cut") if cut is None else cut,
            _CUT.format(name="cut-far"),
            *(_MESH.format(name=name, joins=joins) for name, joins in JOINS.items()),
            "probe: step=end cases=9 why=-\n",
            "reboot: Restarting system\n",
        )
    )


def without(log: str, start: str) -> str:
    """The log without the lines that start so; there must be one."""
    kept = [line for line in log.splitlines(keepends=True) if not line.startswith(start)]
    assert len(kept) < len(log.splitlines())
    return "".join(kept)
