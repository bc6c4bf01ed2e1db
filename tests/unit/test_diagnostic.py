# SPDX-License-Identifier: MIT
"""What compilers and make say, read: texts are written by hand in the forms of gcc, clang, GNU as, ld and kbuild."""

from __future__ import annotations

import pytest

from mptcp_series.values.diagnostic import (
    Diagnostic,
    DiagnosticParser,
    Missing,
    MissingKind,
    Place,
    Severity,
    missing_name,
)


def parsed(text: str) -> DiagnosticParser:
    root = "/b/source/"
    return DiagnosticParser(locate=lambda path: path.removeprefix(root)).feed_all(text.splitlines())


def told(text: str) -> list[str]:
    return [str(one) for one in parsed(text).diagnostics]


GCC = """\
  CC      net/mptcp/pm.o
/b/source/net/mptcp/pm.c: In function 'mptcp_pm':
/b/source/net/mptcp/pm.c:12:9: error: implicit declaration of function 'tcp_fill'; did you mean 'tcp_kill'? \
[-Werror=implicit-function-declaration]
   12 |         tcp_fill(sk);
      |         ^~~~~~~~
      |         tcp_kill
/b/source/net/mptcp/pm.c:14:7: warning: unused variable 'err' [-Wunused-variable]
cc1: some warnings being treated as errors
make[3]: *** [/b/source/scripts/Makefile.build:280: net/mptcp/pm.o] Error 1
make[2]: *** [/b/source/scripts/Makefile.build:497: net/mptcp] Error 2
"""


def test_errors_and_warnings_of_gcc() -> None:
    parser = parsed(GCC)
    assert [str(one) for one in parser.diagnostics] == [
        "net/mptcp/pm.c:12:9: error: implicit declaration of function 'tcp_fill'; did you mean 'tcp_kill'? "
        "[-Werror=implicit-function-declaration]",
        "net/mptcp/pm.c:14:7: warning: unused variable 'err' [-Wunused-variable]",
    ]
    error, warning = parser.diagnostics
    assert (error.severity, error.line, error.column, error.option, error.fatal) == (
        Severity.ERROR,
        12,
        9,
        "-Werror=implicit-function-declaration",
        False,
    )
    assert (warning.severity, warning.message) == (Severity.WARNING, "unused variable 'err'")
    assert parser.compiled == ["net/mptcp/pm.o"]
    assert parser.failed == ["net/mptcp/pm.o", "net/mptcp"]
    assert parser.steps == 1


def test_a_missing_header_ends_its_file() -> None:
    (error,) = parsed(
        "/b/source/net/mptcp/crypto.c:3:10: fatal error: crypto/new.h: No such file or directory\n"
    ).diagnostics
    assert error.fatal
    assert error.missing == Missing(name="crypto/new.h", kind=MissingKind.INCLUDE)
    (error,) = parsed("net/mptcp/crypto.c:3:10: fatal error: 'crypto/new.h' file not found\n").diagnostics
    assert error.missing == Missing(name="crypto/new.h", kind=MissingKind.INCLUDE)


def test_the_way_to_a_header_is_kept_for_all_its_messages() -> None:
    """gcc tells it once for a file; the next file that is compiled is another matter."""
    first, second, third = parsed("""\
  CC      net/mptcp/pm.o
In file included from /b/source/include/net/tcp.h:4,
                 from /b/source/include/net/mptcp.h:9,
                 from /b/source/net/mptcp/pm.c:2:
/b/source/include/net/sock.h:7:2: error: unknown type name 'u96'
/b/source/include/net/sock.h:8:2: error: unknown type name 'u97'
  CC      net/ipv4/tcp.o
/b/source/net/ipv4/tcp.c:1:1: error: unknown type name 'u98'
""").diagnostics
    way = (
        Place(path="include/net/tcp.h", line=4),
        Place(path="include/net/mptcp.h", line=9),
        Place(path="net/mptcp/pm.c", line=2),
    )
    assert (first.includes, second.includes, third.includes) == (way, way, ())
    assert [one.unit for one in (first, second, third)] == ["net/mptcp/pm.c", "net/mptcp/pm.c", "net/ipv4/tcp.c"]


def test_clang_names_the_outermost_file_first() -> None:
    (error,) = parsed("""\
In file included from net/mptcp/pm.c:2:
In file included from include/net/mptcp.h:9:
include/net/sock.h:7:2: error: unknown type name 'u96'
""").diagnostics
    assert error.includes == (Place(path="include/net/mptcp.h", line=9), Place(path="net/mptcp/pm.c", line=2))


def test_notes_belong_to_the_message_before() -> None:
    (error,) = parsed("""\
net/ipv4/tcp.c:30:9: error: too few arguments to function 'tcp_reset'
   30 |         tcp_reset(sk);
include/net/tcp.h:12:6: note: declared here
net/ipv4/tcp.c:30:9: note: each undeclared identifier is reported only once for each function it appears in
""").diagnostics
    (note,) = error.notes
    assert (note.place, note.message) == (Place(path="include/net/tcp.h", line=12), "declared here")


