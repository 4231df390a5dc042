"""The token requests and sockets are made with, and how it is replaced when the server no longer takes it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from ._error import MeetingError

RefreshToken = Callable[[MeetingError], str | Awaitable[str]]
"""Answers a new token. Called when the server refuses the one in use; calls that happen together share one answer."""


class Access:
    def __init__(self, token: str, refresh_token: RefreshToken | None) -> None:
        self.token = token
        self._refresh_token = refresh_token
        self._lock = asyncio.Lock()

    async def renewed(self, used: str, refused: MeetingError) -> bool:
        """Whether there is another token now than `used`, which the server refused.

        A callback that fails is as good as none: the caller goes on to report the refusal.
        """
        async with self._lock:
            if self.token != used:
                return True
            if self._refresh_token is None:
                return False
            try:
                answer = self._refresh_token(refused)
                self.token = await answer if inspect.isawaitable(answer) else answer
            except Exception:
                return False
            return self.token != used
