#!/bin/sh
# `make tray`: everything the desktop app needs, the demonstration model, then the app in the foreground.
set -eu
cd "$(dirname "$0")/.."
sh packaging/setup.sh tray
.venv/bin/gatehouse models get
exec .venv/bin/gatehouse-tray "$@"
