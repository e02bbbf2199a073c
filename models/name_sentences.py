# ruff: noqa: E501, SIM905, PLW0108 - lists of words, and templates
"""Sentences with names and addresses in them, and sentences with what only looks like it, all invented.

`Sentences(seed).one()` gives a text and its spans. Templates are in name_templates.txt, words in name_words.txt; English names and
common words also come from the lists of zxcvbn, which the program has anyway. Unseen names are made letter by letter after the known.

    python models/name_sentences.py [COUNT] [SEED]      prints some
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parent))

from name_addresses import Addresses

FOLDER = Path(__file__).resolve().parent
Spans = list[tuple[int, int, str]]

CULTURES = {
    "us": 5, "indian": 7, "english": 2, "german": 2, "french": 2, "spanish": 2, "italian": 1.3, "portuguese": 1.3, "nordic": 1.8,
    "dutch": 1, "slavic": 2.2, "russian": 1.5, "arabic": 2, "chinese": 2, "japanese": 1.6, "african": 1.8, "greek": 0.7,
}  # fmt: skip
# Names that are as well words: what they are is for their neighbours to say.
AMBIGUOUS = frozenset(
    "will mark grace rose hope joy faith may june april august summer autumn dawn eve ivy lily daisy violet iris jade ruby pearl amber "
    "crystal ginger sandy heather robin jay rich bill frank grant chase drew pat rob sue gene jack art guy max dean miles norm chuck "
    "cliff dale dean glen lance mike nick penny peg rusty skip sonny stew van wade ward ray earl duke king queen prince knight bishop "
    "abbott pope church chapel hall house hill woods wood forest field fields rivers brook brooks lake stone rock sands banks bridge "
    "bridges ford marsh moss reed bush rose flowers cotton rice berry cherry olive apple bean pepper salt white black brown green gray "
    "grey blue gold golden silver young old long short small little strong power powers best good love sweet fair wise bright sharp "
    "swift savage wild moody noble smart stern gentle hardy baker butcher carpenter carter cook farmer fisher gardener hunter mason "
    "miller page parker porter potter sawyer shepherd singer smith tailor taylor turner walker weaver wright archer barber driver clay "
    "major marshall sergeant judge law lord day weeks noon winter snow frost storm rain waters wells pool pond case cash price penny "
    "bond banks branch buck bull crane drake finch fox hawk wolf lamb lyon martin crow swan nash north south east west england france "
    "ireland holland paris london florence israel jordan china india kent york lancaster lincoln washington jackson madison austin "
    "dallas houston chandra kumar anand asha jyoti maya raja rani dev kiran prem shanti surya vijay vikas prakash sagar sunny happy "
    "lucky angel christian jesus mercy charity destiny heaven trinity justice honor sky star sierra savannah autumn skip chip click "
    "link park mills mill street lane case rush rich bell ball bass post pace peck pike poole cross sun song han min an so do he she "
    "long ma you he wei may son van del la le de in on to nan na non null none "
    "kiss lie more oh salem gang joke per said till tone chand contractor engineer merchant harsh begum bonnet pastor saga ville tore lotte "
    "dan pat ann art ali ben don ed jo lee len lou lu mel moe ray rod ron roy sal ted tom val vic".split()
)


VERBS = (
    "is was has had will would can could said says went came likes loves hates wants needs thinks knows told asked called gave took made "
    "works lives plays teaches owns bought sold broke lost won found wrote read sent left saw met helped who that does did never always"
).split()


def read_lists() -> dict[str, list[str]]:
    """The sections of name_words.txt."""
    lists: dict[str, list[str]] = {}
    for line in (FOLDER / "name_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = lists.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            words += line.split()
    female, male = FREQUENCY_LISTS["female_names"][:1500], FREQUENCY_LISTS["male_names"][:800]
    lists["first.us"] = [one.capitalize() for pair in zip(female, male + male, strict=False) for one in pair if len(one) > 2]
    lists["last.us"] = [_surname(one) for one in FREQUENCY_LISTS["surnames"][:4000] if len(one) > 2]
    return lists


def read_templates() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / "name_templates.txt").read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            rows = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("# Sentences"):
            rows.append(line.replace("\\n", "\n").replace("\\t", "\t"))
    return found


def _surname(low: str) -> str:
    if low.startswith("mc") and len(low) > 4:
        return "Mc" + low[2:].capitalize()
    return low.capitalize()


class Invented:
    """Names that nobody has: letter by letter, each after the two before it, as the known ones go."""

    def __init__(self, names: list[str], source: random.Random) -> None:
        self.source = source
        self.after: dict[str, str] = defaultdict(str)
        for name in names:
            for place, letter in enumerate(f"{name.lower()}$"):
                self.after[f"^^{name.lower()}"[place : place + 2]] += letter

    def one(self) -> str:
        while True:
            shown = "^^"
            while shown[-1] != "$" and len(shown) < 14:
                shown += self.source.choice(self.after[shown[-2:]])
            name = shown.strip("^$")
            if 3 <= len(name) <= 11 and name[0].isalpha():
                return name.capitalize()


class Sentences:
    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.lists, self.templates = read_lists(), read_templates()
        self.invented = {
            f"{part}.{culture}": Invented(self.lists[f"{part}.{culture}"], self.source)
            for part in ("first", "last")
            for culture in [*CULTURES, "deva"]
        }
        common = FREQUENCY_LISTS["us_tv_and_film"][:3500] + FREQUENCY_LISTS["english_wikipedia"][:5000]
        names = {
            one.lower()
            for key, words in self.lists.items()
            if key[:5] in ("first", "last.")
            for word in words
            for one in word.split("_")
        }
        self.common = [one for one in common if one.isalpha() and (one not in names or one in AMBIGUOUS) and len(one) > 1]
        rare = FREQUENCY_LISTS["us_tv_and_film"][3500:14000]
        taken = names | {
            *self.common,
            *FREQUENCY_LISTS["surnames"],
            *FREQUENCY_LISTS["female_names"],
            *FREQUENCY_LISTS["male_names"],
        }
        self.rare = [one for one in rare if one.isalpha() and one not in taken and len(one) > 3]
        self.doubtful = sorted(one for one in AMBIGUOUS if len(one) > 3)
        self.addresses = Addresses(self.lists, self.source, self.surname)
        self.slots: dict[str, Callable[[], str]] = self._slots()
        self.weights = {"person": 0.36, "address": 0.23, "hindi": 0.1, "harmless": 0.31}
        self.culture = "us"

    def pick(self, key: str) -> str:
        return self.source.choice(self.lists[key]).replace("_", " ")

    def chance(self, share: float) -> bool:
        return self.source.random() < share

    # names ----------------------------------------------------------------------------------------------------------------

    def first(self) -> str:
        name = self.invented[f"first.{self.culture}"].one() if self.chance(0.3) else self.pick(f"first.{self.culture}")
        if self.chance(0.04):
            other = self.pick(f"first.{self.culture}")
            name += "-" + (other if self.chance(0.7) else other.lower())
        return name

    def last(self) -> str:
        name = self.invented[f"last.{self.culture}"].one() if self.chance(0.35) else self.pick(f"last.{self.culture}")
        if self.chance(0.03):
            name += "-" + self.pick(f"last.{self.culture}")
        return name

    def surname(self) -> str:
        kept, self.culture = self.culture, self._culture()
        name = self.last()
        self.culture = kept
        return name

    def _culture(self) -> str:
        return self.source.choices(list(CULTURES), list(CULTURES.values()))[0]

    def person(self) -> str:
        if self.chance(0.15):
            self.culture = self._culture()
        first, last, kind = self.first(), self.last(), self.source.random()
        if kind < 0.66:
            return f"{first} {last}"
        if kind < 0.74:
            return f"{first} {self.source.choice('ABCDEFGHJKLMNPRSTVW')}{self.source.choice(('.', '.', ''))} {last}"
        if kind < 0.8:
            return f"{first} {self.first()} {last}"
        if kind < 0.83:
            return f"{self.source.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
        if kind < 0.86:
            return f"{self.source.choice('ABCDEFGHJKMPRSV')}.{self.source.choice((' ', ''))}{self.source.choice('ABCDGHJKMPRSV')}. {last}"
        if kind < 0.88:
            return f"{first} {last} {self.source.choice(('Jr.', 'Sr.', 'III', 'II'))}"
        if kind < 0.92:
            return f"{first} {self.source.choice(('van', 'de', 'von', 'van der', 'da', 'dos', 'bin', 'al', 'di', 'del', 'El', 'ibn'))} {last}"
        if kind < 0.94:
            return f"{first} {last} {self.last()}"
        if kind < 0.96:
            return f"{last.upper()} {first}" if self.chance(0.5) else f"{first} {last.upper()}"
        return first if kind < 0.985 else f"{first.upper()} {last.upper()}"

    def hindi(self, part: str) -> str:
        if part == "P":
            return f"{self.hindi('F')} {self.source.choice((self.pick('first.deva') + ' ', '', '', '', '', '', 'कुमार '))}{self.hindi('L')}"
        key = "first.deva" if part == "F" else "last.deva"
        return self.invented[key].one() if self.chance(0.25) else self.pick(key)

    def _hindi_address(self, many: bool) -> str:
        return self.addresses._joined(self.addresses._village(), many)

    # everything else ------------------------------------------------------------------------------------------------------

    def digits(self, low: int, high: int) -> str:
        return "".join(self.source.choice("0123456789") for _ in range(self.source.randint(low, high)))

    def organisation(self) -> str:
        end = self.source.choice(
            "Inc. Ltd. LLC GmbH Bank Group Holdings University Hospital Technologies Consulting Labs Motors Insurance & Sons".split()
        )
        base = self.source.choice((self.surname(), self.source.choice(self.common).capitalize(), self._coined()))
        kind = self.source.random()
        if kind < 0.3:
            return f"{base} {end}" if end not in ("&", "Sons") else f"{base} & Sons"
        if kind < 0.45:
            return self.pick("product")
        if kind < 0.55:
            return f"{base}, {self.surname()} and {self.surname()}" if self.chance(0.5) else f"{base}-{self.surname()}"
        if kind < 0.7:
            return f"{base} {self.source.choice(self.common).capitalize()}"
        return base if kind < 0.85 and base.lower() in self.common else self._coined()

    def _coined(self) -> str:
        base = self.source.choice(self.common)
        made = (
            base + self.source.choice(self.common),
            base
            + self.source.choice(("ify", "ly", "io", "soft", "tech", "net", "ware", "data", "bank", "health", "ex", "on", "ia")),
        )
        return self.source.choice(made).capitalize()[:16]

    def any(self) -> list[str]:
        """Words that everyone knows, or seldom sees, or takes for names."""
        return self.source.choices((self.common, self.rare, self.doubtful), (0.66, 0.27, 0.07))[0]

    def listed(self) -> str:
        words = [self.source.choice(self.any()) for _ in range(self.source.randint(2, 5))]
        return ", ".join(words) + self.source.choice((" and ", ", and ", " or ")) + self.source.choice(self.any())

    def blob(self) -> str:
        """What a machine made up: base64, hexadecimal, keys."""
        letters = self.source.choice(
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",) * 2
            + (
                "0123456789abcdef",
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "abcdefghijklmnopqrstuvwxyz0123456789-_",
                "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-",
            )
        )
        made = "".join(self.source.choice(letters) for _ in range(self.source.choice((4, 8, 16, 20, 32, 40, 64, 64))))
        return (
            self.source.choice(("", "", "", "", "sk-", "key_", "ghp_", "AKIA", "pat_", "v1."))
            + made
            + self.source.choice(("", "", "", "=", "=="))
        )

    def key_file(self) -> str:
        kind = self.source.choice(
            ("RSA PRIVATE KEY", "PRIVATE KEY", "CERTIFICATE", "EC PRIVATE KEY", "PUBLIC KEY", "OPENSSH PRIVATE KEY")
        )
        line = self.source.choice(("\n", "\n", "\\n", "\\\\n", "\\r\\n", "\n    "))
        lines = [self.blob() for _ in range(self.source.randint(1, 4))]
        return line.join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"))

    def cell(self) -> str:
        """What stands in a table beside names: nearly anything."""
        kind = self.source.randrange(12)
        makers: tuple[Callable[[], str], ...] = (
            self.heading, self.heading, self.organisation, self.addresses.town, lambda: self.pick("team"), lambda: self.pick("country"),
            lambda: self.digits(1, 6), lambda: f"{self.digits(1, 2)}–{self.digits(1, 2)}", self.date, lambda: self.pick("product"),
            lambda: self.source.choice("ABCDEFGHJKLMNPQRSTUVW") + self.digits(1, 3), lambda: self.source.choice(self.any()).upper()[:4],
        )  # fmt: skip
        return makers[kind]()

    def fragment(self) -> str:
        """A part of a sentence, in small letters."""
        return " ".join(
            self.source.choice(self.common[:900] if self.chance(0.6) else self.any()) for _ in range(self.source.randint(1, 6))
        )

    def salad(self) -> str:
        words = [
            self.source.choice(self.common[:900] if self.chance(0.5) else self.common) for _ in range(self.source.randint(4, 14))
        ]
        if self.chance(0.15):
            words[self.source.randrange(len(words))] = self.source.choice(
                (
                    self.source.choice(self.common).capitalize(),
                    self.pick("product"),
                    self.source.choice(self.common).upper(),
                    "I",
                    self.pick("nationality"),
                )
            )
        if self.chance(0.15):
            words[self.source.randrange(len(words))] += self.source.choice((",", ";", ":", " -", "'s"))
        return " ".join([words[0].capitalize() if self.chance(0.9) else words[0], *words[1:]]) + self.source.choice(
            (".", ".", ".", "?", "!", "", ":")
        )

    def heading(self) -> str:
        return " ".join(self.source.choice(self.any()).capitalize() for _ in range(self.source.randint(1, 5)))

    def date(self) -> str:
        day, month, year = self.source.randint(1, 28), self.source.randint(1, 12), self.source.randint(1930, 2026)
        name = self.pick("time") if self.chance(0.1) else self.lists["time"][month - 1]
        return self.source.choice(
            (
                f"{day}/{month}/{year}",
                f"{year}-{month:02}-{day:02}",
                f"{day:02}.{month:02}.{year}",
                f"{day} {name} {year}",
                f"{name} {day}, {year}",
                f"{day} {name[:3]} {year}",
            )
        )

    def code(self) -> str:
        first, second = self.source.choice(self.common), self.source.choice(self.common)
        return self.source.choice((first, f"{first}_{second}", first + second.capitalize(), f"{first}-{second}"))

    def phone(self) -> str:
        pattern = self.source.choice(
            (
                "+91 99999 99999",
                "999-999-9999",
                "(999) 999-9999",
                "+49 99 9999999",
                "99999 99999",
                "9999999999",
                "+1-999-999-9999x999",
                "99 99 99 99",
                "+44 99 9999 9999",
            )
        )
        return "".join(self.source.choice("0123456789") if one == "9" else one for one in pattern)

    def email(self) -> str:
        name = self.source.choice((self.surname().lower(), self.source.choice(self.common)))
        return f"{name}{self.source.choice(('', '.', '_'))}{self.digits(0, 2)}@{self.source.choice(('example.com', 'mail.example.org', 'gmail.com', 'company.io'))}"

    def _of(self, *keys: str) -> Callable[[], str]:
        return lambda: self.pick(self.source.choice(keys))

    def _slots(self) -> dict[str, Callable[[], str]]:
        pick, choice, where = self.pick, self.source.choice, self.addresses
        joined = where._joined
        return {
            "P": self.person, "F": self.first, "L": self.last, "PL": lambda: f"{self.last()}, {self.first()}",
            "UL": lambda: self.last().upper(), "UF": lambda: self.first().upper(), "I": lambda: choice("ABCDEFGHJKLMPRST"),
            "A": where.one, "AM": lambda: where.one(many_lines=True), "AS": where.street, "ST": where._english_street,
            "AG": lambda: joined(where._german(), False), "AF": lambda: joined(where._french(), False),
            "AE": lambda: joined(where._spanish(), False), "AI": lambda: joined(where._indian(), False),
            "AIM": lambda: joined(where._indian(), True),
            "hP": lambda: self.hindi("P"), "hF": lambda: self.hindi("F"), "hL": lambda: self.hindi("L"),
            "hA": lambda: self._hindi_address(False), "hAM": lambda: self._hindi_address(True), "hC": self._of("city.deva", "state.deva"),
            "hT": lambda: choice(("श्री", "श्रीमती", "डॉ.", "सुश्री", "कुमारी")),
            "hMO": lambda: choice(("जनवरी", "मार्च", "जून", "अगस्त", "अक्टूबर", "दिसंबर")),
            "C": lambda: where.town() if self.chance(0.35) else pick(choice(("city", "city.indian"))), "K": self._of("country"),
            "S": self._of("state", "state.indian"), "Z": where.postcode, "O": self.organisation, "J": self._of("job"),
            "N": lambda: self.digits(1, 3), "NN": lambda: choice(("", "", "AB", "X-", "INV-")) + self.digits(5, 12),
            "D": self.date, "Y": lambda: str(self.source.randint(1900, 2026)), "TM": lambda: f"{self.source.randint(0, 23)}:{self.source.randint(10, 59)}",
            "E": self.email, "PH": self.phone, "PR": self._of("product"), "W": self._of("title.work"), "TEAM": self._of("team"),
            "MO": lambda: choice(self.lists["time"][:12]), "WD": lambda: choice(self.lists["time"][23:30]),
            "NAT": self._of("nationality"), "TRAP": self._of("trapname"),
            "T": lambda: choice(("Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Prof.", "Miss", "Shri", "Smt.", "Herr", "Frau", "Mme", "Sr.", "Captain")),
            "U": lambda: choice((self.source.choice(self.common) + self.digits(1, 3), self.last().lower() + self.digits(1, 3))),
            "IP": lambda: ".".join(str(self.source.randint(1, 254)) for _ in range(4)), "FL": lambda: choice("AI 6E LH BA UA EK".split()) + self.digits(3, 4),
            "H": self.heading, "HS": self.heading, "TITLE": self.heading, "SALAD": self.salad, "LIST": self.listed,
            "IDL": lambda: choice(("Voter ID", "Driving Licence", "Passport No", "Policy Number", "Account Number", "Customer ID", "Tax ID", "PAN Card", "Social Security Number", "Medical Record Number", "Order Number", "Ration Card", "National Insurance Number", "Member ID")),
            "hIDL": lambda: choice(("मतदाता पहचान पत्र", "आधार कार्ड", "पैन कार्ड", "पासपोर्ट संख्या", "राशन कार्ड", "ड्राइविंग लाइसेंस", "खाता संख्या", "मोबाइल नंबर", "जन्म तिथि", "बैंक खाता")), "BLOB": self.blob, "PEM": self.key_file, "X": self.cell,
            "AB": lambda: "".join(choice("ABCDEFGHIJKLMNOPRSTUVWXYZ") for _ in range(self.source.randint(2, 5))), "FRAG": self.fragment,
            "VP": lambda: choice(VERBS) + " " + self.fragment(), "CODE": self.code,
            "CLS": lambda: choice(self.common).capitalize() + choice(self.common).capitalize(), "CONST": lambda: f"{choice(self.common)}_{choice(self.common)}".upper(),
        }  # fmt: skip

    LABELS = dict.fromkeys(("P", "F", "L", "UL", "UF", "hP", "hF", "hL"), "PERSON") | dict.fromkeys(
        ("A", "AM", "AS", "AG", "AF", "AE", "AI", "AIM", "hA", "hAM"), "ADDRESS"
    )

    def _filled(self, template: str) -> tuple[str, Spans]:
        self.culture = self._culture()
        labels = {} if template.endswith(" =ORG") else self.LABELS
        shown, spans, place = "", Spans(), 0
        template = template.removesuffix(" =ORG")
        for slot in re.finditer(r"\{(\w+)\}", template):
            if slot[1] not in self.slots:
                continue
            shown += template[place : slot.start()]
            place, start = slot.end(), len(shown)
            if slot[1] == "PL":
                last, first = self.last(), self.first()
                shown += f"{last}, {first}{self.source.choice(('', '', '', ' J.', ' M', ' A.', ' ' + self.first()))}"
                spans.append((start, len(shown), "PERSON"))
            else:
                shown += self.slots[slot[1]]()
                if slot[1] in labels:
                    spans.append((start, len(shown), labels[slot[1]]))
        return self._escaped(shown + template[place:], spans)

    def _escaped(self, text: str, spans: Spans) -> tuple[str, Spans]:
        """Now and then as it stands in JSON: line ends and quotes behind a backslash."""
        if "\n" not in text or not self.chance(0.12):
            return text, spans
        out, places = "", []
        for letter in text:
            places.append(len(out))
            out += "\\n" if letter == "\n" else letter
        places.append(len(out))
        return out, [(places[start], places[end], label) for start, end, label in spans]

    def one(self) -> tuple[str, Spans]:
        """One to three pieces, as they are or in other case."""
        shown, spans = "", Spans()
        for number in range(self.source.choices((1, 2, 3), (0.62, 0.25, 0.13))[0]):
            kind = self.source.choices(list(self.weights), list(self.weights.values()))[0]
            text, inside = self._filled(self.source.choice(self.templates[kind]))
            if number:
                shown += self.source.choice((" ", " ", "\n", "\n\n", "\n")) if shown else " "
            spans += [(start + len(shown), end + len(shown), label) for start, end, label in inside]
            shown += text
        return self._cased(shown), spans

    def _cased(self, text: str) -> str:
        draw = self.source.random()
        changed = text.lower() if draw < 0.1 else text.upper() if draw < 0.13 else _first_small(text) if draw < 0.16 else text
        return changed if len(changed) == len(text) else text


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:]


def main() -> None:
    count, seed = (int(one) for one in (*sys.argv[1:3], *("20", "1")[len(sys.argv) - 1 :]))
    sentences = Sentences(seed)
    for _ in range(count):
        text, spans = sentences.one()
        for start, end, label in sorted(spans, reverse=True):
            text = f"{text[:start]}[{label[0]} {text[start:end]}]{text[end:]}"
        print(text.replace("\n", "⏎"))


if __name__ == "__main__":
    main()
