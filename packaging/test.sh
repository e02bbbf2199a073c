#!/bin/sh
# `make test`: everything the tests need, then all of them. What is given goes to pytest.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test
exec .venv/bin/python -m pytest --numprocesses auto --durations 15 -r fEs "$@"
