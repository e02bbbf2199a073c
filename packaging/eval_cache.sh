#!/bin/sh
# `make eval-cache`: how often the cache's verifier takes two questions for the same, rightly and wrongly, beside plain cosine.
# Exit status 1 where a target is missed. ARGS="--verifier-alone": without the embedding model, so nothing is fetched.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh develop
case " $* " in *" --verifier-alone "*) ;; *) sh packaging/minilm.sh .venv-eval/minilm ;; esac
exec .venv/bin/python -m tests.eval.cache "$@"
