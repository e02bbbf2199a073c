#!/bin/sh
# `make run`: everything a newcomer's machine lacks, the demonstration model, then the appliance in the foreground.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh run
.venv/bin/gatehouse models get
# exec: Ctrl-C and SIGTERM reach the appliance itself, and no shell is left to complain.
exec .venv/bin/gatehouse serve
