"""Texts and pages in which a value is written so that it doesn't show: it is found, and isn't in the redacted version either."""

import base64
import quopri

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake
from tests.server.test_files_scan import form, part, scan

CARD = "4111 1111 1111 1111"
SENTENCE = f"Dear Anna, please book it on my card {CARD}, as we said on the phone the other day. Ciao.\r\n"
HEAD = "From: anna\r\nTo: bob\r\nSubject: the card\r\nMIME-Version: 1.0\r\nContent-Type: text/%s; charset=utf-8\r\n"
PLAIN, PAGE = HEAD % "plain", HEAD % "html"
QUOTED = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
PACKED = "Content-Transfer-Encoding: base64\r\n\r\n"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})


def packed(text: str, encoding: str = "utf-8", width: int = 76) -> str:
    whole = base64.b64encode(text.encode(encoding)).decode()
    return "\r\n".join(whole[at : at + width] for at in range(0, len(whole), width)) + "\r\n"


def every_letter(text: str) -> str:
    return "".join(f"={ord(letter):02X}" for letter in text)


TEXTS: dict[str, str] = {
    "quoted digit.eml": PLAIN + QUOTED + "card =34111 1111 1111 1111 it is\r\n",
    "soft break in a number.eml": PLAIN + QUOTED + "please take my card 4111 11=\r\n11 1111 1111 for it\r\n",
    "two soft breaks in a number.eml": PLAIN + QUOTED + "please take my card 4111 11=\r\n11 11=\r\n11 1111 for it\r\n",
    "every letter quoted.eml": PLAIN + QUOTED + every_letter(f"card {CARD}") + "\r\n",
    "quoted without a header.txt": "Hello,\n\nmy card is =34111 1111 1111 1111\n",
    "soft break without a header.txt": "Hello,\n\nmy card, as you know, is 4111 1111 111=\n1 1111 and no other\n",
    "quoted page.eml": PAGE + QUOTED + "<p>Card <b>=34=31=31=31</b> <i>1111</i> 11=\r\n11 1111</p>\r\n",
    "as a mail program sends it.eml": PLAIN + QUOTED + quopri.encodestring(("Grüße! " + SENTENCE).encode()).decode(),
    "packed.eml": PLAIN + PACKED + packed(SENTENCE),
    "packed over the border of lines.eml": PLAIN + PACKED + packed("x" * 52 + " " + CARD + " it is, and nothing else.\r\n"),
    "packed in short lines.eml": PLAIN + PACKED + packed(SENTENCE, width=20),
    "packed page.eml": PAGE + PACKED + packed("<p>Card <b>4111</b> 11<i>11</i> 1111 1111, and more of it</p>"),
    "packed in cp1252.eml": PLAIN + PACKED + packed("Grüße, " + SENTENCE, "cp1252"),
    "packed without a header.txt": "Hello,\n\n" + packed("x" * 52 + " " + CARD + " it is, and nothing else.\r\n") + "\nBye\n",
    "word of a header.eml": f"Subject: =?utf-8?B?{base64.b64encode(('über ' + CARD).encode()).decode()}?=\r\n\r\nHello\r\n",
    "quoted word of a header.eml": "Subject: =?utf-8?Q?card_=34111_1111_1111_1111?=\r\n\r\nHello\r\n",
    "words of a header.eml": "Subject: =?utf-8?Q?card_4111_1111_1?=\r\n =?utf-8?Q?111_1111?=\r\n\r\nHello\r\n",
    "bold groups.md": "# Card\n\n**4111** **1111** **1111** **1111**\n",
    "bold and plain groups.md": "# Card\n\n**4111** 1111 **1111** 1111\n",
    "code groups.md": "# Card\n\n`4111` `1111` `1111` `1111`\n",
    "underscored groups.md": "# Card\n\n__4111__ __1111__ __1111__ __1111__\n",
    "tags between groups.txt": "the card <b>4111</b> <b>1111</b> <b>1111</b> <b>1111</b> it is\n",
    "nothing between digits.txt": "the card 4\u200b1\u200b11 1\u200c111 11\u200d11 11\ufeff11 it is\n",
    "soft hyphens.txt": "the card 41\u00ad11 1111 11\u00ad11 1111 it is\n",
}
PAGES: dict[str, str] = {
    "escapes in a style.html": "<style>p::before { content: '\\34 111 1111 1111 1111' }</style><p>Hello</p>",
    "longest escapes in a style.html": "<style>p::before { content: '\\000034\\000031 11 1111 1111 1111' }</style><p>Hi</p>",
    "escapes in a style attribute.html": "<p style=\"--card: '\\34 111 1111 1111 1111'\">Hello</p>",
    "comment in a style.html": "<style>/* card 4111 1111 1111 1111 */</style><p>Hello</p>",
    "escapes in a script.html": "<script>var card = '\\u0034111 1111 1111 1111'</script><p>Hello</p>",
    "parts in a script.html": "<script>var card = '4111 ' + '1111 ' + '1111 1111'</script><p>Hello</p>",
    "bold groups as in Markdown.html": "<p>card **4111** **1111** **1111** **1111**</p>",
    "tags between digits.html": "<p>card <i>4</i><b>1</b>11 1<u>11</u>1 1111 1111</p>",
    "comments between digits.html": "<p>card 41<!-- a -->11 1111 11<!-- b -->11 1111</p>",
    "breaks for words between digits.html": "<p>card 41<wbr>11 1111 11<wbr>11 1111</p>",
    "nothing between digits.html": "<p>card 41&#8203;11 11&zwnj;11 11&#xFEFF;11 1111</p>",
    "soft hyphens.html": "<p>card 41&shy;11 1111 11&shy;11 1111</p>",
    "references between tags.html": "<p>card &#52;<b>&#x31;</b>11 1111 1111 11&#49;1</p>",
    "blanks that don't break.html": "<p>card 4111&nbsp;1111&nbsp;1111&nbsp;1111</p>",
    "references in a comment.html": "<!-- card &#52;111 1111 1111 1111 --><p>Hello</p>",
    "a page in a comment.html": "<!-- <p>card 4111 <b>1111</b> 1111 <i>1111</i></p> --><p>Hello</p>",
    "cells.html": "<table><tr><td>4111</td><td>1111</td><td>1111</td><td>1111</td></tr></table>",
    "unknown elements.html": "<p>card <x-a>41</x-a>11 <y>1111</y> 1111 1111</p>",
    "CDATA in XML.xml": "<?xml version='1.0'?><a><b><![CDATA[card 4111 1111 1111 1111]]></b></a>",
    "spans that are one by one.html": "<p>" + "".join(f"<span>{one}</span>" for one in f"card {CARD}") + "</p>",
    "text of an image.html": "<svg><text>4111</text><text>1111 1111 1111</text></svg>",
}
HONEST: dict[str, str] = {
    "a mail with references.eml": PLAIN + QUOTED + "See https://example.com/?a=3D1&b=3D20 and Gr=C3=BC=C3=9Fe, 20=25 off.\r\n",
    "a table of code.md": "| a | b |\n|---|---|\n| `1111` | `2222` |\n| **3333** | **4444** |\n",
    "a program.txt": "x=30\ny=45\nfor i in range(x=31, y=2E):\n    total=4111\n",
    "a query.txt": "GET /a?id=41111&page=31&size=50&order=2024 HTTP/1.1\n",
    "a page with a style.html": "<style>a::after { content: '\\201C\\2014' } b { width: 20px }</style><p>Hello</p>",
    "a key that all may have.txt": "ssh-rsa " + base64.b64encode(bytes(range(200))).decode() + " anna\n",
}
CASES = TEXTS | PAGES


