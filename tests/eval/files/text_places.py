"""Plain texts in many encodings, CSV, Markdown and HTML with values where a reader of the text wouldn't look."""

import base64
import random
from collections.abc import Iterator

from tests.eval.files.made import HIDDEN, TEXTS, Label, MadeFile
from tests.eval.files.pdf_bytes import Pdf
from tests.eval.files.pdf_writing import line
from tests.eval.files.values import Value, Values

ENCODINGS = {
    "utf-8": ("", "Grüße aus dem Café, नमस्ते"),
    "utf-8-sig": ("", "Grüße aus dem Café"),
    "utf-16": ("", "Grüße aus dem Café, नमस्ते"),
    "utf-16-be with its mark": ("\ufeff", "Grüße aus dem Café"),
    "utf-16-le": ("", "Grüße aus dem Café, and more of this prose"),
    "utf-16-be": ("", "Grüße aus dem Café, and more of this prose"),
    "utf-32": ("", "Grüße aus dem Café"),
    "latin-1": ("", "Grüße aus dem Café, für alle Übungen später"),
    "cp1252": ("", "“Grüße” aus dem Café - 20 €"),
    "mac-roman": ("", "Grüße aus dem Café, für alle Übungen später"),
    "cp437": ("", "Grüße aus dem Café, für alle Übungen später"),
    "shift-jis": ("", "これは日本語の文章です。倉庫への配達が遅れました。"),
    "euc-kr": ("", "이것은 한국어 문장입니다. 창고 배송이 늦었습니다."),
    "gb18030": ("", "这是一份中文报告。仓库的交货晚了。"),
    "big5": ("", "這是一份中文報告。倉庫的交貨晚了。"),
    "koi8-r": ("", "Это отчёт на русском языке. Поставки на склад опоздали."),
    "cp1251": ("", "Это отчёт на русском языке. Поставки на склад опоздали."),
    "iso-8859-7": ("", "Δεύτερη έκθεση: κάποιος προμηθευτής άλλαξε τους όρους."),
}


def label(value: Value, note: str, place: str = "body") -> Label:
    return Label(place, value.type, value.text, note)


def encodings(source: random.Random) -> Iterator[MadeFile]:
    values = Values(source)
    for place, (name, (mark, prose)) in enumerate(ENCODINGS.items()):
        own = [values.one() for _ in range(4)]
        words = mark + "\n".join([prose, *(one.sentence for one in own), values.filler(20), prose])
        data = words.encode(name.partition(" ")[0])
        yield MadeFile(f"text-{place:02}.txt", data, "text", TEXTS, tuple(label(one, name) for one in own))
    own = [values.one() for _ in range(3)]
    data = "\r".join([values.filler(20), *(one.sentence for one in own)]).encode()
    yield MadeFile("old-mac.txt", data, "text", TEXTS, tuple(label(one, "lines end with CR") for one in own))
    one = values.one()
    data = (values.filler(8) + "\n").encode() * 20_000 + one.sentence.encode()
    yield MadeFile("long.txt", data, "text", TEXTS, (label(one, "behind a megabyte of prose"),))
    one = values.one()
    data = one.sentence.encode() + b" and " + values.filler(3000).replace(" ", "_").encode()
    yield MadeFile("one-line.txt", data, "text", TEXTS, (label(one, "one line of 18,000 letters"),))
    one = values.one()
    yield MadeFile(
        "stray.txt",
        b"caf\xe9 \xff\xfe\x80 broken " + one.sentence.encode() + b" \x81\xfe",
        "text",
        TEXTS,
        (label(one, "stray bytes"),),
    )


