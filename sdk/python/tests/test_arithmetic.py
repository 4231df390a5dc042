"""What needs no server: pauses."""

import unittest
from datetime import UTC, datetime

from meeting_sdk._pauses import Reconnect, pause, retry_after


class Arithmetic(unittest.TestCase):
    def test_cli_10_pauses_double_up_to_the_longest_and_are_spread_over_their_upper_half(self) -> None:
        usual = Reconnect()
        longest = [pause(attempt, usual.base, usual.longest, 1) for attempt in range(8)]
        self.assertEqual(longest, [0.5, 1, 2, 4, 8, 16, 30, 30])
        self.assertEqual(pause(3, 0.5, 30, 0), 2)
        self.assertEqual(pause(3, 0.5, 30, 0.5), 3)
        self.assertEqual(pause(100_000, 0.5, 30, 1), 30)

    def test_cli_10_retry_after_is_read_as_seconds_and_as_a_date(self) -> None:
        now = datetime(2026, 11, 20, 10, tzinfo=UTC)
        self.assertEqual(retry_after("17", now), 17)
        self.assertEqual(retry_after("Fri, 20 Nov 2026 10:00:30 GMT", now), 30)
        self.assertEqual(retry_after("Fri, 20 Nov 2026 09:00:00 GMT", now), 0)
        for unreadable in (None, "", " ", "soon", "-", "²", "-5"):
            self.assertIsNone(retry_after(unreadable, now), unreadable)
