/* From a frame to the numbers of a network's input: crop, resize, letterbox, colours, and what the
 * spec's pixels(...) says. One source for three: riffle run, machine code (it becomes LLVM IR when
 * riffle is built), and the text of NAME.c. There riffle_ and RIFFLE_ become the network's name.
 *
 * Freestanding C11: integers, and floats that are copied; no allocation, no state, no division of
 * 64 bits where that would be a call. */
#ifndef RIFFLE_SUPPORT_PREPARE_H
#define RIFFLE_SUPPORT_PREPARE_H

#include <stddef.h>
#include <stdint.h>

/* In NAME.c: static. */
#define RIFFLE_SUPPORT_SHARED

enum riffle_support_status {
#define STATUS(identifier, name, number, ...) RIFFLE_STATUS_##identifier = (number),
#include "backends/program/status.def"
};

#include "runtime/riffle_runtime.h"
#include "runtime/support/frame_types.h"
#include "runtime/support/mapping.h"
#include "runtime/support/place.h"
#include "runtime/support/prepare_numbers.h"

void riffle_support_find_place(
    int64_t width, int64_t height, const int32_t *numbers, struct riffle_support_place *place);

/* `numbers` are those of prepare_numbers.h. `values` has for each channel of the input, in its
 * order, the numbers of pixels 0 to 255. The image is of floats, or of unsigned char where the
 * input takes bytes: there are no values then. */
size_t riffle_support_prepare_scratch_bytes(
    int width, int height, const int32_t *numbers, const float *values);
int riffle_support_prepare(const struct riffle_frame *frame, void *image,
    struct riffle_mapping *mapping, void *scratch, const int32_t *numbers, const float *values);
int riffle_support_prepare_parallel(const struct riffle_frame *frame, void *image,
    struct riffle_mapping *mapping, void *scratch, riffle_parallel_for *parallel_for, void *pool,
    const int32_t *numbers, const float *values);

#endif
