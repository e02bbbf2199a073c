"""HTML: what stands in it, seen or not, and a value taken out of every place."""

import base64
from pathlib import Path

import pytest

from appliance.files.document import Change, Document, FileError
from appliance.files.reading import html_text
from tests.unit.files.docx_files import CARD, saved

PLACES = {
    "text": f"<p>My card is {CARD}.</p>",
    "split over elements": "<p>4111 <b>1111</b> <i>11<u>11</u></i> 1111</p>",
    "split by what nobody sees": "<p>4111 1111 1<span hidden>x</span>111 1111</p>",
    "page in a frame, split": "<iframe srcdoc='&lt;p&gt;4111 1111 &lt;b&gt;1111&lt;/b&gt; 1111&lt;/p&gt;'></iframe>",
    "link that is a page": "<a href='data:text/html,<p>4111 1111 <b>1111</b> 1111</p>'>x</a>",
    "tag without an end": f"x<p title='{CARD}",
    "references": "<p>&#52;&#x31;11 1111 1111 1111</p>",
    "table": f"<table><tr><td>{CARD}</td></tr></table>",
    "no element": CARD,
    "title": f"<head><title>{CARD}</title></head>",
    "comment": f"<p>x<!-- {CARD} --></p>",
    "comment before everything": f"<!-- {CARD} --><html><p>x</p></html>",
    "script": f"<script>var a = '{CARD}'</script>",
    "style sheet": f"<style>a::before {{ content: '{CARD}' }}</style>",
    "handler": f"<p onclick=\"alert('{CARD}')\">x</p>",
    "template": f"<template><p>{CARD}</p></template>",
    "text area": f"<textarea>{CARD}</textarea>",
    "frame": f"<iframe srcdoc='<p>{CARD}</p>'></iframe>",
    "unclosed": f"<div><p>{CARD}",
    **{
        f"attribute {name}": f"<p><img {name}='{CARD}'>"
        for name in ("alt", "title", "value", "content", "data-card", "aria-label", "x-own")
    },
    "link": f"<a href='https://example.com/?q={CARD}'>x</a>",
    "link with percent signs": f"<a href='https://example.com/?q={CARD.replace(' ', '%20')}'>x</a>",
    "link that is a text": f"<a href='data:text/plain;base64,{base64.b64encode(CARD.encode()).decode()}'>x</a>",
    "behind the end": f"<html><body>x</body></html>{CARD}",
    "meta": f"<meta name='description' content='{CARD}'>",
    "form": f"<input type=hidden value='{CARD}'>",
    "XML": f"<?xml version='1.0'?><order><card number='1'>{CARD}</card></order>",
    "SVG": f"<svg><text>{CARD}</text></svg>",
    "UTF-16": f"<p>{CARD}</p>".encode("utf-16"),
    "zero bytes": f"<p>{CARD}</p>".replace("1", "\0001", 1),
}


def read(tmp_path: Path, page: str | bytes) -> Document:
    return html_text.read(saved(tmp_path, page if isinstance(page, bytes) else page.encode()), None)


@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_found_and_taken_out_of(place: str, tmp_path: Path) -> None:
    document = read(tmp_path, PLACES[place])
    changes = [
        Change(number, piece.text.index(CARD), piece.text.index(CARD) + len(CARD), "[CARD]")
        for number, piece in enumerate(document.pieces)
        if CARD in piece.text
    ]
    assert changes, [piece.text for piece in document.pieces]
    result = tmp_path / "result.html"
    html_text.redact(tmp_path / "file.docx", None, changes, result)
    assert not [piece.text for piece in html_text.read(result, None).pieces if CARD in piece.text or "1111" in piece.text]
    assert "1111" not in result.read_text()


HIDDEN = [
    "<p hidden>{}</p>",
    "<p style='display:none'>{}</p>",
    "<p style='DISPLAY : None !important'>{}</p>",
    "<div style='display:none'><p><b>{}</b></p></div>",
    "<p style='visibility:hidden'>{}</p>",
    "<p style='opacity:0'>{}</p>",
    "<p style='font-size:0'>{}</p>",
    "<p style='font-size:1px'>{}</p>",
    "<p style='color:white'>{}</p>",
    "<p style='color:#fefefe'>{}</p>",
    "<div style='background:#336699'><p style='color:rgb(51, 102, 153)'>{}</p></div>",
    "<table bgcolor='#000000'><tr><td style='color:black'>{}</td></tr></table>",
    "<font color='#FFFFFF'>{}</font>",
    "<p style='color:transparent'>{}</p>",
    "<p style='position:absolute;left:-9999px'>{}</p>",
    "<p style='text-indent:-9999px'>{}</p>",
    "<p style='width:0;overflow:hidden'>{}</p>",
    "<p style='clip-path: inset(100%)'>{}</p>",
    "<p style='transform:scale(0)'>{}</p>",
    "<p style='transform: translateX(-9999px)'>{}</p>",
    "<p style='color: rgba(0, 0, 0, 0)'>{}</p>",
    "<p style='content-visibility:hidden'>{}</p>",
]
VISIBLE = [
    "<p>{}</p>",
    "<p style='color:white;background:#000'>{}</p>",
    "<div style='background-color:navy'><p style='color:white'>{}</p></div>",
    "<div class='dark'><p style='color:white'>{}</p></div>",
    "<div style='background:url(a.png)'><p style='color:white'>{}</p></div>",
    "<p style='font-size:0.8em'>{}</p>",
    "<p style='display:block'>{}</p>",
    "<p style='transform:scale(1.1) translate(-50%)'>{}</p>",
    "<p style='color:rgb(0, 0, 0)'>{}</p>",
    "<noscript>{}</noscript>",
    "<p aria-hidden=true>{}</p>",
]


@pytest.mark.parametrize("page", HIDDEN)
def test_what_nobody_sees_is_told_as_hidden(page: str, tmp_path: Path) -> None:
    pieces = read(tmp_path, f"<p>seen</p>{page.format('secret')}<p>seen as well</p>").pieces
    assert [(piece.text, bool(piece.hidden)) for piece in pieces] == [("seen", False), ("secret", True), ("seen as well", False)]


@pytest.mark.parametrize("page", VISIBLE)
def test_what_is_seen_is_not_told_as_hidden(page: str, tmp_path: Path) -> None:
    assert [piece.hidden for piece in read(tmp_path, page.format("shown")).pieces if piece.text == "shown"] == [""]


def test_scripts_are_told(tmp_path: Path) -> None:
    assert [notice.code for notice in read(tmp_path, "<p onclick='x()'>a</p>").notices] == ["JAVASCRIPT"]
    assert not read(tmp_path, "<p>a</p>").notices


def test_pictures_inside_of_a_page_are_told_as_unread(tmp_path: Path) -> None:
    assert read(tmp_path, "<img src='data:image/png;base64,iVBORw0KGgo='>").unread == ["pictures inside of the page"]
    assert not read(tmp_path, "<img src='a.png'><a href='data:,x'>y</a>").unread


def test_the_encoding_that_a_page_names_is_believed(tmp_path: Path) -> None:
    page = "<meta charset='windows-1251'><p>Привет</p>".encode("cp1251")
    assert [piece.text for piece in read(tmp_path, page).pieces] == ["Привет"]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", "UNSAFE_XML"),
        ("<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><a>&b;</a>", "UNSAFE_XML"),
        ("<div>" * 100_000, "TOO_LARGE"),
        (" \n ", "EMPTY_FILE"),
    ],
)
def test_a_page_is_refused_with_the_right_code(page: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        read(tmp_path, page)
    assert refused.value.code == code
