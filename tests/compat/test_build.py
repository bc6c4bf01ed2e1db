# SPDX-License-Identifier: MIT
"""A queue built with the real make and gcc, on a small tree of a kernel's shape."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from mptcp_series.cli.main import cli
from mptcp_series.engine.building.configuration import Request
from mptcp_series.errors import BadInput, EnvironmentFault
from mptcp_series.values.built import Blame, Build

from .buildlab import ARGUMENT, FILL, GROW, HOOK, TOKEN, Lab, Patch, needs_compiler, tree


@pytest.fixture(autouse=True)
def compiler() -> None:
    needs_compiler()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, tree()).add(GROW, HOOK, TOKEN)


def errors(build: Build) -> list[tuple[str | None, str, str | None, int | None]]:
    """Patch, how it was laid there, path and line of every error."""
    return [(one.patch, one.blame.value, one.diagnostic.path, one.diagnostic.line) for one in build.errors]


def test_a_good_queue(lab: Lab) -> None:
    build = lab.build(image=True)
    assert build.reasons() == []
    assert (build.errors, build.warnings, build.known, build.passes) == ((), (), (), 1)
    # Whole directories of what is changed, and the users of the changed header in others.
    assert build.directories == ("net/core", "net/ipv4", "net/mptcp", "net/tls", "security")
    assert build.compiled == 7
    assert "net/mptcp/token.o" in lab.times()
    assert build.hidden.outside == ("tools/testing/selftests/net/mptcp/a.c",)
    # The unused variable of net/tls is the base's.
    assert build.old_warnings == 1
    image = lab.place / "out" / "arch" / "x86" / "boot" / "bzImage"
    assert (build.image, image.is_file(), build.hidden.linked) == (str(image), True, True)
    state = json.loads((lab.place / "build.json").read_bytes())
    assert (state["image"], state["source"]["tree"]) == (build.tree, build.tree)


def test_only_what_is_asked_for_is_compiled(lab: Lab) -> None:
    lab.build()
    objects = lab.times()
    assert "lib/sort.o" not in objects
    assert "security/cap.o" not in objects
    assert "security/lsm.o" in objects


def test_a_broken_patch_is_blamed_at_its_line(lab: Lab) -> None:
    build = lab.add(FILL).build(image=True)
    assert errors(build) == [("mptcp-fill.patch", "line", "net/mptcp/pm.c", 5)]
    (error,) = build.errors
    assert error.diagnostic.missing is not None
    assert error.diagnostic.missing.name == "tcp_fill"
    assert build.reasons()[0].startswith(
        "mptcp-fill.patch: net/mptcp/pm.c:5:16: error: implicit declaration of function"
    )
    assert build.image is None, "what does not compile is not linked"
    assert (lab.place / "logs" / "objects.log").read_text().count("tcp_fill") > 0


def test_every_file_is_compiled_whatever_fails_before_it(lab: Lab) -> None:
    other = Patch("tcp-odd", (("net/ipv4/tcp.c", "return sk->state", "return sk->statt"),))
    found = errors(lab.add(FILL, other).build())
    assert found == [
        ("mptcp-fill.patch", "line", "net/mptcp/pm.c", 5),
        ("tcp-odd.patch", "line", "net/ipv4/tcp.c", 4),
    ]


def test_a_file_elsewhere_that_a_patch_forgot(lab: Lab) -> None:
    build = lab.add(ARGUMENT).build()
    assert errors(build) == [("tcp-send-takes-a-flag.patch", "removed", "net/ipv6/tcp_ipv6.c", 5)]
    assert "net/ipv6" in build.directories


def test_a_missing_header_hides_nothing(lab: Lab) -> None:
    """The compiler stops at it; what stands behind is seen with an empty one, and marked as perhaps its consequence."""
    edits = (
        ("net/mptcp/token.c", "int mptcp_token(int id);\n", "#include <crypto/new.h>\nint mptcp_token(int id);\n"),
        ("net/mptcp/token.c", "\treturn id;\n", "\treturn NEW_SIZE + tcp_fill(id);\n"),
        ("net/mptcp/pm.c", "int mptcp_pm(int id);\n", "#include <crypto/new.h>\nint mptcp_pm(int id);\n"),
    )
    build = lab.add(Patch("mptcp-new-crypto", edits)).build()
    assert build.passes == 2
    told = [(one.diagnostic.path, one.diagnostic.fatal, one.behind) for one in build.errors]
    assert told == [
        ("net/mptcp/pm.c", True, None),
        ("net/mptcp/token.c", True, None),
        ("net/mptcp/token.c", False, "crypto/new.h"),
        ("net/mptcp/token.c", False, "crypto/new.h"),
    ]
    assert {one.patch for one in build.errors} == {"mptcp-new-crypto.patch"}
    assert build.hidden.behind == ("net/mptcp/pm.c", "net/mptcp/token.c")
    assert build.hidden.unread == ()
    # No object made of an empty header is left.
    assert lab.times().keys() & {"net/mptcp/pm.o", "net/mptcp/token.o"} == set()


def test_headers_that_hide_headers(lab: Lab) -> None:
    edits = (("net/mptcp/pm.c", "int mptcp_pm(int id);\n", "#include <a/a.h>\n#include <b/b.h>\nint mptcp_pm(int);\n"),)
    build = lab.add(Patch("two", edits)).build()
    assert [one.diagnostic.message for one in build.errors] == [
        "a/a.h: No such file or directory",
        "b/b.h: No such file or directory",
    ]
    assert build.passes == 3


def test_an_object_without_a_source(lab: Lab) -> None:
    edits = (("net/mptcp/Makefile", "token.o", "token.o gone.o"),)
    build = lab.add(Patch("gone", edits)).build()
    assert errors(build) == [("gone.patch", "line", "net/mptcp/Makefile", 2)]
    assert build.errors[0].diagnostic.message == "nothing makes net/mptcp/gone.c"


def test_what_only_linking_shows(lab: Lab) -> None:
    edits = (
        ("include/net/mptcp.h", "int mptcp_push(int size);\n", "int mptcp_push(int size);\nint mptcp_far(int a);\n"),
        ("net/mptcp/protocol.c", "\treturn tcp_send(&sk, size) + 1;\n", "\treturn mptcp_far(size);\n"),
    )
    lab.add(Patch("far", edits))
    assert lab.build().reasons() == []
    assert lab.build().hidden.linked is False
    (error,) = lab.build(image=True).errors
    assert error.diagnostic.missing is not None
    assert (error.diagnostic.missing.name, error.diagnostic.path) == ("mptcp_far", "net/mptcp/protocol.c")


def test_new_warnings_are_told_from_old_ones(lab: Lab) -> None:
    edits = (("net/ipv4/tcp.c", "\treturn sk->state", "\tint spare;\n\n\treturn sk->state"),)
    build = lab.add(Patch("spare", edits)).build()
    (warning,) = build.warnings
    assert (warning.patch, warning.diagnostic.option) == ("spare.patch", "-Wunused-variable")
    assert (build.reasons(), build.old_warnings) == ([], 1)
    # Objects that are up to date say nothing again; what they said is known.
    again = lab.build()
    assert (again.warnings, again.old_warnings) == (build.warnings, 1)


def test_errors_of_the_base_are_not_the_queues(tmp_path: Path) -> None:
    files = tree()
    files["security/lsm.c"] += "#include <not/there.h>\nint x = NOT_THERE;\n"
    build = Lab(tmp_path, files).add(GROW, HOOK).build()
    assert build.reasons() == []
    assert [one.partition(": ")[2] for one in build.known][:1] == ["error: not/there.h: No such file or directory"]
    assert len(build.known) == 2


def test_a_line_the_queue_took_the_ground_from(tmp_path: Path) -> None:
    """As when the stack removes what net/ipv4/syncookies.c uses."""
    files = tree()
    files["include/net/mptcp.h"] += "extern int mptcp_request_ops;\n"
    files["net/ipv4/tcp.c"] += "#include <net/mptcp.h>\nint cookie(void);\nint cookie(void)\n{\n"
    files["net/ipv4/tcp.c"] += "\treturn mptcp_request_ops;\n}\n"
    gone = Patch("mptcp-drop-ops", (("include/net/mptcp.h", "extern int mptcp_request_ops;\n", ""),))
    build = Lab(tmp_path, files).add(GROW, gone).build()
    assert errors(build) == [("mptcp-drop-ops.patch", "removed", "net/ipv4/tcp.c", 10)]


def test_a_killed_build_goes_on(lab: Lab) -> None:
    """Killed by SIGKILL in the middle of the objects: the next run goes on, and forgets nothing that was said."""
    slow = "#include <net/sock.h>\nint slow(void);\nint slow(void)\n{\n\tint early;\n\n\treturn 0;\n}\n"
    names = [f"s{number}" for number in range(24)]
    edits: list[tuple[str, str | None, str]] = []
    edits += [(f"net/mptcp/{name}.c", None, slow.replace("slow", name)) for name in names]
    edits += [("net/mptcp/Makefile", "token.o", "token.o " + " ".join(f"{name}.o" for name in names))]
    series = lab.add(Patch("many", tuple(edits))).series
    options = ["--source", lab.repo.path, "--base", lab.base, "--series", str(series), "--dir", str(lab.place)]
    command = [sys.executable, "-m", "mptcp_series", "build", *options, "-j", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = lab.place / "logs" / "objects.log"
    while process.poll() is None and not (log.is_file() and log.read_text().count("  CC ") >= 6):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = {name for name in lab.times() if (lab.place / "out" / name).stat().st_size}
    assert 0 < len(done) < 30
    build = lab.build()
    assert build.reasons() == []
    assert build.compiled == 31
    told = sorted(str(one.diagnostic.path) for one in build.warnings)
    assert told == sorted(f"net/mptcp/{name}.c" for name in names)
    # What a run that was not killed says is the same.
    fresh = lab.build(fresh=True)
    assert attrs.evolve(fresh) == build


def test_a_build_killed_while_it_wrote_the_source_goes_on(lab: Lab) -> None:
    lab.build()
    before = lab.times()
    state = json.loads((lab.place / "build.json").read_bytes())
    state["source"] |= {"stamp": None, "before": state["source"]["tree"]}
    (lab.place / "build.json").write_text(json.dumps(state))
    (lab.place / "source" / "net" / "ipv4" / "tcp.c").write_text("half a fi")
    build = lab.build()
    assert build.reasons() == []
    changed = {name for name, when in lab.times().items() if before.get(name) != when}
    assert changed == {"net/ipv4/tcp.o"}


def test_a_changed_tree_rebuilds_only_what_changed(lab: Lab) -> None:
    lab.build()
    before = lab.times()
    lab.add(Patch("more", (("net/mptcp/pm.c", "id + 2", "id + 3"),)))
    assert lab.build().reasons() == []
    after = lab.times()
    assert {name for name in after if after[name] != before.get(name)} == {"net/mptcp/pm.o"}
    lab.build()
    assert lab.times() == after


def test_what_was_changed_by_hand_is_not_written_over(lab: Lab) -> None:
    lab.build()
    place = lab.place / "source" / "net" / "mptcp" / "pm.c"
    place.write_text(place.read_text().replace("id + 2", "id + 99"))
    with pytest.raises(BadInput, match=r"net/mptcp/pm\.c: not as build wrote it"):
        lab.build()
    assert "id + 99" in place.read_text()
    place.unlink()
    assert lab.build().reasons() == []
    assert "id + 2" in place.read_text()


def test_a_directory_of_another_job(lab: Lab) -> None:
    lab.build()
    other = attrs.evolve(lab.result(), series="other")
    with pytest.raises(BadInput, match="the directory is of another build: series lab, not other"):
        lab.build(result=other)
    assert lab.build(result=other, fresh=True).series == "other"


def test_symbols_the_queue_renames_are_warned_about(lab: Lab) -> None:
    renamed = Patch("mptcp-rename-kunit", (("net/mptcp/Kconfig", "MPTCP_KUNIT_TESTS", "MPTCP_KUNIT_TEST"),))
    lab.add(renamed)
    text = "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_MPTCP=y\nCONFIG_KUNIT=y\nCONFIG_MPTCP_KUNIT_TESTS=y\nCONFIG_TLS=y\n"
    build = lab.build(request=Request(texts=(text,)))
    assert [str(entry) for entry in build.renamed] == [
        "CONFIG_MPTCP_KUNIT_TESTS is renamed to CONFIG_MPTCP_KUNIT_TEST by mptcp-rename-kunit.patch"
    ]
    assert build.unfulfilled == ("MPTCP_KUNIT_TESTS",)
    # The default asks for what the stack itself offers, by its new name.
    default = lab.build()
    assert (default.renamed, default.unfulfilled) == ((), ())
    assert "CONFIG_MPTCP_KUNIT_TEST=y" in (lab.place / "out" / ".config").read_text()


def test_a_configuration_of_which_kconfig_leaves_the_stack_out(lab: Lab) -> None:
    with pytest.raises(EnvironmentFault, match=r"Kconfig leaves CONFIG_MPTCP out .*; CONFIG_INET is not set"):
        lab.build(request=Request(texts=("CONFIG_MPTCP=y\n",)))
    assert lab.times() == {}
    assert lab.build(request=Request(texts=("CONFIG_MPTCP=y\n",), settings=(("INET", "y"), ("NET", "y")))).compiled == 6


def test_what_the_configuration_does_not_compile_is_told(lab: Lab) -> None:
    edits = (("net/ipv6/tcp_ipv6.c", "tcp_send(sk, 6)", "tcp_send(sk, 7)"),)
    lab.add(Patch("six", edits))
    text = "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_MPTCP=y\n"
    assert lab.build(request=Request(texts=(text,))).hidden.not_compiled == ("net/ipv6/tcp_ipv6.c",)


def test_programs_of_the_kernel_that_a_newer_compiler_warns_of(tmp_path: Path) -> None:
    """As objtool of 5.10.66 and gcc 12: found out, said, and remembered."""
    files = tree(host="-Wunused-macros")
    files["scripts/limits.c"] = "#define OLD 1\n" + files["scripts/limits.c"]
    lab = Lab(tmp_path, files).add(GROW)
    build = lab.build()
    assert build.reasons() == []
    assert build.arguments == ("WERROR=0",)
    (note,) = build.notes
    assert re.match(
        r"scripts/limits\.c does not compile with this compiler's new warnings \(-Werror=unused-macros\)", note
    )
    assert json.loads((lab.place / "build.json").read_bytes())["relaxed"] == ["WERROR=0"]


def test_a_tree_whose_preparation_fails(tmp_path: Path) -> None:
    files = tree()
    files["scripts/limits.c"] = "int main(void) { return NOTHING; }\n"
    with pytest.raises(EnvironmentFault, match=r"make prepare failed: .*logs/prepare\.log"):
        Lab(tmp_path, files).add(GROW).build()


def test_a_tree_nothing_can_configure(tmp_path: Path) -> None:
    files = {**tree(), "Makefile": "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 66\nEXTRAVERSION =\n"}
    with pytest.raises(EnvironmentFault, match=r"make x86_64_defconfig failed: .*logs/config\.log"):
        Lab(tmp_path, files).add(GROW).build()


def test_compiler_and_arguments_reach_make(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cross compiler by its prefix, and what else make is told."""
    programs = tmp_path / "bin"
    programs.mkdir()
    wrapper = programs / "vendor-gcc"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexec gcc "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("ARCH", "ignored-here")
    options = ["--source", lab.repo.path, "--base", lab.base, "--series", str(lab.series), "--dir", str(lab.place)]
    options += ["--arch", "x86_64", "--cross-compile", "vendor-", "--make-arg", "KCFLAGS=-DVENDOR=7", "--json"]
    done = CliRunner().invoke(cli, ["build", *options])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["arch"], document["arguments"]) == ("x86_64", ["KCFLAGS=-DVENDOR=7"])
    calls = (tmp_path / "calls").read_text()
    assert calls.count("-DVENDOR=7") == document["compiled"] + 1, "one file of the base was compared"
    assert "ARCH=x86_64 CROSS_COMPILE=vendor- KCFLAGS=-DVENDOR=7" in (lab.place / "logs" / "objects.log").read_text()


