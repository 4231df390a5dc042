"""The one error of this package: what the server refused, or why it could not be asked."""

from __future__ import annotations

from typing import Any


class MeetingError(Exception):
    """What the server refused, or why it could not be asked.

    `code` is stable, for programs: a code of the server (`MEETING_ALREADY_ACTIVE`, `RATE_LIMIT_EXCEEDED`, ...), or one of
    `NETWORK_ERROR`, `TIMEOUT`, `INVALID_RESPONSE`, `CLOSED`, which never left this side. `status` is the HTTP status; 0 when
    there was no answer, or when it was told over the event stream. `details` is what the server added: for
    `VALIDATION_ERROR` a reason for each field. `retry_after` is in seconds, if the server said when to ask again.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int = 0,
        details: Any = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.details: Any = {} if details is None else details
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"MeetingError({self.message!r}, code={self.code!r}, status={self.status})"
