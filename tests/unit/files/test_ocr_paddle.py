"""PaddleOCR's models read pictures where the extra `ocr-paddle` is: `make test-paddle`. Elsewhere most is skipped."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from appliance.cli.checks import files
from appliance.cli.checks.finding import Finding, Patient
from appliance.clock import SystemClock
from appliance.files.confined import FilesHow, installed_engines
from appliance.files.document import FileError
from appliance.files.ocr import cascade, looks
from appliance.files.ocr.paddle import scripts_of
from appliance.files.ocr.paddle_models import BOXES, FOLDER, TEXT, model_of
from appliance.files.ocr.tesseract import TesseractMissing
from appliance.files.pool import FilePool
from appliance.home import Home
from appliance.settings import Settings
from tests.unit.files.scans import VALUES, page
from tests.unit.files.test_ocr import HARD, missed, text_of

MODELS = os.environ.get(FOLDER, "")
IS_HERE = importlib.util.find_spec("paddle") is not None and bool(MODELS)
pytestmark = pytest.mark.timeout(900)
needs_paddle = pytest.mark.skipif(
    not IS_HERE, reason="the extra ocr-paddle isn't installed, or GATEHOUSE_OCR_MODELS names no models"
)


@pytest.fixture(scope="module")
def paddle() -> looks.Cascade:
    return cascade.engines_of("paddleocr", ())


@needs_paddle
@pytest.mark.parametrize("how", HARD.values(), ids=HARD)
def test_the_page_is_read(paddle: looks.Cascade, how: dict[str, float]) -> None:
    assert missed(paddle.see(page(**how))) == []  # type: ignore[arg-type]


@needs_paddle
def test_the_answer_names_the_engine_and_its_weights(paddle: looks.Cascade) -> None:
    engine = paddle.see(page()).engine
    assert engine.startswith("paddleocr on paddlepaddle 3.") and "_det" in engine and "_rec" in engine
    assert {"Latn", "Hans"} <= paddle.engines[0].scripts


@needs_paddle
def test_it_is_preferred_where_it_is_installed_and_has_models() -> None:
    assert next(iter(installed_engines())) == "paddleocr"
    assert cascade.engines_of("auto", ()).engines[-1].name.startswith("paddleocr ")


@needs_paddle
def test_without_tesseract_rapidocr_reads_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object) -> None:
        raise TesseractMissing("it isn't here")

    monkeypatch.setattr(cascade, "Tesseract", missing)
    cascade._cascade.cache_clear()
    try:
        first, second = cascade.engines_of("auto", ()).engines
        assert (first.name.split()[0], second.name.split()[0]) == ("rapidocr", "paddleocr")
    finally:
        cascade._cascade.cache_clear()


@needs_paddle
@pytest.mark.parametrize("turned", [0, 90, -4])
def test_the_boxes_of_words_hold_their_ink(paddle: looks.Cascade, turned: float) -> None:
    image = page(turned=turned).copy()
    height, width = image.shape
    lines = [(line, line.text.find(VALUES[0])) for line in paddle.see(image).lines]
    (line, at), *_ = [found for found in lines if found[1] >= 0]
    for span in line.spans:
        if span.start < at + len(VALUES[0]) and at < span.end:
            rows = slice(round(span.top * height) - 2, round(span.bottom * height) + 2)
            image[rows, round(span.left * width) - 2 : round(span.right * width) + 2] = 0
    again = text_of(paddle.see(image))
    assert "meier" not in again and "example" not in again
    assert all(other in again for other in VALUES[1:])


@needs_paddle
@pytest.mark.skipif(sys.platform == "win32", reason="the system bounds no address space")
def test_a_page_is_read_within_the_memory_that_workers_have_and_by_no_code_that_fetches() -> None:
    code = """
