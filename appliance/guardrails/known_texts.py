"""What was found in texts that come again: a conversation is sent whole with each turn, a prompt with each request.

Of a text it keeps a keyed digest and where findings were, for this process alone: nothing that could be read.
"""

from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes

from appliance.guardrails.finding import Finding

TEXTS_MAX = 8_192
_DIGEST_BYTES = 20


class KnownTexts:
    """One for each kind of search; used by any number of threads at once: at worst two look at the same text."""

    def __init__(self, find: Callable[[str], list[Finding]]) -> None:
        self._find = find
        self._key = token_bytes(32)
        self._young: dict[bytes, tuple[Finding, ...]] = {}
        self._old: dict[bytes, tuple[Finding, ...]] = {}  # those that nobody asks for fall out with it

    def find(self, text: str) -> list[Finding]:
        """As it was the first time."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=self._key).digest()
        known = self._young.get(digest)
        if known is None:
            known = self._old.get(digest)
            if known is None:
                known = tuple(self._find(text))
            if len(self._young) >= TEXTS_MAX:
                self._old, self._young = self._young, {}
            self._young[digest] = known
        return list(known)
