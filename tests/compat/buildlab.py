# SPDX-License-Identifier: MIT
"""A tree of a kernel's shape that make and gcc really build: small enough to be compiled in a second.

Its Makefile understands what `build` asks of a kernel's (`O=`, configuration targets, `prepare`, directories, single
objects, `image_name`), with kbuild's words in its output. All of it is ours; nothing is taken from a kernel.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series.engine.building.build import BuildOptions, build
from mptcp_series.engine.building.compile import Toolchain
from mptcp_series.engine.building.configuration import Request
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.values.built import Build
from mptcp_series.values.paths import OwnedPaths

__all__ = [
    "ARGUMENT",
    "CONFIG_AWK",
    "FILL",
    "GROW",
    "HOOK",
    "LIMITS",
    "MAKEFILE",
    "OWNED",
    "TOKEN",
    "Lab",
    "Patch",
    "needs_compiler",
    "tree",
]

OWNED = OwnedPaths(patterns=("net/mptcp/", "include/net/mptcp.h"))


def needs_compiler() -> None:
    """Skip where there is no gcc or make; both are among what the tests are run with."""
    for program in ("gcc", "make"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


MAKEFILE = r"""# SPDX-License-Identifier: MIT
VERSION = 5
PATCHLEVEL = 10
SUBLEVEL = 66
EXTRAVERSION =

ifeq ($(srctree),)

# As a kernel's: all is made in another directory, by this same file.
$(MAKECMDGOALS): again
	@:
.PHONY: again
again:
	@$(MAKE) --no-print-directory -C $(O) -f $(CURDIR)/Makefile srctree=$(CURDIR) $(MAKECMDGOALS)

else

KCONFIG_CONFIG ?= .config
-include .config
VPATH := $(srctree)
CC := $(CROSS_COMPILE)gcc
dirs := @DIRS@
flags := -std=gnu11 -O1 -Wall -Werror=implicit-function-declaration -ffreestanding -fno-pie @FLAGS@
flags += -I$(srctree)/include -Iinclude $(KCPPFLAGS) $(KCFLAGS)
flags += $(foreach v,$(filter CONFIG_%,$(.VARIABLES)),$(if $(filter y,$($v)),-D$v=1))

define read
obj-y :=
include $(srctree)/$(1)/Makefile
objs-$(1) := $$(addprefix $(1)/,$$(foreach o,$$(obj-y),$$(if $$($$(o:.o=-y)),$$($$(o:.o=-y)),$$(o))))
objects += $$(objs-$(1))
endef
$(foreach d,$(dirs),$(eval $(call read,$(d))))
$(foreach d,$(dirs),$(eval $(d)/: $(objs-$(d))))

.PHONY: $(dirs:%=%/) prepare olddefconfig x86_64_defconfig image_name bzImage
x86_64_defconfig:
	@echo CONFIG_NET=y > $(KCONFIG_CONFIG)
olddefconfig:
	@cd $(srctree) && awk -f scripts/config.awk $$(find . -name 'Kconfig*' | sort) $(CURDIR)/$(KCONFIG_CONFIG) \
		> $(CURDIR)/.config.tmp && mv $(CURDIR)/.config.tmp $(CURDIR)/$(KCONFIG_CONFIG)
prepare: include/generated/limits.h
include/generated/limits.h: $(srctree)/scripts/limits.c
	@mkdir -p $(@D) && echo '  HOSTCC  scripts/limits' && gcc -Wall @HOST@ $(if $(filter 0,$(WERROR)),,-Werror) \
		-o limits $< && ./limits > $@
$(objects): %.o: %.c include/generated/limits.h
	@mkdir -p $(@D) && echo '  CC      $@' && $(CC) $(flags) -MMD -MP -MF $(@D)/.$(*F).d -c -o $@ $(srctree)/$*.c
-include $(shell find . -name '.*.d')
image_name:
	@echo arch/x86/boot/bzImage
bzImage: $(objects)
	@mkdir -p arch/x86/boot && echo '  LD      vmlinux' && \
		$(CC) -nostdlib -static -Wl,--entry=0 -o arch/x86/boot/bzImage $(objects)

