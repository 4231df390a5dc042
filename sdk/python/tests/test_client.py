"""Every method of the client against a real server."""

import base64
import json
import unittest
from typing import Any

from world import Person, Server

from meeting_sdk import MeetingClient, MeetingError
from meeting_sdk.types import V1AssignBody

server: Server


def setUpModule() -> None:
    global server
    server = Server(
        LIVEKIT_URL="wss://livekit.example.com",
        LIVEKIT_API_KEY="a-key",
        LIVEKIT_API_SECRET="a-secret-of-the-tests-that-is-long-enough",
    )


def tearDownModule() -> None:
    server.stop()


class Methods(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.people = {name: server.login(name) for name in ("host", "member")}
        self.host, self.member = (self.client(person) for person in self.people.values())

    def client(self, person: Person) -> MeetingClient:
        client = person.client(server.url)
        self.addAsyncCleanup(client.close)
        return client

    def live(self, **extra: Any) -> str:
        return server.live_meeting(self.people["host"], "member", **extra)

    async def refused(self, code: str, status: int, asking: Any) -> MeetingError:
        with self.assertRaises(MeetingError) as caught:
            await asking
        self.assertEqual((caught.exception.code, caught.exception.status), (code, status))
        return caught.exception

    async def test_cli_10_v1_01_v1_02_v1_03_a_meeting_is_started_once_runs_and_is_ended(self) -> None:
        meeting = server.meeting(self.people["host"], "member")
        started = await self.host.start_meeting(meeting)
        self.assertEqual((started["meeting_id"], started["started_by"]), (meeting, self.people["host"].id))
        error = await self.refused("MEETING_ALREADY_ACTIVE", 409, self.host.start_meeting(meeting))
        self.assertEqual(error.message, "Meeting is already in progress")
        status = await self.host.get_status(meeting)
        self.assertEqual(
            (status["status"], status["is_active"], status["ended_at"]), ("in_progress", True, None)
        )
        self.assertEqual((await self.host.end_meeting(meeting))["ended_by"], self.people["host"].id)
        self.assertEqual((await self.host.get_status(meeting))["status"], "ended")
        await self.refused("MEETING_ENDED", 410, self.host.start_meeting(meeting))

    async def test_cli_10_v1_04_v1_05_v1_06_one_joins_is_seen_and_leaves(self) -> None:
        meeting = self.live()
        joined = await self.member.join_meeting(
            meeting, {"connection_id": "conn-123", "device_type": "desktop"}, join_muted=True
        )
        self.assertEqual(
            (joined["status"], joined["role"], joined["is_muted"], joined["is_video_enabled"]),
            ("joined", "attendee", True, False),
        )
        (seen,) = await self.host.get_participants(meeting)
        self.assertEqual(
            (seen["participant_id"], seen["user_name"], seen["device_type"]),
            (joined["participant_id"], self.people["member"].name, "desktop"),
        )
        self.assertEqual((await self.member.leave_meeting(meeting))["meeting_id"], meeting)
        self.assertEqual(await self.host.get_participants(meeting), [])
        await self.refused("PARTICIPANT_NOT_FOUND", 404, self.member.leave_meeting(meeting))

    async def test_cli_10_a_password_is_asked_for_and_given(self) -> None:
        meeting = self.live(meeting_password="open sesame")
        await self.refused("MEETING_PASSWORD_REQUIRED", 403, self.member.join_meeting(meeting))
        wrong = self.member.join_meeting(meeting, meeting_password="guess")
        await self.refused("INVALID_MEETING_PASSWORD", 403, wrong)
        joined = await self.member.join_meeting(meeting, meeting_password="open sesame")
        self.assertEqual(joined["status"], "joined")

    async def test_cli_10_whoever_has_to_wait_is_told_so_without_an_error_and_let_in_by_the_host(
        self,
    ) -> None:
        meeting = self.live(waiting_room_enabled=True)
        await self.host.join_meeting(meeting)
        self.assertEqual((await self.member.join_meeting(meeting))["status"], "waiting")
        waits = [
            one["user_id"] for one in await self.host.get_participants(meeting) if one["status"] == "waiting"
        ]
        self.assertEqual(waits, [self.people["member"].id])
        await self.host.update_status(meeting, participant_user_id=waits[0], is_in_waiting_room=False)
        self.assertEqual((await self.member.join_meeting(meeting))["status"], "joined")

    async def test_cli_10_v1_07_one_raises_a_hand_and_says_what_one_shows(self) -> None:
        meeting = self.live()
        await self.member.join_meeting(meeting, join_muted=True)
        status = await self.member.update_status(meeting, {"is_muted": False}, is_hand_raised=True)
        expected = {
            "is_muted": False,
            "is_video_enabled": False,
            "is_screen_sharing": False,
            "is_hand_raised": True,
            "is_in_waiting_room": False,
        }
        self.assertEqual(status, expected)

    async def test_cli_10_v1_08_v1_09_messages_are_sent_also_to_one_person_and_read_page_by_page(
        self,
    ) -> None:
        meeting = self.live()
        await self.host.join_meeting(meeting)
        await self.member.join_meeting(meeting)
        sent = await self.member.send_chat_message(meeting, {"content": "Hello!", "message_type": "text"})
        self.assertEqual(
            (sent["content"], sent["sender_name"], sent["is_private"]),
            ("Hello!", self.people["member"].name, False),
        )
        whisper = await self.member.send_chat_message(
            meeting, content="for you", recipient_id=self.people["host"].id
        )
        self.assertTrue(whisper["is_private"])
        history = await self.host.get_chat_history(meeting)
        self.assertEqual([one["content"] for one in history], ["Hello!", "for you"])
        oldest = await self.host.get_chat_history(meeting, limit=1, offset=1)
        self.assertEqual([one["message_id"] for one in oldest], [sent["message_id"]])
        error = await self.refused(
            "VALIDATION_ERROR", 400, self.member.send_chat_message(meeting, content="")
        )
        self.assertIn("content", error.details)

    async def test_cli_10_v1_10_v1_11_a_host_makes_breakout_rooms_and_calls_all_back(self) -> None:
        meeting = self.live()
        await self.host.join_meeting(meeting)
        await self.member.join_meeting(meeting)
        rooms = await self.host.create_breakout_rooms(
            meeting, room_count=2, rooms=[{"name": "Planning", "settings": {"allow_chat": True}}]
        )
        self.assertEqual([room["name"] for room in rooms], ["Planning", "Breakout Room 2"])
        wanted: V1AssignBody = {
            "participant_user_id": self.people["member"].id,
            "breakout_room_id": rooms[0]["room_id"],
        }
        self.assertEqual(await self.host.assign_to_breakout_room(meeting, wanted), wanted)
        listed = await self.member.get_breakout_rooms(meeting)
        self.assertEqual([room["current_participants"] for room in listed["rooms"]], [1, 0])
        await self.host.broadcast_to_breakout_rooms(meeting, "Two minutes left")
        said = (await self.member.get_chat_history(meeting))[-1]
        self.assertEqual(said["message_type"], "announcement")
        await self.member.return_from_breakout_room(meeting)
        await self.host.close_breakout_rooms(meeting)
        self.assertEqual((await self.host.get_breakout_rooms(meeting))["rooms"], [])
        refused = self.member.create_breakout_rooms(meeting, {"room_count": 1})
        await self.refused("INSUFFICIENT_PERMISSION", 403, refused)

    async def test_cli_10_v1_12_a_livekit_token_names_the_person_and_the_place(self) -> None:
        meeting, me = self.live(), self.people["member"]
        told = await self.member.get_livekit_token(meeting, user_id=me.id, user_name=me.name)
        self.assertEqual(
            (told["user_id"], told["is_host"], told["livekit_url"]),
            (me.id, False, "wss://livekit.example.com"),
        )
        claims = json.loads(base64.urlsafe_b64decode(told["token"].split(".")[1] + "=="))
        self.assertEqual((claims["sub"], claims["video"]["room"]), (me.id, meeting))

    async def test_cli_10_v1_13_a_locked_meeting_lets_nobody_else_in(self) -> None:
        meeting = self.live()
        await self.host.apply_security_policy(meeting, lock_meeting=True)
        await self.refused("MEETING_LOCKED", 403, self.member.join_meeting(meeting))
        await self.host.apply_security_policy(meeting, {"lock_meeting": False})
        self.assertEqual((await self.member.join_meeting(meeting))["status"], "joined")
