"""Texts that end an answer, found over the borders of its tokens."""

from collections.abc import Sequence


class StopStrings:
    """Finds stop strings in text that comes in pieces. What may yet become one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """The text that may go out. Once one is found, everything from there on is dropped."""
        if self.found or not self._stops:
            return "" if self.found else text
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            self.found = True
            out, self._held = self._held[: min(places)], ""
            return out
        keep = max(_unfinished(self._held, stop) for stop in self._stops)
        out, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return out

    def close(self) -> str:
        """What was held back and became nothing."""
        out, self._held = self._held, ""
        return out


def _unfinished(text: str, stop: str) -> int:
    """How many characters at the text's end are a beginning of `stop`."""
    place = text.find(stop[0], max(len(text) - len(stop) + 1, 0))
    while place >= 0:
        if stop.startswith(text[place:]):
            return len(text) - place
        place = text.find(stop[0], place + 1)
    return 0
