#!/bin/bash
# What OSS-Fuzz runs as build.sh, in its image for C with cmake, ninja, pkg-config, flex, bison, zip and the
# development packages that tests/run lists (no LLVM): CC, CFLAGS, LIB_FUZZING_ENGINE, WORK and OUT are given.
# Leaves in $OUT a fuzzer for each reader, with its seeds and its dictionary.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmake -G Ninja -S . -B "$WORK/riffle" -DCMAKE_BUILD_TYPE=None -DRIFFLE_WITH_LLVM=OFF \
    -DRIFFLE_FUZZER="$LIB_FUZZING_ENGINE;${FUZZER_LIBRARY--lc++}"
cmake --build "$WORK/riffle" --target fuzzers
for fuzzer in "$WORK"/riffle/fuzz_*; do
    reader=${fuzzer##*/fuzz_}
    cp "$fuzzer" "$OUT"
    cp "$WORK/riffle/seeds/$reader.dict" "$OUT/fuzz_$reader.dict"
    zip -q -j -r "$OUT/fuzz_${reader}_seed_corpus.zip" "$WORK/riffle/seeds/$reader"
done
