#!/bin/sh
# The gateways that `PEERS=1 make bench` measures beside ours, in a folder of their own (PEERS_FOLDER, .venv-peers where unset).
set -eu
cd "$(dirname "$0")/.."
. packaging/steps.sh
folder=${PEERS_FOLDER:-.venv-peers}

.venv/bin/python packaging/system_packages.py peers
if [ ! -x "$folder/python/bin/litellm" ]; then
    step "Making $folder" .venv/bin/python -m venv --clear "$folder/python"
    step "Installing LiteLLM's proxy (a minute or two)" "$folder/python/bin/python" -m pip install --quiet 'litellm[proxy]==1.108.7'
fi
if [ ! -d "$folder/node/node_modules/@portkey-ai/gateway" ]; then
    step "Installing Portkey's gateway" npm install --prefix "$folder/node" --no-save --no-package-lock --ignore-scripts \
        --no-audit --no-fund @portkey-ai/gateway@1.15.2
fi
