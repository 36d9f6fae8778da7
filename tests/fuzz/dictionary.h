/* The words of a reader, for fuzzers that take a dictionary. */
#ifndef RIFFLE_TESTS_FUZZ_DICTIONARY_H
#define RIFFLE_TESTS_FUZZ_DICTIONARY_H

#include "tests/fuzz/readers.h"

/* Appends them as libFuzzer and AFL read them: a word in quotes a line. */
void reader_dictionary(ReaderKind kind, Text *dictionary);

#endif
