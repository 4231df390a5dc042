"""Who listens to what."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Literal, get_args

from ._generated import ServerEvent

LocalEvent = Literal["error", "open", "reconnecting", "close"]
EventName = ServerEvent | LocalEvent
Event = Any
"""A message of the server as it sent it, a dict for what this side adds, a `MeetingError` for `error`."""
Handler = Callable[[Any], Awaitable[None] | None]

SERVER_EVENTS: frozenset[str] = frozenset(get_args(ServerEvent))
_EVENTS = SERVER_EVENTS | frozenset(get_args(LocalEvent))


class Listeners:
    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {name: [] for name in _EVENTS}

    def on(self, name: str, handler: Handler) -> None:
        if name not in _EVENTS:
            raise ValueError(f"there is no event {name!r}; there are {', '.join(sorted(_EVENTS))}")
        if handler not in self._handlers[name]:
            self._handlers[name].append(handler)

    def off(self, name: str, handler: Handler) -> None:
        if handler in self._handlers.get(name, []):
            self._handlers[name].remove(handler)

    async def tell(self, name: str, event: Event) -> None:
        """Handlers are called in order, and waited for one after the other."""
        # A copy: a handler may take itself off.
        for handler in list(self._handlers[name]):
            try:
                answer = handler(event)
                if inspect.isawaitable(answer):
                    await answer
            except Exception as error:
                # Shown as asyncio shows whatever nobody caught; it disturbs neither the stream nor the other handlers.
                context = {"message": f"a handler of {name!r} failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
