"""How much of a DOCX is read."""

import msgspec

from appliance.files.document import PIECES_MAX


class DocxLimits(msgspec.Struct, frozen=True):
    """ratio_max: how often larger a part may be than packed, where it is larger than `ratio_from_bytes` at all."""

    file_bytes_max: int = 200_000_000
    encrypted_bytes_max: int = 64_000_000
    entries_max: int = 10_000
    bytes_total_max: int = 400_000_000
    part_bytes_max: int = 32_000_000
    picture_bytes_max: int = 64_000_000
    ratio_max: int = 300
    ratio_from_bytes: int = 8_000_000
    nested_max: int = 2
    pieces_max: int = PIECES_MAX