endif
"""

CONFIG_AWK = r"""# SPDX-License-Identifier: MIT
# Kconfig in small: a symbol nobody defines is dropped, one whose dependency is not set is not set.
FILENAME ~ /Kconfig[^\/]*$/ && $1 == "config" { name = $2; known[name] = 1; next }
FILENAME ~ /Kconfig[^\/]*$/ && $1 == "depends" { needs[name] = $3; next }
FILENAME ~ /Kconfig[^\/]*$/ && /^[a-z]/ && $1 != "source" {
    print FILENAME ":" FNR ": unknown statement \"" $1 "\"" > "/dev/stderr"
    failed = 1
    exit 1
}
/^CONFIG_[A-Za-z0-9_]+=/ { split(substr($0, 8), part, "="); value[part[1]] = part[2] }
/^# CONFIG_.* is not set/ { value[substr($2, 8)] = "n" }
END {
    if (failed)
        exit 1
    for (name in known)
        if (value[name] == "y" && (!(name in needs) || value[needs[name]] == "y"))
            print "CONFIG_" name "=y" | "sort"
        else
            print "# CONFIG_" name " is not set" | "sort"
}
"""

LIMITS = """/* SPDX-License-Identifier: MIT */
#include <stdio.h>
int main(void)
{
\tprintf("#define LIMIT 64\\n");
\treturn 0;
}
"""

_DIRS = ("lib", "net/core", "net/ipv4", "net/ipv6", "net/mptcp", "net/tls", "security")

KCONFIG = """# SPDX-License-Identifier: MIT
config NET
\tbool "Networking"
config INET
\tbool "TCP"
\tdepends on NET
config IPV6
\tbool "IPv6"
config INET_DIAG
\tbool "Diag"
config KUNIT
\tbool "Tests in the kernel"
config TLS
\tbool "TLS"
source "net/mptcp/Kconfig"
"""

_MPTCP_KCONFIG = """# SPDX-License-Identifier: MIT
config MPTCP
\tbool "MPTCP"
\tdepends on INET
config MPTCP_KUNIT_TESTS
\tbool "MPTCP tests"
\tdepends on KUNIT
"""


def tree(*, flags: str = "", host: str = "", dirs: Sequence[str] = _DIRS) -> dict[str, str]:
    """The files of the base. flags: more of the compiler's; host: of that of the tree's own program."""
    makefile = MAKEFILE.replace("@DIRS@", " ".join(dirs)).replace("@FLAGS@", flags).replace("@HOST@", host)
    return {
        "Makefile": makefile,
        "Kconfig": KCONFIG,
        "scripts/config.awk": CONFIG_AWK,
        "scripts/limits.c": LIMITS,
        "include/net/sock.h": "struct sock {\n\tint state;\n\tint err;\n};\nint sock_error(struct sock *sk);\n",
        "include/net/tcp.h": "#include <net/sock.h>\nint tcp_send(struct sock *sk, int size);\n",
        "include/net/mptcp.h": "int mptcp_push(int size);\n",
        "lib/Makefile": "lib-y += sort.o\nobj-y += sort.o\n",
        "lib/sort.c": "int sort(int a);\nint sort(int a)\n{\n\treturn a;\n}\n",
        "net/core/Makefile": "obj-y += sock.o\n",
        "net/core/sock.c": "#include <net/sock.h>\nint sock_error(struct sock *sk)\n{\n\treturn sk->err;\n}\n",
        "net/ipv4/Makefile": "obj-$(CONFIG_INET) += tcp.o\n",
        "net/ipv4/tcp.c": "#include <net/tcp.h>\nint tcp_send(struct sock *sk, int size)\n{\n"
        "\treturn sk->state + size;\n}\n",
        "net/ipv6/Makefile": "obj-$(CONFIG_IPV6) += tcp_ipv6.o\n",
        "net/ipv6/tcp_ipv6.c": "#include <net/tcp.h>\nint tcp6_send(struct sock *sk);\n"
        "int tcp6_send(struct sock *sk)\n{\n\treturn tcp_send(sk, 6);\n}\n",
        "net/mptcp/Makefile": "obj-$(CONFIG_MPTCP) += mptcp.o\nmptcp-y := protocol.o pm.o\n",
        "net/mptcp/Kconfig": _MPTCP_KCONFIG,
        "net/mptcp/protocol.c": "#include <net/mptcp.h>\n#include <net/tcp.h>\nint mptcp_push(int size)\n{\n"
        "\tstruct sock sk = { 0, 0 };\n\n\treturn tcp_send(&sk, size);\n}\n",
        "net/mptcp/pm.c": "int mptcp_pm(int id);\nint mptcp_pm(int id)\n{\n\treturn id + 1;\n}\n",
        "net/tls/Makefile": "obj-$(CONFIG_TLS) += tls.o\n",
        "net/tls/tls.c": "#include <net/sock.h>\nint tls_error(struct sock *sk);\n"
        "int tls_error(struct sock *sk)\n{\n\tint unused;\n\n\treturn sock_error(sk);\n}\n",
        "security/Makefile": "obj-y += lsm.o cap.o\n",
        "security/lsm.c": "#include <net/sock.h>\nint lsm(struct sock *sk);\nint lsm(struct sock *sk)\n{\n"
        "\treturn sk->err;\n}\n",
        "security/cap.c": "int cap(void);\nint cap(void)\n{\n\treturn 0;\n}\n",
        "tools/testing/selftests/net/mptcp/Makefile": "TEST_PROGS := a.c\n",
        "tools/testing/selftests/net/mptcp/a.c": "int main(void) { return 0; }\n",
    }


@attrs.frozen
class Patch:
    """A change: replaced text, (path, old, new); an old of None makes the file, a new of None takes it away."""

    name: str
    edits: tuple[tuple[str, str | None, str | None], ...]


@attrs.define
class Lab:
    """A base, a queue on it, and builds of the result."""

    directory: Path
    files: dict[str, str]
    repo: pygit2.Repository = attrs.field(init=False)
    base: str = attrs.field(init=False)
    head: str = attrs.field(init=False)
    """The last commit."""
    _series: list[str] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.repo = pygit2.init_repository(str(self.directory / "lab.git"), bare=True)
        self.base = self.head = self._commit("Linux 5.10.66\n", [])

    def _commit(self, message: str, parents: list[str]) -> str:
        index = pygit2.Index()
        for path, text in self.files.items():
            blob = self.repo.create_blob(text.encode())
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        person = pygit2.Signature("Paolo Tester", "paolo@example.org", 1_612_137_600, 60)
        made = self.repo.create_commit(None, person, person, message, index.write_tree(self.repo), parents)
        self.repo.references.create("refs/heads/tip", made, force=True)
        return str(made)

    def add(self, *patches: Patch) -> Lab:
        """Put patches at the end of the queue."""
        for patch in patches:
            for path, old, new in patch.edits:
                if new is None:
                    del self.files[path]
                elif old is None:
                    self.files[path] = new
                else:
                    assert self.files[path].count(old) == 1, (path, old)
                    self.files[path] = self.files[path].replace(old, new)
            self.head = self._commit(f"{patch.name}\n", [self.head])
            name = patch.name.replace(": ", "-").replace(" ", "-")
            self._series.append(f"{name}.patch # {self.head}\n")
        return self

    def skip_last(self) -> Lab:
        """Leave the last patch out of the queue; it stays in the history."""
        self._series.pop()
        return self

    @property
    def series(self) -> Path:
        place = self.directory / "series" / "lab"
        place.mkdir(parents=True, exist_ok=True)
        (place / "series").write_text("".join(self._series))
        return place

    def result(self, base: str | None = None) -> Result:
        return Queue.load(self.series, source=self.repo.path).apply(self.repo.path, base=base or self.base)

    @property
    def place(self) -> Path:
        return self.directory / "build"

    def build(
        self,
        *,
        result: Result | None = None,
        arguments: Sequence[str] = (),
        request: Request | None = None,
        **options: bool,
    ) -> Build:
        return build(
            result or self.result(),
            self.place,
            BuildOptions(
                toolchain=Toolchain(arch="x86_64", jobs=2, arguments=tuple(arguments)),
                request=request or Request(),
                **options,  # type: ignore[arg-type]
            ),
            owned=OWNED,
        )

    def times(self) -> Mapping[str, int]:
        """When each object was made."""
        out = self.place / "out"
        return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*.o")}


GROW = Patch(
    "mptcp-grow",
    (
        ("net/mptcp/pm.c", "\treturn id + 1;\n", "\treturn id + 2;\n"),
        ("net/mptcp/protocol.c", "\treturn tcp_send(&sk, size);\n", "\treturn tcp_send(&sk, size) + 1;\n"),
    ),
)
HOOK = Patch(
    "tcp-add-a-hook",
    (
        ("include/net/sock.h", "\tint err;\n", "\tint err;\n\tint hook;\n"),
        ("net/ipv4/tcp.c", "sk->state + size", "sk->state + size + sk->hook"),
        ("net/mptcp/protocol.c", "{ 0, 0 }", "{ 0, 0, 1 }"),
    ),
)
TOKEN = Patch(
    "mptcp-add-tokens",
    (
        ("net/mptcp/token.c", None, "int mptcp_token(int id);\nint mptcp_token(int id)\n{\n\treturn id;\n}\n"),
        ("net/mptcp/Makefile", "protocol.o pm.o", "protocol.o pm.o token.o"),
        ("tools/testing/selftests/net/mptcp/a.c", "return 0", "return 1"),
    ),
)
FILL = Patch(
    "mptcp-fill",
    (("net/mptcp/pm.c", "\treturn id + 2;\n", "\tid += 1;\n\treturn tcp_fill(id);\n"),),
)
"""Calls what the base does not have."""

ARGUMENT = Patch(
    "tcp-send-takes-a-flag",
    (
        ("include/net/tcp.h", "int size);", "int size, int flag);"),
        ("net/ipv4/tcp.c", "int size)", "int size, int flag)"),
        ("net/ipv4/tcp.c", "size + sk->hook", "size + sk->hook + flag"),
        ("net/mptcp/protocol.c", "tcp_send(&sk, size)", "tcp_send(&sk, size, 0)"),
    ),
)
"""Forgets net/ipv6/tcp_ipv6.c, which is in another directory than anything it touches."""
