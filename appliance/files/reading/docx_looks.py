"""How text in a DOCX looks, as far as that decides whether anybody sees it: vanished, in its background's colour, tiny, squeezed.

Properties come from the document's defaults, its paragraph's and its character style, each with those that it is based on, and
from the run itself; the background from the run, its paragraph, its cell, its table's style, its text box and the page.
Source: ECMA-376 part 1, 17.3.2 (run properties), 17.7 (styles).
"""

from typing import Any

import msgspec

from appliance.files.reading.docx_xml import child, get, kind_of

SAME_COLOUR = 24  # of 255, in each of red, green and blue
TINY_HALF_POINTS = 6
SQUEEZED_PERCENT = 5
SQUEEZED_TWIPS = 100  # a text of whatever length in less than a letter's width
TRANSPARENT = 95_000  # of 100,000
USUAL_HALF_POINTS = 20
CHAIN_MAX = 30
VANISHED = "hidden by its font's property"
UNKNOWN = "?"  # a background that can't be told, such as a picture: nothing is said to hide on it
_OFF = frozenset({"0", "false", "off", "none"})
_THEMES = {
    "background1": "lt1",
    "light1": "lt1",
    "bg1": "lt1",
    "text1": "dk1",
    "dark1": "dk1",
    "tx1": "dk1",
    "background2": "lt2",
    "light2": "lt2",
    "bg2": "lt2",
    "text2": "dk2",
    "dark2": "dk2",
    "tx2": "dk2",
}
_HIGHLIGHTS = {
    "black": "000000",
    "blue": "0000FF",
    "cyan": "00FFFF",
    "green": "00FF00",
    "magenta": "FF00FF",
    "red": "FF0000",
    "yellow": "FFFF00",
    "white": "FFFFFF",
    "darkBlue": "000080",
    "darkCyan": "008080",
    "darkGreen": "008000",
    "darkMagenta": "800080",
    "darkRed": "800000",
    "darkYellow": "808000",
    "darkGray": "808080",
    "lightGray": "C0C0C0",
}


class Look(msgspec.Struct, frozen=True):
    """Each None: not said here. colour, fill, marked: six hexadecimal digits, "auto" or UNKNOWN."""

    vanish: bool | None = None
    colour: str | None = None
    half_points: float | None = None
    fill: str | None = None
    marked: str | None = None
    percent: int | None = None
    closer: float | None = None  # twips between letters, less than 0: closer
    transparent: bool | None = None

    def under(self, upper: "Look") -> "Look":
        """`upper`, and what it doesn't say from this one."""
        if self is NOTHING or upper is NOTHING:
            return upper if self is NOTHING else self
        pairs = zip(msgspec.structs.astuple(upper), msgspec.structs.astuple(self), strict=True)
        return Look(*(mine if mine is not None else theirs for mine, theirs in pairs))


NOTHING = Look()


