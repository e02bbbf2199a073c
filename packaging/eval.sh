#!/bin/sh
# `make eval`: how well the guardrails find what they look for, on labelled texts in a folder (DATA=, or ../shared/data/guardrails).
set -eu
cd "$(dirname "$0")/.."
data=${DATA:-../shared/data/guardrails}
if [ ! -f "$data/pii.jsonl" ]; then
    echo "There is no pii.jsonl in $data. Say where the labelled texts are: make eval DATA=FOLDER" >&2
    exit 1
fi
sh packaging/setup.sh develop
for part in pii secrets names injection; do
    .venv/bin/python -m "tests.eval.$part" "$data"
done
