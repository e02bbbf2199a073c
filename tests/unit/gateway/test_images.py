"""Images that a caller names by address: fetched from listed hosts alone, bounded, and sent on as data."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from appliance.chat import ChatRequest, Message, Part
from appliance.errors import InvalidField
from appliance.gateway import images as images_module
from appliance.gateway.images import Images
from appliance.settings import Settings
from appliance.upstream.proxy import Proxies
from tests.fakes.files import Answer, FileServer, file_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
HERE = ["127.0.0.1"]
Inlined = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as files:
        files.files["/a.png"] = PNG
        yield files


@pytest.fixture
async def inlined() -> AsyncIterator[Inlined]:
    made: list[Images] = []

    async def inlined(*urls: str, **settings: Any) -> list[str]:
        """The request's addresses afterwards."""
        made.append(Images(Settings(**({"image_hosts_allowed": HERE, "upstream_allowed": HERE} | settings)), Proxies()))
        await made[-1].open()
        parts = [Part("text", "What is this?"), *[Part("image_url", image_url={"url": url, "detail": "low"}) for url in urls]]
        asked = ChatRequest("m", [Message("system", "Be brief."), Message("user", parts)])
        answered = await made[-1].inlined(asked)
        content = answered.messages[1].content
        assert isinstance(content, list)
        assert answered.messages[0] == asked.messages[0]
        assert [part.text for part in content] == ["What is this?", *[None] * len(urls)]
        found = [part.image_url or {} for part in content[1:]]
        assert all(image["detail"] == "low" for image in found)
        assert [part.image_url or {} for part in parts[1:]] == [{"url": url, "detail": "low"} for url in urls], "the caller's own"
        return [image["url"] for image in found]

    yield inlined
    for one in made:
        await one.close()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "jpeg"),
        (b"GIF89a" + bytes(9), "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
    ],
)
async def test_an_image_of_a_listed_host_is_sent_on_as_data(server: FileServer, inlined: Inlined, data: bytes, kind: str) -> None:
    server.files["/a"] = data
    url = f"{server.url}/a"
    assert await inlined(url, url) == [f"data:image/{kind};base64,{base64.b64encode(data).decode()}"] * 2
    assert len(server.asked) == 1, "the same address is asked once"


@pytest.mark.parametrize(
    "settings", [{"image_hosts_allowed": []}, {"image_hosts_allowed": ["127.0.0.2", "pictures.example", "*.0.0.1"]}]
)
async def test_what_is_not_listed_is_handed_on_and_asked_by_nobody(
    server: FileServer, inlined: Inlined, settings: dict[str, Any]
) -> None:
    urls = [f"{server.url}/a.png", "data:image/png;base64,AAAA", "ftp://127.0.0.1/a", "http://127.1/a", "http://[::1", ""]
    assert await inlined(*urls, **settings) == urls
    assert server.asked == []


async def test_a_listed_host_within_the_site_is_not_asked_unless_it_is_an_upstream_too(
    server: FileServer, inlined: Inlined
) -> None:
    for url in (f"{server.url}/a.png", server.url.replace("http:", "https:") + "/a.png"):
        with pytest.raises(InvalidField, match="could not be fetched"):
            await inlined(url, upstream_allowed=[])
    assert server.asked == []


async def test_an_air_gap_holds_for_images_too(inlined: Inlined) -> None:
    with pytest.raises(InvalidField, match="air_gap is on"):
        await inlined("https://8.8.8.8/a.png", image_hosts_allowed=["8.8.8.8"], air_gap=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(body=b"<html>Sign in</html>"), "no PNG, JPEG, GIF or WebP"),
        (Answer(body=b""), "no PNG, JPEG, GIF or WebP"),
        (Answer(status=302, location="http://127.0.0.1/elsewhere"), "its host says 302"),
        (Answer(status=404), "its host says 404"),
        (Answer(body=PNG, cut=20), "broke off"),
        (Answer(body=PNG + bytes(5000)), "more than 1000 bytes"),
        (Answer(body=PNG, stall=20), "took longer"),
    ],
)
async def test_what_is_no_image_is_told_with_its_place_and_without_its_address(
    server: FileServer, inlined: Inlined, monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str
) -> None:
    monkeypatch.setattr(images_module, "BYTES_MAX", 1000)
    monkeypatch.setattr(images_module, "SECONDS_MAX", 1.0)
    server.next = [answer]
    with pytest.raises(InvalidField, match=words) as refused:
        await inlined(f"{server.url}/a.png?signature=sECRET")
    assert refused.value.param in ("messages", "messages.1.content.1.image_url.url")
    assert "sECRET" not in refused.value.message
    assert refused.value.fix == "Send the image itself, as a data: URL."
    assert len(server.asked) == 1


async def test_all_images_of_a_request_share_one_bound(
    server: FileServer, inlined: Inlined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_module, "BYTES_MAX", 250)
    monkeypatch.setattr(images_module, "IMAGES_MAX", 4)
    server.files |= {f"/{number}.png": PNG for number in range(5)}
    assert len(await inlined(*(f"{server.url}/{number}.png" for number in range(2)))) == 2
    with pytest.raises(InvalidField, match="more than 34 bytes"):
        await inlined(*(f"{server.url}/{number}.png" for number in range(3)))
    before = len(server.asked)
    with pytest.raises(InvalidField, match="more than 4 images"):
        await inlined(*(f"{server.url}/{number}.png" for number in range(5)))
    assert len(server.asked) == before
