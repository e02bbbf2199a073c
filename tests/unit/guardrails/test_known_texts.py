"""Texts that come again are not looked through again, and nothing of them is kept."""

from appliance.guardrails.finding import Finding
from appliance.guardrails.known_texts import TEXTS_MAX, KnownTexts


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, text: str) -> list[Finding]:
        self.asked.append(text)
        return [Finding(type="EMAIL", start=0, end=len(text), score=0.9, detector="test")]


def test_the_same_text_is_looked_at_once_and_another_never_gets_its_findings() -> None:
    counting = Counting()
    known = KnownTexts(counting.find)
    texts = ["a", "b", "a", "a\u0301", "á", "\ud800", "a", "b"]
    assert [known.find(text)[0].end for text in texts] == [len(text) for text in texts]
    assert counting.asked == ["a", "b", "a\u0301", "á", "\ud800"]
    known.find("a").clear()
    assert len(known.find("a")) == 1, "each gets a list of their own"


def test_memory_is_bounded_and_what_is_asked_for_stays() -> None:
    counting = Counting()
    known = KnownTexts(counting.find)
    for number in range(3 * TEXTS_MAX):
        known.find(f"text {number}")
        if number % 1_000 == 0:
            known.find("often")
    assert counting.asked.count("often") == 1
    assert len(known._young) + len(known._old) <= 2 * TEXTS_MAX
    known.find("text 0")
    assert counting.asked.count("text 0") == 2


def test_nothing_of_a_text_is_kept() -> None:
    known = KnownTexts(Counting().find)
    known.find("asha@mail.example")
    assert "asha" not in repr(vars(known)) and KnownTexts(Counting().find)._key != known._key
