"""Ordinary pages that the classifier of attacks is trained with beside short texts: what is said in them is told to readers and
machines all the time ("you must not", "ignore case", "system"), and is no attack.

They are taken from the library of the Python that runs this (PSF licence): its reference, docstrings, comments and code.
"""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
LENGTHS = (120, 250, 500, 1_000, 1_000, 1_000)  # characters of a page, at most
_LEFT_OUT = ("test", "idlelib", "site-packages", "lib2to3", "turtledemo", "__pycache__")


def pages(seed: int, count: int) -> list[str]:
    """So many, each from a place of its own, in their sources' order."""
    chance = random.Random(seed)
    reference = "\n\n".join(_topics())
    documented, code = _library()
    found: list[str] = []
    for text, share in ((reference, 0.4), (documented, 0.35), (code, 0.25)):
        found += _cut(text, round(count * share), chance)
    return found


def _cut(text: str, count: int, chance: random.Random) -> list[str]:
    """Pieces that begin with a line."""
    starts = sorted(chance.sample(range(len(text)), count))
    found = []
    for start in starts:
        line = text.rfind("\n", 0, start) + 1
        piece = text[line : line + chance.choice(LENGTHS)].strip()
        if len(piece) >= 40:
            found.append(piece)
    return found


def _topics() -> list[str]:
    from pydoc_data.topics import topics

    return [topics[name] for name in sorted(topics)]


def _library() -> tuple[str, str]:
    """Docstrings of all modules; and their code, comments and all."""
    documented, code = [], []
    for path in sorted(LIBRARY.rglob("*.py")):
        if any(part in _LEFT_OUT for part in path.relative_to(LIBRARY).parts):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        code.append(text)
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            said = ast.get_docstring(node) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) else None
            documented += [said] if said else []
    return "\n\n".join(documented), "\n\n".join(code)
