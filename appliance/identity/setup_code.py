"""The one-time setup code: who can read the terminal that started the appliance may register its owner from elsewhere."""

import base64
import hmac
import secrets


class SetupCode:
    """New at each start, kept in memory alone, good for one registration. 100 bits: not to be guessed."""

    def __init__(self) -> None:
        text = base64.b32encode(secrets.token_bytes(13)).decode()[:20]
        self._value: str | None = "-".join(text[at : at + 4] for at in range(0, 20, 4))

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return "SetupCode()"

    @property
    def value(self) -> str:
        """To be shown at the terminal while there is no owner; empty once it was used."""
        return self._value or ""

    def fits(self, given: str) -> bool:
        """Is it this one? Spaces and case don't count; the dashes may be left out."""
        if self._value is None:
            return False
        wanted = self._value.replace("-", "").encode()
        return hmac.compare_digest(_letters(given[:100]), wanted)

    def spend(self) -> None:
        """It was used: it fits nothing any more."""
        self._value = None


def _letters(given: str) -> bytes:
    return "".join(character for character in given if character.isalnum()).upper().encode("utf-8", "replace")
