#!/bin/sh
# Installs Gatehouse from this folder, without internet; `sh install.sh --help`. This part finds a Python that fits; the
# rest is installer/install.py, which looks at every file before it installs anything.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
refuse() { # WHAT FIX…
    printf 'Refused: %s\n' "$1" >&2
    shift
    printf '  Fix: %s\n' "$@" >&2
    exit 2
}
told() { # NAME: what the MANIFEST says of it
    sed -n "s/^$1=//p" "$here/MANIFEST" 2>/dev/null
}

wanted=$(told python)
platform=$(told platform)
[ -n "$wanted$platform" ] || refuse "MANIFEST is missing or damaged" "Copy the bundle again, from where it was published."
machine=$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
[ "$machine" = "$platform" ] ||
    refuse "this bundle is for $platform, and this machine is $machine" "Get the bundle for $machine."

# --python PATH is for this part too.
chosen=
expected=
for argument in "$@"; do
    [ -z "$expected" ] || chosen=$argument
    expected=
    case $argument in
        --python) expected=yes ;;
        --python=*) chosen=${argument#--python=} ;;
    esac
done

[ -z "$chosen" ] || command -v "$chosen" >/dev/null 2>&1 ||
    refuse "$chosen is no program that can be run" "Name a Python $wanted: sh install.sh --python PATH"

found=
without_venv=
fits() { # PYTHON
    version=$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    case " $found " in *" $version "*) ;; *) found="$found $version" ;; esac
    [ "$version" = "$wanted" ] || return 1
    "$1" -I -c 'import venv, ensurepip' 2>/dev/null && return 0
    without_venv=$1
    return 1
}

for name in ${chosen:+"$chosen"} "python$wanted" python3 python; do
    python=$(command -v "$name" 2>/dev/null) || continue
    if fits "$python"; then
        # -I: nothing of the caller's folder or environment is imported; -B: nothing is written beside the files that are listed.
        exec "$python" -I -B "$here/installer/install.py" "$@"
    fi
    [ -z "$chosen" ] || break
done

[ -z "$without_venv" ] || refuse "$without_venv has no venv module (with ensurepip)" \
    "Debian, Ubuntu: install python$wanted-venv (from the installation medium or your mirror)." \
    "Or name another Python $wanted: sh install.sh --python PATH"
refuse "this bundle needs Python $wanted, and this machine has${found:- none}" \
    "Install Python $wanted with its venv module, or get the bundle for the Python that is here." \
    "Where it lies elsewhere: sh install.sh --python PATH"
