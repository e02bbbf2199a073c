"""Why an element of HTML isn't seen: by its own attributes and inline style. Style sheets aren't computed."""

import re
from typing import Any

_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|vh|vw)?")
_NAMES = {"white": "fff", "black": "000", "red": "f00", "silver": "c0c0c0", "gray": "808080", "yellow": "ff0", "snow": "fffafa"}
SAME_COLOUR = 24  # of 255, in each of red, green and blue


def hidden_why(element: Any) -> str:
    """ "": it is seen, as far as it can tell itself. Its parents are the caller's."""
    if element.get("hidden") is not None:
        return "hidden"
    if (element.tag == "input" and (element.get("type") or "").lower() == "hidden") or element.get("aria-hidden") == "true":
        return "hidden" if element.tag == "input" else ""
    style = element.get("style")
    rules = _rules(style) if style else {}
    if element.tag == "font" and element.get("color"):
        rules.setdefault("color", element.get("color").lower())
    return _by_rules(rules, element) if rules else ""


def _rules(style: str) -> dict[str, str]:
    style = re.sub(r"/\*.*?\*/", "", style[:4_000], flags=re.DOTALL)
    pairs = (rule.partition(":") for rule in style.split(";"))
    return {name.strip().lower(): value.replace("!important", "").strip().lower() for name, _, value in pairs if value.strip()}


def _by_rules(rules: dict[str, str], element: Any) -> str:
    if rules.get("display") == "none":
        return "display: none"
    if rules.get("visibility") in {"hidden", "collapse"}:
        return "visibility: hidden"
    if _number(rules.get("opacity", "1")) < 0.05:
        return "transparent"
    if "font-size" in rules and _pixels(rules["font-size"]) < 3:
        return "tiny"
    if any(_pixels(rules.get(name, "0")) < -500 for name in ("left", "top", "right", "text-indent", "margin-left", "margin-top")):
        return "off the page"
    if rules.get("clip", "").replace(" ", "") in {"rect(0,0,0,0)", "rect(0000)", "rect(1px,1px,1px,1px)"}:
        return "clipped"
    if rules.get("overflow") == "hidden" and any(
        _pixels(rules.get(name, "99")) < 1 for name in ("width", "height", "max-height")
    ):
        return "clipped"
    if re.search(r"inset\(\s*(?:100|50)%\s*\)|circle\(\s*0", rules.get("clip-path", "")):
        return "clipped"
    moved = re.search(r"(scale|translate)[xy3d]{0,2}\(\s*(-?[\d.]+)", rules.get("transform", ""))
    if moved and (float(moved[2].strip(".") or 0) == 0 if moved[1] == "scale" else float(moved[2].strip(".") or 0) < -500):
        return "off the page"
    if rules.get("content-visibility") == "hidden":
        return "visibility: hidden"
    return _colour_why(rules, element)


def _colour_why(rules: dict[str, str], element: Any) -> str:
    if "color" not in rules:
        return ""
    if rules["color"] == "transparent" or re.search(r"(?:,|/)\s*(?:0|0?\.0\d*|0%)\s*\)$", _four_parts(rules["color"])):
        return "transparent"
    ink, paper = _rgb(rules["color"]), _background(rules, element)
    if ink and paper and max(abs(one - two) for one, two in zip(ink, paper, strict=True)) <= SAME_COLOUR:
        return "in the colour of its background"
    return ""


def _four_parts(colour: str) -> str:
    """ "": it says nothing of how transparent it is."""
    return colour if "/" in colour or colour.count(",") == 3 else ""


def _background(rules: dict[str, str], element: Any) -> tuple[int, int, int] | None:
    """None: it can't be told, such as a picture."""
    node, depth = element, 0
    while node is not None and depth < 200:
        mine = rules if node is element else _rules(node.get("style") or "")
        colour = mine.get("background-color") or mine.get("background") or node.get("bgcolor")
        if colour and colour not in {"transparent", "none", "inherit", "initial"}:
            return _rgb(colour)
        if node.get("class") or node.get("background"):
            return None  # a style sheet may colour it
        node, depth = node.getparent(), depth + 1
    return (255, 255, 255)


def _rgb(colour: str) -> tuple[int, int, int] | None:
    colour = _NAMES.get(colour, colour).strip().lstrip("#")
    if re.fullmatch(r"[0-9a-f]{3}", colour):
        colour = "".join(digit * 2 for digit in colour)
    if re.fullmatch(r"[0-9a-f]{6}", colour):
        return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)
    numbers = re.match(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)", colour)
    return (int(numbers[1]), int(numbers[2]), int(numbers[3])) if numbers else None


def _pixels(length: str) -> float:
    found = _LENGTH.match(length)
    if not found:
        return 99.0
    return float(found[1]) * {"em": 16, "rem": 16, "pt": 1.33, "%": 0.16, "vh": 8, "vw": 12}.get(found[2] or "px", 1)


def _number(text: str) -> float:
    found = _LENGTH.match(text)
    return (float(found[1]) / (100 if found[2] == "%" else 1)) if found else 1.0
