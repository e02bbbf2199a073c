#!/bin/sh
# `make bundle`: one file for machines without internet, in dist/. --with-tray: with the desktop app.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh run
exec .venv/bin/python packaging/bundle.py "$@"
