"""Images in a prompt as Gemini takes them: `inlineData` for a data: URL, `fileData` for a URL that Google fetches itself.

Source: ai.google.dev/gemini-api/docs/image-understanding and docs/file-input-methods, read 2026-11-26; since January 2026 Gemini
fetches public and signed addresses itself (blog.google, "Increased file size limits and expanded inputs support in Gemini API").
Quirks: https:// addresses only, and not for Gemini 2.0; what Google can't fetch is its own 400. Nothing is fetched by us. GIF,
SVG and BMP are refused by Google, here with the place.
"""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from appliance.errors import FeatureUnsupported, InvalidField

_DATA_URL = re.compile(r"data:([a-zA-Z0-9.+/-]*)((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)
_TAKEN = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/webp": "image/webp",
    "image/heic": "image/heic",
    "image/heif": "image/heif",
}
_ENDINGS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "heic": "image/heic"}


def image_part(image_url: dict[str, Any] | None, where: str) -> dict[str, Any]:
    """One part of a content. Errors: InvalidField, FeatureUnsupported, with the place."""
    url = (image_url or {}).get("url")
    if not isinstance(url, str) or not url:
        raise InvalidField(f"{where} is an image without a url", param=f"{where}.image_url.url", fix="Send its url.")
    if url[:5].lower() == "data:":
        return {"inlineData": _inline(url, f"{where}.image_url.url")}
    if url[:8].lower() == "https://":
        return {"fileData": _file(url)}
    raise FeatureUnsupported(
        "Google fetches images from https:// addresses only",
        param=f"{where}.image_url.url",
        fix="Send the image itself, as a data: URL.",
    )


def _inline(url: str, where: str) -> dict[str, str]:
    found = _DATA_URL.match(url)
    if found is None or found[3] is None:
        raise InvalidField("the data: URL holds no base64", param=where, fix="Write data:image/png;base64,… with the image.")
    media_type = found[1].lower()
    if media_type not in _TAKEN:
        if media_type.startswith("image/"):
            raise FeatureUnsupported(
                f"Google takes no images of the type {media_type[:40]}", param=where, fix="Send PNG, JPEG, WebP, HEIC or HEIF."
            )
        raise InvalidField(f"{media_type[:40] or 'nothing'!r} is no image's type", param=where, fix="Say the image's media type.")
    data = url[found.end() :]
    try:
        image = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidField("the image is no valid base64", param=where, fix="Encode the image's bytes as base64.") from error
    if not image:
        raise InvalidField("the image is empty", param=where, fix="Send the image's bytes as base64.")
    return {"mimeType": _TAKEN[media_type], "data": data}


def _file(url: str) -> dict[str, str]:
    ending = urlsplit(url).path.rpartition(".")[2].lower()
    return {"mimeType": _ENDINGS[ending], "fileUri": url} if ending in _ENDINGS else {"fileUri": url}
