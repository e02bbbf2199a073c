#!/bin/sh
# `make bench-first-hour`: from a bundle to a second person's call over verified HTTPS, from a second network namespace.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test
exec .venv/bin/python -m tests.bench.first_hour "$@"
