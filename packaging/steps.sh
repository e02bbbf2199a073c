# Shared by the scripts here: one line of progress a step, its output only when it fails.

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { # WHAT COMMAND…
    step_or_go_on "$@" || {
        status=$?
        cat "$log" >&2
        exit "$status"
    }
}

step_or_go_on() { # WHAT COMMAND…
    printf '%s … ' "$1"
    shift
    began=$(date +%s)
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%s s\n' "$(($(date +%s) - began))"
    else
        status=$?
        printf 'failed\n'
        return "$status"
    fi
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}
