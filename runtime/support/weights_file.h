/* The weights of a compiled network as a file: a header of 64 bytes, and the packed weights. All
 * numbers are little-endian. Compiled into riffle, which writes such files, and into libraries,
 * which check them. */
#ifndef RIFFLE_RUNTIME_SUPPORT_WEIGHTS_FILE_H
#define RIFFLE_RUNTIME_SUPPORT_WEIGHTS_FILE_H

#include <stddef.h>
#include <stdint.h>

#define WEIGHTS_FILE_MARK UINT64_C(0x77656c6666697289) /* the byte 0x89, then "rifflew" */
#define WEIGHTS_FILE_VERSION 1

typedef struct WeightsFileHeader {
    uint64_t mark;
    uint64_t version;
    uint64_t layout;   /* a hash of the code that reads them: see program_set_weights_apart */
    uint64_t bytes;    /* of the weights */
    uint64_t checksum; /* XXH64 of the weights, seed 0 */
    uint64_t zeros[3];
} WeightsFileHeader;

/* XXH64 with seed 0, as the xxHash specification has it. */
uint64_t xxh64(const void *bytes, size_t length);

/* Whether the file, `length` bytes in memory, begins as `expected` does and holds what its header
 * says: WEIGHTS_FILE_WHOLE, _OTHER (of another network, other options, another version of the
 * format, or no such file) or _DAMAGED (too short, or not the bytes that were written).
 * `expected` need not have a checksum. */
enum { WEIGHTS_FILE_WHOLE, WEIGHTS_FILE_OTHER, WEIGHTS_FILE_DAMAGED };
int weights_file_check(const void *file, size_t length, const WeightsFileHeader *expected);

#endif
