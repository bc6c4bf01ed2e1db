# SPDX-License-Identifier: MIT
"""Who wrote something and when, as git stores it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import attrs

__all__ = ["Person"]


@attrs.frozen(kw_only=True)
class Person:
    """An identity with a time: seconds since the epoch and the zone's offset in minutes."""

    name: str
    email: str
    time: int = 0
    offset: int = 0

    def signature(self) -> bytes:
        """As a commit object has it: `Name <email> seconds +hhmm`."""
        sign = "-" if self.offset < 0 else "+"
        hours, minutes = divmod(abs(self.offset), 60)
        text = f"{_plain(self.name)} <{_plain(self.email)}> {self.time} {sign}{hours:02}{minutes:02}"
        return text.encode("utf-8", "surrogateescape")

    def date(self) -> str:
        """RFC 2822, in the author's own zone: `Mon, 4 Jan 2021 10:00:00 +0100`."""
        zone = timezone(timedelta(minutes=self.offset))
        moment = datetime.fromtimestamp(self.time, zone)
        day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
        month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[moment.month - 1]
        return f"{day}, {moment.day} {month} {moment:%Y %H:%M:%S %z}"


def _plain(text: str) -> str:
    """Without what would end the identity in a commit object."""
    return "".join(character for character in text if character not in "<>\n\r\0")
