"""What happens when the answer is not the wished one: budgets, servers that are away, tokens that are over."""

import asyncio
import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from world import Person, Server

from meeting_sdk import MeetingClient, MeetingError

server: Server


def setUpModule() -> None:
    global server
    server = Server(RATE_LIMITS="on")


def tearDownModule() -> None:
    server.stop()


def refused(status: int, code: str, **headers: str) -> web.Response:
    told = {"status": "error", "message": f"said {code}", "code": code, "details": {"a": 1}, "timestamp": "t"}
    return web.json_response(
        told, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def done() -> web.Response:
    return web.json_response(
        {"status": "success", "message": "m", "data": {"is_active": True}, "timestamp": "t"}
    )


def away() -> web.Response:
    return refused(503, "SERVICE_UNAVAILABLE", Retry_After="0")


@asynccontextmanager
async def answering(*answers: Any) -> AsyncIterator[tuple[str, list[tuple[str, str, str]]]]:
    """A server that gives these answers one after the other, the last one for ever, and keeps what it was asked."""
    asked: list[tuple[str, str, str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        make = answers[min(len(asked), len(answers) - 1)]
        asked.append((request.method, request.raw_path, request.headers["Authorization"]))
        made = make()
        answered: web.StreamResponse = await made if asyncio.iscoroutine(made) else made
        return answered

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


class Requests(unittest.IsolatedAsyncioTestCase):
    async def refusal(self, asking: Any) -> MeetingError:
        with self.assertRaises(MeetingError) as caught:
            await asking
        return caught.exception

    async def test_cli_10_a_read_is_asked_again_while_the_server_is_away_and_no_more_often(self) -> None:
        async with answering(away, away, done) as (url, asked), MeetingClient(url, "one") as client:
            self.assertEqual(await client.get_status("m"), {"is_active": True})
            self.assertEqual(len(asked), 3)
        async with answering(away) as (url, asked), MeetingClient(url, "one", retries=2) as client:
            self.assertEqual((await self.refusal(client.get_status("m"))).status, 503)
            self.assertEqual(len(asked), 3)

    async def test_cli_10_what_changes_a_meeting_is_never_sent_twice(self) -> None:
        async with answering(away) as (url, asked), MeetingClient(url, "one") as client:
            self.assertEqual((await self.refusal(client.start_meeting("m"))).retry_after, 0)
            self.assertEqual((await self.refusal(client.update_status("m", is_muted=True))).status, 503)
            self.assertEqual([method for method, _, _ in asked], ["POST", "PUT"])

    async def test_cli_10_a_wait_that_is_too_long_is_left_to_the_caller_with_its_length(self) -> None:
        def limited() -> web.Response:
            return refused(429, "RATE_LIMIT_EXCEEDED", Retry_After="3600")

        async with answering(limited) as (url, asked), MeetingClient(url, "one") as client:
            error = await self.refusal(client.get_status("m"))
            told = (error.code, error.status, error.message, error.retry_after, error.details)
            self.assertEqual(told, ("RATE_LIMIT_EXCEEDED", 429, "said RATE_LIMIT_EXCEEDED", 3600, {"a": 1}))
            self.assertEqual(str(error), error.message)
            self.assertEqual(len(asked), 1)

    async def test_cli_10_no_answer_no_server_and_answers_of_others_have_codes_of_their_own(self) -> None:
        async def silence() -> web.Response:
            await asyncio.sleep(60)
            return done()

        async with (
            answering(silence) as (url, _),
            MeetingClient(url, "one", timeout=0.03, retries=1) as client,
        ):
            error = await self.refusal(client.get_status("m"))
            self.assertEqual((error.code, error.status), ("TIMEOUT", 0))
        for status, code in ((200, "INVALID_RESPONSE"), (502, "HTTP_502")):

            def other(status: int = status) -> web.Response:
                return web.Response(text="<html>", status=status)

            async with answering(other) as (url, _), MeetingClient(url, "one") as client:
                error = await self.refusal(client.get_status("m"))
                self.assertEqual((error.code, error.status), (code, status))
        async with MeetingClient(url, "one", retries=0) as client:
            error = await self.refusal(client.get_status("m"))
            self.assertEqual((error.code, error.status), ("NETWORK_ERROR", 0))

    async def test_cli_10_a_refused_token_is_renewed_once_for_all_requests_that_met_it(self) -> None:
        def over() -> web.Response:
            return refused(401, "UNAUTHORIZED")

        calls: list[str] = []

        async def renew(error: MeetingError) -> str:
            calls.append(error.code)
            return "two"

        async with (
            answering(over, over, done) as (url, asked),
            MeetingClient(url, "one", refresh_token=renew) as client,
        ):
            await asyncio.gather(client.start_meeting("m"), client.get_status("m"))
            self.assertEqual(calls, ["UNAUTHORIZED"])
            tokens = sorted(token for _, _, token in asked)
            self.assertEqual(tokens, ["Bearer one", "Bearer one", "Bearer two", "Bearer two"])

        def fail(_error: MeetingError) -> str:
            raise LookupError("no login")

        async with (
            answering(over) as (url, asked),
            MeetingClient(url, "one", refresh_token=fail) as client,
        ):
            self.assertEqual((await self.refusal(client.start_meeting("m"))).status, 401)
            self.assertEqual(len(asked), 1)

    async def test_cli_10_ids_stand_in_the_path_as_they_are_and_none_is_no_id(self) -> None:
        async with answering(done) as (url, asked), MeetingClient(f"{url}/", "one") as client:
            await client.get_status("a/b c")
            self.assertEqual(asked[0][1], "/api/v1/meetings/a%2Fb%20c/status")
            with self.assertRaises(ValueError):
                await client.get_status("")
        with self.assertRaises(ValueError):
            MeetingClient("api.example.com", "one")

    async def test_cli_10_rate_15_the_budget_of_the_real_server_is_told_with_the_seconds_to_wait(
        self,
    ) -> None:
        host = server.login("host")
        meeting = server.meeting(host, "member")
        async with host.client(server.url, retries=0) as client:
            refusal = None
            for _ in range(200):
                try:
                    await client.get_chat_history(meeting)
                except MeetingError as error:
                    refusal = error
                    break
        assert refusal is not None, "the budget never ended"
        self.assertEqual((refusal.status, refusal.code), (429, "RATE_LIMIT_EXCEEDED"))
        self.assertEqual(refusal.details["limit"], 60)
        assert refusal.retry_after is not None
        self.assertTrue(1 <= refusal.retry_after <= 60, refusal.retry_after)

    async def test_cli_10_an_old_token_is_refused_by_the_real_server_and_a_new_one_is_taken(self) -> None:
        host = server.login("host")
        meeting = server.meeting(host, "member")
        stranger = Person(host.id, host.name, "nonsense")
        async with stranger.client(server.url) as client:
            error = await self.refusal(client.get_status(meeting))
            self.assertEqual((error.status, error.code), (401, "UNAUTHORIZED"))
        async with stranger.client(server.url, refresh_token=lambda _error: host.token) as client:
            self.assertEqual((await client.get_status(meeting))["status"], "scheduled")
