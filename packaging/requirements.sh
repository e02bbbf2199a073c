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

# The engine that `make engine` builds, and what it needs beside Gatehouse's own packages.
asked=.venv/llama.in
.venv/bin/python -c 'import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"]["llama"], sep="\n")' >"$asked"
pin requirements-llama.txt "$asked" --constraint requirements-test.txt --no-binary llama-cpp-python --emit-build-options "$@"
