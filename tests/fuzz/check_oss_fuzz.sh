#!/bin/bash
# check_oss_fuzz.sh FOLDER [SECONDS]: runs oss_fuzz.sh in FOLDER with what OSS-Fuzz's image gives it, takes the
# build away, moves what is left, and runs each fuzzer on its seeds for SECONDS (2) as a runner of OSS-Fuzz does.
# LIB_FUZZING_ENGINE may name an engine other than libFuzzer's option, such as an archive.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
seconds=${2:-2} moved=$folder/moved
rm -rf "${folder:?}"/{work,out,moved,runs}
mkdir "$folder"/{work,out,runs}

fail() {
    echo "check_oss_fuzz: $*" >&2
    exit 1
}

# The newest clang; its C++ is another name.
for version in -22 -21 -20 -19 ""; do
    ! command -v "clang$version" >/dev/null || break
done
export CC=clang$version CXX=clang++$version LIB_FUZZING_ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer} WORK=$folder/work OUT=$folder/out
export CFLAGS='-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    -fsanitize=address -fsanitize-address-use-after-scope -fsanitize=fuzzer-no-link'
CFLAGS=${CFLAGS//$'\n'/}
export CXXFLAGS=$CFLAGS
"$here/oss_fuzz.sh" >"$folder/build.log" 2>&1 || {
    tail -n 40 "$folder/build.log"
    fail "oss_fuzz.sh failed"
}
rm -r "$WORK"
mv "$OUT" "$moved"

fuzzers=0
for dictionary in "$moved"/fuzz_*.dict; do
    fuzzer=${dictionary%.dict}
    run=$folder/runs/${fuzzer##*/}
    mkdir -p "$run/corpus"
    unzip -q "${fuzzer}_seed_corpus.zip" -d "$run/seeds"
    # What lies in lib/ is what the loader takes, for the libraries of libraries too.
    for library in "$moved"/lib/*; do
        found=$(ldd "$fuzzer" | awk -v name="${library##*/}" '$1 == name {print $3}')
        [ "$found" = "$library" ] || fail "${fuzzer##*/} loads ${library##*/} from '$found', not from lib/"
    done
    (cd "$run" && env -i PATH="$PATH" "$fuzzer" corpus seeds -dict="$dictionary" -max_total_time="$seconds" \
        -rss_limit_mb=2560 -timeout=25 -print_final_stats=1 >log 2>&1) || {
        tail -n 40 "$run/log"
        fail "${fuzzer##*/} failed; see $run"
    }
    awk -v name="${fuzzer##*/}" '/executed_units/ {print name ": " $2 " executions"}' "$run/log"
    fuzzers=$((fuzzers + 1))
done
[ "$fuzzers" -eq "$(grep -c -E '^ +READER_[A-Z]+,?$' "$here/readers.h")" ] || fail "only $fuzzers fuzzers were made"