def test_quotes_of_any_kind_are_straight() -> None:
    (error,) = parsed("a.c:1:2: error: \u2018x\u2019 undeclared (first use in this function)\n").diagnostics
    assert error.message == "'x' undeclared (first use in this function)"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("net/a.S:4: Error: no such instruction: `mow %eax'", "net/a.S:4: error: no such instruction: 'mow %eax'"),
        (
            "net/mptcp/pm.o: warning: objtool: mptcp_pm()+0x1: unreachable instruction",
            "net/mptcp/pm.o: warning: objtool: mptcp_pm()+0x1: unreachable instruction",
        ),
        (
            "ld: net/mptcp/pm.o:/b/source/net/mptcp/pm.c:12: undefined reference to `tcp_fill'",
            "net/mptcp/pm.c:12: error: undefined reference to 'tcp_fill'",
        ),
        (
            "ld: net/mptcp/pm.o: in function `mptcp_pm':\npm.c:(.text+0x1): undefined reference to `tcp_fill'",
            "net/mptcp/pm.c: error: undefined reference to 'tcp_fill'",
        ),
        (
            "/b/source/net/mptcp/pm.c:12: undefined reference to `tcp_fill'",
            "net/mptcp/pm.c:12: error: undefined reference to 'tcp_fill'",
        ),
        ("ld.lld: error: undefined symbol: tcp_fill", "error: undefined symbol: tcp_fill"),
        (
            'ERROR: modpost: "tcp_fill" [net/mptcp/diag.ko] undefined!',
            'error: "tcp_fill" [net/mptcp/diag.ko] undefined!',
        ),
        ("WARNING: modpost: missing MODULE_LICENSE() in a.o", "warning: missing MODULE_LICENSE() in a.o"),
        ('net/mptcp/Kconfig:7: unknown statement "cnofig"', 'net/mptcp/Kconfig:7: error: unknown statement "cnofig"'),
        (
            "net/mptcp/Kconfig:7:warning: ignoring unsupported character",
            "net/mptcp/Kconfig:7: warning: ignoring unsupported character",
        ),
        (
            "/b/source/net/mptcp/Makefile:3: *** missing separator.  Stop.",
            "net/mptcp/Makefile:3: error: missing separator",
        ),
    ],
)
def test_other_tools(line: str, shown: str) -> None:
    assert told(line) == [shown]


def test_what_is_no_message_is_none() -> None:
    assert (
        told("""\
  HOSTCC  scripts/basic/fixdep
make[1]: Entering directory '/b/out'
   12 |         error: this is source text
net/mptcp/pm.c: In function 'x':
cc1: all warnings being treated as errors
  GEN     Makefile
""")
        == []
    )


def test_targets_nothing_makes() -> None:
    parser = parsed("""\
make[4]: *** No rule to make target 'net/mptcp/gone.o', needed by 'net/mptcp/built-in.a'.
make[3]: *** No rule to make target 'drivers/net/absent.o'.  Stop.
""")
    assert parser.no_rule == [("net/mptcp/gone.o", "net/mptcp/built-in.a"), ("drivers/net/absent.o", None)]


@pytest.mark.parametrize(
    ("message", "name", "kind", "owner"),
    [
        ("call to undeclared function 'f'; ISO C99 does not", "f", MissingKind.FUNCTION, None),
        ("'SO_NEW' undeclared (first use in this function)", "SO_NEW", MissingKind.NAME, None),
        ("use of undeclared identifier 'SO_NEW'", "SO_NEW", MissingKind.NAME, None),
        ("unknown type name 'u96'", "u96", MissingKind.TYPE, None),
        ("'const struct group' has no member named 'flags'", "flags", MissingKind.MEMBER, "group"),
        ("no member named 'flags' in 'struct group'", "flags", MissingKind.MEMBER, "group"),
        ("invalid use of undefined type 'struct so_new'", "so_new", MissingKind.TYPE, None),
        ("too few arguments to function 'f'", "f", MissingKind.PROTOTYPE, None),
        ("passing argument 1 of 'f' from incompatible pointer type", "f", MissingKind.PROTOTYPE, None),
        ("undefined reference to 'f'", "f", MissingKind.SYMBOL, None),
        ('"f" [net/a.ko] undefined!', "f", MissingKind.SYMBOL, None),
    ],
)
def test_names_that_are_missing(message: str, name: str, kind: MissingKind, owner: str | None) -> None:
    assert missing_name(message) == Missing(name=name, kind=kind, owner=owner)


def test_a_message_that_names_nothing() -> None:
    assert missing_name("expected ';' before '}' token") is None


def test_what_was_said_is_kept_in_a_file() -> None:
    (error,) = parsed("""\
In file included from net/mptcp/pm.c:2:
include/net/sock.h:7:2: error: too few arguments to function 'f' [-Wx]
include/net/tcp.h:12:6: note: declared here
""").diagnostics
    assert Diagnostic.from_json(error.to_json()) == error


def test_the_same_message_of_two_versions() -> None:
    """A warning that one configuration makes an error is the same warning; where it stands does not count."""
    one, two = parsed("""\
a.c:1:2: error: unused variable 'x' [-Werror=unused-variable]
a.c:9:2: error: unused variable 'x' [-Wunused-variable]
""").diagnostics
    assert one.said == two.said
    assert one.said != parsed("a.c:1:2: warning: unused variable 'x' [-Wunused-variable]").diagnostics[0].said
