#!/bin/sh
# `make check`: every check runs, even after one has failed; then the code's figures, which nothing enforces.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
. packaging/steps.sh

failed=
check() { # WHAT COMMAND…
    if ! step_or_go_on "$@"; then
        cat "$log"
        failed=yes
    fi
}

check "Lint" .venv/bin/ruff check .
check "Format" .venv/bin/ruff format --check .
check "Types" .venv/bin/mypy
check "Import direction" .venv/bin/lint-imports
.venv/bin/python packaging/code_figures.py
[ -z "$failed" ] || {
    echo "Some checks failed; \`make fix\` mends what can be mended by itself."
    exit 1
}
