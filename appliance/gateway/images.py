"""Images that a caller names by address: fetched here, from hosts that an administrator lists, and sent on as data.

An address at any other host is handed on as it is, and nobody here asks for it: the provider fetches it, or refuses. So is every
address in a body that passes through in the caller's own dialect.
"""

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from appliance.chat import ChatRequest, Message, Part
from appliance.errors import GatehouseError, InvalidField
from appliance.upstream.client import HttpClient, Limits
from appliance.upstream.networks import Places
from appliance.upstream.origin import NotReachable, taken_apart
from appliance.upstream.proxy import Proxies
from appliance.upstream.reach import ImageSettings, Reach

IMAGES_MAX = 20  # fetched for one request
BYTES_MAX = 20 * 1024 * 1024  # all of them
SECONDS_MAX = 20.0  # all of them
HEADERS: Mapping[str, str] = {"accept": "image/*", "user-agent": "gatehouse"}
_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_SEND_IT = "Send the image itself, as a data: URL."


class Settings(ImageSettings, Limits, Protocol):
    """What images want of the settings."""

    @property
    def upstream_ca_file(self) -> str: ...


class Images:
    """Fetches them. `open` it inside the event loop."""

    def __init__(self, settings: Settings, proxies: Proxies) -> None:
        self._hosts = Places(settings.image_hosts_allowed)
        self._client = HttpClient(settings, Reach.for_public(settings), proxies, ca_file=settings.upstream_ca_file)

    async def open(self) -> None:
        await self._client.open()

    async def close(self) -> None:
        await self._client.close()

    async def inlined(self, chat: ChatRequest) -> ChatRequest:
        """The request with the images of listed hosts in it. Errors: InvalidField."""
        if self._hosts.is_empty:
            return chat
        wanted = {url: where for url, where in _addresses(chat.messages) if self._is_listed(url)}
        if not wanted:
            return chat
        if len(wanted) > IMAGES_MAX:
            raise InvalidField(f"more than {IMAGES_MAX} images are to be fetched", param="messages", fix=_SEND_IT)
        found: dict[str, str] = {}
        left = BYTES_MAX
        try:
            async with asyncio.timeout(SECONDS_MAX):
                for url, where in wanted.items():
                    data = await self._fetched(url, where, left)
                    left -= len(data)
                    found[url] = f"data:image/{_kind(data, where)};base64,{base64.b64encode(data).decode()}"
        except TimeoutError as error:
            raise InvalidField(
                f"the images took longer than {SECONDS_MAX:g} s to fetch", param="messages", fix=_SEND_IT
            ) from error
        return msgspec.structs.replace(chat, messages=[_with(message, found) for message in chat.messages])

    def _is_listed(self, url: str) -> bool:
        try:
            return self._hosts.has_host(taken_apart(url)[0].host)
        except NotReachable:
            return False

    async def _fetched(self, url: str, where: str, bytes_max: int) -> bytes:
        """One image. Messages name the place in the request, never the address: it may hold a secret."""
        try:
            answer = await self._client.send("GET", url, HEADERS, b"", "the image's host")
            if answer.status == 200:
                return await answer.read(max(bytes_max, 1))
            answer.close()
        except GatehouseError as error:
            raise InvalidField(f"{where} could not be fetched: {error.message}", param=where, fix=_SEND_IT) from error
        raise InvalidField(f"{where} could not be fetched: its host says {answer.status}", param=where, fix=_SEND_IT)


def _addresses(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """Every image's web address, and where it stands."""
    for number, message in enumerate(messages):
        for index, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if (url := _address(part)) is not None:
                yield url, f"messages.{number}.content.{index}.image_url.url"


def _address(part: Part) -> str | None:
    url = part.image_url.get("url") if part.image_url is not None else None
    return url if isinstance(url, str) and url[:4].lower() == "http" else None


def _with(message: Message, found: Mapping[str, str]) -> Message:
    if not isinstance(message.content, list):
        return message
    return msgspec.structs.replace(message, content=[_part(part, found) for part in message.content])


def _part(part: Part, found: Mapping[str, str]) -> Part:
    data = found.get(_address(part) or "")
    return part if data is None else msgspec.structs.replace(part, image_url={**(part.image_url or {}), "url": data})


def _kind(data: bytes, where: str) -> str:
    """An image's type by its first bytes; what its server says of it counts for nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    raise InvalidField(f"what is found at {where} is no PNG, JPEG, GIF or WebP image", param=where, fix=_SEND_IT)
