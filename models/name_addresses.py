# ruff: noqa: E501, SIM905 - lists of words, and templates
"""Addresses as people write them in a dozen countries, invented. `Addresses(lists, source).one()` gives one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

UNITS = ("Apt.", "Apt", "Suite", "Unit", "Apartment", "Ste", "Floor", "Room", "#", "Flat", "Ste.")
ENGLISH = (
    "Street St St. Road Rd Rd. Avenue Ave Ave. Lane Drive Dr Dr. Boulevard Blvd Court Ct Place Square Terrace Way Close Crescent "
    "Gardens Grove Hill Row Parkway Highway Circle Trail Street Street Road Road Avenue Avenue Lane Drive"
).split()
MADE_UP = (
    "Mission Junction Mills Pike Ports Squares Crossing Plains Ridge Views Harbors Villages Spurs Throughway Meadow Island Fork Inlet "
    "Lodge Oval Ranch Stream Turnpike Union Viaduct Vista Well Cliffs Coves Divide Estate Expressway Extension Falls Forges Garden "
    "Glens Green Haven Heights Isle Key Knolls Landing Light Manor Mall Motorway Orchard Overpass Passage Points Prairie Radial Rapids "
    "Rest Route Shoal Shore Skyway Springs Station Summit Tunnel Unions Valley Walk Walks"
).split()
US_STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA TX".split()
)
INDIAN_ROAD = "Road Road Rd Marg Nagar Vihar Colony Layout Street Lane Cross Chowk Main_Road Salai Path".split()
INDIAN_HOME = (
    "Apartments Residency Towers Heights Enclave Society Complex Plaza CHS Villa House Bhavan Niwas Sadan Chambers Arcade".split()
)
NEAR = ("Near", "Opp.", "Opposite", "Behind", "Next to", "near", "opp.", "Nr.", "Beside", "Off")
LANDMARK = (
    "SBI Bank",
    "City Mall",
    "Railway Station",
    "Shiv Mandir",
    "Bus Stand",
    "Post Office",
    "Metro Station",
    "Govt School",
    "Hanuman Temple",
)
LANDMARK += (
    "HDFC ATM",
    "Police Station",
    "Jama Masjid",
    "Petrol Pump",
    "Civil Hospital",
    "Water Tank",
    "Big Bazaar",
    "Town Hall",
)

HOMES = (
    "Flat",
    "Flat No.",
    "Flat No",
    "H.No.",
    "H.No",
    "H. No.",
    "House No.",
    "House No",
    "Plot No.",
    "Plot",
    "Door No.",
    "D.No.",
)
HOMES += ("#", "No.", "Shop No.", "Villa", "", "", "Room No.", "Qr. No.", "Block")
HINDI_HOMES = ("मकान नंबर", "मकान संख्या", "फ्लैट नंबर", "प्लॉट नंबर", "मकान नं.", "फ्लैट", "घर नंबर", "हाउस नंबर", "दुकान नंबर")
HINDI_ROADS = ("मार्ग", "नगर", "रोड", "विहार", "कॉलोनी", "गली", "चौक", "गंज", "बाग", "पथ", "एन्क्लेव")
HINDI_NEAR = ("रेलवे स्टेशन के पास", "शिव मंदिर के सामने", "बस स्टैंड के पीछे", "पोस्ट ऑफिस के पास", "सरकारी स्कूल के निकट")


class Addresses:
    """`name`: gives an invented or known surname; `lists`: those of models/name_words.txt."""

    def __init__(self, lists: dict[str, list[str]], source: random.Random, name: Callable[[], str]) -> None:
        self.lists, self.source, self.name = lists, source, name
        self.kinds: list[tuple[float, Callable[[], list[str]]]] = [
            (5, self._american), (2, self._made_up), (1.2, self._military), (3, self._british), (6, self._indian), (2.5, self._village),
            (2.5, self._german), (2, self._french), (2, self._spanish), (2, self._nordic), (1, self._slavic), (1, self._italian), (4, self._mixed),
        ]  # fmt: skip

    def pick(self, key: str) -> str:
        return self.source.choice(self.lists[key]).replace("_", " ")

    def number(self, low: int, high: int) -> str:
        return str(self.source.randint(low, high))

    def chance(self, share: float) -> bool:
        return self.source.random() < share

    def one(self, many_lines: bool = False) -> str:
        """Some break over lines inside a sentence; some are the corner of two streets."""
        if self.chance(0.04):
            corner = f"{self._street_alone()} and {self._street_alone()}"
            return f"the corner of {corner}" if self.chance(0.8) else corner
        kinds = [kind for _, kind in self.kinds]
        parts = self.source.choices(kinds, [weight for weight, _ in self.kinds])[0]()
        return self._broken(parts) if self.chance(0.16) else self._joined(parts, many_lines)

    def _street_alone(self) -> str:
        return self._english_street() if self.chance(0.5) else self._mixed()[0]

    def _broken(self, parts: Sequence[str]) -> str:
        """Every part after the one before as it happens: on the same line, on the next, behind a comma that slipped down."""
        mark, shown = self.source.choice(("\n ", "\n", "\n    ", "\n, ", " ")), parts[0]
        for part in parts[1:]:
            shown += (mark if self.chance(0.7) else self.source.choice((", ", " ", "\n, ", "\n "))) + part
        return shown

    def _joined(self, parts: Sequence[str], many_lines: bool) -> str:
        if many_lines:
            line = self.source.choice(("\n", "\n", "\n", ",\n", "\n  ", "\\n"))
            shown = ""
            for place, part in enumerate(parts):
                shown += (line if place and (place > 1 or self.chance(0.5)) else ", " if place else "") + part
            return shown
        return self.source.choice((", ", ", ", ", ", ", ", " ", ",", "; ")).join(parts)

    def street(self) -> str:
        """A street with its number."""
        return self.source.choice(
            (self._american, self._british, self._german, self._french, self._nordic, self._indian_street, self._spanish)
        )()[0]

    def town(self) -> str:
        kind = self.source.random()
        if kind < 0.35:
            return self.pick("city")
        if kind < 0.45:
            return self.pick("city").upper()
        base = self.name()
        if kind < 0.6:
            return base + self.source.choice(
                ("ville", "ton", "ford", "burg", "field", "stad", "dorf", "hausen", "by", "pur", "abad", "shire")
            )
        if kind < 0.75:
            return (
                self.source.choice(("North", "South", "East", "West", "New", "Lake", "Port", "Bad", "Saint", "Villa", "Santa"))
                + " "
                + base
            )
        return base.upper() if kind < 0.8 else base

    def postcode(self) -> str:
        digits, letters = "0123456789", "ABCDEFGHJKLMNPRSTUVWXY"
        pattern = self.source.choice(
            (
                "99999",
                "99999",
                "99999",
                "9999",
                "99 999",
                "99-999",
                "99999-9999",
                "A9A 9A9",
                "9999 AA",
                "999 99",
                "999999",
                "AA9 9AA",
            )
        )
        return "".join(self.source.choice(digits if one == "9" else letters) if one in "9A" else one for one in pattern)

    def unit(self) -> str:
        which = self.source.choice(UNITS)
        number = self.source.choice(
            (
                self.number(1, 999),
                self.number(1, 40),
                self.number(1, 30) + self.source.choice("ABCDE"),
                self.source.choice("ABCDEF"),
            )
        )
        return f"{which}{number}" if which == "#" else f"{which} {number}"

    def _english_street(self) -> str:
        name = self.pick("streetname") if self.chance(0.55) else self.name()
        if self.chance(0.1):
            name = self.source.choice(("North", "South", "E", "W", "N.", "S", "Old", "Upper", "West")) + " " + name
        if self.chance(0.08):
            name = self.source.choice(("1st", "2nd", "3rd", "5th", "12th", "42nd", "Fourth", "Fifth", "Eighth"))
        return f"{name} {self.source.choice(ENGLISH)}"

    def _american(self) -> list[str]:
        parts = [f"{self.number(1, 9999)} {self._english_street()}"]
        if self.chance(0.35):
            if self.chance(0.5):
                parts[0] += " " + self.unit()
            else:
                parts.append(self.unit())
        if self.chance(0.85):
            state = self.source.choice(US_STATES) if self.chance(0.8) else self.pick("state")
            code = self.number(10000, 99999) + (f"-{self.number(1000, 9999)}" if self.chance(0.15) else "")
            parts += [self.town(), f"{state} {code}"] if self.chance(0.9) else [self.town(), state]
            if self.chance(0.2):
                parts.append(self.source.choice(("USA", "United States", "U.S.A.", "US")))
        return parts

    def _made_up(self) -> list[str]:
        parts = [f"{self.number(1, 99999).zfill(3)} {self.name()} {self.source.choice(MADE_UP)}"]
        if self.chance(0.5):
            parts[0] += f" {self.source.choice(('Suite', 'Apt.'))} {self.number(1, 999).zfill(3)}"
        return [*parts, f"{self.town()}, {self.source.choice(US_STATES)} {self.number(10000, 99999)}"]

    def _military(self) -> list[str]:
        code = f"{self.source.choice(('AE', 'AP', 'AA'))} {self.number(1000, 99999).zfill(5)}"
        first = self.source.choice(
            (
                f"PSC {self.number(1, 9999).zfill(4)}, Box {self.number(1, 9999).zfill(4)}",
                f"Unit {self.number(1, 9999).zfill(4)} Box {self.number(1, 9999).zfill(4)}",
            )
        )
        if self.chance(0.3):
            return [f"{self.source.choice(('USS', 'USNS', 'USCGC', 'USNV'))} {self.name()}", f"FPO {code}"]
        return [first, f"{self.source.choice(('APO', 'DPO', 'FPO'))} {code}"]

    def _british(self) -> list[str]:
        number = self.number(1, 240) + (self.source.choice("ABab") if self.chance(0.1) else "")
        parts = [f"{number} {self._english_street()}"]
        if self.chance(0.25):
            parts.insert(
                0,
                self.source.choice(
                    (
                        f"Flat {self.number(1, 40)}",
                        f"Flat {self.number(1, 9)}{self.source.choice('ABC')}",
                        f"{self.name()} House",
                        "The Old Rectory",
                        "Rose Cottage",
                    )
                ),
            )
        parts.append(self.town())
        if self.chance(0.15):
            parts.append(
                self.source.choice(("Kent", "Surrey", "Essex", "Devon", "West Yorkshire", "Greater Manchester", "Lanarkshire"))
            )
        area = self.source.choice("SW E N NW SE W WC EC M B LS EH G CF BS OX CB NE BT L S".split())
        code = f"{area}{self.number(1, 20)}{self.source.choice(('', '', 'A', 'W'))} {self.number(1, 9)}{self.source.choice('ABDEFGHJLN')}{self.source.choice('PQRSTUWXYZ')}"
        parts += [code] if self.chance(0.9) else []
        return parts + ([self.source.choice(("UK", "United Kingdom", "England"))] if self.chance(0.2) else [])

    def pin(self) -> str:
        first, last = self.number(110, 855), self.number(1, 99).zfill(3)
        return self.source.choice((first + last, first + last, f"{first} {last}"))

    def home(self) -> str:
        number = self.source.choice(
            (
                self.number(1, 999),
                f"{self.number(1, 60)}{self.source.choice('ABCD')}",
                f"{self.source.choice('ABCDE')}-{self.number(1, 900)}",
                f"{self.number(1, 300)}/{self.number(1, 60)}",
                f"{self.number(1, 20)}-{self.number(1, 9)}-{self.number(1, 900)}/{self.source.choice('ABC')}",
            )
        )
        which = self.source.choice(HOMES)
        return f"{which}{number}" if which in ("#", "") else f"{which} {number}"

    def _indian_street(self) -> list[str]:
        road = self.source.choice(INDIAN_ROAD).replace("_", " ")
        kind = self.source.random()
        if kind < 0.6:
            street = f"{self.pick('streetname.indian')} {road}"
        elif kind < 0.8:
            street = f"{self.source.choice(('1st', '2nd', '3rd', '4th', '7th', '11th', '27th'))} {self.source.choice(('Cross', 'Main', 'Main Road', 'Street', 'A Cross', 'Floor'))}"
        else:
            street = f"{self.source.choice(('Sector', 'Sector', 'Phase', 'Block', 'Ward No.', 'Sec', 'Pocket'))} {self.source.choice((self.number(1, 90), 'II', 'B', 'C', '4A'))}"
        return [f"{self.home()}, {street}"]

    def _indian(self) -> list[str]:
        parts = self._indian_street()
        if self.chance(0.35):
            parts.insert(
                self.source.randrange(2),
                f"{self.name() if self.chance(0.4) else self.pick('streetname.indian')} {self.source.choice(INDIAN_HOME)}",
            )
        if self.chance(0.3):
            parts.append(f"{self.source.choice(NEAR)} {self.source.choice(LANDMARK)}")
        if self.chance(0.6):
            parts.append(
                self.pick("area.indian")
                if self.chance(0.7)
                else f"{self.name()} {self.source.choice(('Nagar', 'Vihar', 'Colony', 'Puram', 'Layout', 'Bagh'))}"
            )
        city = self.pick("city.indian") if self.chance(0.9) else self.name()
        ending = self.source.random()
        if ending < 0.4:
            parts.append(f"{city}{self.source.choice((' ', ' - ', '-', ' – '))}{self.pin()}")
        elif ending < 0.75:
            parts += [
                city,
                f"{self.pick('state.indian')}{self.source.choice((' ', ' - ', ', ', ' PIN ', ', PIN: '))}{self.pin()}",
            ]
        elif ending < 0.85:
            parts += [city, self.pick("state.indian")]
        else:
            parts.append(city)
        return parts + (["India"] if self.chance(0.15) else [])

    def _village(self) -> list[str]:
        """In Devanagari; and the villages' way."""
        if self.chance(0.15):
            return [
                f"Vill. {self.name()}",
                f"P.O. {self.name()}",
                f"Dist. {self.pick('city.indian')}",
                f"{self.pick('state.indian')} {self.pin()}",
            ]
        number = self.source.choice(
            (
                self.number(1, 999),
                f"{self.number(1, 99)}/{self.number(1, 99)}",
                f"{self.number(1, 60)}{self.source.choice('ABC')}",
                f"{self.source.choice(('ए', 'बी', 'सी'))}-{self.number(1, 200)}",
            )
        )
        parts = [f"{self.source.choice(HINDI_HOMES)} {number}"]
        road = self.source.choice(HINDI_ROADS)
        parts.append(self._hindi_street(road))
        if self.chance(0.3):
            parts.append(self.source.choice(HINDI_NEAR))
        if self.chance(0.2):
            parts.append(
                self.source.choice(
                    (f"ग्राम {self.pick('last.deva')}पुर", f"जिला {self.pick('city.deva')}", f"तहसील {self.pick('city.deva')}")
                )
            )
        city, pin = self.pick("city.deva"), self.pin()
        return parts + self.source.choice(
            (
                [f"{city} - {pin}"],
                [f"{city} {pin}"],
                [city],
                [city, f"{self.pick('state.deva')} {pin}"],
                [f"{city}-{pin}"],
                [city, pin],
            )
        )

    def _hindi_street(self, road: str) -> str:
        return self.source.choice(
            (
                f"{self.pick('streetname.deva')} {road}",
                f"गली नंबर {self.number(1, 30)}",
                f"सेक्टर {self.number(1, 80)}",
                f"{self.pick('streetname.deva')} {road}",
            )
        )

    def _german(self) -> list[str]:
        street = (
            self.pick("street.german")
            if self.chance(0.6)
            else self.name() + self.source.choice(("straße", "str.", "weg", "allee", "gasse", "platz", "strasse"))
        )
        parts = [f"{street} {self.number(1, 180)}{self.source.choice(('', '', '', 'a', ' b'))}"]
        parts += [self.source.choice(("3. OG", "Hinterhaus", "Wohnung 4"))] if self.chance(0.08) else []
        if self.chance(0.85):
            city = (
                self.source.choice(
                    "Berlin München Hamburg Köln Stuttgart Leipzig Dresden Bremen Wien Graz Zürich Bern Basel Mainz Kassel Ulm".split()
                )
                if self.chance(0.6)
                else self.town()
            )
            parts.append(f"{self.source.choice(('', '', '', 'D-'))}{self.number(1000, 99999).zfill(5)} {city}")
        return parts + (["Deutschland"] if self.chance(0.1) else [])

    def _french(self) -> list[str]:
        kind = self.source.choice(
            ("rue", "rue", "avenue", "boulevard", "place", "impasse", "chemin", "quai", "allée", "Rue", "Avenue", "cours")
        )
        street = self.pick("street.french") if self.chance(0.7) else self.name()
        parts = [f"{self.number(1, 250)}{self.source.choice(('', '', '', ' bis', ','))} {kind} {street}"]
        parts += [self.source.choice(("Bâtiment B", "Appartement 12", "3e étage", "Apt 4"))] if self.chance(0.12) else []
        if self.chance(0.85):
            city = (
                self.source.choice("Paris Lyon Marseille Lille Nantes Nice Toulouse Rennes Dijon Angers Tours Brest".split())
                if self.chance(0.6)
                else self.town()
            )
            parts.append(f"{self.number(1000, 95999).zfill(5)} {city}{self.source.choice(('', '', '', ' Cedex'))}")
        return parts + (["France"] if self.chance(0.15) else [])

    def _spanish(self) -> list[str]:
        kind = self.source.choice(("Calle", "Calle", "C/", "Avenida", "Avda.", "Plaza", "Paseo", "calle", "Camino", "Carrera"))
        street = self.pick("street.spanish") if self.chance(0.7) else self.name()
        parts = [f"{kind} {street}{self.source.choice((' ', ', ', ' nº ', ', nº '))}{self.number(1, 200)}"]
        parts += (
            [self.source.choice(("3º B", "2º izquierda", "piso 4", "Bajo A", "1º dcha.", "Depto. 5"))]
            if self.chance(0.35)
            else []
        )
        if self.chance(0.85):
            city = (
                self.source.choice(
                    "Madrid Sevilla Bilbao Málaga Zaragoza Granada Murcia Cádiz Toledo Córdoba Bogotá Lima".split()
                )
                if self.chance(0.6)
                else self.town()
            )
            parts.append(f"{self.number(1000, 52999).zfill(5)} {city}")
        return parts + (["España"] if self.chance(0.1) else [])

    def _nordic(self) -> list[str]:
        known = self.pick(self.source.choice(("street.nordic", "street.dutch", "street.slavic")))
        street = (
            known
            if self.chance(0.5)
            else self.name()
            + self.source.choice(
                (
                    "gatan",
                    "vägen",
                    "gata",
                    "veien",
                    "gade",
                    "vej",
                    "katu",
                    "tie",
                    "straat",
                    "laan",
                    "weg",
                    "vej",
                    "stræde",
                    "kuja",
                )
            )
        )
        parts = [f"{street} {self.number(1, 150)}{self.source.choice(('', '', '', ' B', 'A'))}"]
        return [*parts, f"{self.postcode()} {self.town()}"] if self.chance(0.8) else parts

    def _slavic(self) -> list[str]:
        street = self.pick(self.source.choice(("street.slavic", "street.greek")))
        return [f"{street} {self.number(1, 200)}{self.source.choice(('', '', '/4', '.'))}", f"{self.postcode()} {self.town()}"]

    def _italian(self) -> list[str]:
        return [
            f"{self.pick('street.italian')}{self.source.choice((' ', ', '))}{self.number(1, 200)}",
            f"{self.number(10000, 98999)} {self.town()}",
        ]

    def _mixed(self) -> list[str]:
        """As forms and exports give them: parts of anywhere, in any case, missing here and there."""
        street = self.source.choice(
            (
                self._english_street(),
                *(kind()[0] for kind in (self._german, self._nordic, self._slavic, self._italian, self._spanish, self._french)),
            )
        )
        first = f"{self.number(1, 99999)} {street}" if self.chance(0.75) else street
        if self.chance(0.08):
            first = f"P.O. Box {self.number(1, 9999)}"
        parts = [first, *([self.unit()] if self.chance(0.5) else []), self.town()]
        if self.chance(0.3):
            parts.append(self.source.choice("AB ON NC SA VIC NSW QC SK BC TX NY LA IL GP MI".split()))
        if self.chance(0.8):
            country = self.pick("country") if self.chance(0.8) else ""
            parts.append(f"{country} {self.postcode()}".strip() if self.chance(0.7) else country or self.postcode())
        return parts
