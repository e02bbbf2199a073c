"""One changed text written into its place in a DOCX's XML."""

from typing import Any

from appliance.files.reading.docx_xml import kind_of
from appliance.files.reading.leaves import Edit, Leaf, edited

_DELETIONS = frozenset({"w:del", "w:moveFrom"})
_PROPERTIES = frozenset({"cp:coreProperties", "ep:Properties", "op:Properties"})
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def write_leaf(root: Any, leaf: Leaf, edits: list[Edit]) -> None:
    """`edits` in what the leaf says. Properties that hold a change are cleared, tracked deletions that do are removed."""
    element, slot = leaf
    if slot == "drop":
        dropped_element(element)
    elif slot == "deleted":
        _drop_deletion(element)
    elif slot == "tail":
        element.tail = edited(element.tail or "", edits)
    elif slot[0] == "@":
        element.set(slot[1:], edited(element.get(slot[1:]) or "", edits))
    elif slot[0] == "=":
        element.set(slot[1:], next((edit.text for edit in edits if edit.text), ""))
    elif kind_of(root) in _PROPERTIES:
        _clear_property(element)
    else:
        element.text = edited(element.text or "", edits)
        if kind_of(element) == "w:t":
            element.set(_SPACE, "preserve")


def dropped_element(element: Any) -> None:
    """Takes it out of its tree, and leaves the text behind it there."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail, element.getprevious()
    if tail:
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    parent.remove(element)


def _drop_deletion(element: Any) -> None:
    for above in element.iterancestors():
        if kind_of(above) in _DELETIONS:
            dropped_element(above)
            return
    element.text = ""


def _clear_property(element: Any) -> None:
    for above in (element, *element.iterancestors()):
        if kind_of(above) == "op:property":
            dropped_element(above)
            return
    element.text = ""