def one(door: Appliance, name: str, text: str) -> dict[str, object]:
    answer = scan(door, form(part(text.encode(), name)))
    assert answer.status == 200, answer
    found: dict[str, object] = answer.json["files"][0]
    return found


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_however_it_is_written(door: Appliance, name: str) -> None:
    told = one(door, name, CASES[name])
    assert "CREDIT_CARD" in {finding["type"] for finding in told["findings"]}, told


@pytest.mark.parametrize("name", CASES)
def test_the_redacted_version_does_not_say_it_either(door: Appliance, name: str) -> None:
    answer = scan(door, form(part(CASES[name].encode(), name)), query="?redact=true")
    assert answer.status == 200, answer
    again = one(door, name, answer.body.decode())
    assert "CREDIT_CARD" not in {finding["type"] for finding in again["findings"]}, answer.body
    assert b"1111 1111" not in answer.body


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_text_stays_clean(door: Appliance, name: str) -> None:
    told = one(door, name, HONEST[name])
    assert told["verdict"] == "clean", told


def test_a_file_inside_of_a_mail_is_told_as_unread(door: Appliance) -> None:
    inside = packed("%PDF-1.7\n" + "x" * 400)
    told = one(door, "with a letter.eml", HEAD % "plain" + PACKED + inside)
    assert (told["verdict"], told["unread"]) == ("unreadable", ["files inside of the mail: 1"])
