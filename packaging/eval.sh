#!/bin/sh
# `make eval`: how well the guardrails find what they look for, on labelled texts in a folder (DATA=, or ../shared/data/guardrails).
# Writes docs/guardrails-report.md; exit status 1 where a target is missed. PEERS=1: beside other programs (packaging/eval_peers.sh).
set -eu
cd "$(dirname "$0")/.."
data=${DATA:-../shared/data/guardrails}
if [ ! -f "$data/pii.jsonl" ]; then
    echo "There is no pii.jsonl in $data. Say where the labelled texts are: make eval DATA=FOLDER" >&2
    exit 1
fi
sh packaging/setup.sh develop
outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$outputs/ours"
for part in pii secrets names injection; do
    .venv/bin/python -m tests.eval.parts "$part" "$data" || continue # a folder of one's own may lack its files
    status=0
    .venv/bin/python -m "tests.eval.$part" "$data" >"$outputs/ours/$part.txt" || status=$?
    cat "$outputs/ours/$part.txt"
    [ "$status" = 0 ] || exit "$status"
done
case ${PEERS:-} in '' | 0) ;; *) sh packaging/eval_peers.sh "$data" "$outputs" ;; esac
.venv/bin/python -m tests.eval.report "$outputs" "$data"