def test_the_command(lab: Lab) -> None:
    lab.add(FILL)
    options = ["--source", lab.repo.path, "--base", lab.base, "--series", str(lab.series), "--dir", str(lab.place)]
    done = CliRunner().invoke(cli, ["build", *options, "-j", "2"])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[2] == "6 objects compiled in 5 directories; 1 error, 0 new warnings"
    assert lines[3:7] == [
        "",
        "mptcp-fill.patch",
        "  error     net/mptcp/pm.c:5:16",
        "            implicit declaration of function 'tcp_fill' [-Werror=implicit-function-declaration]",
    ]
    assert done.stderr.splitlines()[:4] == [
        "build: source files",
        "build: configuration",
        "build: preparation",
        "build: objects",
    ]
    assert done.stderr.splitlines()[-1].startswith("mptcp-series: error: mptcp-fill.patch: net/mptcp/pm.c:5:16: error:")


def test_how_lines_are_laid(lab: Lab) -> None:
    """All ways to lay an error are among those the tests above have."""
    assert {one.value for one in Blame} == {"line", "use", "removed", "nobody"}
    edits = (
        ("include/net/sock.h", "\tint hook;\n};\n", "\tint hook;\n};\n#define sock_get(sk) ((sk)->gone)\n"),
        ("net/ipv4/tcp.c", "sk->state +", "sock_get(sk) +"),
    )
    build = lab.add(Patch("macro", edits)).build()
    assert [(one.patch, one.diagnostic.path) for one in build.errors] == [("macro.patch", "include/net/sock.h")]


