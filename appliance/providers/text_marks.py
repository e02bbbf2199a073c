"""Marks such as `</think>` in text that comes in pieces: what is sure already, and what may yet be part of a mark."""


def cut_mark(text: str, mark: str) -> tuple[str, str]:
    """(what is sure, the end of the text that may be the beginning of `mark`); the whole mark doesn't stand in the text."""
    for length in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:length]):
            return text[:-length], text[-length:]
    return text, ""


def settled(text: str, blanks_max: int) -> int:
    """How much of the text is no blank at its end; of more blanks than `blanks_max` the first ones count as text."""
    return max(len(text.rstrip()), len(text) - blanks_max)
