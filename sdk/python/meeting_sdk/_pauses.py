"""How long to wait before trying again, and how often: pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Reconnect:
    """How the event stream comes back after a loss."""

    attempts: int = 10
    """Tries before the stream gives up; 0 never tries again. The default is a little over two minutes."""
    base: float = 0.5
    """The longest first pause, in seconds; it doubles with every further try."""
    longest: float = 30.0
    """No pause is longer, in seconds."""


def pause(attempt: int, base: float, longest: float, random: float) -> float:
    """The pause in seconds before try number `attempt` (from 0).

    It doubles, and is somewhere in the upper half, so that clients that were cut off together do not come back together.
    `random` is in 0..1.
    """
    # Beyond 2**32 every pause is the longest one anyway, and a float has an end.
    ceiling = min(longest, base * 2.0 ** min(attempt, 32))
    return ceiling / 2 + ceiling / 2 * random


def retry_after(header: str | None, now: datetime) -> float | None:
    """`Retry-After` in seconds, whichever of its two forms it has; None when absent or unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None
