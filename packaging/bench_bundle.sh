#!/bin/sh
# `make bench-bundle`: how large the bundle is, how long it takes to install and to answer; then the desktop app's figures.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test
.venv/bin/python -m tests.bench.bundle "$@"
exec .venv/bin/python -m tests.bench.tray
