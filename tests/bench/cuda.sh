#!/bin/bash
# All that is measured on a GPU, in one go of at most eight minutes; a short table comes last.
#
#   cuda.sh                       builds riffle, compiles the networks by nvcc, compares with the interpreter, checks by
#                                 compute-sanitizer, times riffle beside PyTorch and TensorRT
#   cuda.sh --prepare FOLDER      on any machine: puts a riffle that needs no other package into FOLDER
#   cuda.sh --prepared FOLDER     on a GPU machine that cannot build riffle: takes that one
#   cuda.sh --dry-run             without a GPU: does what can be done, and says what would follow
#
# Other options go to cuda.py: see cuda.py --help. PYTHON names a Python with numpy, onnx and safetensors, and with torch
# and tensorrt where those shall be timed; RIFFLE a riffle that is built; NVCC an nvcc.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
prepare= prepared=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --prepare) prepare=${2:?--prepare needs a folder} && shift 2 ;;
    --prepared) prepared=$(cd "${2:?--prepared needs a folder}" && pwd) && shift 2 ;;
    *) arguments+=("$1") && shift ;;
    esac
done

# build FOLDER: without LLVM, which CUDA sources do not need.
build() {
    local log=$1.log
    mkdir -p "$1"
    if ! { cmake -S "$root" -B "$1" -DCMAKE_BUILD_TYPE=Release -DRIFFLE_WITH_LLVM=OFF -DRIFFLE_WITH_ONNX=OFF \
        -DBUILD_TESTING=OFF && cmake --build "$1" --target riffle -j "$(nproc)"; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        echo "cuda.sh: riffle cannot be built here (whole log: $log)." >&2
        echo "cuda.sh: run 'cuda.sh --prepare FOLDER' elsewhere, bring the folder, and say --prepared FOLDER." >&2
        exit 1
    fi
}

if [ -n "$prepare" ]; then
    build "$root/build/cuda"
    mkdir -p "$prepare/lib"
    cp "$root/build/cuda/riffle" "$prepare/lib/riffle"
    # Its libraries come along; only the C library is everywhere.
    ldd "$prepare/lib/riffle" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | grep -Ev '/(libc|libm|libpthread|libdl)\.so' |
        while read -r library; do cp -L "$library" "$prepare/lib/"; done
    printf '#!/bin/sh\nhere=$(dirname "$0")\nLD_LIBRARY_PATH="$here/lib" exec "$here/lib/riffle" "$@"\n' >"$prepare/riffle"
    chmod +x "$prepare/riffle"
    "$prepare/riffle" --version
    du -sh "$prepare"
    exit 0
fi

if [ -n "$prepared" ]; then
    RIFFLE=$prepared/riffle
elif [ -z "${RIFFLE:-}" ]; then
    echo "building riffle" >&2
    build "$root/build/cuda"
    RIFFLE=$root/build/cuda/riffle
fi
export RIFFLE PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$python" "$root/tests/bench/cuda.py" ${arguments[@]+"${arguments[@]}"}
