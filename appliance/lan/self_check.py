"""Does the appliance answer at its own addresses, over TLS that a colleague would trust? Asked by calling itself."""

import asyncio
import ssl
from collections.abc import Sequence

from appliance.lan.addresses import url_host
from appliance.lan.problem import Problem

ANSWER_SECONDS_MAX = 5.0
ASKED_MAX = 16  # at a time, and at all: a machine of many networks is looked at by its first addresses
HEAD_BYTES_MAX = 65_536
TAKE_OVER_TRIES = 10  # at a renewal the server before takes, and loses, connections for a moment longer
TAKE_OVER_SECONDS = 0.1


async def unreachable(addresses: Sequence[str], port: int, authority: bytes) -> list[Problem]:
    """A problem for each address where nothing answers, or not as it should."""
    trust = ssl.create_default_context(cadata=authority.decode())
    asked = [_ask_patiently(address, port, trust) for address in addresses[:ASKED_MAX]]
    return [problem for problem in await asyncio.gather(*asked) if problem is not None]


async def _ask_patiently(address: str, port: int, trust: ssl.SSLContext) -> Problem | None:
    where = f"https://{url_host(address)}:{port}"
    for _ in range(TAKE_OVER_TRIES):
        try:
            status = await _ask(address, port, trust)
        except TimeoutError:
            return Problem(f"{where} does not answer", "A firewall of this machine may drop it.")
        except ssl.SSLCertVerificationError as error:
            problem = Problem(
                f"{where} shows a certificate that does not hold: {error.verify_message}", "`gatehouse lan on` looks again."
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            problem = Problem(
                f"{where} can't be reached from this machine itself: {reason}", "`gatehouse doctor` says who holds the port."
            )
        else:
            if b" 200 " in status:
                return None
            problem = Problem(f"{where} answers, but not as it should", "Another program may hold the port.")
        await asyncio.sleep(TAKE_OVER_SECONDS)
    return problem


async def _ask(address: str, port: int, trust: ssl.SSLContext) -> bytes:
    """The first line of the answer. Errors: OSError, ValueError."""
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        reader, writer = await asyncio.open_connection(address, port, ssl=trust, server_hostname=address, limit=HEAD_BYTES_MAX)
        try:
            writer.write(f"GET /health HTTP/1.1\r\nHost: {url_host(address)}:{port}\r\nConnection: close\r\n\r\n".encode())
            return await reader.readline()
        finally:
            writer.close()
