#!/bin/sh
# `make requirements`: pins everything that pyproject.toml asks for, with hashes, for every platform and Python from 3.11.
# No index address is written. What is pinned already stays, unless ARGS="--upgrade" (or "--upgrade-package NAME").
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
. packaging/steps.sh

# On its own, since nobody needs it to run or test; it brings no dependencies.
[ -x .venv/bin/uv ] || step "Installing uv" .venv/bin/python -m pip install --quiet uv==0.13.9

pin() { # OUTPUT ARGUMENTS…
    output=$1
    shift
    step "Pinning $output" .venv/bin/uv pip compile --system-certs --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command 'make requirements' --no-annotate --quiet --output-file "$output" "$@"
}

compile() { # OUTPUT ARGUMENTS…
    output=$1
    shift
    pin "$output" pyproject.toml --group editable --extra local "$@"
}

compile requirements.txt "$@"
compile requirements-tray.txt --extra gui --constraint requirements.txt "$@"
compile requirements-test.txt --extra gui --extra dev --constraint requirements-tray.txt "$@"

# What an extra needs, which isn't installed by default: it has a file of its own.
asked_by() { # EXTRA
    .venv/bin/python -c 'import sys, tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' "$1" >".venv/$1.in"
}

# Paddle, which reads pictures.
asked_by ocr-paddle
pin requirements-paddle.txt .venv/ocr-paddle.in --constraint requirements-test.txt "$@"

# What converts the embedding model for `make eval-cache`.
echo 'onnx>=1.23,<1.24' >.venv/eval.in
pin requirements-eval.txt .venv/eval.in --constraint requirements-test.txt "$@"

# The engine that `make engine` builds.
asked_by llama
pin requirements-llama.txt .venv/llama.in --constraint requirements-test.txt --no-binary llama-cpp-python --emit-build-options "$@"
