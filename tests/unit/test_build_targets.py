# SPDX-License-Identifier: MIT
"""Which objects a change asks for: derived from the paths it touches and from who includes its headers."""

from __future__ import annotations

from collections.abc import Iterable

from mptcp_series.engine.building.objects import Includers, Targets, derive_targets

from .conftest import Files, Lab

KBUILD = b"obj-y += x.o\n"
FILES: Files = {
    "include/net/tcp.h": b"",
    "include/net/sock.h": b"",
    "include/uapi/linux/mptcp.h": b"",
    "arch/x86/include/asm/socket.h": b"",
    "net/mptcp/Makefile": b"obj-$(CONFIG_MPTCP) += mptcp.o\n",
    "net/mptcp/protocol.h": b"",
    "net/mptcp/pm.c": b'#include "protocol.h"\n',
    "net/ipv4/Makefile": KBUILD,
    "net/ipv4/tcp.c": b"# include  <net/tcp.h>\n",
    "net/ipv4/netfilter/Makefile": KBUILD,
    "net/ipv4/netfilter/nf.c": b"#include <net/tcp.h>\n",
    "net/tls/Makefile": KBUILD,
    "net/tls/tls.c": b"/* words */\n\t#include <net/tcp.h>\n",
    "net/tls/device.c": b'#include "../mptcp/protocol.h"\n',
    "net/core/Makefile": b"lib-$(CONFIG_NET) := sock.o\n",
    "net/core/sock.c": b"#include <net/sock.h>\n",
    "net/core/far.c": b"// #include <net/tcp.h> is not included\nint x; /* net/tcp.h */\n",
    "security/Kbuild": KBUILD,
    "security/lsm.c": b"#include <uapi/linux/mptcp.h>\n",
    "drivers/gpu/Makefile": b"obj-y += amd/part.o\n",
    "drivers/gpu/amd/part.c": b"#include <linux/mptcp.h>\n",
    "drivers/none.c": b"#include <net/tcp.h>\n",
    "arch/x86/kernel/Makefile": KBUILD,
    "arch/x86/kernel/a.c": b"#include <asm/socket.h>\n#include <net/tcp.h>\n",
    "arch/mips/kernel/Makefile": KBUILD,
    "arch/mips/kernel/b.c": b"#include <net/tcp.h>\n",
    "tools/testing/selftests/net/mptcp/Makefile": b"TEST_PROGS := x\n",
    "tools/testing/selftests/net/mptcp/connect.c": b"#include <linux/mptcp.h>\n",
    "tools/objtool/Makefile": KBUILD,
    "tools/objtool/check.c": b"#include <net/tcp.h>\n",
}


def targets(lab: Lab, *touched: str, files: Files = FILES, arch: str = "x86") -> Targets:
    tree = lab.tree(files)
    headers = [path for path in touched if path.endswith(".h")]
    return derive_targets(lab.objects, tree, touched, Includers(lab.objects, tree, headers, arch), arch)


def words(found: Targets) -> Iterable[str]:
    return found.words


def test_the_directory_of_a_changed_source(lab: Lab) -> None:
    found = targets(lab, "net/mptcp/pm.c", "net/core/sock.c")
    assert found.words == ("net/core/", "net/mptcp/")
    assert found.outside == ()
    assert found.every_directory == ("net/core", "net/mptcp")


def test_the_users_of_a_changed_header_wherever_they_are(lab: Lab) -> None:
    found = targets(lab, "include/net/tcp.h")
    assert found.words == ("arch/x86/kernel/a.o", "net/ipv4/netfilter/nf.o", "net/ipv4/tcp.o", "net/tls/tls.o")
    assert found.every_directory == ("arch/x86/kernel", "net/ipv4", "net/ipv4/netfilter", "net/tls")


def test_a_directory_is_asked_for_once(lab: Lab) -> None:
    found = targets(lab, "net/ipv4/tcp.c", "net/ipv4/netfilter/nf.c", "include/net/tcp.h")
    assert found.words == ("net/ipv4/", "arch/x86/kernel/a.o", "net/tls/tls.o")


def test_headers_beside_the_source_and_of_user_space(lab: Lab) -> None:
    assert targets(lab, "net/mptcp/protocol.h").words == ("net/mptcp/pm.o", "net/tls/device.o")
    # `<linux/mptcp.h>` finds include/uapi too, and so does its full name.
    assert targets(lab, "include/uapi/linux/mptcp.h").words == ("drivers/gpu/amd/part.o", "security/lsm.o")
    assert targets(lab, "arch/x86/include/asm/socket.h").words == ("arch/x86/kernel/a.o",)


def test_the_builds_own_files_count(lab: Lab) -> None:
    assert targets(lab, "net/mptcp/Makefile").words == ("net/mptcp/",)
    assert targets(lab, "net/mptcp/Kconfig", "MAINTAINERS").words == ()


def test_a_directory_without_a_makefile_of_its_own(lab: Lab) -> None:
    assert targets(lab, "drivers/gpu/amd/part.c").words == ("drivers/gpu/amd/part.o",)
    assert targets(lab, "drivers/none.c").outside == ("drivers/none.c",)


def test_another_architecture(lab: Lab) -> None:
    assert targets(lab, "include/net/tcp.h", arch="mips").words[0] == "arch/mips/kernel/b.o"


def test_programs_are_no_part_of_a_kernel(lab: Lab) -> None:
    found = targets(lab, "tools/testing/selftests/net/mptcp/connect.c", "tools/objtool/check.c")
    assert found.words == ()
    assert found.outside == ("tools/objtool/check.c", "tools/testing/selftests/net/mptcp/connect.c")
    assert not found


def test_a_source_that_was_taken_away(lab: Lab) -> None:
    """Who listed it is compiled; a directory that went with it is not asked for."""
    assert targets(lab, "net/ipv4/gone.c").words == ("net/ipv4/",)
    assert targets(lab, "net/gone/all.c").words == ()


def test_what_is_covered(lab: Lab) -> None:
    found = targets(lab, "net/ipv4/tcp.c", "include/net/tcp.h")
    assert found.covers("net/ipv4/netfilter/nf.c")
    assert found.covers("net/tls/tls.o")
    assert not found.covers("net/tls/device.c")
