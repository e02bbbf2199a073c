"""Texts of our own that the classifier of attacks is trained with: sentences of `injection_templates.txt`, put into documents.

Sentences(seed).one()    # (text, 1 attack or 0, "PROMPT_INJECTION", "JAILBREAK" or "")
"""

from __future__ import annotations

import random
import re
from pathlib import Path

ATTACK, TALKED_INTO = "PROMPT_INJECTION", "JAILBREAK"
_ESCAPED = {"\\n": "\n", "\\|": "\x00", "\\{": "\x01", "\\}": "\x02"}
Row = tuple[str, int, str]
_RECEIVED = "Tue, 3 Mar 2026 10:11:12 +0000"


def lists_in(file: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if (
            line.startswith("[")
            and line.endswith("]")
            and " " not in line
            and line[1:-1].replace(".", "").replace("_", "").isalnum()
            and line.islower()
        ):
            here = found.setdefault(line[1:-1], [])
        elif found and line.strip() and not line.startswith("# "):
            here.append(line)
    return found


class Sentences:
    def __init__(self, seed: int) -> None:
        self.lists = lists_in(Path(__file__).with_name("injection_templates.txt"))
        self.chance = random.Random(seed)
        self._parts: dict[str, list[str] | None] = {}

    def one(self) -> Row:
        """Half of them attacks."""
        makers = (
            (self.attack, 30),
            (self.jailbreak, 20),
            (self.poisoned, 30),
            (self.harmless, 50),
            (self.clean, 22),
            (self.asked, 12),
            (self.everyday, 6),
        )
        return self.chance.choices([one for one, _ in makers], [weight for _, weight in makers])[0]()

    def sentence(self, of: str) -> str:
        return self.said(self.chance.choice(self.lists[of]))

    def said(self, template: str) -> str:
        """A template with a choice made for every brace."""
        text, rest = "", template
        for mark, kept in _ESCAPED.items():
            rest = rest.replace(mark, kept)
        while (start := rest.find("{")) >= 0:
            end = _closing(rest, start)
            if end < 0:
                break
            text += rest[:start] + self._choice(rest[start + 1 : end])
            rest = rest[end + 1 :]
        text += rest
        for mark, kept in _ESCAPED.items():
            text = text.replace(kept, mark[1:]) if mark != "\\n" else text
        return re.sub(r"\b([Aa])n? (?=([aeioAEIO])?)", lambda one: one[1] + ("n " if one[2] else " "), text)

    def _choice(self, inner: str) -> str:
        options = _options(inner)
        if len(options) > 1:
            return self.said(self.chance.choice(options))
        if inner in self.lists:
            return self.sentence(inner)
        return "{" + (self.said(inner) if "{" in inner else inner) + "}"

    def attack(self) -> Row:
        kind = self.chance.choices(("override", "foreign", "note", "pretend", "more"), (10, 6, 3, 2, 7))[0]
        text = self.sentence(f"attack.{kind}")
        if self.chance.random() < 0.12:
            text = " ".join(self.sentence("plain") for _ in range(self.chance.randint(1, 3))) + " " + text
        if self.chance.random() < 0.06:
            text = f"{self.sentence('task')} {text}"
        return self._noised(text), 1, TALKED_INTO if kind == "pretend" else ATTACK

    def jailbreak(self) -> Row:
        opening = ("jail.open", "jail.open", "jail.more", "jail.tale")
        text = [self.sentence(self.chance.choice(opening)) for _ in range(self.chance.choice((1, 1, 2)))]
        text += [
            self.sentence(self.chance.choice(("jail.rule", "jail.more", "jail.tale")))
            for _ in range(self.chance.choice((1, 2, 3, 5, 8)))
        ]
        if self.chance.random() < 0.7:
            text.append(self.sentence("jail.end"))
        if self.chance.random() < 0.5:
            name = self.sentence("persona")
            text = [
                re.sub(r"\b(?:" + "|".join(map(re.escape, _options(self.lists["persona"][0][1:-1]))) + r")\b", name, one)
                for one in text
            ]
        return self._noised(self.chance.choice((" ", " ", "\n", "\n\n")).join(text)), 1, TALKED_INTO

    def harmless(self) -> Row:
        kinds = ("about", "trigger", "role", "plain", "scene", "daydream", "guide", "command", "docs")
        text = self.sentence("harmless." + self.chance.choices(kinds, (8, 11, 8, 15, 13, 10, 5, 7, 9))[0])
        if self.chance.random() < 0.3:
            text = self.chance.choice((" ", "\n\n")).join((text, self.sentence("harmless." + self.chance.choice(kinds))))
        return self._noised(text), 0, ""

    def everyday(self) -> Row:
        """What is asked and said all day, in a line: so little that each word of it would decide."""
        return self._noised(self.sentence("harmless.everyday").strip()), 0, ""

    def clean(self) -> Row:
        """A document with nothing in it, or with what only looks like something."""
        parts = self.document()
        if self.chance.random() < 0.3:
            parts.insert(self._place(parts), self.sentence(self.chance.choice(("harmless.trigger", "harmless.about", "plain"))))
        return "\n".join(parts), 0, ""

    def asked(self) -> Row:
        """A document, and what its reader wants of it."""
        parts = self.document()
        question, document = self.sentence("context.question"), "\n".join(parts)
        words = re.findall(r"[A-Z]\w{3,}", document)
        if words and self.chance.random() < 0.35:
            question = (
                self.said("{What|Who|Which one|When} {is|was|belongs to|comes with|wins} {here, |}{")
                + self.chance.choice(words)
                + "?"
            )
            question = question.replace("{", "")
        if self.chance.random() < 0.3:
            question = self.sentence("harmless.trigger") + " " + question
        first = self.chance.random() < 0.6
        return "\n\n".join((question, document) if first else (document, question)), 0, ""

    def poisoned(self) -> Row:
        """A document with an attack in it that is none of its business."""
        parts = self.document()
        kind = self.chance.choices(("indirect", "note", "override", "foreign", "more", "task"), (11, 6, 2, 1, 2, 6))[0]
        text = self.sentence("harmless.plain") if kind == "task" and self.chance.random() < 0.6 else ""
        text = text or (self.sentence("task") if kind == "task" else self.sentence(f"attack.{kind}"))
        if kind == "task":  # only among data is it out of place
            parts = self.chance.choice((self.table, self.table, self.code, self.json))()
        place = self._place(parts)
        gap = self.chance.choice(("", "", "\n"))
        parts.insert(place, gap + text + gap)
        return "\n".join(parts), 1, ATTACK

    def _place(self, parts: list[str]) -> int:
        return self.chance.choice((0, len(parts), self.chance.randint(0, len(parts))))

    def document(self) -> list[str]:
        make = self.chance.choices(
            (self.table, self.mail, self.code, self.article, self.json, self.log, self.page), (8, 6, 5, 5, 4, 2, 3)
        )[0]
        return make()

    def table(self) -> list[str]:
        chance = self.chance
        width, lines = chance.randint(3, 7), chance.randint(3, 18)
        rows = [[self.sentence("cell") for _ in range(width)] for _ in range(lines)]
        if chance.random() < 0.25:
            mark = chance.choice((",", "\t", ";"))
            return [mark.join(row) for row in rows]
        pad = chance.choice((0, 12, 18))
        return ["| " + " | ".join(one.ljust(pad) for one in row) + " |" for row in rows]

    def mail(self) -> list[str]:
        body = [self.sentence("mail") for _ in range(self.chance.randint(1, 5))]
        subject = self.sentence("subject")
        head = self.chance.choice(
            (
                [f"Subject: {subject}", f"From: {self.said('{Priya|Tom|Sales|Anna} <mail@shop.example>')}", ""],
                [f"SUBJECT: {subject}|EMAIL_FROM: Shop <hello@shop.example>|RECEIVED DATE: {_RECEIVED}|CONTENT: "],
                [],
            )
        )
        return [*head, *body]

    def code(self) -> list[str]:
        lines = [self.sentence("codeline") for _ in range(self.chance.randint(3, 12))]
        if self.chance.random() < 0.5:
            lines = [self.sentence("errorline"), "", *lines]
        return ["```", *lines, "```"] if self.chance.random() < 0.2 else lines

    def article(self) -> list[str]:
        return [
            " ".join(self.sentence("plain") for _ in range(self.chance.randint(1, 4))) for _ in range(self.chance.randint(1, 5))
        ]

    def json(self) -> list[str]:
        keys = ("title", "name", "id", "price", "status", "description", "review", "owner", "date", "url")
        return [
            "{",
            *(
                f'  "{self.chance.choice(keys)}": "{self.sentence(self.chance.choice(("cell", "cell", "subject", "plain")))}",'
                for _ in range(self.chance.randint(2, 9))
            ),
            "}",
        ]

    def log(self) -> list[str]:
        return [self.sentence("logline") for _ in range(self.chance.randint(3, 12))]

    def page(self) -> list[str]:
        body = [f"<p>{self.sentence('plain')}</p>" for _ in range(self.chance.randint(1, 4))]
        return (
            [f"<h1>{self.sentence('subject')}</h1>", *body]
            if self.chance.random() < 0.6
            else [f"# {self.sentence('subject')}", *body]
        )

    def _noised(self, text: str) -> str:
        """As people type: in capitals, in small letters, with slips; marks left out."""
        chance = self.chance
        dice = chance.random()
        if dice < 0.06:
            return text.upper()
        if dice < 0.2:
            return text.lower()
        if dice < 0.24 and len(text) > 20:
            letters = list(text)
            for _ in range(max(1, len(text) // 60)):
                place = chance.randrange(1, len(letters) - 1)
                if letters[place].isalpha() and letters[place + 1].isalpha():
                    letters[place], letters[place + 1] = letters[place + 1], letters[place]
            return "".join(letters)
        return text.rstrip(".!?") if dice < 0.3 else text


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return place
    return -1


def _options(inner: str) -> list[str]:
    found, depth, last = [], 0, 0
    for place, one in enumerate(inner):
        depth += (one == "{") - (one == "}")
        if one == "|" and not depth:
            found.append(inner[last:place])
            last = place + 1
    return [*found, inner[last:]]
