"""A receiver of webhooks for the tests: a real HTTP server on loopback that checks every signature by itself.

    receiver.py FOLDER [--port N] [--tls CERT KEY]

Prints its port. Each request becomes a line of FOLDER/requests: what it said, and whether each of its signatures is made
with the secret in FOLDER/secret. FOLDER/rules holds a JSON list; the first whose `event` and `meeting` fit (absent ones
fit everything) says what is answered: `status`, `headers`, and with `wait` an answer only when FOLDER/go exists.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arguments = argparse.ArgumentParser()
arguments.add_argument("folder")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--tls", nargs=2)
options = arguments.parse_args()
writing = threading.Lock()


def inside(name):
    return os.path.join(options.folder, name)


def read(name, otherwise):
    try:
        with open(inside(name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return otherwise


def standard(headers, body, secret):
    """Standard Webhooks: one of the listed signatures fits, and the time is a number."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    listed = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(given, expected) for version, given in listed)


def old(headers, body, secret):
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["x-webhook-signature"], expected)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = json.loads(body)
        secret = read("secret", "").strip()
        rule = self.rule(said)
        status = rule.get("status", 204)
        line = {
            "path": self.path,
            "headers": headers,
            "raw": body.decode(),
            "said": said,
            "standard": standard(headers, body, secret),
            "old": old(headers, body, secret),
            "status": status,
        }
        with writing, open(inside("requests"), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        while rule.get("wait") and not os.path.exists(inside("go")):
            time.sleep(0.01)
        self.send_response(status)
        for name, value in rule.get("headers", {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        """Where a redirect would lead."""
        with writing, open(inside("requests"), "a", encoding="utf-8") as file:
            file.write(json.dumps({"path": self.path, "followed": True}) + "\n")
        self.send_response(204)
        self.end_headers()

    @staticmethod
    def rule(said):
        for rule in json.loads(read("rules", "[]")):
            if rule.get("event") in (None, said["event"]) and rule.get("meeting") in (None, said["meeting_id"]):
                return rule
        return {}

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
server.daemon_threads = True
if options.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
# Ends with the test that holds the other end of standard input.
sys.stdin.read()
