"""Reads messages with parsers that are not ours (Python's email, icalendar) and prints what is in them as JSON."""

import email
import email.policy
import json
import sys

from icalendar import Calendar


def text(value):
    """A property as its calendar text; a list as the texts of its members."""
    if isinstance(value, list):
        return [text(one) for one in value]
    return value.to_ical().decode()


def entry(component):
    properties = {name: text(value) for name, value in component.items()}
    parameters = {}
    for name, value in component.items():
        if hasattr(value, "params") and value.params:
            parameters[name] = {key: str(one) for key, one in value.params.items()}
    return {"properties": properties, "parameters": parameters}


def calendar(content):
    whole = Calendar.from_ical(content)
    return {
        "method": str(whole["METHOD"]),
        "zones": [str(zone["TZID"]) for zone in whole.walk("VTIMEZONE")],
        "event": entry(whole.walk("VEVENT")[0]),
    }


def message(path):
    with open(path, "rb") as file:
        parsed = email.message_from_binary_file(file, policy=email.policy.default)
    parts = []
    for part in parsed.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        content = part.get_payload(decode=True)
        found = {"type": kind, "method": part.get_param("method"), "disposition": part.get_content_disposition()}
        if kind in ("text/calendar", "application/ics"):
            found["calendar"] = calendar(content)
        else:
            found["content"] = part.get_content()
        parts.append(found)
    headers = {name.lower(): [str(value) for value in parsed.get_all(name)] for name in parsed.keys()}
    return {"headers": headers, "parts": parts, "defects": [str(defect) for defect in parsed.defects]}


print(json.dumps([message(path) for path in sys.argv[1:]]))