def tables(source: random.Random) -> Iterator[MadeFile]:
    values = Values(source)
    for name, sign in (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
        rows, labels = [sign.join(("name", "email", "ssn", "pan", "card"))], []
        for _ in range(6):
            own = [values.one(kind) for kind in ("EMAIL", "US_SSN", "PAN", "CREDIT_CARD")]
            rows.append(sign.join(['"Doe, Jane"', own[0].text, f'"{own[1].text}"', own[2].text, own[3].text]))
            labels += [label(one, f"CSV, {name}") for one in own]
        yield MadeFile(f"table-{name}.csv", "\r\n".join(rows).encode(), "csv", TEXTS, tuple(labels))
    one, two, three = values.one("EMAIL"), values.one(), values.one()
    text = f"# Report\n\n[mail](mailto:{one.text})\n\n<!-- {two.sentence} -->\n\n```\n{three.sentence}\n```\n\n"
    labels = [label(one, "link", "body|link"), label(two, "comment", "body|comment"), label(three, "code")]
    bold = values.one("US_SSN")
    text += f"\nSSN: **{bold.text[:4]}**{bold.text[4:]}\n"
    yield MadeFile("notes.md", text.encode(), "markdown", TEXTS, (*labels, label(bold, "half of it bold", "body|xml")))


HTML = (
    ("text", "body", "<p>{}</p>"),
    ("comment", "comment", "<!-- {} -->"),
    ("title", "body|metadata", "<title>{}</title>"),
    ("meta", "metadata", '<meta name="description" content="{}">'),
    ("script", "script", "<script>var x = '{}';</script>"),
    ("style", "script|body|comment|xml", "<style>/* {} */</style>"),
    ("alternative text", "alternative text", '<img alt="{}">'),
    ("tooltip", "alternative text|body|metadata|field", '<p title="{}">x</p>'),
    ("data attribute", "metadata|field|xml|body", '<p data-note="{}">x</p>'),
    ("field", "field", '<input value="{}">'),
    ("hidden field", "field", '<input type="hidden" value="{}">'),
    ("placeholder", "field", '<input placeholder="{}">'),
    ("text area", "field|body", "<textarea>{}</textarea>"),
    ("template", "body", "<template><p>{}</p></template>"),
    ("no script", "body", "<noscript>{}</noscript>"),
    ("drawn text", "body", "<svg><text>{}</text></svg>"),
    ("not displayed", "body", '<p style="display:none">{}</p>'),
    ("hidden attribute", "body", "<p hidden>{}</p>"),
    ("behind the end", "body", "</html>{}"),
)


UNSEEN = ("template", "not displayed", "hidden attribute")


def pages(source: random.Random) -> Iterator[MadeFile]:
    """One HTML file for each place, so that a broken tag touches no other."""
    values = Values(source)
    for number, (note, place, form) in enumerate(HTML):
        one = values.one()
        text = f"<!DOCTYPE html><html><head></head><body><p>{values.filler(12)}</p>{form.format(one.sentence)}</body></html>"
        hidden = (Label(place, HIDDEN, "", f"HTML, {note}"),) if note in UNSEEN else ()
        yield MadeFile(f"page-{number:02}.html", text.encode(), "html", TEXTS, (label(one, f"HTML, {note}", place), *hidden))
    ssn, card, mail, far, coded = (
        values.one("US_SSN"),
        values.one("CREDIT_CARD"),
        values.one("EMAIL"),
        values.one("EMAIL"),
        values.one(),
    )
    entities = "".join(f"&#{ord(letter)};" for letter in ssn.sentence)
    data = base64.b64encode(coded.sentence.encode()).decode()
    text = (
        f"<html><body><p>{entities}</p><p>Credit card {card.text[:6]}<b>{card.text[6:9]}</b><span>{card.text[9:]}</span></p>"
        f'<a href="mailto:{mail.text}">mail</a><a href="https://host.test/?to={far.text.replace("@", "%40")}">x</a>'
        f'<a href="data:text/plain;base64,{data}">y</a></body></html>'
    )
    labels = (
        label(ssn, "HTML, entities"),
        label(card, "HTML, split by tags"),
        label(mail, "HTML, mailto", "link"),
        label(far, "HTML, address of a link", "link"),
        Label("link", coded.type, "", "HTML, data address"),  # what is found is the code for it
    )
    yield MadeFile("split.html", text.encode(), "html", TEXTS, labels)
    one = values.one()
    text = f'<html><head><meta charset="windows-1251"></head><body>Это отчёт на русском языке. {one.sentence}</body></html>'
    yield MadeFile("charset.html", text.encode("cp1251"), "html", TEXTS, (label(one, "HTML, cp1251"),))


def wrong_names(source: random.Random) -> Iterator[MadeFile]:
    """Read as what they are, and reported."""
    values = Values(source)
    for name, kind in (
        ("letter.txt", "pdf"),
        ("letter.docx", "pdf"),
        ("letter.jpeg", "pdf"),
        ("letter", "pdf"),
        ("page.pdf", "text"),
    ):
        one = values.one()
        pdf = Pdf()
        pdf.page(line(one.sentence, 50, 700))
        data = pdf.file() if kind == "pdf" else (values.filler(20) + "\n" + one.sentence).encode()
        notices = () if name == "letter" else ("TYPE_MISMATCH",)
        yield MadeFile(name, data, kind, TEXTS, (label(one, f"{kind} named {name}"),), notices=notices)
