"""PP-OCR's weights, as the package `rapidocr` carries them: two networks for onnxruntime. No code of that package runs here.

It would fetch a network that it misses, and brings nine packages along; what it does around the networks is a hundred lines
(`pp_boxes.py`, `pp_text.py`), which also tell the place of every character.
Costs and settings: docs/deploy/files.md.
"""

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class WeightsMissing(Exception):
    """The package, or a network in it, isn't installed."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`name`: such as "PP-OCRv6 small"."""

    boxes: Path
    text: Path
    name: str
    version: str


def installed() -> Weights:
    """Those of the installed package. Errors: WeightsMissing."""
    found = importlib.util.find_spec("rapidocr")
    folder = Path(found.origin).parent / "models" if found is not None and found.origin else None
    if folder is None or not folder.is_dir():
        raise WeightsMissing("the package rapidocr is not installed")
    boxes, text = sorted(folder.glob("*_det_*.onnx")), sorted(folder.glob("*_rec_*.onnx"))
    if not boxes or not text:
        raise WeightsMissing("the package rapidocr carries no networks")
    name = text[-1].stem.replace("_rec_", " ").replace("_", " ")
    return Weights(boxes[-1], text[-1], name, importlib.metadata.version("rapidocr"))


class Computes(Protocol):
    """A network: three planes of values from -1 to 1, answered with what it makes of them."""

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]: ...


class Reads(Computes, Protocol):
    """One that reads lines."""

    def characters(self) -> list[str]: ...


class Network:
    """One network on one thread. Memory is given back after each run: a worker's address space is bounded."""

    def __init__(self, file: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False  # sizes differ with every picture
        options.log_severity_level = 4  # its warnings name files
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            answer: Any = self._session.run(None, {self._input: values})[0]
        except Exception as error:  # the library has no class of its own for it
            if "bad_alloc" in str(error) or "allocate" in str(error):
                raise MemoryError from None
            raise
        return np.asarray(answer, np.float32)

    def characters(self) -> list[str]:
        """What its outputs stand for, as its file says; the blank one first and the space last are not among them."""
        listed: str = self._session.get_modelmeta().custom_metadata_map["character"]
        return listed.split("\n")
