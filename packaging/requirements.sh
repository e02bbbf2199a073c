#!/bin/sh
# `make requirements`: pins everything that pyproject.toml asks for, with hashes, for every platform and Python from 3.11.
# No index address is written. What is pinned already stays, unless ARGS="--upgrade" (or "--upgrade-package NAME").
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
. packaging/steps.sh

# On its own, since nobody needs it to run or test; it brings no dependencies.
[ -x .venv/bin/uv ] || step "Installing uv" .venv/bin/python -m pip install --quiet uv==0.13.9

compile() { # OUTPUT ARGUMENTS…
    output=$1
    shift
    step "Pinning $output" .venv/bin/uv pip compile pyproject.toml --system-certs --group editable --extra local \
        --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make requirements' --no-annotate --quiet --output-file "$output" "$@"
}

compile requirements.txt "$@"
compile requirements-tray.txt --extra gui --constraint requirements.txt "$@"
compile requirements-test.txt --extra gui --extra dev --constraint requirements-tray.txt "$@"
