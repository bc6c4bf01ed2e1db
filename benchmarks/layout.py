# SPDX-License-Identifier: MIT
"""Names and contents of the generated kernel: deterministic, C-like, of kernel-like sizes.

Two kinds of file. A plain file is one of tens of thousands that only have to be there; its
history is a line. A `BlockFile` is one the queue meets: its text is cut into blocks, each block
belongs to one lane of history, and between two blocks stand lines nobody ever edits. Edits of
different lanes therefore commute, and every replay of the queue, by whatever tool, has exactly one
right result without a conflict.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

__all__ = [
    "HEADERS",
    "MPTCP",
    "SELFTESTS",
    "SHARED",
    "BlockFile",
    "BlockSpec",
    "Dice",
    "FunctionPool",
    "plain_paths",
]

T = TypeVar("T")


class Dice:
    """Draws that depend on the seed alone, on every Python version."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed).random

    def below(self, bound: int) -> int:
        return int(self.random() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def weighted(self, items: Sequence[tuple[T, float]]) -> T:
        left = self.random() * sum(weight for _, weight in items)
        for item, weight in items:
            left -= weight
            if left < 0:
                return item
        return items[-1][0]

    def size(self, median: int, low: int, high: int) -> int:
        """A file size: roughly log-normal, as sizes of source files are."""
        spread = sum(self.random() for _ in range(6)) - 3
        return max(low, min(high, int(median * 2.9**spread)))


@attrs.frozen
class Top:
    """One top-level part of the tree and how it is shaped."""

    path: str
    files: int
    per_directory: float
    fan: int
    endings: tuple[str, ...] = (".c", ".c", ".c", ".h")
    own: float = 0.0
    """The share of files that lie in the directory itself; include/linux is as broad as it is in real kernels."""


TOPS = (
    Top("drivers", 30200, 14, 138),
    Top("drivers/gpu/drm/amd", 1900, 30, 8, (".c", ".h", ".h")),
    Top("arch", 13800, 14, 24, (".c", ".h", ".h", ".S")),
    Top("arch/arm/boot/dts", 1850, 4000, 1, (".dts", ".dtsi")),
    Top("Documentation", 7600, 11, 60, (".rst", ".txt", ".yaml", ".yaml")),
    Top("include/linux", 2100, 24, 40, (".h",), own=0.6),
    Top("include/uapi/linux", 720, 24, 12, (".h",), own=0.65),
    Top("include", 2500, 22, 30, (".h",)),
    Top("tools", 4900, 12, 38, (".c", ".h", ".sh", ".json")),
    Top("sound", 2300, 18, 20),
    Top("fs", 1950, 22, 72),
    Top("net", 1600, 24, 64),
    Top("net/ipv4", 110, 200, 2),
    Top("net/ipv6", 85, 200, 2),
    Top("net/core", 50, 200, 1),
    Top("kernel", 450, 20, 18, own=0.25),
    Top("lib", 520, 16, 20, own=0.5),
    Top("mm", 140, 60, 2),
    Top("security", 250, 18, 12),
    Top("crypto", 155, 60, 2),
    Top("samples", 260, 9, 26),
    Top("scripts", 420, 16, 16, (".c", ".sh", ".py", ".h")),
    Top("block", 75, 60, 2),
)
"""About 72,000 files; scaled to the number that is asked for."""

_TEXT = (
    "acpi adc alpha amd aqua arb ata audio avs axi bcm bfin bond bpf bridge bus cache can cdns cdev ceph chan "
    "cipher clk cma codec comp core cpu crtc ctrl dax dcb debug desc dev diag dma dp dsa dsp dummy edac efi eisa "
    "emu eth event ext fec fence fib fifo flash flow fpga frame fsl gate gen gic gpio gpu hash hid hsi hub hwmon "
    "i2c ib icc ife imx init input intel iomap iommu ipa ipc irq isa iso jz kbd key led link lock log loop lpc mac "
    "map mbox mcu mdio media mem mfd misc mlx mmc msg msm mtd mtk mux nand net nfc node nvme ocp of omap opp orion "
    "packet page panel pci perf phy pin pipe pll pmic pnp poll port power ppp proc pwm qcom qos queue ras rcu reg "
    "remote reset ring rmap rproc rtc s3c sata sched scsi sdio sec seq serial shm slab snd soc sock spi spmi sram "
    "stm str sun sync sys table tee tegra test thermal time tps trace tty twl uart ucc udc ufs uio usb user vdpa "
    "veth vfio video virt vmw vsp watch wdt wifi xfer xlnx zone zram"
)
WORDS = _TEXT.split()

PREFIXES = ("qcom", "mtk", "imx", "sun8i", "rk", "exynos", "ti", "bcm", "intel", "amd", "hns3", "mlx5", "tegra")


def plain_paths(count: int, dice: Dice, taken: frozenset[str]) -> list[str]:
    """`count` paths of a kernel-like tree that are not in `taken`, grouped by directory."""
    total = sum(top.files for top in TOPS)
    paths: list[str] = []
    used: set[str] = set(taken)
    for position, top in enumerate(TOPS):
        last = position == len(TOPS) - 1
        wanted = count - len(paths) if last else round(top.files * count / total)
        paths.extend(_paths_below(top, wanted, count / total, dice, used))
    return paths


def _paths_below(top: Top, wanted: int, scale: float, dice: Dice, used: set[str]) -> Iterator[str]:
    directories = [top.path]
    depth = {top.path: 0}
    for number in range(1, max(1, round(wanted / top.per_directory))):
        parent = top.path
        if number > top.fan * scale**0.5:
            parent = dice.pick(directories)
            while depth[parent] > 3:
                parent = dice.pick(directories)
        directory = f"{parent}/{dice.pick(WORDS)}"
        while directory in depth or directory in used:
            directory = f"{parent}/{dice.pick(WORDS)}{dice.below(100)}"
        depth[directory] = depth[parent] + 1
        directories.append(directory)
    used.update(directories)
    weights = [dice.random() ** 2 + 0.04 for _ in directories]
    if top.own and len(directories) > 1:
        weights[0] = top.own * sum(weights[1:]) / (1 - top.own)
    factor = wanted / sum(weights)
    done = 0
    owed = 0.0
    for directory, weight in zip(directories, weights, strict=True):
        owed += weight * factor
        here = wanted - done if directory is directories[-1] else min(wanted - done, round(owed) - done)
        for number in range(here):
            ending = dice.pick(top.endings)
            stem = dice.pick(WORDS) if dice.chance(0.5) else f"{dice.pick(PREFIXES)}-{dice.pick(WORDS)}"
            path = f"{directory}/{'Makefile' if number == 0 and here > 2 else stem + ending}"
            while path in used:
                path = f"{directory}/{stem}{dice.pick('-_')}{dice.pick(WORDS)}{dice.below(1000)}{ending}"
            used.add(path)
            yield path
        done += here


class FunctionPool:
    """Pieces of C-like text from which plain files are put together."""

    def __init__(self, dice: Dice, size: int = 4000) -> None:
        self._pieces = [_function(dice, number) for number in range(size)]

    def pieces(self, length: int, dice: Dice) -> list[bytes]:
        """Pieces of about `length` bytes in all."""
        chosen: list[bytes] = []
        while length > 0:
            piece = dice.pick(self._pieces)
            chosen.append(piece)
            length -= len(piece)
        return chosen

    def edit(self, pieces: list[bytes], serial: int, dice: Dice) -> None:
        """One small change: a line more, or one function rewritten."""
        place = dice.below(len(pieces))
        if dice.chance(0.75):
            pieces.insert(place, b"static_assert(IS_ENABLED(CONFIG_STEP_%d));\n" % serial)
        else:
            pieces[place] = dice.pick(self._pieces)


def _line(dice: Dice, number: int) -> str:
    first, second, third = dice.pick(WORDS), dice.pick(WORDS), dice.pick(WORDS)
    form = dice.below(8)
    if form == 0:
        return f"\tif (unlikely(!{first}->{second}_{number % 97}))\n\t\tgoto out_{third};\n"
    if form == 1:
        return f"\t{first}_{second}({third}, {number}, GFP_KERNEL);\n"
    if form == 2:
        return f"\t{first}->{second} = READ_ONCE(priv->{third}[{number % 31}]);\n"
    if form == 3:
        return f"\t/* {first} {second}s hold the {third} until step {number} */\n"
    if form == 4:
        return f'\tpr_debug("{first} {second}=%d\\n", {third});\n'
    if form == 5:
        lock = f"(&{first}->{second}_lock);\n"
        return f"\tspin_lock_bh{lock}\t{first}->{third}++;\n\tspin_unlock_bh{lock}"
    if form == 6:
        return f"\tret = {first}_{second}_{third}(dev, {number % 255:#04x});\n"
    return f"\tWRITE_ONCE({first}->{second}, {third} + {number % 13});\n"


def _function(dice: Dice, number: int) -> bytes:
    name = f"{dice.pick(WORDS)}_{dice.pick(WORDS)}_{number}"
    body = "".join(_line(dice, number * 7 + step) for step in range(dice.between(3, 22)))
    return f"static int {name}(struct device *dev)\n{{\n\tint ret = 0;\n\n{body}\treturn ret;\n}}\n\n".encode()


@attrs.frozen
class BlockSpec:
    """A file the queue meets: how large it is and how often a patch of the queue touches it."""

    path: str
    kilobytes: int
    weight: float
    mode: str = "100644"
    created_by: str | None = None
    """The lane whose commit creates it; None where it is there from the start."""


MPTCP = (
    BlockSpec("net/mptcp/protocol.c", 104, 10),
    BlockSpec("net/mptcp/protocol.h", 30, 7),
    BlockSpec("net/mptcp/subflow.c", 58, 6),
    BlockSpec("net/mptcp/pm_netlink.c", 66, 6),
    BlockSpec("net/mptcp/options.c", 48, 5),
    BlockSpec("net/mptcp/pm.c", 22, 3),
    BlockSpec("net/mptcp/sockopt.c", 36, 3, created_by="A"),
    BlockSpec("net/mptcp/mib.h", 20, 2),
    BlockSpec("net/mptcp/mib.c", 20, 2),
    BlockSpec("net/mptcp/ctrl.c", 20, 1),
    BlockSpec("net/mptcp/token.c", 24, 1),
    BlockSpec("net/mptcp/diag.c", 20, 1),
    BlockSpec("net/mptcp/mptcp_diag.c", 20, 1),
    BlockSpec("net/mptcp/syncookies.c", 20, 1),
    BlockSpec("net/mptcp/crypto.c", 20, 0.5),
    BlockSpec("net/mptcp/pm_userspace.c", 28, 1, created_by="B"),
    BlockSpec("net/mptcp/fastopen.c", 20, 0.5, created_by="A"),
    BlockSpec("net/mptcp/sched.c", 20, 0.5, created_by="B"),
    BlockSpec("net/mptcp/Kconfig", 8, 0.5),
    BlockSpec("net/mptcp/Makefile", 6, 0.5),
)
HEADERS = (
    BlockSpec("include/net/mptcp.h", 12, 3),
    BlockSpec("include/uapi/linux/mptcp.h", 10, 3),
    BlockSpec("include/trace/events/mptcp.h", 10, 1, created_by="A"),
)
_SELF = "tools/testing/selftests/net/mptcp/"
SELFTESTS = (
    BlockSpec(_SELF + "mptcp_join.sh", 70, 5, "100755"),
    BlockSpec(_SELF + "mptcp_connect.c", 34, 2),
    BlockSpec(_SELF + "mptcp_connect.sh", 26, 2, "100755"),
    BlockSpec(_SELF + "pm_nl_ctl.c", 28, 2),
    BlockSpec(_SELF + "pm_netlink.sh", 8, 1, "100755"),
    BlockSpec(_SELF + "simult_flows.sh", 10, 1, "100755"),
    BlockSpec(_SELF + "diag.sh", 10, 1, "100755"),
    BlockSpec(_SELF + "mptcp_sockopt.c", 24, 1, created_by="A"),
    BlockSpec(_SELF + "mptcp_sockopt.sh", 12, 1, "100755", created_by="A"),
    BlockSpec(_SELF + "userspace_pm.sh", 24, 1, "100755", created_by="B"),
    BlockSpec(_SELF + "config", 5, 0.5),
    BlockSpec(_SELF + "Makefile", 5, 0.5),
)
SHARED = (
    BlockSpec("net/ipv4/tcp.c", 116, 4),
    BlockSpec("net/ipv4/tcp_input.c", 120, 5),
    BlockSpec("net/ipv4/tcp_output.c", 118, 5),
    BlockSpec("net/ipv4/tcp_ipv4.c", 84, 2),
    BlockSpec("net/ipv4/tcp_minisocks.c", 28, 1),
    BlockSpec("net/ipv4/tcp_timer.c", 24, 1),
    BlockSpec("net/ipv4/tcp_ulp.c", 20, 0.5),
    BlockSpec("net/ipv4/tcp_cong.c", 20, 0),
    BlockSpec("net/ipv4/tcp_diag.c", 20, 0),
    BlockSpec("net/ipv4/inet_connection_sock.c", 34, 1),
    BlockSpec("net/ipv4/syncookies.c", 14, 0.5),
    BlockSpec("net/ipv6/tcp_ipv6.c", 66, 1.5),
    BlockSpec("net/core/sock.c", 96, 1),
    BlockSpec("net/core/skbuff.c", 110, 1),
    BlockSpec("include/net/tcp.h", 78, 4),
    BlockSpec("include/net/sock.h", 80, 2),
    BlockSpec("include/linux/skbuff.h", 110, 2),
    BlockSpec("include/linux/tcp.h", 16, 2),
    BlockSpec("Documentation/networking/mptcp-sysctl.rst", 6, 1),
    BlockSpec("MAINTAINERS", 120, 1),
)

_MARGIN = 8
"""Lines at either end of a block that no edit touches; more than twice the context of a hunk between two blocks."""


class BlockFile:
    """A file of the queue as blocks; a state of it is a version number per edited block.

    `lanes` names who edits what: A and B are two topic lanes of the queue, C its commits straight on
    the main line, D commits outside the queue, E the stable branch. Owned files have no D.
    """

    def __init__(self, spec: BlockSpec, lanes: str, dice: Dice) -> None:
        self.spec = spec
        self._dice = dice
        self._serial = 0
        self._stem = spec.path.rsplit("/", 1)[-1].replace(".", "_").replace("-", "_")
        lanes = spec.created_by or lanes
        self._head = b"#!/bin/bash\n" if spec.path.endswith(".sh") else b"// SPDX-License-Identifier: GPL-2.0\n"
        self._versions: list[list[list[str]]] = []
        self._lane: list[str] = []
        size = 0
        while size < spec.kilobytes * 1000 or len(self._versions) < 2 * len(lanes):
            lines = self._new_block(len(self._versions))
            self._lane.append(lanes[len(self._versions) % len(lanes)])
            self._versions.append([lines])
            size += sum(map(len, lines))

    def _fresh(self) -> str:
        self._serial += 1
        line = _line(self._dice, self._serial).splitlines()[0]
        return line.replace(";", f"; /* {self._stem} {self._serial} */") + "\n"

    def _new_block(self, number: int) -> list[str]:
        name = f"{self._stem}_{self._dice.pick(WORDS)}_{number:03d}"
        head = [
            f"/* {name}: {self._dice.pick(WORDS)} {self._dice.pick(WORDS)} */\n",
            f"static int {name}(struct sock *sk,\n",
            f"\t\tstruct mptcp_{name} *ctx)\n",
            "{\n",
            f"\tstruct mptcp_sock *msk = {name}_sk(sk);\n",
            "\tint ret = 0;\n",
            f"\tu64 seq = READ_ONCE(ctx->{name}_seq);\n",
            "\n",
        ]
        tail = [
            "\n",
            "out:\n",
            f"\trelease_{name}(sk, ret);\n",
            "\treturn ret;\n",
            "}\n",
            "\n",
            f"EXPORT_SYMBOL_GPL({name});\n",
            "\n",
        ]
        return head + [self._fresh() for _ in range(self._dice.between(9, 16))] + tail

    def blocks_of(self, lane: str) -> list[int]:
        return [number for number, owner in enumerate(self._lane) if owner == lane]

    def edit(self, block: int) -> int:
        """Change the newest version of a block in one place; the number of the new version."""
        dice = self._dice
        lines = list(self._versions[block][-1])
        room = len(lines) - 2 * _MARGIN
        start = _MARGIN + dice.below(room - 2)
        removed = dice.between(0, 3) if room > 8 else 0
        lines[start : min(start + removed, len(lines) - _MARGIN)] = [self._fresh() for _ in range(dice.between(1, 5))]
        self._versions[block].append(lines)
        return len(self._versions[block]) - 1

    def render(self, state: Mapping[int, int]) -> bytes:
        texts = ["".join(versions[state.get(number, 0)]) for number, versions in enumerate(self._versions)]
        return self._head + "".join(texts).encode()
