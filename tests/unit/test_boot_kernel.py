# SPDX-License-Identifier: MIT
"""Kernel images, their configurations, and the machine they are started in; nothing is started here."""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from mptcp_series.engine.booting.boot import require_start
from mptcp_series.engine.booting.compile_probe import SOURCES
from mptcp_series.engine.booting.kernel import NEEDED, Kernel, open_kernel
from mptcp_series.engine.booting.qemu import Accelerator, Machine, choose_accelerator, machine_command
from mptcp_series.errors import BadInput, EnvironmentFault
from mptcp_series.values.bootreport import GuestEnd

from .bootlogs import CONFIG, bzimage, kernel_log, place_image


def test_a_build_directory_has_the_image_below_out(tmp_path: Path) -> None:
    file = place_image(tmp_path / "out")
    kernel = open_kernel(tmp_path)
    assert (kernel.image, kernel.release, kernel.config) == (file, "5.10.66", tmp_path / "out" / ".config")
    assert kernel.missing() == ()


def test_a_directory_of_the_kernels_own_make_will_do(tmp_path: Path) -> None:
    assert open_kernel(place_image(tmp_path).parents[3]).config == tmp_path / ".config"


def test_an_image_in_a_build_directory_has_its_configuration(tmp_path: Path) -> None:
    assert open_kernel(place_image(tmp_path)).config == tmp_path / ".config"


def test_an_installed_image_has_its_configuration_beside_it(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz-5.10.66").write_bytes(bzimage())
    assert open_kernel(tmp_path / "vmlinuz-5.10.66").config is None
    (tmp_path / "config-5.10.66").write_text(CONFIG)
    assert open_kernel(tmp_path / "vmlinuz-5.10.66").config == tmp_path / "config-5.10.66"


def test_a_lone_image_is_tried_without_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(bzimage())
    kernel = open_kernel(tmp_path / "bzImage")
    assert (kernel.config, kernel.missing()) == (None, ())


def test_a_directory_without_an_image_is_not_built_yet(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"no kernel image \(arch/x86/boot/bzImage\) there; .*build --image"):
        open_kernel(tmp_path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"bzImage: No such file or directory"):
        open_kernel(tmp_path / "bzImage")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a bzImage"),
        (b"\x7fELF" + bytes(2000), "not a bzImage"),
        (bzimage()[:0x230], "not a bzImage"),
        (bzimage(flags=0), "a 32-bit kernel"),
    ],
)
def test_what_is_no_kernel_for_the_machine_is_bad_input(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        open_kernel(tmp_path / "bzImage")


def test_an_image_may_name_no_release(tmp_path: Path) -> None:
    data = bytearray(bzimage())
    struct.pack_into("<H", data, 0x20E, 0)
    (tmp_path / "bzImage").write_bytes(data)
    assert open_kernel(tmp_path / "bzImage").release == "unknown"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("# CONFIG_VETH is not set\n", "CONFIG_VETH=n, and must be y"),
        ("CONFIG_VETH=m\n", "CONFIG_VETH=m, and must be y"),
    ],
)
def test_what_the_configuration_lacks_is_named(line: str, shown: str, tmp_path: Path) -> None:
    place_image(tmp_path, CONFIG.replace("CONFIG_VETH=y\n", line))
    (told,) = open_kernel(tmp_path).missing()
    assert told == f"{tmp_path}/.config: {shown}: links are pairs of virtual devices"


def test_the_shipped_configuration_has_all_that_is_needed() -> None:
    text = (SOURCES / "boot.config").read_text()
    kernel = Kernel(image=Path("bzImage"), release="5.10.66", config=SOURCES / "boot.config")
    assert kernel.missing() == ()
    symbols = re.findall(r"^(?:# )?(CONFIG_\w+)(?:=| is not set)", text, re.MULTILINE)
    assert len(symbols) == len(set(symbols)) > len(NEEDED)


