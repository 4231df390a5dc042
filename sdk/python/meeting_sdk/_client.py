"""The client: one method for each route of the API, and the events of the meetings one is in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast, overload
from urllib.parse import quote

from . import _generated as wire
from ._access import Access, RefreshToken
from ._error import MeetingError
from ._listeners import SERVER_EVENTS, EventName, Handler, Listeners
from ._pauses import Reconnect
from ._requests import Requests
from ._stream import EventStream

_Handler = TypeVar("_Handler", bound=Handler)


class MeetingClient:
    """One person's way into meetings.

    `api_url` is where the server is, without `/api`; `token` an access token, as the login answers it. `refresh_token` is
    asked for another one when the server no longer takes it. `timeout` is for one try, in seconds. Reads are asked again
    `retries` times after 429, 503 or no answer, if the wait is at most `retry_wait_max` seconds; what changes something is
    never sent twice.
    """

    def __init__(
        self,
        api_url: str,
        token: str,
        *,
        refresh_token: RefreshToken | None = None,
        timeout: float = 15.0,
        retries: int = 3,
        retry_wait_max: float = 30.0,
        reconnect: Reconnect | None = None,
    ) -> None:
        if not api_url.startswith(("http://", "https://")):
            raise ValueError("api_url must begin with http:// or https://")
        self._api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._reconnect = reconnect or Reconnect()
        self._access = Access(token, refresh_token)
        self._requests = Requests(
            self._api_url, self._access, timeout=timeout, retries=retries, retry_wait_max=retry_wait_max
        )
        self._listeners = Listeners()
        self._listening = False
        # The meetings joined through this client with the options of the join, which a stream repeats when it comes back.
        self._joined: dict[str, Mapping[str, Any]] = {}
        self._streams: dict[str, EventStream] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start_meeting(self, meeting_id: str) -> wire.V1StartMeetingData:
        """Hosts only."""
        return cast(wire.V1StartMeetingData, await self._requests.write("POST", _path(meeting_id, "start")))

    async def end_meeting(self, meeting_id: str) -> wire.V1EndMeetingData:
        """Ends it for everybody; hosts only."""
        return cast(wire.V1EndMeetingData, await self._requests.write("POST", _path(meeting_id, "end")))

    async def get_status(self, meeting_id: str) -> wire.V1GetMeetingStatusData:
        return cast(wire.V1GetMeetingStatusData, await self._requests.read(_path(meeting_id, "status")))

    async def join_meeting(
        self,
        meeting_id: str,
        options: wire.V1JoinMeetingBody | None = None,
        **fields: Unpack[wire.V1JoinMeetingBody],
    ) -> wire.V1JoinMeetingData:
        """Enters the meeting.

        Where there is a waiting room the answer has the status `waiting`, which is no error: one is inside once a host says
        so, and hears it as `participant_update`, or by joining again.
        """
        body = _merged(options, fields)
        joined = await self._requests.write("POST", _path(meeting_id, "join"), body)
        self._joined[meeting_id] = body
        if self._listening:
            self._listen_to(meeting_id)
        return cast(wire.V1JoinMeetingData, joined)

    async def leave_meeting(self, meeting_id: str) -> wire.V1LeaveMeetingData:
        left = await self._requests.write("POST", _path(meeting_id, "leave"))
        self._joined.pop(meeting_id, None)
        await self._close_stream(meeting_id)
        return cast(wire.V1LeaveMeetingData, left)

    async def get_participants(self, meeting_id: str) -> wire.V1ListParticipantsData:
        """Who is inside now; hosts also see who waits."""
        return cast(wire.V1ListParticipantsData, await self._requests.read(_path(meeting_id, "participants")))

    async def update_status(
        self,
        meeting_id: str,
        change: wire.V1UpdateParticipantStatusBody | None = None,
        **fields: Unpack[wire.V1UpdateParticipantStatusBody],
    ) -> wire.V1UpdateParticipantStatusData:
        """One's own microphone, camera, screen and hand; absent fields stay. Hosts name others."""
        path, body = _path(meeting_id, "participants/status"), _merged(change, fields)
        return cast(wire.V1UpdateParticipantStatusData, await self._requests.write("PUT", path, body))

    @overload
    async def send_chat_message(
        self, meeting_id: str, message: wire.V1SendMessageBody
    ) -> wire.V1SendMessageData: ...

    @overload
    async def send_chat_message(
        self, meeting_id: str, **fields: Unpack[wire.V1SendMessageBody]
    ) -> wire.V1SendMessageData: ...

    async def send_chat_message(
        self, meeting_id: str, message: wire.V1SendMessageBody | None = None, **fields: Any
    ) -> wire.V1SendMessageData:
        path, body = _path(meeting_id, "chat"), _merged(message, fields)
        return cast(wire.V1SendMessageData, await self._requests.write("POST", path, body))

    async def get_chat_history(
        self, meeting_id: str, *, limit: int | None = None, offset: int | None = None
    ) -> wire.V1ListMessagesData:
        """The newest `limit` messages after leaving out the `offset` newest, oldest first."""
        query = {"limit": limit, "offset": offset}
        return cast(wire.V1ListMessagesData, await self._requests.read(_path(meeting_id, "chat"), query))

    @overload
    async def create_breakout_rooms(
        self, meeting_id: str, wanted: wire.V1CreateBreakoutRoomsBody
    ) -> wire.V1CreateBreakoutRoomsData: ...

    @overload
    async def create_breakout_rooms(
        self, meeting_id: str, **fields: Unpack[wire.V1CreateBreakoutRoomsBody]
    ) -> wire.V1CreateBreakoutRoomsData: ...

    async def create_breakout_rooms(
        self, meeting_id: str, wanted: wire.V1CreateBreakoutRoomsBody | None = None, **fields: Any
    ) -> wire.V1CreateBreakoutRoomsData:
        """Hosts only; creating again replaces the rooms there are."""
        path, body = _path(meeting_id, "breakout-rooms"), _merged(wanted, fields)
        return cast(wire.V1CreateBreakoutRoomsData, await self._requests.write("POST", path, body))

    @overload
    async def assign_to_breakout_room(
        self, meeting_id: str, assignment: wire.V1AssignBreakoutRoomBody
    ) -> wire.V1AssignBreakoutRoomData: ...

    @overload
    async def assign_to_breakout_room(
        self, meeting_id: str, **fields: Unpack[wire.V1AssignBreakoutRoomBody]
    ) -> wire.V1AssignBreakoutRoomData: ...

    async def assign_to_breakout_room(
        self, meeting_id: str, assignment: wire.V1AssignBreakoutRoomBody | None = None, **fields: Any
    ) -> wire.V1AssignBreakoutRoomData:
        path, body = _path(meeting_id, "breakout-rooms/assign"), _merged(assignment, fields)
        return cast(wire.V1AssignBreakoutRoomData, await self._requests.write("POST", path, body))

    async def get_breakout_rooms(self, meeting_id: str) -> wire.V1ListBreakoutRoomsData:
        """Which rooms are open, who is in which, and where one is oneself."""
        path = _path(meeting_id, "breakout-rooms")
        return cast(wire.V1ListBreakoutRoomsData, await self._requests.read(path))

    async def return_from_breakout_room(
        self,
        meeting_id: str,
        whom: wire.V1ReturnFromBreakoutRoomBody | None = None,
        **fields: Unpack[wire.V1ReturnFromBreakoutRoomBody],
    ) -> wire.V1ReturnFromBreakoutRoomData:
        """Back to the main room: oneself, or whom a host names. The rooms stay open."""
        path, body = _path(meeting_id, "breakout-rooms/return"), _merged(whom, fields)
        return cast(wire.V1ReturnFromBreakoutRoomData, await self._requests.write("POST", path, body))

    async def broadcast_to_breakout_rooms(
        self, meeting_id: str, message: str
    ) -> wire.V1BroadcastToBreakoutRoomsData:
        """Hosts only: a text for all rooms, which stands in the chat as an announcement."""
        path = _path(meeting_id, "breakout-rooms/broadcast")
        told = await self._requests.write("POST", path, {"message": message})
        return cast(wire.V1BroadcastToBreakoutRoomsData, told)

    async def close_breakout_rooms(self, meeting_id: str) -> wire.V1CloseBreakoutRoomsData:
        """Hosts only; everybody is in the main room again."""
        path = _path(meeting_id, "breakout-rooms")
        return cast(wire.V1CloseBreakoutRoomsData, await self._requests.write("DELETE", path))

    @overload
    async def get_livekit_token(
        self, meeting_id: str, wanted: wire.V1CreateLivekitTokenBody
    ) -> wire.V1CreateLivekitTokenData: ...

    @overload
    async def get_livekit_token(
        self, meeting_id: str, **fields: Unpack[wire.V1CreateLivekitTokenBody]
    ) -> wire.V1CreateLivekitTokenData: ...

    async def get_livekit_token(
        self, meeting_id: str, wanted: wire.V1CreateLivekitTokenBody | None = None, **fields: Any
    ) -> wire.V1CreateLivekitTokenData:
        path, body = _path(meeting_id, "token"), _merged(wanted, fields)
        return cast(wire.V1CreateLivekitTokenData, await self._requests.write("POST", path, body))

    async def apply_security_policy(
        self,
        meeting_id: str,
        policy: wire.V1ApplySecurityPolicyBody | None = None,
        **fields: Unpack[wire.V1ApplySecurityPolicyBody],
    ) -> None:
        """Hosts only; in force at once, also for those inside. Absent fields stay."""
        await self._requests.write("POST", _path(meeting_id, "security/policy"), _merged(policy, fields))

    async def connect(
        self,
        meeting_id: str,
        options: wire.V1JoinMeetingBody | None = None,
        **fields: Unpack[wire.V1JoinMeetingBody],
    ) -> None:
        """Opens the event stream of a meeting and enters by it, or goes on with the session of `join_meeting`.

        Returns when it is open; after a loss it comes back by itself. Not needed after `join_meeting` when there is a handler:
        see `on`.
        """
        if options or fields:
            self._joined[meeting_id] = _merged(options, fields)
        # Whoever stops waiting does not take the stream away from others.
        await asyncio.shield(self._stream(meeting_id).opened)

    @overload
    def on(self, name: EventName) -> Callable[[_Handler], _Handler]: ...

    @overload
    def on(self, name: EventName, handler: _Handler) -> _Handler: ...

    def on(
        self, name: EventName, handler: _Handler | None = None
    ) -> _Handler | Callable[[_Handler], _Handler]:
        """Listens; also as a decorator. Handlers may be coroutines, and are waited for one after the other.

        Listening to what happens in meetings opens the event stream of those joined with `join_meeting`, now or later.
        """
        if handler is None:
            return lambda handler: self.on(name, handler)
        self._listeners.on(name, handler)
        if name in SERVER_EVENTS:
            self._listening = True
            for meeting_id in list(self._joined):
                self._listen_to(meeting_id)
        return handler

    def off(self, name: EventName, handler: Handler) -> None:
        self._listeners.off(name, handler)

    async def send_reaction(self, meeting_id: str, reaction_type: str, *, duration: float = 3) -> None:
        """A reaction over the event stream, which must be open. `duration` is in seconds."""
        stream = self._streams.get(meeting_id)
        if stream is None:
            raise MeetingError("the event stream of this meeting is not open", code="CLOSED")
        await stream.send("reaction", {"reaction_type": reaction_type, "duration": duration})

    async def close(self, meeting_id: str | None = None) -> None:
        """Closes the event stream of this meeting and leaves what it had entered; without an id, of all, and the connections."""
        if meeting_id is not None:
            self._joined.pop(meeting_id, None)
            await self._close_stream(meeting_id)
            return
        self._joined.clear()
        for one in list(self._streams):
            await self._close_stream(one)
        await self._requests.close()

    async def _close_stream(self, meeting_id: str) -> None:
        stream = self._streams.get(meeting_id)
        if stream is not None:
            await stream.close()

    def _listen_to(self, meeting_id: str) -> None:
        """Opens the stream for handlers. What is refused is told as `error` and `close`, nobody waits for it."""
        self._stream(meeting_id)

    def _stream(self, meeting_id: str) -> EventStream:
        open_already = self._streams.get(meeting_id)
        if open_already is not None:
            return open_already
        options = dict(self._joined.get(meeting_id, {}))
        device = {
            "device_type": options.pop("device_type", "unknown"),
            "browser_info": "meeting_sdk for Python",
        }

        def over() -> None:
            self._joined.pop(meeting_id, None)
            self._streams.pop(meeting_id, None)

        stream = EventStream(
            meeting_id,
            f"ws{self._api_url.removeprefix('http')}{_socket_path(meeting_id)}",
            access=self._access,
            session=self._requests.session,
            listeners=self._listeners,
            reconnect=self._reconnect,
            timeout=self._timeout,
            join={**options, "device_info": device},
            refusal=lambda: self._refusal(meeting_id),
            over=over,
        )
        self._streams[meeting_id] = stream
        return stream

    async def _refusal(self, meeting_id: str) -> MeetingError | None:
        """Why a socket was not opened.

        Asked for in plain HTTP, its address refuses in words whom it refuses, and tells everybody else that this is no handshake.
        """
        try:
            await self._requests.read(_socket_path(meeting_id))
        except MeetingError as error:
            return error
        return None


def _socket_path(meeting_id: str) -> str:
    return f"/ws/meetings/{quote(meeting_id, safe='')}"


def _path(meeting_id: str, rest: str) -> str:
    """A route below one meeting."""
    if not meeting_id:
        raise ValueError("a meeting id is needed")
    return f"/api/v1/meetings/{quote(meeting_id, safe='')}/{rest}"


def _merged(given: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**(given or {}), **fields}
