#!/bin/sh
# The programs that `PEERS=1 make eval` judges beside ours, each in an environment of its own in PEERS_FOLDER/guard (.venv-peers where
# unset; 0.9 GB together). One that can't be installed here, or fails, is told and left out.
#   eval_peers.sh DATA OUTPUTS
set -eu
cd "$(dirname "$0")/.."
data=$1 outputs=$2
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
. packaging/steps.sh
folder=${PEERS_FOLDER:-.venv-peers}/guard
found=$outputs/found
mkdir -p "$folder" "$found"

pip_into() { # NAME ARGUMENT…
    into=$folder/$1/bin/python
    shift
    .venv/bin/python -m pip --python "$into" install --quiet --no-compile "$@"
}

# A file in the environment says what was installed, so that other versions here are installed anew.
install() { # NAME [--no-deps REQUIREMENT…] -- REQUIREMENT…
    name=$1
    shift
    [ "$(cat "$folder/$name/made-of" 2>/dev/null)" = "$*" ] && return 0
    wanted=$* alone=
    while [ "$1" != -- ]; do
        alone="$alone $1"
        shift
    done
    shift
    step_or_go_on "Making $folder/$name" .venv/bin/python -m venv --clear --without-pip "$folder/$name" || return 1
    step_or_go_on "Installing $name (a minute or two)" pip_into "$name" "$@" || return 1
    # shellcheck disable=SC2086 # words on purpose
    [ -z "$alone" ] || step_or_go_on "Installing$alone" pip_into "$name" --no-deps $alone || return 1
    echo "$wanted" >"$folder/$name/made-of"
}

ask() { # NAME, after its installation
    file=$(echo "$1" | tr - _)
    step_or_go_on "Asking $1" "$folder/$1/bin/python" "tests/eval/peers/${file}_found.py" "$data" "$found/$1.json"
}

peer() { # NAME [REQUIREMENT-WITHOUT-ITS-OWN…] -- REQUIREMENT…
    if install "$@" && ask "$1"; then
        return 0
    fi
    tail -n 3 "$log" >&2
    echo "$1 isn't measured: the lines above say why." >&2
    rm -f "$found/$1.json"
    mkdir -p "$outputs/$1"
    echo "{\"title\": \"$1\", \"note\": \"Not measured: it could not be installed, or failed.\"}" >"$outputs/$1/about.json"
}

peer presidio -- presidio-analyzer==2.2.366 spacy==3.8.18 tldextract==5.4.0 phonenumbers==9.0.43
peer detect-secrets -- detect-secrets==1.5.0
# Of what LLM Guard wants, torch and transformers alone take gigabytes; the scanners that need no model don't use them.
peer llm-guard llm-guard==0.3.16 -- bc-detect-secrets==1.5.43 presidio-analyzer==2.2.358 presidio-anonymizer==2.2.358 \
    regex==2024.11.6 structlog==25.5.0 Faker==37.12.0 fuzzysearch==0.8.1 json-repair==0.44.1 nltk==3.10.4 spacy==3.8.18 tldextract==5.4.0
for file in "$found"/*.json; do
    [ -f "$file" ] || continue
    .venv/bin/python -m tests.eval.peers.judge "$data" "$outputs" "$file"
done
