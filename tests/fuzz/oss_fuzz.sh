#!/bin/bash
# What OSS-Fuzz runs as build.sh, in its image for C with cmake, ninja, pkg-config, flex, bison, zip and the
# development packages that tests/run lists (no LLVM): CC, CFLAGS, CXX, CXXFLAGS, LIB_FUZZING_ENGINE, WORK and
# OUT are given. Leaves in $OUT a fuzzer for each reader, with its seeds and its dictionary, and in $OUT/lib the
# libraries that these packages brought: the image that runs the fuzzers has none of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly build=$WORK/riffle

# DT_RPATH also holds for the libraries' own libraries, DT_RUNPATH does not.
# shellcheck disable=SC2016 # $ORIGIN is the loader's
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=None -DRIFFLE_WITH_LLVM=OFF \
    -DRIFFLE_FUZZER="$LIB_FUZZING_ENGINE" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON -DCMAKE_INSTALL_RPATH='$ORIGIN/lib'
cmake --build "$build" --target fuzzers

mkdir -p "$OUT/lib"
for fuzzer in "$build"/fuzz_*; do
    reader=${fuzzer##*/fuzz_}
    cp "$fuzzer" "$OUT"
    cp "$build/seeds/$reader.dict" "$OUT/fuzz_$reader.dict"
    rm -f "$OUT/fuzz_${reader}_seed_corpus.zip"
    zip -q -j -r "$OUT/fuzz_${reader}_seed_corpus.zip" "$build/seeds/$reader"
    # What the system itself is made of stays the system's.
    ldd "$fuzzer" | awk '$3 ~ "^/" && $1 !~ /^(libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|libstdc\+\+)\.so/ {print $3}' |
        xargs -r cp -L -t "$OUT/lib"
done
