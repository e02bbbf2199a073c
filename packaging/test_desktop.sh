#!/bin/sh
# `sh packaging/test_desktop.sh FILE`: one file of the desktop app's tests, in a process of its own. What it says comes at its end,
# in one piece: others run beside it.
set -eu
cd "$(dirname "$0")/.."
said=$(mktemp)
trap 'cat "$said"; rm -f "$said"' EXIT

# Seldom its process dies in Qt's own event handling, between two tests (about one run of all files in ten; the cause is not
# known): then, and only then, the file is run once more. A test that fails is never repeated.
SEGMENTATION_FAULT=139
tests() { .venv/bin/python -m pytest --durations 15 -r fEs "$1" >>"$said" 2>&1; }

status=0
tests "$1" || status=$?
if [ "$status" -eq "$SEGMENTATION_FAULT" ]; then
    echo "$1: its process died in Qt; once more" >>"$said"
    status=0
    tests "$1" || status=$?
fi
[ "$status" -eq 0 ] || echo "$1: failed ($status)" >>"$said"
exit "$status"
