# SPDX-License-Identifier: MIT
"""The probe compiled and run on this machine, and the boot with a program in the emulator's place.

The probe runs in network namespaces of its own, in a user namespace where it has to: nothing of the machine changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mptcp_series.engine.booting.boot import BootSpec, boot
from mptcp_series.engine.booting.compile_probe import FLAGS, SOURCES, compile_probe
from mptcp_series.engine.booting.initramfs import initramfs
from mptcp_series.engine.booting.process import run_bounded
from mptcp_series.errors import EnvironmentFault, ToolMissing
from mptcp_series.values.bootreport import GuestEnd, Verdict, judge
from mptcp_series.values.probeoutput import Ending, ProbeRun, read_probe

from ..unit.bootlogs import CONFIG, HANG, bzimage, kernel_log, place_image


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe, compiled once."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    try:
        data = compile_probe("gcc")
    except ToolMissing as error:
        pytest.skip(str(error))
    file = tmp_path_factory.mktemp("probe") / "probe"
    file.write_bytes(data)
    file.chmod(0o755)
    return file


def run_probe(program: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def usable(program: Path) -> Path:
    """The probe, where the kernel that runs this can be probed."""
    _, output = run_probe(program, "only=world")
    run = read_probe(output.splitlines())
    if not run.ended or run.why != "-":
        world = run.cases.get("world")
        pytest.skip(f"this kernel cannot be probed: {run.why if world is None else world.why}")
    if run.features["path-manager"] != "present":
        pytest.skip(f"this kernel's MPTCP path manager is not for ordinary users: {run.features['path-manager']}")
    return program


def test_the_probe_compiles_without_a_warning(program: Path, tmp_path: Path) -> None:
    sources = [str(file) for file in sorted(SOURCES.glob("*.c"))]
    assert len(sources) > 4
    command = ["gcc", *FLAGS, "-Werror", "-Wpointer-arith", "-Wstrict-prototypes", "-o", str(tmp_path / "probe")]
    done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_probe_needs_no_library(program: Path) -> None:
    """A program that needs an interpreter names it in its program headers."""
    data = program.read_bytes()
    assert data.startswith(b"\x7fELF")
    assert b"/lib64/ld-linux" not in data[:4096]


def test_an_argument_the_probe_does_not_know_is_told(program: Path) -> None:
    for argument in ("stall=0", "stall=x", "colour=red"):
        assert run_probe(program, argument) == (2, f"probe: step=usage argument={argument}\n")


@pytest.fixture(scope="module")
def host_run(usable: Path) -> ProbeRun:
    """All cases on the kernel that runs this."""
    code, output = run_probe(usable, "stall=10", "limit=50")
    run = read_probe(output.splitlines())
    assert code == 0, output
    assert run.ended, output
    return run


def test_every_case_of_the_report_is_run(host_run: ProbeRun) -> None:
    reported = {case.name for case in judge(b"", GuestEnd.ITSELF, "").cases}
    assert set(host_run.cases) - {"world"} == reported - {"boot", "kunit", "log"}


def test_the_probe_makes_connections_between_namespaces_of_this_machine(host_run: ProbeRun) -> None:
    capable = host_run.cases["capable"]
    assert capable.ending is Ending.DONE
    assert capable.counter("server", "MPCapableSYNRX") == 1
    assert capable.facts["transfer"]["sent_hash"] == capable.facts["transfer"]["received_hash"]
    assert capable.facts["transfer"]["received"] == "262144"


def test_a_transfer_goes_over_both_links(host_run: ProbeRun) -> None:
    join = host_run.cases["join"]
    assert (join.ending, join.why) == (Ending.DONE, "-")
    assert join.counter("server", "MPJoinAckRx") == 1
    assert min(join.links.values()) > 8388608 // 20
    assert sum(join.links.values()) > 8388608
    assert join.facts["transfer"]["sent_hash"] == join.facts["transfer"]["received_hash"]


@pytest.mark.parametrize("name", ["cut", "cut-far"])
def test_the_first_link_is_cut_during_a_transfer(name: str, host_run: ProbeRun) -> None:
    """Whether the transfer goes on is this kernel's matter; that the cut is one is the probe's."""
    case = host_run.cases[name]
    assert (case.number("cut", "received") or 0) >= 2097152
    assert case.number("after-cut", "ms") is not None
    assert 0 < (case.number("cut", "link1") or 0) <= case.links["link1"]
    if case.ending is Ending.DONE:
        # Half of 8 MiB was not written before.
        assert case.links["link2"] > 4194304


@pytest.mark.parametrize(
    ("name", "wanted"), [("fullmesh-2x1", 4), ("fullmesh-1x1", 3), ("fullmesh-1x2", 5), ("fullmesh-limited", 4)]
)
def test_fullmesh_joins_are_counted(name: str, wanted: int, host_run: ProbeRun) -> None:
    case = host_run.cases[name]
    assert case.number("joins", "wanted") == wanted
    assert case.number("joins", "seen") == case.counter("server", "MPJoinAckRx")
    assert case.counter("server", "MPJoinAckRx") >= 1


def test_one_case_can_be_run_alone(usable: Path) -> None:
    _, output = run_probe(usable, "only=capable")
    assert set(read_probe(output.splitlines()).cases) == {"world", "capable"}


def test_a_case_that_takes_too_long_is_ended(usable: Path) -> None:
    """64 MiB over two links of 4 MB/s take longer than a second."""
    _, output = run_probe(usable, "only=join", "limit=1", "size=67108864")
    case = read_probe(output.splitlines()).cases["join"]
    assert (case.ending, case.why) == (Ending.HANGS, "case-limit")


def test_cpio_lists_the_archive(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    done = subprocess.run(["cpio", "-tv", "--quiet", "-n"], input=initramfs(b"#!"), capture_output=True, check=True)
    assert done.stderr == b""
    listed = [line.split() for line in done.stdout.decode().splitlines()]
    assert [(words[0], words[-1]) for words in listed] == [
        ("drwxr-xr-x", "dev"),
        ("drwxr-xr-x", "proc"),
        ("crw-------", "dev/console"),
        ("crw-------", "dev/kmsg"),
        ("-rwxr-xr-x", "init"),
    ]


# The boot, with a program that says what a guest would have said.


def script(file: Path, text: str) -> str:
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def compiler(tmp_path: Path) -> str:
    """In the place of gcc: writes something as the program it was asked for."""
    return script(
        tmp_path / "cc", "import sys\nopen(sys.argv[sys.argv.index('-o') + 1], 'wb').write(b'\\x7fELF a program')\n"
    )


@pytest.fixture
def kernels(tmp_path: Path) -> tuple[Path, Path]:
    """A build directory, and an image."""
    place_image(tmp_path / "build" / "out")
    (tmp_path / "base").write_bytes(bzimage())
    return tmp_path / "build", tmp_path / "base"


def spec_of(tmp_path: Path, kernels: tuple[Path, Path], compiler: str, emulator: str, seconds: float = 60) -> BootSpec:
    return BootSpec(
        kernel=kernels[0],
        against=kernels[1],
        to=tmp_path / "logs",
        seconds=seconds,
        stall=7,
        compiler=compiler,
        emulator=emulator,
    )


def emulator(tmp_path: Path) -> str:
    """Prints the log that fits the image, and keeps how it was called."""
    (tmp_path / "good").write_text(kernel_log())
    (tmp_path / "hang").write_text(kernel_log(cut=HANG))
    return script(
        tmp_path / "qemu",
        f"""\
