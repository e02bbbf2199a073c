#!/bin/sh
# Makes .venv and what a verb needs in it. What is there already is left alone, so a second call takes no time.
#   setup.sh run      the appliance with its local engine
#   setup.sh tray     and the desktop app
#   setup.sh develop  and the tools of the checks and tests
#   setup.sh test     and the programs that the tests drive
#   setup.sh bench    and the programs of the benchmark
set -eu
cd "$(dirname "$0")/.."
purpose=$1
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
. packaging/steps.sh

find_python() {
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        python=$(command -v "$name") || continue
        "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    return 1
}

find_or_install_python() {
    find_python && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        step "Reading the list of system packages" apt-get update
        for packages in "python3 python3-venv" "python3.11 python3.11-venv"; do
            # shellcheck disable=SC2086 # two words on purpose
            step_or_go_on "Installing $packages" apt_install $packages
            find_python && return 0
        done
    fi
    cat >&2 <<'END'
Gatehouse needs Python 3.11 or newer with its venv module, and found none. Install it, then run this again:
  Debian 12, Ubuntu 24.04 or newer:  sudo apt-get install python3 python3-venv
  Ubuntu 22.04:                      sudo apt-get install python3.11 python3.11-venv
  Fedora:                            sudo dnf install python3
  macOS:                             brew install python@3.13
END
    exit 1
}

venv_is_whole() {
    [ "$(cat .venv/made-at 2>/dev/null)" = "$(pwd -P)" ] &&
        .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

make_venv() {
    "$python" -m venv --clear .venv && pwd -P >.venv/made-at
}

install_editable() {
    .venv/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
}

# A stamp is a copy of what an installation was made from: equal means done.
is_stamped() { # NAME FILE…
    stamp=.venv/made-from-$1
    shift
    [ -f "$stamp" ] && cat "$@" 2>/dev/null | cmp -s - "$stamp" # cmp may leave before cat is done
}

stamp() { # NAME FILE…
    stamp=.venv/made-from-$1
    shift
    cat "$@" >"$stamp"
}

# --no-deps: the file names everything already; looking for more, pip meets versions newer than the file's and stops for want of a hash.
install_requirements() { # NAME FILE
    is_stamped "$1" "$2" && return 0
    step "Installing the Python packages of $2 (a minute or two the first time)" \
        .venv/bin/python -m pip install --quiet --no-deps --require-hashes --requirement "$2"
    stamp "$1" "$2"
}

if ! venv_is_whole; then
    find_or_install_python
    step "Making .venv with $("$python" -V)" make_venv
fi
.venv/bin/python packaging/system_packages.py "$purpose"
case $purpose in
    run) install_requirements run requirements.txt ;;
    tray) install_requirements tray requirements-tray.txt && stamp run requirements.txt ;;
    *) install_requirements test requirements-test.txt && stamp run requirements.txt && stamp tray requirements-tray.txt ;;
esac
if ! is_stamped editable pyproject.toml; then
    step "Installing Gatehouse itself, from this folder" install_editable
    stamp editable pyproject.toml
fi
