#!/bin/sh
# `make fuzz`: thousands of broken files for a running appliance; exit status 1 where one has no answer, or memory doesn't come back.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
exec .venv/bin/python -m tests.eval.files.fuzz "$@"
