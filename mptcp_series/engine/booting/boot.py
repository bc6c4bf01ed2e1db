# SPDX-License-Identifier: MIT
"""Boots one or two kernels with the probe as their first program, and has the logs judged.

One initramfs serves both, so that whatever differs is the kernel. What cannot be tried for want of a tool or of a
part of the kernel is a fault of the surroundings and says what to install or set; everything else is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import attrs

from ...errors import EnvironmentFault
from ...values.bootreport import CASES, BootReport, Comparison, GuestEnd, judge
from ...values.guestlog import log_lines
from ...values.probeoutput import ProbeRun, read_probe
from ..store.files import replace_file
from .compile_probe import compile_probe
from .initramfs import initramfs
from .kernel import Kernel, open_kernel
from .qemu import Accelerator, Machine, choose_accelerator, run_machine

__all__ = ["BootSpec", "Booted", "boot", "require_start"]

Progress = Callable[[int, int | None], None]

_INITRAMFS = "initramfs.cpio"
LEAST = 10.0
_SET: tuple[tuple[str, str], ...] = (
    ("namespace:", "CONFIG_NET_NS=y"),
    ("veth:", "CONFIG_NETDEVICES=y and CONFIG_VETH=y"),
    ("tbf:", "CONFIG_NET_SCHED=y and CONFIG_NET_SCH_TBF=y"),
    ("mptcp:", "CONFIG_MPTCP=y"),
)
"""What to set in a kernel where the probe gave up for this."""


@attrs.frozen(kw_only=True)
class BootSpec:
    """What to boot, and how."""

    kernel: Path
    against: Path | None
    to: Path
    """Directory for the logs and the initramfs."""
    seconds: float
    """What all of it may take."""
    stall: int
    """Seconds without a byte that count as a hang."""
    accelerator: Accelerator = Accelerator.TCG
    processors: int = 1
    compiler: str = "gcc"
    emulator: str = "qemu-system-x86_64"


@attrs.frozen(kw_only=True)
class Booted:
    """What came of it."""

    comparison: Comparison
    accelerator: Accelerator
    images: tuple[Path, ...]
    """The patched kernel's, then the other's; so are the logs."""
    logs: tuple[Path, ...]


def boot(spec: BootSpec, progress: Progress | None = None) -> Booted:
    """Boot the kernel, and the one to compare it with; write the logs; judge.

    Raises BadInput for a file that is no kernel; EnvironmentFault where there is no kernel, one that was configured
    without what the boot needs, or none that comes as far as the probe; ToolMissing where a program is missing.
    """
    deadline = monotonic() + spec.seconds
    accelerator = choose_accelerator(spec.accelerator)
    places = [("patched", spec.kernel), *([("base", spec.against)] if spec.against is not None else [])]
    kernels = [(role, open_kernel(place)) for role, place in places]
    missing = [line for _, kernel in kernels for line in kernel.missing()]
    if missing:
        raise EnvironmentFault("\n".join(missing))
    image = spec.to / _INITRAMFS
    replace_file(image, initramfs(compile_probe(spec.compiler, seconds=deadline - monotonic())))
    reports: list[BootReport] = []
    logs: list[Path] = []
    for at, (role, kernel) in enumerate(kernels):
        # What one leaves of its time is the other's.
        seconds = max(LEAST, (deadline - monotonic()) / (len(kernels) - at))
        log = spec.to / f"{role}.log"
        machine = Machine(
            program=spec.emulator,
            accelerator=accelerator,
            image=kernel.image,
            initramfs=image,
            processors=spec.processors,
            arguments=(f"stall={spec.stall}", f"limit={spec.stall + 40}"),
        )
        watch = _watch(log, at * len(CASES), len(kernels) * len(CASES), progress)
        ended = run_machine(machine, log=log, seconds=seconds, watch=watch)
        data = log.read_bytes()
        require_start(data, ended.end, kernel)
        reports.append(judge(data, ended.end, kernel.release))
        logs.append(log)
    return Booted(
        comparison=Comparison(patched=reports[0], base=reports[1] if len(reports) > 1 else None),
        accelerator=accelerator,
        images=tuple(kernel.image for _, kernel in kernels),
        logs=tuple(logs),
    )


def _watch(log: Path, before: int, total: int, progress: Progress | None) -> Callable[[], None]:
    def watch() -> None:
        if progress is not None:
            progress(before + log.read_bytes().count(b"probe: step=case "), total)

    return watch


def require_start(log: bytes, end: GuestEnd, kernel: Kernel) -> None:
    """Tell a kernel that cannot be tried from one that was tried and failed.

    Raises EnvironmentFault where it lacks what the boot needs, with what to set.
    """
    lines = [line.text for line in log_lines(log)]
    probe = read_probe(lines)
    which = f"{kernel.image} (Linux {kernel.release})"
    if probe.usage is not None:
        raise EnvironmentFault(f"{which}: the probe does not know {probe.usage}")
    if probe.started:
        _require_world(probe, which)
        return
    if not log.strip():
        raise EnvironmentFault(
            f"{which}: not a line on the serial console; set CONFIG_PRINTK=y, CONFIG_TTY=y, CONFIG_SERIAL_8250=y and "
            f"CONFIG_SERIAL_8250_CONSOLE=y ({end.value})"
        )
    if any("No working init found" in line or "Failed to execute /init" in line for line in lines):
        raise EnvironmentFault(f"{which}: it cannot run the probe; set CONFIG_64BIT=y and CONFIG_BINFMT_ELF=y")
    if any("Unable to mount root fs" in line for line in lines):
        raise EnvironmentFault(f"{which}: it did not look into its initramfs; set CONFIG_BLK_DEV_INITRD=y")


def _require_world(probe: ProbeRun, which: str) -> None:
    world = probe.cases.get("world")
    why = probe.why if world is None else world.why
    if not probe.ended or probe.why == "-":
        return
    for prefix, settings in _SET:
        if why.startswith(prefix):
            raise EnvironmentFault(f"{which}: the probe got {why.removeprefix(prefix)}; set {settings}")