class Looks:
    """What styles.xml and the theme say. Made from their roots, where the document has them."""

    def __init__(
        self, styles: Any = None, theme: Any = None, page: str = "FFFFFF", size: tuple[int, int] = (12_240, 16_840)
    ) -> None:
        """page: its colour; size: its width and height, in twips."""
        self.page, self.size = page, size
        self._theme = _theme_colours(theme) if theme is not None else {}
        self._own: dict[str, Look] = {}
        self._paragraph_fill: dict[str, str | None] = {}
        self._based: dict[str, str] = {}
        self._tables: dict[str, set[str]] = {}
        self._resolved: dict[str, Look] = {}
        self.default_paragraph = ""
        self._defaults = NOTHING
        if styles is not None:
            self._read(styles)

    def _read(self, styles: Any) -> None:
        defaults = child(child(child(styles, "w:docDefaults"), "w:rPrDefault"), "w:rPr")
        self._defaults = self.said(defaults)
        for style in styles:
            name = get(style, "styleId") if kind_of(style) == "w:style" else ""
            if not name:
                continue
            self._own[name] = self.said(child(style, "w:rPr"))
            self._paragraph_fill[name] = self.fill(child(child(style, "w:pPr"), "w:shd"))
            based = child(style, "w:basedOn")
            self._based[name] = get(based, "val") if based is not None else ""
            if get(style, "type") == "table":
                self._tables[name] = self._shaded(style)
            if get(style, "type") == "paragraph" and get(style, "default") in {"1", "true", "on"}:
                self.default_paragraph = name

    def _shaded(self, style: Any) -> set[str]:
        """For which of its rows and columns a table style has a background."""
        found = {"wholeTable"} if any(self.fill(child(child(style, name), "w:shd")) for name in ("w:tblPr", "w:tcPr")) else set()
        for part in style:
            if kind_of(part) == "w:tblStylePr" and self.fill(child(child(part, "w:tcPr"), "w:shd")) not in {None, "auto"}:
                found.add(get(part, "type"))
        return found

    def table_fill(self, style: str) -> str | None:
        """UNKNOWN where cells of a table of this style may have a background."""
        return UNKNOWN if any(self._tables.get(name) for name in self._chain(style)) else None

    def _chain(self, style: str) -> list[str]:
        names: list[str] = []
        while style and style in self._own and style not in names and len(names) < CHAIN_MAX:
            names.append(style)
            style = self._based.get(style, "")
        return names

    def _style(self, name: str) -> Look:
        found = self._resolved.get(name)
        if found is None:
            found = NOTHING
            for each in reversed(self._chain(name)):
                found = found.under(self._own[each])
            self._resolved[name] = found
        return found

    def paragraph_fill(self, properties: Any, style: str) -> str | None:
        said = self.fill(child(properties, "w:shd"))
        return said or next((fill for name in self._chain(style) if (fill := self._paragraph_fill.get(name))), None)

    def why(self, properties: Any, styles: tuple[str, str], paper: str | None) -> str:
        """Why a run with these w:rPr isn't seen on `paper`; "": it is. styles: of its table and its paragraph."""
        own = child(properties, "w:rStyle")
        table, paragraph = styles
        of_styles = [self._style(table), self._style(paragraph or self.default_paragraph)]
        of_styles.append(self._style(get(own, "val")) if own is not None else NOTHING)
        look = self._defaults
        for each in of_styles:
            look = look.under(each)
        if sum(each.vanish or False for each in of_styles) % 2 == 0 and look.vanish:  # two styles that hide undo each other
            look = msgspec.structs.replace(look, vanish=self._defaults.vanish)
        return self._why(look.under(self.said(properties)), paper)

    def _why(self, look: Look, paper: str | None) -> str:
        if look.vanish:
            return VANISHED
        if look.half_points is not None and look.half_points <= TINY_HALF_POINTS:
            return "tiny"
        if look.percent is not None and 0 < look.percent <= SQUEEZED_PERCENT:
            return "squeezed"
        if look.closer is not None and -look.closer >= (look.half_points or USUAL_HALF_POINTS) * 4.5:
            return "squeezed"
        if look.transparent:
            return "transparent"
        ink = look.colour
        if look.marked and look.marked != "auto":
            ground: str | None = look.marked
            ink = "000000" if ink in {None, "auto"} and _same(look.marked, "000000") else ink
        else:
            ground = look.fill if look.fill and look.fill != "auto" else paper or self.page
        if ink in {None, "auto", UNKNOWN} or ground in {None, "auto", UNKNOWN}:
            return ""
        return "in the colour of its background" if _same(ink or "", ground or "") else ""

    def said(self, properties: Any) -> Look:
        """What a w:rPr says itself."""
        if properties is None or not len(properties):
            return NOTHING
        said: dict[str, Any] = {}
        for each in properties:
            kind = kind_of(each)
            if kind == "w:vanish":
                said["vanish"] = get(each, "val").lower() not in _OFF
            elif kind == "w:color":
                said["colour"] = self.colour(each, "val", "themeColor")
            elif kind in {"w:sz", "w:szCs"}:
                size = _number(get(each, "val"))
                said["half_points"] = size if kind == "w:sz" or size is None else said.get("half_points", size)
            elif kind == "w:shd":
                said["fill"] = self.fill(each)
            elif kind == "w:highlight":
                said["marked"] = _HIGHLIGHTS.get(get(each, "val"), "auto")
            elif kind == "w:w":
                percent = _number(get(each, "val").rstrip("%"))
                said["percent"] = int(percent) if percent is not None else None
            elif kind == "w:fitText":
                width = _number(get(each, "val"))
                said["percent"] = 1 if width is not None and width <= SQUEEZED_TWIPS else None
            elif kind == "w:spacing":
                said["closer"] = _number(get(each, "val"))
        fill = child(properties, "w14:textFill")
        if fill is not None:
            has_edge = child(properties, "w14:textOutline") is not None
            said["transparent"] = _is_clear(fill) and not has_edge
            said["colour"] = UNKNOWN if has_edge else self.drawn_colour(fill)
        return Look(**said) if said else NOTHING

    def fill(self, shading: Any) -> str | None:
        if shading is None:
            return None
        pattern = get(shading, "val")
        if pattern == "solid":
            return self.colour(shading, "color", "themeColor") or None
        if pattern.startswith(("pct", "horz", "vert", "diag", "reverse", "thin")):
            return UNKNOWN
        return self.colour(shading, "fill", "themeFill") or None

    def colour(self, element: Any, plain: str, theme: str) -> str:
        said = get(element, theme)
        changed = theme.removesuffix("Color")
        if said and not (get(element, changed + "Tint") or get(element, changed + "Shade")):
            known = self.theme_colour(said)
            if known:
                return known
        value = get(element, plain)
        return value.upper() if len(value) == 6 else ("auto" if value in {"auto", ""} else UNKNOWN)

    def drawn_colour(self, fill: Any) -> str:
        """Of a solid fill. UNKNOWN: of another one, or one that is mixed."""
        solid = child(fill, "w14:solidFill")
        colour = solid[0] if solid is not None and len(solid) else None
        if colour is None or any(not kind_of(change).endswith(":alpha") for change in colour):
            return UNKNOWN
        value = get(colour, "val")
        if kind_of(colour) == "w14:schemeClr":
            return self.theme_colour(value) or UNKNOWN
        return value.upper() if len(value) == 6 else UNKNOWN

    def theme_colour(self, name: str) -> str:
        slot = _THEMES.get(name, name)
        return self._theme.get(slot) or {"lt1": "FFFFFF", "dk1": "000000"}.get(slot, "")


def _theme_colours(theme: Any) -> dict[str, str]:
    colours: dict[str, str] = {}
    scheme = next((element for element in theme.iter() if kind_of(element) == "a:clrScheme"), ())
    for slot in scheme:
        for colour in slot:
            value = get(colour, "lastClr") or get(colour, "val")
            if len(value) == 6:
                colours[kind_of(slot).removeprefix("a:")] = value.upper()
    return colours


def _is_clear(fill: Any) -> bool:
    kinds = [(kind_of(each), _number(get(each, "val")) or 0) for each in fill.iter()]
    return any(kind == "w14:noFill" or (kind == "w14:alpha" and value >= TRANSPARENT) for kind, value in kinds)


def _same(one: str, two: str) -> bool:
    try:
        pairs = [(int(one[at : at + 2], 16), int(two[at : at + 2], 16)) for at in (0, 2, 4)]
    except ValueError:
        return False
    return all(abs(mine - theirs) <= SAME_COLOUR for mine, theirs in pairs)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None