def test_what_would_cure_it_is_told(lab: Lab) -> None:
    """A name the base lacks: the commit of the target that brings it, and the recipe's own word where it has one."""
    outside = Patch(
        "tcp: add a way to fill",
        (
            ("include/net/tcp.h", "int tcp_send(", "int tcp_fill(int id);\nint tcp_send("),
            ("net/ipv4/tcp.c", "int tcp_send(", "int tcp_fill(int id)\n{\n\treturn id;\n}\nint tcp_send("),
        ),
    )
    uses = Patch(
        "mptcp: fill",
        (
            ("net/mptcp/pm.c", "int mptcp_pm(int id);\n", "#include <net/tcp.h>\nint mptcp_pm(int id);\n"),
            ("net/mptcp/pm.c", "\treturn id + 2;\n", "\treturn tcp_fill(id);\n"),
        ),
    )
    commit = lab.add(outside).head
    lab.skip_last().add(uses)
    for tag, at in (("v5.10", lab.base), ("v5.15", lab.head)):
        lab.repo.references.create(f"refs/tags/{tag}", at)
    recipe = (
        'name = "lab"\nrange = "v5.10..v5.15"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/", "include/net/mptcp.h"]\n'
    )
    (lab.series / "recipe.toml").write_text(f"[series]\n{recipe}")
    options = ["--source", lab.repo.path, "--base", "v5.10", "--series", str(lab.series), "--dir", str(lab.place)]
    done = CliRunner().invoke(cli, ["build", *options, "--json"])
    assert done.exit_code == 1, done.output
    (error,) = json.loads(done.stdout)["errors"]
    assert (error["patch"], error["path"]) == ("mptcp-fill.patch", "net/mptcp/pm.c")
    assert error["cure"] == f"{commit[:12]} tcp: add a way to fill"
    when = f'[[prerequisite]]\ncommit = "{commit}"\nreason = "fill"\nwhen = "include/net/tcp.h lacks tcp_fill("\n'
    (lab.series / "recipe.toml").write_text(f"[series]\n{recipe}{when}")
    again = CliRunner().invoke(cli, ["build", *options, "--json"])
    assert json.loads(again.stdout)["errors"][0]["cure"] == f"prerequisite {commit[:12]} of the recipe (fill)"


