# SPDX-License-Identifier: MIT
"""Whether a change stands in a file: every way to be told it does where it does not, and the ways it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.alignment.coverage import Block, FileDelta, Text, blocks, scope_name, weight

from .stable_lab import function, stack

SEND = stack("open", "send", "recv")
COUNT = b"\tmptcp_send_count(data);\n"
LOCK = b"\tspin_lock_bh(&msk->lock);\n"


def delta(before: bytes, after: bytes) -> FileDelta:
    return FileDelta.of(Text(before), Text(after))


def stands(before: bytes, after: bytes, current: bytes, *others: bytes) -> bool:
    """Whether the whole change is in `current`, or in one of the other owned files."""
    change = delta(before, after)
    texts = [Text(other) for other in others]
    found = Text(current)
    return bool(change.hunks) and all(
        change.stands(at, found, lambda name: [text for text in texts if name in text.scopes])
        for at in range(len(change.hunks))
    )


def swapped(content: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for old, new in pairs:
        assert content.count(old) == 1, (old, content)
        content = content.replace(old, new)
    return content


def added(line: bytes, to: bytes = SEND, after: bytes = COUNT) -> bytes:
    return swapped(to, (after, after + line))


CHECK = b"\tif (!mptcp_send_allowed(data, sk->send_budget))\n\t\treturn -EPERM;\n"


# It stands.


def test_the_same_file() -> None:
    assert stands(SEND, added(CHECK), added(CHECK))


def test_lines_that_moved_with_their_function() -> None:
    current = stack("send", "other", "open").replace(COUNT, COUNT + CHECK)
    assert stands(SEND, added(CHECK), current)


def test_a_neighbour_that_changed_on_one_side() -> None:
    current = swapped(added(CHECK), (b"\treturn mptcp_send_finish(data);\n", b"\treturn mptcp_send_done(data);\n"))
    assert stands(SEND, added(LOCK), swapped(added(LOCK), (b"\treturn mptcp_send_finish(data);\n", b"\treturn 0;\n")))
    assert stands(SEND, added(CHECK), current)


def test_lines_that_tell_enough_need_no_neighbour() -> None:
    current = swapped(SEND, (b"\tmptcp_send_work(data, sk->send_budget);\n", CHECK), (COUNT, b""))
    assert stands(SEND, added(CHECK), current)


def test_a_function_that_moved_to_another_owned_file() -> None:
    other = stack("send").replace(COUNT, COUNT + CHECK)
    assert stands(SEND, added(CHECK), stack("open", "recv"), other)
    assert not stands(SEND, added(CHECK), stack("open", "recv"), stack("send"))
    assert not stands(SEND, added(CHECK), stack("open", "recv"))


def test_a_whole_new_function() -> None:
    after = SEND + function("poll").encode()
    assert stands(SEND, after, stack("poll", "send"))
    assert not stands(SEND, after, SEND)


def test_the_same_change_at_the_same_place_of_lines_that_tell_nothing() -> None:
    before = b"\n".join([b"one two three", b"{", b"}", b"{", b"}", b"four five six"]) + b"\n"
    after = before.replace(b"{\n}\n", b"{\n\n}\n", 1)
    current = after.replace(b"four", b"fore")
    assert stands(before, after, current)
    assert not stands(before, after, before.replace(b"four", b"fore"))


def test_a_line_that_is_replaced() -> None:
    after = swapped(SEND, (COUNT, b"\tmptcp_send_count_once(data);\n"))
    assert stands(SEND, after, swapped(after, (b"mptcp_open_count", b"mptcp_open_counts")))


def test_a_line_that_is_removed() -> None:
    after = swapped(SEND, (COUNT, b""))
    assert stands(SEND, after, swapped(after, (b"mptcp_open_count", b"mptcp_open_counts")))


def test_a_file_without_its_last_newline() -> None:
    before, after = b"alpha beta\ngamma delta", b"alpha beta\ngamma delta\nepsilon zeta"
    assert stands(before, after, b"first line\nalpha beta\ngamma delta\nepsilon zeta")


# It does not.


def test_the_unchanged_file() -> None:
    assert not stands(SEND, added(CHECK), SEND)


def test_common_lines_elsewhere_prove_nothing() -> None:
    """`return -EINVAL;` and a lock are in every file of the stack."""
    for line in (b"\t\treturn -EINVAL;\n", LOCK, b"\tlock_sock(sk);\n", b"}\n"):
        current = swapped(SEND, (b"\tmptcp_recv_count(data);\n", b"\tmptcp_recv_count(data);\n" + line))
        assert not stands(SEND, added(line), current), line


def test_common_lines_in_the_same_function_prove_nothing_without_a_neighbour() -> None:
    place = b"\tstruct mptcp_send_data *data = mptcp_send_of(sk);\n"
    current = swapped(SEND, (place, place + LOCK))
    assert not stands(SEND, added(LOCK), current)


def test_the_same_lines_in_another_function() -> None:
    """A check that two functions need, and the queue added to the one only."""
    current = swapped(SEND, (b"\tmptcp_recv_count(data);\n", b"\tmptcp_recv_count(data);\n" + CHECK))
    assert not stands(SEND, added(CHECK), current)


def test_what_the_function_had_before_is_no_sign() -> None:
    before = added(CHECK)
    twice = swapped(before, (CHECK, CHECK + b"\tmptcp_send_more(data);\n" + CHECK))
    current = swapped(before, (b"mptcp_open_count", b"mptcp_open_counts"))
    assert not stands(before, twice, current)


def test_the_removed_line_is_still_there() -> None:
    after = swapped(SEND, (COUNT, b"\tmptcp_send_count_once(data);\n"))
    current = swapped(SEND, (COUNT, b"\tmptcp_send_count_once(data);\n" + COUNT))
    assert not stands(SEND, after, current)


def test_the_removed_line_stands_elsewhere_in_the_function() -> None:
    after = swapped(SEND, (COUNT, CHECK))
    prepare = b"\tmptcp_send_prepare(data);\n"
    current = swapped(SEND, (COUNT, CHECK + b"\tmptcp_send_more(data);\n"), (prepare, COUNT + prepare))
    assert not stands(SEND, after, current)


def test_half_of_a_change() -> None:
    half = swapped(SEND, (COUNT, COUNT + CHECK.split(b"\n", 1)[0] + b"\n"))
    assert not stands(SEND, added(CHECK), half)


def test_one_of_two_places() -> None:
    both = swapped(added(CHECK), (b"\tmptcp_send_prepare(data);\n", LOCK + b"\tmptcp_send_prepare(data);\n"))
    assert not stands(SEND, both, added(CHECK))


def test_a_removed_line_that_was_rewritten_instead() -> None:
    """The base dropped an assignment; the queue wraps it, and keeps it."""
    after = swapped(SEND, (COUNT, b""))
    current = swapped(SEND, (COUNT, b"\tWRITE_ONCE(data->count, mptcp_send_count(data));\n"))
    assert not stands(SEND, after, current)


def test_a_removal_from_a_function_that_is_gone() -> None:
    assert not stands(SEND, swapped(SEND, (COUNT, b"")), stack("open", "recv", "transmit"))


def test_binary_content() -> None:
    assert not stands(SEND, added(CHECK), b"\0" + added(CHECK))


# Undone.


def test_undone_by_a_later_commit_of_the_base() -> None:
    change = delta(SEND, added(CHECK))
    assert change.undone(0, Text(SEND))
    assert not change.undone(0, Text(added(CHECK)))
    assert not change.undone(0, Text(added(CHECK.split(b"\n", 1)[0] + b"\n")))
    removal = delta(SEND, swapped(SEND, (COUNT, b"")))
    assert removal.undone(0, Text(SEND))
    assert not removal.undone(0, Text(swapped(SEND, (COUNT, b""))))
    assert not removal.undone(0, None)


# Parts.


def test_blocks_are_the_runs_of_changed_lines() -> None:
    change = delta(b"a\nb\nc\nd\ne\n", b"a\nB\nc\nd\nx\ny\n")
    (hunk,) = change.hunks
    assert blocks(hunk) == [Block(old=(1, 2), new=(1, 2)), Block(old=(4, 5), new=(4, 6))]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"static bool mptcp_pending(struct sock *sk)\n", b"mptcp_pending"),
        (b"int mptcp_long(struct sock *sk, int one,\n", b"mptcp_long"),
        (b"struct mptcp_sock {\n", b"struct mptcp_sock"),
        (
            b"static const struct nla_policy mptcp_policy[MAX + 1] = {\n",
            b"static const struct nla_policy mptcp_policy[MAX + 1] =",
        ),
        (b"TRACE_EVENT(mptcp_get_send,\n", b"TRACE_EVENT(mptcp_get_send"),
        (b"check_tools()\n", b"check_tools"),
        (b'MODULE_LICENSE("GPL");\n', None),
        (b"int mptcp_count;\n", None),
        (b"obj-$(CONFIG_MPTCP) += mptcp.o\n", None),
        (b"out:\n", None),
    ],
)
def test_names_what_a_line_begins(line: bytes, name: bytes | None) -> None:
    assert scope_name(line) == name


def test_a_text_knows_its_functions() -> None:
    text = Text(stack("open", "send"))
    assert list(text.scopes) == [b"mptcp_open", b"mptcp_send"]
    lines = stack("open", "send").splitlines(keepends=True)
    inside = lines.index(b"\tmptcp_send_count(data);\n")
    assert text.scope_of(inside) == b"mptcp_send"
    assert text.scope_of(0) is None
    assert text.scope_of(lines.index(b"}\n") + 1) is None


def test_common_words_weigh_nothing() -> None:
    assert weight([b"\t\treturn -EINVAL;\n", b"}\n", b"\n", b"\tgoto out;\n", b"\tif (err) {\n"]) == 0
    assert weight([b"\tmptcp_data_unlock(sk);\n"]) == len("mptcp_data_unlock")


LINE = st.sampled_from(
    [b"\tmptcp_a(x);\n", b"\tmptcp_b(x);\n", b"\tlock(x);\n", b"\n", b"\treturn 0;\n", b"\tmptcp_c(x);\n"]
)
BODY = st.lists(LINE, max_size=8).map(lambda lines: b"int mptcp_f(void)\n{\n" + b"".join(lines) + b"}\n")


@given(before=BODY, after=BODY, current=BODY)
def test_a_hunk_never_stands_where_its_lines_are_not(before: bytes, after: bytes, current: bytes) -> None:
    change = delta(before, after)
    for at, hunk in enumerate(change.hunks):
        new = [line[1:] for line in hunk.lines if line[:1] == b"+"]
        if change.stands(at, Text(current)):
            assert all(line in current for line in new)
            # What is told apart at all is gone: fewer than before, or none.
            for line in {line[1:] for line in hunk.lines if line[:1] == b"-"} - set(after.splitlines(keepends=True)):
                assert current.count(line) < before.count(line) or weight([line]) == 0


@given(before=BODY, after=BODY)
def test_a_change_stands_in_the_file_it_made_and_not_in_the_one_before(before: bytes, after: bytes) -> None:
    change = delta(before, after)
    for at in range(len(change.hunks)):
        assert change.stands(at, Text(after))
        assert not change.stands(at, Text(before))
