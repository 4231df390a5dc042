"""The package as it would be published: what is in it, and that it works where it is installed."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from world import Server

import meeting_sdk

FOLDER = Path(__file__).resolve().parents[1]
server: Server


def setUpModule() -> None:
    global server
    server = Server()


def tearDownModule() -> None:
    server.stop()


def example() -> str:
    """The example of the README, which is that of the API guide, as it stands."""
    found = re.search(r"## The example\n\n```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.S)
    assert found, "the README has no example"
    return found[1]


def run(text: str, token: str, meeting: str) -> subprocess.CompletedProcess[str]:
    """The text with another address, token and id, run by a Python that shows every warning."""
    given = {"https://api.example.com": server.url, "your-jwt-token": token, "meeting-id": meeting}
    for placeholder, value in given.items():
        assert f"'{placeholder}'" in text, placeholder
        text = text.replace(f"'{placeholder}'", f"'{value}'")
    options = ["-I", "-W", "always", "-c", text]
    return subprocess.run([sys.executable, *options], capture_output=True, text=True, timeout=60, check=False)


class Package(unittest.TestCase):
    def test_cli_10_what_is_tested_here_is_the_installed_wheel(self) -> None:
        self.assertIn("site-packages", meeting_sdk.__file__)
        told = distribution("plenum-meeting-sdk")
        self.assertEqual(told.metadata["License-Expression"], "Apache-2.0")
        self.assertEqual(told.metadata["Requires-Python"], ">=3.11")
        needs = [one for one in told.requires or [] if "extra ==" not in one]
        self.assertEqual([re.split(r"[<>=]", one)[0] for one in needs], ["aiohttp"])

    def test_cli_10_the_wheel_has_the_package_its_types_and_its_licence_and_nothing_else(self) -> None:
        (wheel,) = Path(os.environ["SDK_WHEELS"]).glob("plenum_meeting_sdk-*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        code = {f"meeting_sdk/{path.name}" for path in (FOLDER / "meeting_sdk").iterdir() if path.is_file()}
        self.assertIn("meeting_sdk/py.typed", code)
        self.assertEqual({name for name in names if ".dist-info/" not in name}, code)
        (licence,) = [name for name in names if name.endswith("/LICENSE")]
        self.assertEqual(zipfile.ZipFile(wheel).read(licence), (FOLDER / "../../LICENSE").read_bytes())
        self.assertEqual((FOLDER / "LICENSE").read_bytes(), (FOLDER / "../../LICENSE").read_bytes())

    def test_cli_10_types_are_checked_where_the_package_is_used(self) -> None:
        use = """
from meeting_sdk import MeetingClient, MeetingError

async def use(client: MeetingClient) -> list[str]:
    joined = await client.join_meeting("m", {"device_type": "desktop"}, join_muted=True)
    people = await client.get_participants("m")
    await client.send_chat_message("m", content="text")
    failed: float | None = MeetingError("m", code="C").retry_after
    return [joined["participant_id"], str(failed), *(one["user_name"] for one in people)]
"""
        wrong = (
            use.replace('"desktop"', "7")
            .replace('content="text"', "contents=1")
            .replace("user_name", "userName")
        )
        with tempfile.TemporaryDirectory() as folder:
            for text, lines in ((use, []), (wrong, ["5", "7", "9"])):
                (Path(folder) / "use.py").write_text(text)
                mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "use.py"]
                told = subprocess.run(mypy, cwd=folder, capture_output=True, text=True, check=False)
                errors = re.findall(r"^use.py:(\d+): error:", told.stdout, re.M)
                self.assertEqual(list(dict.fromkeys(errors)), lines, told.stdout + told.stderr)

    def test_cli_10_the_example_of_the_guide_does_what_it_says_and_ends_without_a_warning(self) -> None:
        host = server.login("host")
        meeting = server.meeting(host, "member")
        first = run(example(), host.token, meeting)
        self.assertEqual((first.returncode, first.stderr), (0, ""), first.stdout)
        self.assertIn(f"Meeting started: {{'meeting_id': '{meeting}'", first.stdout)
        again = run(example(), host.token, meeting)
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertEqual(again.stdout.strip(), "Meeting is already running")

        async def history() -> list[str]:
            async with host.client(server.url) as client:
                return [message["content"] for message in await client.get_chat_history(meeting)]

        self.assertEqual(asyncio.run(history()), ["Hello from Python!"] * 2)

    def test_cli_10_the_example_runs_with_the_one_import_that_the_guide_has(self) -> None:
        # The guide names MeetingError without importing it, which Python looks up only when something is raised.
        ours = "from meeting_sdk import MeetingClient, MeetingError\n"
        self.assertEqual(example().count(ours), 1)
        host = server.login("host")
        literal = example().replace(ours, "from meeting_sdk import MeetingClient\n")
        ran = run(literal, host.token, server.meeting(host, "member"))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
