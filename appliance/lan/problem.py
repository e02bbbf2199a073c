"""Something that stands between colleagues and this appliance."""

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and what mends it, in plain words."""

    message: str
    fix: str