def test_kconfig_files_that_cannot_be_read(lab: Lab) -> None:
    edits = (("net/mptcp/Kconfig", "config MPTCP_KUNIT_TESTS\n", "cnofig MPTCP_KUNIT_TESTS\n"),)
    build = lab.add(Patch("typo", edits)).build()
    assert errors(build) == [("typo.patch", "line", "net/mptcp/Kconfig", 5)]
    assert build.errors[0].diagnostic.message == 'unknown statement "cnofig"'
    assert build.compiled == 0


def test_what_is_gone_is_forgotten(lab: Lab) -> None:
    """Warnings of a source that the next tree does not have, or that the next configuration leaves out."""
    noisy = "int noisy(void);\nint noisy(void)\n{\n\tint unused;\n\n\treturn 0;\n}\n"
    edits = (
        ("net/mptcp/noisy.c", None, noisy),
        ("net/mptcp/Makefile", "token.o", "token.o noisy.o"),
        ("net/ipv6/tcp_ipv6.c", "\treturn tcp_send(sk, 6);\n", "\tint six;\n\n\treturn tcp_send(sk, 6);\n"),
    )
    lab.add(Patch("noisy", edits))
    assert [one.diagnostic.path for one in lab.build().warnings] == ["net/ipv6/tcp_ipv6.c", "net/mptcp/noisy.c"]
    text = "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_MPTCP=y\n"
    build = lab.build(request=Request(texts=(text,)))
    assert [one.diagnostic.path for one in build.warnings] == ["net/mptcp/noisy.c"]
    assert build.hidden.not_compiled == ("net/ipv6/tcp_ipv6.c",)
    away = (("net/mptcp/noisy.c", noisy, None), ("net/mptcp/Makefile", " noisy.o", ""))
    assert lab.add(Patch("quiet", away)).build(request=Request(texts=(text,))).warnings == ()
