# SPDX-License-Identifier: MIT
"""The emulated machine: a PC with a serial line and nothing else.

Emulated instruction by instruction (TCG) unless KVM is asked for: a proof should not depend on what the machine it is
made on can do, and takes seconds either way.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable
from pathlib import Path

import attrs

from ...errors import EnvironmentFault
from .process import Ended, run_bounded

__all__ = ["INSTALL", "Accelerator", "Machine", "choose_accelerator", "machine_command", "run_machine"]

INSTALL = "install it (Debian, Ubuntu: qemu-system-x86; Fedora: qemu-system-x86-core), or name another with --qemu"
_KVM = "/dev/kvm"
_MEMORY = "256"
_MOST = 64 << 20
"""Bytes of log that are kept."""


class Accelerator(enum.Enum):
    """How instructions of the guest are run."""

    TCG = "tcg"
    KVM = "kvm"
    AUTO = "auto"


@attrs.frozen(kw_only=True)
class Machine:
    """What is started."""

    program: str
    accelerator: Accelerator
    """TCG or KVM."""
    image: Path
    initramfs: Path
    processors: int = 1
    arguments: tuple[str, ...] = ()
    """The probe's."""


def choose_accelerator(wanted: Accelerator, *, kvm: str = _KVM) -> Accelerator:
    """TCG or KVM. Raises EnvironmentFault where KVM was asked for and cannot be used."""
    usable = os.access(kvm, os.R_OK | os.W_OK)
    if wanted is Accelerator.AUTO:
        return Accelerator.KVM if usable else Accelerator.TCG
    if wanted is Accelerator.KVM and not usable:
        raise EnvironmentFault(f"{kvm}: not there, or not yours to use; `--accel tcg` does without")
    return wanted


def machine_command(machine: Machine) -> tuple[str, ...]:
    """The command line; the log goes to standard output.

    A panic and the probe's end restart the machine at once, which ends the emulator (-no-reboot).
    """
    log = ("console=ttyS0", "ignore_loglevel", "printk.devkmsg=on")
    # Freed memory that is used again shows, where the kernel can (Documentation/vm/slub.rst).
    words = (*log, "panic=-1", "slub_debug=FZPU", "--", *machine.arguments)
    return (
        machine.program,
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", f"pc,accel={machine.accelerator.value}"),
        # The BIOS tells a kernel without ACPI of one processor a socket.
        *("-m", _MEMORY, "-smp", f"{machine.processors},sockets={machine.processors}"),
        *("-kernel", str(machine.image), "-initrd", str(machine.initramfs)),
        *("-append", " ".join(words)),
        *("-serial", "stdio"),
    )


def run_machine(machine: Machine, *, log: Path, seconds: float, watch: Callable[[], None]) -> Ended:
    """Run the machine to its end, or to the end of its time; the log is in the file.

    Raises ToolMissing where there is no emulator, EnvironmentFault where it refuses its command line.
    """
    ended = run_bounded(machine_command(machine), seconds=seconds, output=log, most=_MOST, install=INSTALL, watch=watch)
    if ended.status > 0:
        said = ended.errors.splitlines()[-1] if ended.errors else f"exit status {ended.status}"
        raise EnvironmentFault(f"{machine.program}: {said}")
    return ended
