# SPDX-License-Identifier: MIT
"""The kernel to boot: an image for x86_64, and the configuration it was built with where that lies beside it.

A guest sees nothing but what is in its image: no module, no disk. What is a module in a configuration is as good as
absent, and saying so before a boot beats a guest that stays silent.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault

__all__ = ["NEEDED", "Kernel", "open_kernel"]

NEEDED: Mapping[str, str] = {
    "64BIT": "the probe is a program of 64 bits",
    "PRINTK": "the log tells what was found",
    "TTY": "the log is read from a serial line",
    "SERIAL_8250": "the log is read from a serial line",
    "SERIAL_8250_CONSOLE": "the log is read from a serial line",
    "BLK_DEV_INITRD": "the probe is in an initramfs",
    "BINFMT_ELF": "the probe is an ELF program",
    "PROC_FS": "counters are in /proc/net/netstat",
    "NET_NS": "both ends are network namespaces",
    "INET": "MPTCP goes over TCP",
    "VETH": "links are pairs of virtual devices",
    "NET_SCHED": "links are slowed down",
    "NET_SCH_TBF": "links are slowed down",
    "MPTCP": "it is what is proved",
}
"""What the boot needs, =y each, and why."""

_HEADER = 0x1F1
_MAGIC_AT = 0x202
_VERSION_AT = 0x20E
_FLAGS_AT = 0x236
_KERNEL_64 = 1
_VALUE = re.compile(r"CONFIG_(\w+)=(.*)")


@attrs.frozen(kw_only=True)
class Kernel:
    """An image that can be booted."""

    image: Path
    release: str
    """As `uname -r` will tell it."""
    config: Path | None
    """The configuration beside it."""

    def missing(self) -> tuple[str, ...]:
        """What its configuration lacks for a boot, a line each; nothing where there is no configuration to read."""
        if self.config is None:
            return ()
        values = _values(self.config)
        return tuple(
            f"{self.config}: CONFIG_{name}={values.get(name, 'n')}, and must be y: {why}"
            for name, why in NEEDED.items()
            if values.get(name) != "y"
        )


def open_kernel(place: Path) -> Kernel:
    """A kernel by its image, by a directory the `build` command made, or by one the kernel's own make made.

    Raises EnvironmentFault where there is none, BadInput where it is no x86_64 image.
    """
    if place.is_dir():
        roots = (place / "out", place)
        image = next((root / _IMAGE for root in roots if (root / _IMAGE).is_file()), None)
        if image is None:
            raise EnvironmentFault(
                f"{place}: no kernel image ({_IMAGE}) there; `mptcp-series build --image` or `make bzImage` makes it"
            )
    else:
        image = place
    config = next((file for file in _configs(image) if file.is_file()), None)
    try:
        with image.open("rb") as file:
            head = file.read(65536)
    except OSError as error:
        raise EnvironmentFault(f"{image}: {error.strerror}") from error
    return Kernel(image=image, release=_release(head, image), config=config)


_IMAGE = Path("arch/x86/boot/bzImage")


def _configs(image: Path) -> tuple[Path, ...]:
    """Where the configuration of an image may be: in its build directory, or beside it in the way of /boot."""
    beside = image.with_name(image.name.replace("vmlinuz", "config", 1))
    return (
        *([image.parents[3] / ".config"] if image.parts[-4:] == _IMAGE.parts else []),
        *([beside] if beside != image else []),
    )


def _release(head: bytes, image: Path) -> str:
    """The release a bzImage names in its header (Documentation/x86/boot.rst)."""
    if len(head) < _FLAGS_AT + 2 or head[0x1FE:0x200] != b"\x55\xaa" or head[_MAGIC_AT : _MAGIC_AT + 4] != b"HdrS":
        raise BadInput("not a bzImage; the boot is for x86_64 kernels (arch/x86/boot/bzImage)", file=str(image))
    (flags,) = struct.unpack_from("<H", head, _FLAGS_AT)
    if not flags & _KERNEL_64:
        raise BadInput("a 32-bit kernel; the boot is for x86_64 (CONFIG_64BIT=y)", file=str(image))
    (offset,) = struct.unpack_from("<H", head, _VERSION_AT)
    text = head[offset + 0x200 :].split(b"\0", 1)[0] if offset else b""
    release = text.split(b" ", 1)[0].decode("ascii", "backslashreplace")
    return release or "unknown"


def _values(config: Path) -> Mapping[str, str]:
    try:
        text = config.read_text("utf-8", "backslashreplace")
    except OSError as error:
        raise EnvironmentFault(f"{config}: {error.strerror}") from error
    return {match[1]: match[2] for match in map(_VALUE.fullmatch, text.splitlines()) if match}
