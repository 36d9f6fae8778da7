/* From the outputs of a detector to boxes: the decodings of ir/decodings.def, and non-maximum
 * suppression. One source for riffle run, machine code and NAME.c, as prepare.h has it. All is
 * computed in double without a library's functions, so every machine has the same boxes. */
#ifndef RIFFLE_SUPPORT_BOXES_H
#define RIFFLE_SUPPORT_BOXES_H

#include "runtime/support/prepare.h"

#include "runtime/support/box_layout.h"

enum riffle_support_decoding {
#define DECODING(name, ...) RIFFLE_DECODING_##name,
#include "ir/decodings.def"
};

/* Of all calls, since the numbers are those of the network. */
size_t riffle_support_boxes_scratch_bytes(const int32_t *numbers, const float *values);

/* `boxes` are riffle_support_box with the numbers' landmarks behind each. */
int riffle_support_boxes(const void *outputs, const struct riffle_mapping *mapping, float threshold,
    float overlap, int across_classes, void *boxes, int most, void *scratch, const int32_t *numbers,
    const float *values);

#endif
