#include "runtime/support/check_weights.h"
#include "runtime/support/hash.h"

/* Of the file's header (weights_file.h). */
enum {
    RIFFLE_SUPPORT_FILE_MARK = 0,
    RIFFLE_SUPPORT_FILE_VERSION = 8,
    RIFFLE_SUPPORT_FILE_LAYOUT = 16,
    RIFFLE_SUPPORT_FILE_BYTES = 24,
    RIFFLE_SUPPORT_FILE_CHECKSUM = 32,
    RIFFLE_SUPPORT_FILE_WEIGHTS = 64
};

static uint64_t riffle_support_wide(const int32_t *numbers) {
    return (uint32_t)numbers[0] | (uint64_t)(uint32_t)numbers[1] << 32;
}

RIFFLE_SUPPORT_SHARED int riffle_support_check_weights(
    const void *weights, size_t bytes, const int32_t *numbers, const float *values) {
    static const int32_t places[][2] = {{RIFFLE_SUPPORT_FILE_MARK, RIFFLE_CHECK_MARK},
        {RIFFLE_SUPPORT_FILE_VERSION, RIFFLE_CHECK_VERSION},
        {RIFFLE_SUPPORT_FILE_LAYOUT, RIFFLE_CHECK_LAYOUT},
        {RIFFLE_SUPPORT_FILE_BYTES, RIFFLE_CHECK_BYTES}};
    const unsigned char *file = weights;
    uint64_t length = riffle_support_wide(numbers + RIFFLE_CHECK_BYTES);
    (void)values;
    if (weights == NULL)
        return RIFFLE_STATUS_NULL_POINTER;
    if (bytes < RIFFLE_SUPPORT_FILE_WEIGHTS)
        return RIFFLE_STATUS_DAMAGED_WEIGHTS;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (riffle_support_word_at(file + places[i][0], 8) !=
            riffle_support_wide(numbers + places[i][1]))
            return RIFFLE_STATUS_WEIGHTS;
    if (bytes - RIFFLE_SUPPORT_FILE_WEIGHTS < length ||
        riffle_support_xxh64(file + RIFFLE_SUPPORT_FILE_WEIGHTS, (size_t)length) !=
            riffle_support_word_at(file + RIFFLE_SUPPORT_FILE_CHECKSUM, 8))
        return RIFFLE_STATUS_DAMAGED_WEIGHTS;
    return RIFFLE_STATUS_OK;
}
