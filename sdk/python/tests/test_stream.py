"""The event stream: what is heard, and what happens when it breaks."""

import asyncio
import unittest
from typing import Any

from world import Ears, Person, Server, Wire, until

from meeting_sdk import MeetingClient, MeetingError, Reconnect

server: Server


def setUpModule() -> None:
    global server
    server = Server()


def tearDownModule() -> None:
    server.stop()


class Stream(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.people = {name: server.login(name) for name in ("host", "member")}
        self.meeting = server.live_meeting(self.people["host"], "member")
        self.host, self.member = (self.client(person) for person in self.people.values())

    def client(self, person: Person, url: str | None = None, **options: Any) -> MeetingClient:
        client = person.client(url or server.url, **options)
        self.addAsyncCleanup(client.close)
        return client

    async def test_cli_10_whoever_listens_after_joining_hears_what_the_others_do(self) -> None:
        joined = await self.host.join_meeting(self.meeting, device_type="desktop")
        ears = Ears(self.host)
        await ears.heard("open")
        # The stream goes on with the session of the join: nobody is there twice.
        listed = await self.host.get_participants(self.meeting)
        self.assertEqual([one["participant_id"] for one in listed], [joined["participant_id"]])
        await self.member.connect(self.meeting, device_type="mobile")
        join = await ears.heard("join")
        self.assertEqual(
            (join["meeting_id"], join["user_id"], join["data"]["user_role"]),
            (self.meeting, self.people["member"].id, "attendee"),
        )
        await self.member.update_status(self.meeting, is_muted=True)
        await ears.heard("participant_update", lambda one: one["data"].get("is_muted") is True)
        await self.member.update_status(self.meeting, is_hand_raised=True)
        self.assertTrue((await ears.heard("hand_raise"))["data"]["is_hand_raised"])
        await self.member.send_chat_message(self.meeting, content="Hello!")
        self.assertEqual((await ears.heard("chat"))["data"]["content"], "Hello!")
        await self.member.send_reaction(self.meeting, "thumbs_up", duration=5)
        self.assertEqual((await ears.heard("reaction"))["data"]["reaction_type"], "thumbs_up")
        await self.member.close()
        self.assertEqual((await ears.heard("leave"))["user_id"], self.people["member"].id)
        await self.host.end_meeting(self.meeting)
        await ears.heard("meeting_ended")
        self.assertEqual((await ears.heard("close"))["reason"], "meeting_ended")
        self.assertEqual(ears.of("reconnecting"), [])

    async def test_cli_10_handlers_are_decorated_functions_or_coroutines_and_can_be_taken_off(self) -> None:
        heard: list[tuple[str, str]] = []

        @self.host.on("chat")
        async def first(message: Any) -> None:
            heard.append(("first", message["data"]["content"]))

        @self.host.on("chat")
        def second(message: Any) -> None:
            heard.append(("second", message["data"]["content"]))
            if len(heard) == 2:
                raise ValueError("a handler fails")

        failures: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: failures.append(context["message"])
        )
        await self.host.connect(self.meeting)
        await self.member.join_meeting(self.meeting)
        await self.member.send_chat_message(self.meeting, content="one")
        await until("the first message", lambda: len(heard) == 2)
        self.host.off("chat", first)
        await self.member.send_chat_message(self.meeting, content="two")
        await until("the second message", lambda: len(heard) == 3)
        self.assertEqual(heard, [("first", "one"), ("second", "one"), ("second", "two")])
        self.assertEqual(failures, ["a handler of 'chat' failed"])
        with self.assertRaises(ValueError):
            self.host.on("chatter", second)  # type: ignore[call-overload]

    async def test_cli_10_a_stream_that_breaks_comes_back_and_enters_again(self) -> None:
        async with Wire(server.port) as wire:
            far = self.client(self.people["host"], wire.url)
            ears = Ears(far)
            await far.join_meeting(self.meeting, device_type="tablet")
            self.assertFalse((await ears.heard("open"))["again"])
            wire.cut()
            await ears.heard("reconnecting", count=3)
            wire.mend()
            await ears.heard("open", lambda one: one["again"])
            await self.member.join_meeting(self.meeting)
            await ears.heard("join", lambda one: one["user_id"] == self.people["member"].id)
            seen = [
                one["device_type"]
                for one in await self.member.get_participants(self.meeting)
                if one["user_id"] == self.people["host"].id
            ]
            self.assertEqual(seen, ["tablet"])
            await far.close()
            self.assertEqual((await ears.heard("close"))["reason"], "closed")

    async def test_cli_10_a_stream_that_cannot_come_back_gives_up_after_its_tries(self) -> None:
        async with Wire(server.port) as wire:
            far = self.client(self.people["host"], wire.url, retries=0, reconnect=Reconnect(2, 0.005, 0.01))
            ears = Ears(far)
            await far.connect(self.meeting)
            wire.cut()
            close = await ears.heard("close")
            self.assertEqual((close["reason"], close["error"].code), ("gave_up", "NETWORK_ERROR"))
            self.assertEqual([one["attempt"] for one in ears.of("reconnecting")], [1, 2])

    async def test_cli_10_a_stream_ends_with_the_meeting_that_ended_while_it_was_away(self) -> None:
        async with Wire(server.port) as wire:
            far = self.client(self.people["member"], wire.url)
            ears = Ears(far)
            await far.connect(self.meeting)
            wire.cut()
            await ears.heard("reconnecting")
            await self.host.end_meeting(self.meeting)
            wire.mend()
            self.assertEqual((await ears.heard("close"))["reason"], "meeting_ended")

    async def test_cli_10_whoever_may_not_in_is_refused_once_and_not_again(self) -> None:
        host = self.people["host"]
        cases = [
            (Person(host.id, host.name, "nonsense"), self.meeting, 401, "UNAUTHORIZED"),
            (host, "01JDAVNTZ6MG8F0Q5W0R7YH3KC", 404, "MEETING_NOT_FOUND"),
            (server.login("outsider"), self.meeting, 403, "INSUFFICIENT_PERMISSION"),
        ]
        for person, meeting, status, code in cases:
            with self.subTest(code):
                client = self.client(person)
                ears = Ears(client)
                with self.assertRaises(MeetingError) as caught:
                    await client.connect(meeting)
                self.assertEqual((caught.exception.status, caught.exception.code), (status, code))
                self.assertEqual((await ears.heard("close"))["reason"], "refused")
                self.assertEqual(ears.of("reconnecting"), [])

    async def test_cli_10_a_token_that_is_refused_is_renewed_before_the_stream_comes_back(self) -> None:
        host, asked = self.people["host"], 0

        def renew(_error: MeetingError) -> str:
            nonlocal asked
            asked += 1
            return server.login("host").token

        client = self.client(Person(host.id, host.name, "over"), refresh_token=renew)
        ears = Ears(client)
        await client.connect(self.meeting)
        await self.member.join_meeting(self.meeting)
        await ears.heard("join")
        self.assertEqual(asked, 1)

    async def test_cli_10_a_handler_may_close_its_own_client(self) -> None:
        ears = Ears(self.host)

        @self.host.on("chat")
        async def enough(_message: Any) -> None:
            await self.host.close()

        await self.host.connect(self.meeting)
        await self.member.join_meeting(self.meeting)
        await self.member.send_chat_message(self.meeting, content="enough")
        self.assertEqual((await ears.heard("close"))["reason"], "closed")
        await self.refused_reaction()

    async def refused_reaction(self) -> None:
        with self.assertRaises(MeetingError) as caught:
            await self.host.send_reaction(self.meeting, "clap")
        self.assertEqual(caught.exception.code, "CLOSED")

    async def test_cli_10_whoever_waits_over_the_stream_hears_when_the_host_lets_him_in(self) -> None:
        meeting = server.live_meeting(self.people["host"], "member", waiting_room_enabled=True)
        inside, outside = Ears(self.host), Ears(self.member)
        await self.host.connect(meeting)
        await self.member.connect(meeting)
        knock = await inside.heard("participant_update", lambda one: one["data"].get("is_in_waiting_room"))
        self.assertEqual(outside.of("joined"), [])
        await self.host.update_status(meeting, participant_user_id=knock["user_id"], is_in_waiting_room=False)
        joined = await outside.heard("joined")
        names = [one["user_name"] for one in joined["data"]["participants"]]
        self.assertEqual(names, [self.people["host"].name])

    async def test_cli_10_whoever_a_host_removes_does_not_come_back_by_himself(self) -> None:
        ears = Ears(self.member)
        await self.member.connect(self.meeting)
        path, body = (
            f"/api/meeting/{self.meeting}/participants",
            {"participant_ids": [self.people["member"].id]},
        )
        await asyncio.to_thread(server.ask, "DELETE", path, body, self.people["host"].token)
        self.assertEqual((await ears.heard("close"))["reason"], "removed")
        self.assertEqual((await ears.heard("leave"))["data"]["reason"], "kicked")
        self.assertEqual(ears.of("reconnecting"), [])

    async def test_cli_10_closing_while_it_comes_back_ends_that_too(self) -> None:
        async with Wire(server.port) as wire:
            far = self.client(self.people["host"], wire.url, reconnect=Reconnect(3, 60, 60))
            ears = Ears(far)
            await far.connect(self.meeting)
            wire.cut()
            await ears.heard("reconnecting")
            await far.close(self.meeting)
            expected = {"meeting_id": self.meeting, "reason": "closed", "error": None}
            self.assertEqual(ears.of("close"), [expected])
