#!/bin/sh
# `make eval-files`: how much is found in files, on files that it makes; exit status 1 where a target is missed.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
exec .venv/bin/python -m tests.eval.files "$@"
