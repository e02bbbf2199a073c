#!/bin/sh
# `make engine`: builds llama-cpp-python for this machine in the background, and switches to it. CMAKE_ARGS chooses a graphics
# processor; ARGS=--wait stays here, ARGS=--status asks how far it is. docs/deploy/engines.md
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh run
exec .venv/bin/python packaging/engine.py "$@"