import os, resource, sys
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="2")
resource.setrlimit(resource.RLIMIT_AS, (1_600 * 1024 * 1024,) * 2)
sys.addaudithook(lambda event, _: print(event) if event.startswith(("socket", "subprocess", "os.system", "os.posix")) else None)
from appliance.files.ocr import cascade
from tests.unit.files.scans import VALUES, page
import numpy as np
one = page(dpi=200)
image = np.full((2400, 1700, 3), 255, np.uint8)
image[: one.shape[0], : one.shape[1]] = one[:, :, None]
text = "\\n".join(line.text for line in cascade.engines_of("paddleocr", ()).see(image).lines)
print(sum(value in text for value in VALUES), {"paddleocr", "paddle", "requests", "urllib3", "httpx"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=800, check=False)
    assert (done.stdout.strip(), done.stderr) == (f"{len(VALUES)} set()", "")


@needs_paddle
async def test_a_picture_is_read_in_a_confined_worker(tmp_path: Path) -> None:
    pool = FilePool(FilesHow(ocr_engine="paddleocr", ocr_models=MODELS), clock=SystemClock())
    Image.fromarray(page()).save(tmp_path / "page.png")
    try:
        document = await pool.read(tmp_path / "page.png")
    finally:
        await pool.close()
    (piece,) = [piece for piece in document.pieces if piece.engine]
    assert piece.engine.startswith("paddleocr ")
    assert [value for value in VALUES if value not in piece.text] == []


@needs_paddle
def test_the_doctor_says_what_it_reads(tmp_path: Path) -> None:
    found = doctor(tmp_path, ocr_engine="paddleocr", ocr_models=MODELS)
    assert "paddleocr on paddlepaddle" in found[0].what and "Latin" in found[0].what


@needs_paddle
def test_a_network_with_another_number_of_characters_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in Path(MODELS).iterdir():
        place = tmp_path / model.name
        place.mkdir()
        for file in model.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        described = place / "inference.yml"
        described.write_text(described.read_text("utf-8").removesuffix("\n").rpartition("\n")[0] + "\n", "utf-8")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    cascade._cascade.cache_clear()
    refused("paddleocr")


def doctor(folder: Path, **settings: str) -> list[Finding]:
    return list(files.pictures(Patient(Home(folder), {}, Settings(**settings))))  # type: ignore[arg-type]


def refused(engine: str) -> None:
    with pytest.raises(FileError) as caught:
        cascade.engines_of(engine, ())
    assert caught.value.code == "UNSUPPORTED"


def described(folder: Path, text: str, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"")
    file = folder / "inference.yml"
    file.write_text(text, "utf-8")
    return file


LINES = "Global: {model_name: A_det}\nPostProcess: {name: DBPostProcess}\n"
TEXTS = "Global: {model_name: A_rec}\nPostProcess:\n  name: CTCLabelDecode\n  character_dict: [a, 1, no, '~', ~, 国]\n"
SCALED = "PreProcess:\n  transform_ops: [{NormalizeImage: {mean: [0.1, 0.2, 0.3], std: [1, 2, 3]}}, {KeepKeys: null}]\n"


def test_a_description_says_what_a_network_is_for(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    lines = model_of(described(tmp_path / "lines", LINES + SCALED, "inference.json", "inference.pdmodel", "inference.pdiparams"))
    texts = model_of(described(tmp_path / "texts", TEXTS, "inference.pdmodel", "inference.pdiparams"))
    assert lines is not None and texts is not None
    assert (lines.name, lines.answers, lines.network.name) == ("A_det", BOXES, "inference.json")
    assert (lines.mean, lines.deviation) == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert (texts.answers, texts.network.name, texts.characters) == (TEXT, "inference.pdmodel", ("a", "1", "no", "~", "~", "国"))


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "Global: 1\nPostProcess: {name: Topk}", LINES.replace("model_name", "x"), "\x00"]
)
def test_a_description_that_is_another_s_or_broken_is_none(tmp_path: Path, text: str) -> None:
    pytest.importorskip("yaml")
    assert model_of(described(tmp_path / "one", text, "inference.json", "inference.pdiparams")) is None


def test_a_network_without_its_weights_is_none(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    assert model_of(described(tmp_path / "one", LINES, "inference.json")) is None


def test_without_models_the_engine_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("", str(tmp_path), str(tmp_path / "nowhere")):
        monkeypatch.setenv(FOLDER, folder)
        cascade._cascade.cache_clear()
        refused("paddleocr")


def test_where_models_can_not_be_used_another_engine_reads_and_the_doctor_says_so(tmp_path: Path) -> None:
    described(tmp_path / "models" / "one", TEXTS)
    findings = doctor(tmp_path, ocr_models=str(tmp_path / "models"))
    assert any("rapidocr" in finding.what and finding.state == "ok" for finding in findings)
    (told,) = [finding for finding in findings if finding.state == "warn"]
    assert "PaddleOCR" in told.what and "ocr-paddle" in told.mend


def test_scripts_are_told_from_the_characters_of_a_network() -> None:
    assert scripts_of(tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) == {"Latn"}
    assert scripts_of(tuple("कखगमर0123")) == {"Deva"}
