"""The event stream of one meeting: a socket, and the next one when it breaks."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from ._access import Access
from ._error import MeetingError
from ._listeners import SERVER_EVENTS, Listeners
from ._pauses import Reconnect, pause

# A protocol ping this often, in seconds; a connection on which none is answered is given up.
_PING_EVERY = 25.0
# A connection that lasted this long, in seconds, was one: tries are counted from the beginning again.
_STABLE = 5.0
# The server's messages are far smaller; what is larger is not from it.
_MESSAGE_BYTES_MAX = 1024 * 1024

# The token is no longer taken, which is not to say that the meeting is closed to its bearer.
_TOKEN_CODE = "UNAUTHORIZED"
# Codes of a refused entry after which it may be otherwise in a moment; all others stay as they are.
_PASSING_CODES = {_TOKEN_CODE, "INTERNAL_ERROR", "RATE_LIMIT_EXCEEDED", "SERVICE_UNAVAILABLE"}
_FINAL_STATUSES = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
}


@dataclass
class _Loss:
    """How a connection went: whether it opened, how long it lasted in seconds, with which code it closed."""

    opened: bool = False
    lasted: float = 0.0
    code: int | None = None
    status: int | None = None
    """Of the answer that refused the upgrade."""


@dataclass
class _End:
    reason: str
    error: MeetingError | None = None


class EventStream:
    def __init__(
        self,
        meeting_id: str,
        url: str,
        *,
        access: Access,
        session: Callable[[], Awaitable[aiohttp.ClientSession]],
        listeners: Listeners,
        reconnect: Reconnect,
        timeout: float,
        join: Mapping[str, Any],
        refusal: Callable[[], Awaitable[MeetingError | None]],
        over: Callable[[], None],
    ) -> None:
        self._meeting_id = meeting_id
        self._url = url
        self._access = access
        self._session = session
        self._listeners = listeners
        self._reconnect = reconnect
        self._timeout = timeout
        # The data of the message that enters the meeting; the same again after a loss.
        self._join = join
        # Why a socket does not open, in words: the refusal that makes further tries useless, if there is one.
        self._refusal = refusal
        # Called when nothing will come back by itself.
        self._over = over
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._used = ""
        self._again = False
        # This session's id in the meeting, once it has one.
        self._me: str | None = None
        # What the server said before it closed, or before we do.
        self._told: _End | None = None
        self._ends_itself = False
        self._closing = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Settled by the first connection: inside (or waiting for the host), or the reason why there will be none."""
        self._task = asyncio.create_task(self._run())

    async def send(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._socket is None or self._socket.closed:
            raise MeetingError("the event stream of this meeting is not open", code="CLOSED")
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"type": kind, "meeting_id": self._meeting_id, "data": data, "timestamp": now}
        try:
            await self._socket.send_str(json.dumps(message))
        except (aiohttp.ClientError, ConnectionError) as cause:
            raise MeetingError("the event stream was lost", code="NETWORK_ERROR") from cause

    async def close(self) -> None:
        """Leaves and closes; nothing comes back by itself."""
        if self._task.done():
            return
        self._closing = True
        socket = self._socket
        if socket is not None and not socket.closed:
            try:
                await self.send("leave", {})
                await socket.close()
            except MeetingError:
                pass  # it was lost in this moment, and what is lost has left
        # A handler that closes its own stream is waited for by the task that would be waited for here.
        if asyncio.current_task() is not self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        end = _End("closed")
        try:
            end = await self._until_over()
        finally:
            self._over()
            if not self.opened.done():
                closed = MeetingError("the event stream was closed", code="CLOSED")
                self.opened.set_exception(end.error or closed)
                # Whoever waited has been told; a stream opened for a handler has nobody who waits.
                self.opened.exception()
            await self._tell("close", reason=end.reason, error=end.error)

    async def _until_over(self) -> _End:
        attempt = 0
        while True:
            loss = await self._connection()
            end = await self._end_after(loss)
            if end is not None:
                return end
            if loss.lasted >= _STABLE:
                attempt = 0
            if attempt >= self._reconnect.attempts:
                error = MeetingError("the event stream could not be opened", code="NETWORK_ERROR")
                return _End("gave_up", error)
            delay = pause(attempt, self._reconnect.base, self._reconnect.longest, random.random())
            attempt += 1
            await self._tell("reconnecting", attempt=attempt, delay=delay)
            await asyncio.sleep(0 if self._closing else delay)

    async def _connection(self) -> _Loss:
        """One connection, from its first byte until it is gone."""
        loss = _Loss()
        if self._closing:
            return loss
        self._used = self._access.token
        self._told = self._me = None
        loop = asyncio.get_running_loop()
        session = await self._session()
        enter_until = loop.time() + self._timeout
        try:
            async with asyncio.timeout_at(enter_until):
                socket = await session.ws_connect(
                    self._url,
                    headers={"Authorization": f"Bearer {self._used}"},
                    heartbeat=_PING_EVERY,
                    max_msg_size=_MESSAGE_BYTES_MAX,
                )
        except aiohttp.WSServerHandshakeError as error:
            loss.status = error.status
            return loss
        except (aiohttp.ClientError, OSError):
            return loss
        async with socket:
            loss.opened, opened_at = True, loop.time()
            self._socket = socket
            try:
                await self.send("join", self._join)
                async with asyncio.timeout_at(enter_until) as entering:
                    async for message in socket:
                        if message.type is aiohttp.WSMsgType.TEXT and await self._take(message.data):
                            entering.reschedule(None)
                        # Refused or removed: the connection has no use, and the server keeps it.
                        if self._told is not None and not self._ends_itself:
                            break
            except (MeetingError, TimeoutError):
                pass  # lost while something was sent, or never let in: the same as any other loss
            finally:
                self._socket = None
            loss.lasted, loss.code = loop.time() - opened_at, socket.close_code
        return loss

    async def _take(self, text: str) -> bool:
        """Takes one message; true when it says that one is inside now, or waits to be let in."""
        try:
            message = json.loads(text)
        except ValueError:
            return False
        if not isinstance(message, dict) or not isinstance(message.get("data"), dict):
            return False
        kind, data = message.get("type"), message["data"]
        entered = self._me is None and _enters(kind, data)
        if entered or kind == "joined":
            self._me = data.get("participant_id")
        if entered:
            if not self.opened.done():
                self.opened.set_result(None)
            again, self._again = self._again, True
            await self._tell("open", again=again)
        if kind == "ping":
            await self.send("pong", {})
        elif kind == "error":
            await self._take_error(data)
        elif kind in SERVER_EVENTS:
            if kind == "meeting_ended":
                # The server closes by itself, when everything is said.
                self._told, self._ends_itself = _End("meeting_ended"), True
            elif kind == "leave" and data.get("participant_id") == self._me:
                self._told = _End("removed" if data.get("reason") == "kicked" else "closed")
            await self._listeners.tell(kind, message)
        return entered

    async def _take_error(self, data: Mapping[str, Any]) -> None:
        code = data.get("code") or "ERROR"
        error = MeetingError(data.get("message") or "refused", code=code, details=data.get("details"))
        # A token that is over is told without being asked; everything else ends the stream only when it refuses to let one in.
        if data.get("request") == "join" or code == _TOKEN_CODE:
            self._told = _refused_by(error)
        await self._listeners.tell("error", error)

    async def _end_after(self, loss: _Loss) -> _End | None:
        """How the stream ends after this loss; None when it goes on."""
        if self._closing:
            return _End("closed")
        told = self._told
        if told is not None and told.error is not None:
            if told.error.code == _TOKEN_CODE:
                return None if await self._access.renewed(self._used, told.error) else told
            return None if told.error.code in _PASSING_CODES else told
        if told is not None:
            return told
        if loss.opened:
            # RFC 6455: the server is done with this connection, on purpose.
            return _End("closed") if loss.code == aiohttp.WSCloseCode.OK else None
        if loss.status not in _FINAL_STATUSES:
            return None
        error = await self._refusal()
        if error is None or error.status not in _FINAL_STATUSES:
            return None
        return _refused_by(error)

    async def _tell(self, name: str, **fields: Any) -> None:
        await self._listeners.tell(name, {"meeting_id": self._meeting_id, **fields})


def _refused_by(error: MeetingError) -> _End:
    # An entry into what ended while the stream was away is refused too; for handlers that is the end of the meeting.
    return _End("meeting_ended" if error.code == "MEETING_ENDED" else "refused", error)


def _enters(kind: Any, data: Mapping[str, Any]) -> bool:
    # Before one is inside, the only updates are about one's own wait.
    return kind == "joined" or (kind == "participant_update" and data.get("is_in_waiting_room") is True)
