"""QR codes as SVG: markup that stands in the page itself, so that no other address has to be allowed for pictures."""


def qr_svg(text: str, *, scale: int | None = None) -> str:
    """`scale`: pixels per module; None: as large as the style of the page makes it."""
    import segno

    size = {"omitsize": True} if scale is None else {"scale": scale}
    return str(segno.make(text, error="m").svg_inline(border=4, light="#fff", **size))
