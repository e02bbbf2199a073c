"""`POST /api/v1/files/page` of the shipped program: pages of files as pictures, for who looks at what was found in them."""

import io
import json
from typing import Any

import pypdf
import pytest
from PIL import Image, ImageDraw

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake
from tests.server.test_files_scan import FORM, form, key_with, part, scan
from tests.unit.files.pdf_files import Pdf, shown

PASSWORD, PATH = "grey heron", "/api/v1/files/page"
SSN = "123-45-6789"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})


def pdf(*contents: bytes, box: str = "0 0 595 842") -> bytes:
    made = Pdf()
    for content in contents:
        made.page(content, box=box)
    return made.data()


def encrypted(data: bytes, password: str) -> bytes:
    writer, file = pypdf.PdfWriter(clone_from=io.BytesIO(data)), io.BytesIO()
    writer.encrypt(password, algorithm="AES-256")
    writer.write(file)
    return file.getvalue()


def page(door: Appliance, *parts: bytes, query: str = "", token: str | None = None) -> Answer:
    return door.call("POST", PATH + query, form(*parts), token=token or door.api_key, headers=FORM)


def picture(answer: Answer) -> Image.Image:
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png"), answer
    image = Image.open(io.BytesIO(answer.body))
    image.load()
    return image


def ink_in(image: Image.Image, box: list[float]) -> int:
    """How much darker than paper the darkest place in a box (parts of 1) is."""
    width, height = image.size
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    corners = int(left), int(top), min(width, int(right) + 1), min(height, int(bottom) + 1)
    return 255 - int(image.convert("L").crop(corners).getextrema()[0])


def test_a_page_comes_as_wide_as_was_asked_and_findings_boxes_are_where_its_ink_is(door: Appliance) -> None:
    data = pdf(shown(f"SSN {SSN}", y=600), shown("nothing", y=300))
    (finding,) = scan(door, form(part(data, "a.pdf"))).json["files"][0]["findings"]
    first = picture(page(door, part(data, "a.pdf"), query="?page=1&width=800"))
    assert first.width == 800 and first.height > 800
    assert ink_in(first, finding["box"]) > 128
    second = picture(page(door, part(data, "a.pdf"), query="?page=2&width=400"))
    assert second.width == 400 and ink_in(second, finding["box"]) == 0
    assert picture(page(door, part(data, "a.pdf"))).width == 1000


def test_a_photograph_comes_turned_upright_and_no_wider_than_it_is(door: Appliance) -> None:
    photo = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(photo).rectangle((0, 0, 60, 60), fill="black")  # its upper left corner; shown, the upper right one
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    photo.save(file, "JPEG", exif=exif)
    image = picture(page(door, part(file.getvalue(), "photo.pdf"), query="?width=2000"))
    assert image.size == (200, 300) and not image.getexif()
    assert ink_in(image, [0.8, 0.0, 1.0, 0.1]) > 200 and ink_in(image, [0.0, 0.8, 0.3, 1.0]) < 30
    assert picture(page(door, part(file.getvalue()), query="?width=100")).size == (100, 150)


def test_an_encrypted_file_is_drawn_with_its_password_alone(door: Appliance) -> None:
    data = encrypted(pdf(shown("secret")), PASSWORD)
    refused = page(door, part(data, "a.pdf"))
    assert (refused.status, refused.error["code"], refused.error["file_code"]) == (400, "file_unreadable", "ENCRYPTED")
    assert refused.error["fix"]
    assert picture(page(door, part(PASSWORD.encode(), "", "password"), part(data, "a.pdf"))).width == 1000


@pytest.mark.parametrize(
    ("data", "query", "code"),
    [
        (b"just text", "", "UNSUPPORTED"),
        (b"", "", "EMPTY_FILE"),
        (b"%PDF-1.7 nonsense", "", "MALFORMED"),
        (pdf(shown("one page")), "?page=2", "MALFORMED"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "", "MALFORMED"),
    ],
    ids=["text", "empty", "broken", "no such page", "broken image"],
)
def test_what_cant_be_drawn_says_why_and_what_to_do(door: Appliance, data: bytes, query: str, code: str) -> None:
    answer = page(door, part(data, "letter.bin"), query=query)
    assert (answer.status, answer.error["file_code"]) == (400, code), answer
    assert answer.error["message"] and answer.error["fix"]


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=1.5", "?width=63", "?width=2401", "?width=", "?page=9999999", "?dpi=3"]
)
def test_numbers_out_of_bounds_are_refused(door: Appliance, query: str) -> None:
    answer = page(door, part(b"x"), query=query)
    assert (answer.status, answer.error["code"]) == (400, "invalid_field"), answer
    assert answer.error["param"] in ("page", "width", "dpi")


def test_a_very_long_page_is_no_large_picture(door: Appliance) -> None:
    data = pdf(shown("x", y=20), box="0 0 20 14000")
    image = picture(page(door, part(data, "a.pdf"), query="?width=2400"))
    assert image.width * image.height <= 8_100_000


def test_who_may_scan_may_look_and_nobody_else(door: Appliance) -> None:
    data = part(pdf(shown("hello")), "a.pdf")
    assert page(door, data, token=door.owner_token).status == 200
    assert page(door, data, token=key_with(door, "files")).status == 200
    assert page(door, data, token=key_with(door, "chat")).status == 403
    assert page(door, data, token="gh_nothing").status == 401
    assert door.call("GET", PATH, token=door.api_key).status == 405
    assert page(door, data, data).status == 400  # one file at a time
    assert page(door).status == 400


def test_the_machine_itself_may_scan_look_and_have_values(door: Appliance) -> None:
    """As the tray app, which may read the home folder."""
    token = str(json.loads((door.home / "run" / "control.json").read_text())["token"])
    body = form(part(pdf(shown(f"SSN {SSN}")), "a.pdf"))
    told: Any = scan(door, body, token=token).json["files"][0]
    assert (told["verdict"], [one["type"] for one in told["findings"]]) == ("flagged", ["US_SSN"])
    values = scan(door, body, query="?include_values=true", token=token)
    assert values.json["files"][0]["findings"][0]["value"] == SSN
    assert page(door, part(pdf(shown("hello")), "a.pdf"), token=token).status == 200
    assert scan(door, body, token=token[:-1] + ("a" if token[-1] != "a" else "b")).status == 401
