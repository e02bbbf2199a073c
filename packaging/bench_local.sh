#!/bin/sh
# `make bench-local`: how fast local models answer, one caller and many, beside xllamacpp and llama-cpp-python used plainly.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh bench
sh packaging/engine.sh --wait --any
exec .venv/bin/python -m tests.bench.local "$@"
