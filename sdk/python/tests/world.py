"""A real server, live meetings in it, and clients of people: what the tests of this package start from."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from meeting_sdk import MeetingClient, Reconnect

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("PLENUM_BIN", str(ROOT / "target/debug/plenum"))
# A cold debug binary on a busy machine needs seconds; no answer of the server takes longer than the second.
START_DEADLINE, DEADLINE = 60.0, 15.0
_POLL = 0.05
# That a step of a test blocks is no news; what is left open is.
logging.getLogger("asyncio").setLevel(logging.ERROR)


def free_port() -> int:
    """A port that was free a moment ago; the kernel does not hand the same one out again soon."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A `plenum --demo` of our own: temporary data, a port picked by the kernel."""

    def __init__(self, **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._data = tempfile.mkdtemp(prefix="plenum-test-")
        self._log = Path(self._data) / "log"
        settings = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": f"{self._data}/data",
            "RATE_LIMITS": "off",
            "SFU_LISTEN": "127.0.0.1",
            "LOG_FORMAT": "text",
            **env,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, "--demo"], env=settings, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + START_DEADLINE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(_POLL)
        raise RuntimeError(f"plenum did not start:\n{self._log.read_text(errors='replace')}")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """One request of the KCS dialect, which makes meetings; answers the data."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return json.load(answer)["data"]

    def login(self, name: str) -> Person:
        told = self.ask(
            "POST", "/api/auth/login", {"email": f"{name}@demo.test", "password": "demo-password"}
        )
        return Person(told["user"]["id"], told["user"]["name"], told["token"])

    def meeting(self, host: Person, *guests: str, **extra: Any) -> str:
        now = datetime.now(UTC)
        body = {
            "meeting_name": "Harbour planning",
            "meeting_description": "from a test",
            "meeting_start_time": now.isoformat(),
            "meeting_end_time": (now + timedelta(hours=1)).isoformat(),
            "meeting_location": "online",
            "participants": [f"{guest}@demo.test" for guest in guests],
            **extra,
        }
        return str(self.ask("POST", "/api/meeting", body, host.token)["id"])

    def live_meeting(self, host: Person, *guests: str, **extra: Any) -> str:
        meeting = self.meeting(host, *guests, **extra)
        self.ask("POST", f"/api/meeting/{meeting}/start", {}, host.token)
        return meeting


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    token: str

    def client(self, url: str, **options: Any) -> MeetingClient:
        """Its stream tries often, so that tests need not wait for it."""
        options.setdefault("reconnect", Reconnect(attempts=40, base=0.02, longest=0.2))
        return MeetingClient(api_url=url, token=self.token, **options)


async def until(what: str, probe: Callable[[], Awaitable[Any] | Any], deadline: float = DEADLINE) -> Any:
    """The first truthy answer of `probe`."""
    end = time.monotonic() + deadline
    while True:
        answer = probe()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        await asyncio.sleep(_POLL)


class Ears:
    """Everything a client hears, in order."""

    names = (
        *("join", "joined", "participant_update", "chat", "reaction", "hand_raise", "leave", "meeting_ended"),
        *("error", "open", "reconnecting", "close"),
    )

    def __init__(self, client: MeetingClient) -> None:
        self.all: list[tuple[str, Any]] = []
        for name in self.names:
            client.on(name, lambda event, name=name: self.all.append((name, event)))  # type: ignore[call-overload]

    def of(self, name: str) -> list[Any]:
        return [event for heard, event in self.all if heard == name]

    async def heard(
        self, name: str, fits: Callable[[Any], bool] = lambda _event: True, *, count: int = 1
    ) -> Any:
        def found() -> list[Any]:
            return [event for event in self.of(name) if fits(event)]

        def enough() -> bool:
            return len(found()) >= count

        try:
            await until(f"{count} of {name}", enough)
        except AssertionError as error:
            raise AssertionError(f"{error}; heard so far: {self.all}") from None
        return found()[count - 1]


class Wire:
    """A wire to a local port that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._far = port
        self._broken = False
        self._ends: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        self._broken = True
        for end in list(self._ends):
            end.transport.abort()

    def mend(self) -> None:
        self._broken = False

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        finally:
            self._ends -= ends
            for end in ends:
                end.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    writer.close()
