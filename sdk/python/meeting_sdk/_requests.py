"""One request and its answer: envelope, refusals, timeouts, and asking again where that is harmless."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from ._access import Access
from ._error import MeetingError
from ._pauses import pause, retry_after

# Pauses in seconds between tries for which the server named no time.
_RETRY_BASE, _RETRY_LONGEST = 0.3, 5.0
_PASSING = {0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Requests:
    def __init__(
        self, api_url: str, access: Access, *, timeout: float, retries: int, retry_wait_max: float
    ) -> None:
        self._api_url = api_url
        self._access = access
        self._timeout = timeout
        self._retries = retries
        self._retry_wait_max = retry_wait_max
        self._keeper: AsyncGenerator[aiohttp.ClientSession, None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def session(self) -> aiohttp.ClientSession:
        """The connections of the running loop.

        They hang on an asynchronous generator, because `asyncio.run` closes those at its end: so a program that never
        closes its client ends without a complaint about connections left open.
        """
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            # Nothing in here waits, so two first requests cannot make two sessions.
            self._keeper = _kept()
            self._session = await anext(self._keeper)
            self._loop = loop
        return self._session

    async def close(self) -> None:
        keeper, self._keeper, self._session = self._keeper, None, None
        if keeper is not None:
            await keeper.aclose()

    async def read(self, path: str, query: Mapping[str, int | None] | None = None) -> Any:
        """Something that may be done twice without harm."""
        given = {key: str(value) for key, value in (query or {}).items() if value is not None}
        attempt = 0
        while True:
            try:
                return await self._once("GET", path, query=given)
            except MeetingError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Something that changes the meeting: never sent twice, except when the token alone was refused."""
        return await self._once(method, path, body=body or {})

    def _wait(self, error: MeetingError, attempt: int) -> float | None:
        """Seconds to wait before a read is asked again; None when it is not."""
        if attempt >= self._retries or error.status not in _PASSING:
            return None
        wait = error.retry_after
        if wait is None:
            wait = pause(attempt, _RETRY_BASE, _RETRY_LONGEST, random.random())
        return wait if wait <= self._retry_wait_max else None

    async def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        used = self._access.token
        try:
            return await self._send(method, path, query, body, used)
        except MeetingError as error:
            # Nothing was done for a refused token, so asking again is safe for writes as well.
            if error.status != HTTPStatus.UNAUTHORIZED or not await self._access.renewed(used, error):
                raise
        return await self._send(method, path, query, body, self._access.token)

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        token: str,
    ) -> Any:
        session = await self.session()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with session.request(
                method, self._api_url + path, params=query, json=body, headers=headers, timeout=timeout
            ) as answer:
                text = await answer.text(errors="replace")
        except TimeoutError as cause:
            raise MeetingError(f"no answer within {self._timeout} s", code="TIMEOUT") from cause
        except aiohttp.ClientError as cause:
            raise MeetingError("the server could not be reached", code="NETWORK_ERROR") from cause
        return _data_of(answer, text)


async def _kept() -> AsyncGenerator[aiohttp.ClientSession, None]:
    async with aiohttp.ClientSession() as session:
        yield session


def _data_of(answer: aiohttp.ClientResponse, text: str) -> Any:
    """The data of an answer in the envelope of the API, or what it refused."""
    after = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "status" not in body:
        # A proxy in between, or another server altogether.
        code = "INVALID_RESPONSE" if answer.ok else f"HTTP_{answer.status}"
        message = f"the answer ({answer.status}) is not in the words of this API"
        raise MeetingError(message, code=code, status=answer.status, retry_after=after)
    if answer.ok:
        # 202 is a success: whoever has to wait for the host is told so by the status in the data.
        return body.get("data")
    raise MeetingError(
        body.get("message") or f"refused with {answer.status}",
        code=body.get("code") or f"HTTP_{answer.status}",
        status=answer.status,
        details=body.get("details"),
        retry_after=after,
    )