@pytest.mark.parametrize(
    ("why", "setting"),
    [
        ("namespace:EINVAL", "CONFIG_NET_NS=y"),
        ("veth:EOPNOTSUPP", "CONFIG_NETDEVICES=y and CONFIG_VETH=y"),
        ("tbf:ENOENT", "CONFIG_NET_SCHED=y and CONFIG_NET_SCH_TBF=y"),
        ("mptcp:EPROTONOSUPPORT", "CONFIG_MPTCP=y"),
    ],
)
def test_a_kernel_that_lacks_something_says_which_symbol(why: str, setting: str) -> None:
    log = f"""\
probe: step=start version=1 kernel=5.10.66 machine=x86_64 process=1
probe: step=begin case=world
probe: step=case name=world result=refused why={why} ms=3
probe: step=end cases=1 why=world
"""
    with pytest.raises(EnvironmentFault) as told:
        require_start(log.encode(), GuestEnd.ITSELF, KERNEL)
    assert str(told.value) == f"bzImage (Linux 5.10.66): the probe got {why.partition(':')[2]}; set {setting}"


KERNEL = Kernel(image=Path("bzImage"), release="5.10.66", config=None)


@pytest.mark.parametrize(
    ("log", "symbol"),
    [
        ("", "CONFIG_SERIAL_8250_CONSOLE=y"),
        ("Linux version 5.10.66\nKernel panic - not syncing: No working init found.", "CONFIG_BINFMT_ELF=y"),
        ("Linux version 5.10.66\nKernel panic - not syncing: VFS: Unable to mount root fs", "CONFIG_BLK_DEV_INITRD=y"),
    ],
)
def test_a_kernel_that_cannot_start_the_probe_says_which_symbol(log: str, symbol: str) -> None:
    with pytest.raises(EnvironmentFault, match=symbol):
        require_start(log.encode(), GuestEnd.TIMEOUT, KERNEL)


@pytest.mark.parametrize(
    "log", [kernel_log(), "Linux version 5.10.66\nBUG: kernel NULL pointer dereference, address: 0\n"]
)
def test_a_kernel_that_was_tried_is_judged(log: str) -> None:
    require_start(log.encode(), GuestEnd.ITSELF, KERNEL)


def test_an_old_probe_is_told() -> None:
    with pytest.raises(EnvironmentFault, match=r"the probe does not know stall=0"):
        require_start(b"probe: step=usage argument=stall=0\n", GuestEnd.ITSELF, KERNEL)


def test_the_machine_has_a_serial_line_and_nothing_else() -> None:
    machine = Machine(
        program="qemu-system-x86_64",
        accelerator=Accelerator.TCG,
        image=Path("out/bzImage"),
        initramfs=Path("to/initramfs.cpio"),
        processors=2,
        arguments=("stall=20",),
    )
    command = machine_command(machine)
    assert command[0] == "qemu-system-x86_64"
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= set(command)
    options = dict(pairwise(command))
    assert options["-machine"] == "pc,accel=tcg"
    assert options["-smp"] == "2,sockets=2"
    assert (options["-kernel"], options["-initrd"]) == ("out/bzImage", "to/initramfs.cpio")
    assert (options["-display"], options["-serial"]) == ("none", "stdio")
    assert options["-append"].startswith("console=ttyS0 ")
    assert options["-append"].endswith(" panic=-1 slub_debug=FZPU -- stall=20")


def test_kvm_is_used_when_it_is_asked_for(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    assert choose_accelerator(Accelerator.TCG, kvm=str(device)) is Accelerator.TCG
    assert choose_accelerator(Accelerator.AUTO, kvm=str(device)) is Accelerator.TCG
    with pytest.raises(EnvironmentFault, match=r"kvm: not there, or not yours to use; `--accel tcg` does without"):
        choose_accelerator(Accelerator.KVM, kvm=str(device))
    device.touch()
    assert choose_accelerator(Accelerator.KVM, kvm=str(device)) is Accelerator.KVM
    assert choose_accelerator(Accelerator.AUTO, kvm=str(device)) is Accelerator.KVM
    assert choose_accelerator(Accelerator.TCG, kvm=str(device)) is Accelerator.TCG
