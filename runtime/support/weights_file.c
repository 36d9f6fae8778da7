/* See weights_file.h. */
#include "runtime/support/weights_file.h"
#include "runtime/support/hash.h"

uint64_t xxh64(const void *bytes, size_t length) {
    return riffle_support_xxh64(bytes, length);
}
