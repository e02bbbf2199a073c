"""all-MiniLM-L6-v2 on onnxruntime: a text in, 384 numbers of length 1 out."""

import re
import unicodedata
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession

PIECES_MAX, LETTERS_MAX = 256, 100
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


class Embedder:
    """`folder` has minilm.onnx and vocab.txt, as models/minilm_to_onnx.py writes them."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self.vocabulary = {piece: number for number, piece in enumerate(lines)}
        self.session = InferenceSession(str(folder / "minilm.onnx"), providers=["CPUExecutionProvider"])

    def embed(self, text: str) -> np.ndarray:
        ids = np.array(self.ids(text), np.int64)
        return self.session.run(None, {"ids": ids, "positions": np.arange(len(ids))})[0]

    def ids(self, text: str) -> list[int]:
        pieces = [piece for word in words(text) for piece in self._pieces(word)][: PIECES_MAX - 2]
        return [self.vocabulary[piece] for piece in ("[CLS]", *pieces, "[SEP]")]

    def _pieces(self, word: str) -> list[str]:
        """The longest known beginnings, one after the other, as BERT's tokenizer takes them."""
        pieces: list[str] = []
        at = 0
        while at < len(word) <= LETTERS_MAX:
            prefix = "##" if at else ""
            end = next((end for end in range(len(word), at, -1) if prefix + word[at:end] in self.vocabulary), 0)
            if not end:
                return ["[UNK]"]
            pieces.append(prefix + word[at:end])
            at = end
        return pieces or ["[UNK]"]


def words(text: str) -> list[str]:
    """Lowercase without accents, punctuation and ideographs as words of their own."""
    out: list[str] = []
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        if kind == "Mn" or (kind in {"Cc", "Cf"} and letter not in "\t\n\r"):
            continue
        alone = _PUNCTUATION.match(letter) or kind.startswith("P") or "\u4e00" <= letter <= "\u9fff"
        out.append(f" {letter} " if alone else letter)
    return "".join(out).split()
