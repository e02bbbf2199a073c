#!/bin/sh
# `make test-paddle`: the tests with the real Paddle, and what it finds and costs on scans that the evaluation makes. Its packages
# (750 MB, some minutes) lie in .venv-paddle, which sees those of .venv behind its own. ARGS go to pytest.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test
. packaging/steps.sh
python=.venv-paddle/bin/python

make_environment() {
    rm -rf .venv-paddle
    .venv/bin/python -m venv .venv-paddle
    "$python" -m pip install --quiet --no-deps --require-hashes --requirement requirements-paddle.txt
    .venv/bin/python -c 'import sysconfig; print(f"import site; site.addsitedir({sysconfig.get_path('"'purelib'"')!r})")' \
        >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gatehouse.pth"
    sh packaging/paddle_models.sh .venv-paddle/models
    cat requirements-paddle.txt packaging/paddle_models.* >.venv-paddle/made-from
}

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
cat requirements-paddle.txt packaging/paddle_models.* | cmp -s - .venv-paddle/made-from ||
    step "Installing paddlepaddle and its models in .venv-paddle" make_environment

GATEHOUSE_OCR_MODELS=$(pwd -P)/.venv-paddle/models
OMP_NUM_THREADS=1
export GATEHOUSE_OCR_MODELS OMP_NUM_THREADS
"$python" -m pytest tests/unit/files/test_ocr_paddle.py -r fEs "$@"
"$python" packaging/paddle_memory.py
echo "By themselves these networks miss what is asked of all engines together (docs/deploy/files.md):"
"$python" -m tests.eval.files --only scan_clean scan_hard cpu --engine paddleocr || echo "(missed, as said)"
echo "As they are used, behind the cheap engine:"
"$python" -m tests.eval.files --only scan_clean scan_hard cpu --engine auto
