"""PaddleOCR's networks in folders on disk: which are there, and one of them ready to compute. Nothing is fetched.

Below the folder that the setting `ocr_models` names lies a folder for each network, as PaddleOCR 3 has them:
    inference.json or inference.pdmodel   the network, in Paddle's new or old form
    inference.pdiparams                   its weights
    inference.yml                         Global.model_name, PreProcess (how colours are scaled), PostProcess (what answers mean)

Of the package `paddlepaddle` only its native library is loaded, by itself. Its Python starts programs while it is imported, which
a worker may not, and takes 260 MB more. The package `paddleocr` isn't needed: it would bring another OpenCV in the place of
ours, and wants versions that aren't ours; what it does around the networks is `pp_boxes.py` and `pp_text.py`.
Source: paddlepaddle 3.3, paddle/inference/wrapper.py. Costs and settings: docs/deploy/files.md.
"""

import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.weights import WeightsMissing

FOLDER = "GATEHOUSE_OCR_MODELS"
BOXES, TEXT = "DBPostProcess", "CTCLabelDecode"
DESCRIPTION = "inference.yml"
FOLDERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Model:
    """`answers`: what its answers are, BOXES or TEXT. `mean`, `deviation`: of its inputs' three planes, in parts of 1."""

    name: str
    answers: str
    network: Path
    weights: Path
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    characters: tuple[str, ...]


def models_here() -> tuple[Model, Model]:
    """The network that finds lines and the one that reads them; of several the last by name. Errors: WeightsMissing."""
    given = os.environ.get(FOLDER, "")
    folder = Path(given)
    if not given or not folder.is_dir():
        raise WeightsMissing("the setting ocr_models names no folder")
    files = sorted(folder.glob(f"*/{DESCRIPTION}"))[:FOLDERS_MAX]
    found = {model.answers: model for model in map(model_of, files) if model is not None}
    if BOXES not in found or TEXT not in found:
        raise WeightsMissing("the folder that ocr_models names lacks a network that finds lines, or one that reads them")
    return found[BOXES], found[TEXT]


def model_of(description: Path) -> Model | None:
    """The network that lies beside its description; None: it is no such network, or not whole."""
    try:
        import yaml
    except ImportError:
        raise WeightsMissing("the package pyyaml, which is part of the extra ocr-paddle, is not installed") from None

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all scalars are texts: `1`, `no` and `~` are characters here
    try:
        said = yaml.load(description.read_bytes(), Loader=loader)
        networks = [file for name in ("inference.json", "inference.pdmodel") if (file := description.with_name(name)).is_file()]
        weights = description.with_name("inference.pdiparams")
        answers = said["PostProcess"]
        if not networks or not weights.is_file() or answers["name"] not in (BOXES, TEXT):
            return None
        characters = tuple(answers["character_dict"]) if answers["name"] == TEXT else ()
        return Model(said["Global"]["model_name"], answers["name"], networks[0], weights, *_colours(said), characters)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None


def _colours(said: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    steps = (said.get("PreProcess") or {}).get("transform_ops") or ()
    for step in steps:
        if isinstance(step, dict) and isinstance(scaled := step.get("NormalizeImage"), dict):
            return tuple(map(float, scaled["mean"])), tuple(map(float, scaled["std"]))
    return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


class PaddleNetwork:
    """One network on one thread; memory is given back after each run. Errors: WeightsMissing."""

    def __init__(self, model: Model) -> None:
        paddle = library()
        settings = paddle.AnalysisConfig(str(model.network), str(model.weights))
        settings.disable_gpu()
        settings.disable_mkldnn()  # faster, but keeps code for every size of picture: gigabytes
        settings.set_cpu_math_library_num_threads(1)
        settings.enable_memory_optim()
        settings.disable_glog_info()
        try:
            self._predictor = paddle.create_predictor(settings)
        except (RuntimeError, ValueError, OSError) as error:
            raise WeightsMissing(f"{model.name} can't be loaded") from error
        self._input = self._predictor.get_input_handle(self._predictor.get_input_names()[0])
        self._output = self._predictor.get_output_handle(self._predictor.get_output_names()[0])
        mean, deviation = (np.array(each, np.float32).reshape(1, -1, 1, 1) for each in (model.mean, model.deviation))
        self._factor, self._shift = 0.5 / deviation, (0.5 - mean) / deviation
        self._characters = list(model.characters)

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of values from -1 to 1."""
        scaled = np.ascontiguousarray(values * self._factor + self._shift, np.float32)
        self._input.reshape(scaled.shape)
        self._input._copy_from_cpu_bind(scaled)
        self._predictor.run()
        answer = np.asarray(self._output.copy_to_cpu(), np.float32)
        self._predictor.clear_intermediate_tensor()
        self._predictor.try_shrink_memory()
        return answer

    def characters(self) -> list[str]:
        """What its outputs stand for; the blank one first and the space last are not among them."""
        return self._characters


@lru_cache(maxsize=1)
def library() -> Any:
    """Paddle's native library. Errors: WeightsMissing."""
    package = importlib.util.find_spec("paddle")
    folder = Path(package.origin).parent / "base" if package is not None and package.origin else Path()
    file = folder / ("libpaddle.pyd" if sys.platform == "win32" else "libpaddle.so")
    found = importlib.util.spec_from_file_location("libpaddle", file) if file.is_file() else None
    if found is None or found.loader is None:
        raise WeightsMissing("the package paddlepaddle is not installed")
    if sys.platform == "win32":
        os.add_dll_directory(str(folder.parent / "libs"))
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


def version() -> str:
    return importlib.metadata.version("paddlepaddle")
