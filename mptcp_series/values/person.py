# SPDX-License-Identifier: MIT
"""Who wrote something and when, as git stores it."""

from __future__ import annotations

from datetime import datetime, timedelta

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
        text = f"{_plain(self.name)} <{_plain(self.email)}> {self.time} {self.zone()}"
        return text.encode("utf-8", "surrogateescape")

    def zone(self) -> str:
        """The zone as git writes it: `+0100`."""
        sign = "-" if self.offset < 0 else "+"
        hours, minutes = divmod(abs(self.offset), 60)
        return f"{sign}{hours:02}{minutes:02}"

    def date(self) -> str:
        """RFC 2822, in the author's own zone: `Mon, 4 Jan 2021 10:00:00 +0100`."""
        # Zones of a day and more occur in old commits, and datetime has none.
        moment = datetime(1970, 1, 1) + timedelta(seconds=self.time, minutes=self.offset)
        day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
        month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[moment.month - 1]
        return f"{day}, {moment.day} {month} {moment:%Y %H:%M:%S} {self.zone()}"


def _plain(text: str) -> str:
    """Without what would end the identity in a commit object."""
    return "".join(character for character in text if character not in "<>\n\r\0")
