"""Words that are data: lists between blanks, and the tables in the text files beside this one."""

from importlib.resources import files


def listed(words: str) -> tuple[str, ...]:
    """The words of a text in order. (A list of strings, one a line, would hide what is in it.)"""
    return tuple(words.split())


def lines(name: str) -> list[str]:
    """The lines of a data file of this room, without comments."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def table(name: str) -> dict[str, str]:
    """{form: word} of a data file whose lines are `word: form form …`."""
    pairs = (line.partition(": ") for line in lines(name))
    return {form: word for word, _, forms in pairs for form in forms.split()}
