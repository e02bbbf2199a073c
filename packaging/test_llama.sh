#!/bin/sh
# `make test-llama`: everything that a local engine does, on llama-cpp-python, which is built where it isn't here yet. The same
# tests run on xllamacpp in `make test`. What is given goes to pytest.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh test
sh packaging/engine.sh --wait --any

export GATEHOUSE_LOCAL_ENGINE=llama_cpp # of the appliances that the tests start
paths='tests/unit/local tests/server/test_local_model.py tests/server/test_models_api.py tests/server/test_first_calls.py
    tests/sdk/test_openai_python.py tests/packaging/test_bundle.py'
chosen=
for path in $paths; do
    [ ! -e "$path" ] || chosen="$chosen $path"
done
# shellcheck disable=SC2086 # words on purpose
exec .venv/bin/python -m pytest --numprocesses auto --max-worker-restart 0 --durations 15 -r fEs -k "not xllamacpp" $chosen "$@"
