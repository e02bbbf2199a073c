#!/bin/sh
# `make bench`: sets up what it needs, then measures. PEERS=1 installs LiteLLM and Portkey in .venv-peers and measures them too.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh bench
if [ "${PEERS:-}" = 1 ]; then
    sh packaging/peers.sh
fi
exec .venv/bin/python -m tests.bench "$@"