import pathlib, sys
here = pathlib.Path({str(tmp_path)!r})
image = sys.argv[sys.argv.index("-kernel") + 1]
log = "hang" if image.endswith("base") else "good"
(here / f"{{log}}.called").write_text("\\n".join(sys.argv[1:]))
sys.stdout.write((here / log).read_text())
""",
    )


def test_two_kernels_are_booted_and_judged(tmp_path: Path, kernels: tuple[Path, Path], compiler: str) -> None:
    steps: list[tuple[int, int | None]] = []
    found = boot(
        spec_of(tmp_path, kernels, compiler, emulator(tmp_path)), lambda done, total: steps.append((done, total))
    )
    assert found.comparison.patched.proved
    assert found.comparison.base is not None
    assert found.comparison.base.case("cut").verdict is Verdict.HANGS
    assert found.comparison.separates("cut")
    assert found.images == (tmp_path / "build/out/arch/x86/boot/bzImage", tmp_path / "base")
    assert found.logs == (tmp_path / "logs/patched.log", tmp_path / "logs/base.log")
    assert found.logs[0].read_text() == kernel_log()
    assert sorted(file.name for file in (tmp_path / "logs").iterdir()) == ["base.log", "initramfs.cpio", "patched.log"]
    called = (tmp_path / "good.called").read_text().splitlines()
    assert called[called.index("-initrd") + 1] == str(tmp_path / "logs/initramfs.cpio")
    assert called[called.index("-append") + 1].endswith("-- stall=7 limit=47")
    assert b"\x7fELF a program" in (tmp_path / "logs/initramfs.cpio").read_bytes()


def alive(process: int) -> bool:
    """Whether a process is there, and not one that only waits to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_guest_that_hangs_is_a_verdict_and_is_ended(
    tmp_path: Path, kernels: tuple[Path, Path], compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not come to its end by itself, nor does what it started, nor when asked politely."""
    monkeypatch.setattr("mptcp_series.engine.booting.boot.LEAST", 0.0)
    monkeypatch.setattr("mptcp_series.engine.booting.process.GRACE", 0.2)
    log = kernel_log()
    (tmp_path / "part").write_text(log[: log.index("probe: step=after-cut case=cut ")])
    hanging = tmp_path / "qemu"
    hanging.write_text(
        f"""\
#!/bin/sh
trap "" TERM
cat {tmp_path}/part
sleep 600 &
echo $$ $! >>{tmp_path}/processes
sleep 600
"""
    )
    hanging.chmod(0o755)
    found = boot(spec_of(tmp_path, kernels, compiler, str(hanging), seconds=4)).comparison
    for report in (found.patched, found.base):
        assert report is not None
        assert report.case("boot").verdict is Verdict.HANGS
        assert report.case("boot").note == "stopped after the time limit in case cut"
        assert report.case("cut").verdict is Verdict.HANGS
        assert report.case("join").verdict is Verdict.PROVED
    processes = [int(line) for line in (tmp_path / "processes").read_text().split()]
    assert len(processes) == 4
    assert not any(map(alive, processes))


def test_a_guest_that_never_stops_talking_is_ended(tmp_path: Path) -> None:
    talking = script(tmp_path / "qemu", "import sys\nwhile True:\n    sys.stdout.write('x' * 4096)\n")
    ended = run_bounded([talking], seconds=60, output=tmp_path / "log", most=1 << 20, install="")
    assert ended.end is GuestEnd.NOISE


def test_what_a_killed_run_leaves_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours ends this process: its time is not over when it is gone."""
    monkeypatch.setattr("mptcp_series.engine.booting.process._LATER", -59)
    sleeping = script(tmp_path / "qemu", "import time\ntime.sleep(600)\n")
    ended = run_bounded([sleeping], seconds=60, output=tmp_path / "log", most=1 << 20, install="")
    assert (ended.end, ended.status) == (GuestEnd.ITSELF, -9)


def test_an_emulator_that_refuses_says_why(tmp_path: Path, kernels: tuple[Path, Path], compiler: str) -> None:
    refusing = script(tmp_path / "qemu", "import sys\nsys.exit('qemu: unsupported machine type')\n")
    with pytest.raises(EnvironmentFault, match=r"qemu: qemu: unsupported machine type"):
        boot(spec_of(tmp_path, kernels, compiler, refusing))


def test_a_kernel_that_stays_silent_says_what_to_set(tmp_path: Path, kernels: tuple[Path, Path], compiler: str) -> None:
    silent = script(tmp_path / "qemu", "")
    with pytest.raises(EnvironmentFault, match=r"not a line on the serial console; set CONFIG_PRINTK=y"):
        boot(spec_of(tmp_path, kernels, compiler, silent))


def test_without_an_emulator_it_says_what_to_install(tmp_path: Path, kernels: tuple[Path, Path], compiler: str) -> None:
    with pytest.raises(ToolMissing, match=r"qemu: no such program; install it \(Debian, Ubuntu: qemu-system-x86"):
        boot(spec_of(tmp_path, kernels, compiler, str(tmp_path / "qemu")))


def test_without_a_compiler_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match=r"cc: no such program; install one \(Debian, Ubuntu: gcc libc6-dev"):
        compile_probe(str(tmp_path / "cc"))


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ("/usr/bin/ld: cannot find -lc: No such file or directory", ToolMissing, "no static C library; install one"),
        ("probe.h:3:10: fatal error: linux/veth.h: No such file or directory", ToolMissing, "linux/veth.h"),
        ("probe.h:3:10: error: odd", EnvironmentFault, "the probe does not compile: probe.h:3:10: error: odd"),
    ],
)
def test_a_compiler_that_fails_says_what_to_do(
    said: str, error: type[EnvironmentFault], message: str, tmp_path: Path
) -> None:
    failing = script(tmp_path / "cc", f"import sys\nsys.exit({said!r})\n")
    with pytest.raises(error, match=message):
        compile_probe(failing)


def test_a_compiler_that_does_not_end_is_ended(tmp_path: Path) -> None:
    sleeping = script(tmp_path / "cc", "import time\ntime.sleep(600)\n")
    with pytest.raises(EnvironmentFault, match=r"the probe was not compiled within 0.5 seconds"):
        compile_probe(sleeping, seconds=0.5)


def test_what_the_kernel_lacks_is_told_before_anything_starts(
    tmp_path: Path, kernels: tuple[Path, Path], compiler: str
) -> None:
    (kernels[0] / "out/.config").write_text(CONFIG.replace("CONFIG_VETH=y", "CONFIG_VETH=m"))
    with pytest.raises(EnvironmentFault, match=r"CONFIG_VETH=m, and must be y"):
        boot(spec_of(tmp_path, kernels, compiler, os.devnull))
    assert not (tmp_path / "logs").exists()
