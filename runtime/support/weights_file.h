/* The weights of a compiled network as a file: a header of 64 bytes, and the packed weights. All
 * numbers are little-endian. Freestanding C, so that libraries can have it, too. */
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

#endif
