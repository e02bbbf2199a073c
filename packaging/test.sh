#!/bin/sh
# `make test`: everything the tests need, then all of them. What is given goes to pytest.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test

# A worker that dies ends the run: pytest-xdist's replacement leaves a part of the tests waiting for ever.
side_by_side() { .venv/bin/python -m pytest --durations 15 -r fEs --numprocesses auto --max-worker-restart 0 "$@"; }

cores() { .venv/bin/python -c 'import os; print(os.cpu_count() or 1)'; }

if [ $# -gt 0 ]; then
    side_by_side "$@"
else
    # The desktop app's tests have processes of their own, one a file: Qt's events would be handled between all other tests
    # too, and what one file's windows left behind has ended the process in the next one's. They come first, so that the table
    # of SDKs and providers, and what failed of all the rest, are the last that is read.
    printf '%s\n' tests/gui/test_*.py | xargs -n 1 -P "$(cores)" sh packaging/test_desktop.sh
    side_by_side --ignore tests/gui
fi
