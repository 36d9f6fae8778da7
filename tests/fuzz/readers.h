/* What is fuzzed: each reader of riffle, given a file in memory, and what follows it. */
#ifndef RIFFLE_TESTS_FUZZ_READERS_H
#define RIFFLE_TESTS_FUZZ_READERS_H

#include "ir/text.h"

#include <stdbool.h>

typedef enum ReaderKind {
    READER_SPEC,
    READER_JSON,
    READER_RIR,
    READER_SAFETENSORS,
    READER_PTH,
    READER_PIPELINE,
    READER_ONNX,
    READER_NCNN,
    READER_TUNING,
    READER_PICTURE,
    READER_RKIR,
    READER_RULES
} ReaderKind;
enum { READER_COUNT = READER_RULES + 1 };

extern const char *const reader_names[READER_COUNT];

/* Reads the file. Crashes, sanitizer reports and aborts are the faults to find; a file is either
 * taken or refused with at least one error, else this aborts with a message. Returns whether it was
 * taken. */
bool reader_try(ReaderKind kind, const Text *file);

/* Makes the files that are mutated: the networks in the folder of examples, in every spelling.
 * Returns how many, at most `most`, 0 for a reader that is not built in; false content is a fault
 * of the test and aborts. */
int reader_seeds(ReaderKind kind, const char *examples, Text *seeds, int most);

#endif
