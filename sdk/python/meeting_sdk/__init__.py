"""Meetings of a Plenum server: `MeetingClient`, and `MeetingError` for what goes wrong."""

from ._access import RefreshToken
from ._client import MeetingClient
from ._error import MeetingError
from ._listeners import Event, EventName, Handler
from ._pauses import Reconnect

__all__ = ["Event", "EventName", "Handler", "MeetingClient", "MeetingError", "Reconnect", "RefreshToken"]
