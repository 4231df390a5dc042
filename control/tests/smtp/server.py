"""An SMTP server for the tests: a real one, on loopback, that keeps what it is given.

    server.py FOLDER [--port N] [--tls CERT KEY] [--auth USER PASSWORD] [--fed-up]

Prints its port. Each message becomes FOLDER/N.eml. While FOLDER/verdict holds a line such as `451 later`, every
recipient is answered with it. A server that is fed up answers whoever comes after a refused recipient with 554.
"""

import argparse
import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("folder")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("--auth", nargs=2)
arguments.add_argument("--fed-up", action="store_true")
options = arguments.parse_args()
refused = False


class Keep:
    """Answers recipients as the verdict says and writes messages down."""

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        global refused
        try:
            with open(os.path.join(options.folder, "verdict"), encoding="utf-8") as file:
                refused = True
                return file.read().strip()
        except FileNotFoundError:
            envelope.rcpt_tos.append(address)
            return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        number = len([name for name in os.listdir(options.folder) if name.endswith(".eml")])
        path = os.path.join(options.folder, f"{number}.eml")
        with open(path + ".part", "wb") as file:
            file.write(envelope.original_content)
        os.rename(path + ".part", path)
        return "250 kept"


def authenticate(server, session, envelope, mechanism, login):
    wanted = [part.encode() for part in options.auth]
    # Not handled: the refusal is for the server to say.
    return AuthResult(success=[login.login, login.password] == wanted, handled=False)


class FedUp(asyncio.Protocol):
    """Wants nothing from this client."""

    def connection_made(self, transport):
        transport.write(b"554 5.7.1 no service for you\r\n")
        transport.close()


def connection():
    """One for each client."""
    if options.fed_up and refused:
        return FedUp()
    settings = {}
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        settings.update(tls_context=context, require_starttls=True)
    if options.auth:
        settings.update(authenticator=authenticate, auth_required=True)
    return SMTP(Keep(), hostname="localhost", enable_SMTPUTF8=True, **settings)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", options.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with the test that holds the other end of standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
