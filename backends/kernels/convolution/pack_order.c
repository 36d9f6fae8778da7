/* In which order packed weights have the input channels of a group. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/placement.h"
#include "ir/arena.h"

int64_t weight_column(const Convolution *conv, int64_t input) {
    int64_t pixels = conv->input->flattened_pixels, channels;
    if (pixels == 0)
        return input;
    channels = conv->group_inputs / pixels;
    return input % channels * pixels + input / channels;
}

/* ---- products of several channels ---- */

int64_t whole_products(const Convolution *conv, int64_t channels) {
    int64_t together = conv->product->channels;
    return (channels + together - 1) / together * together;
}

int64_t packed_inputs(const Convolution *conv, int64_t group) {
    int64_t count = 0;
    for (int i = 0; i < conv->input->run_count; i++)
        count += whole_products(conv, group_part(conv, group, i).count);
    return count;
}

const int64_t *packed_order(const Convolution *conv, int64_t group) {
    int64_t begin = group * conv->group_inputs, count = 0;
    int64_t *order = ARENA_ARRAY(conv->arena, int64_t, conv->packed_inputs);
    for (int64_t i = 0; i < conv->packed_inputs; i++)
        order[i] = -1;
    for (int i = 0; i < conv->input->run_count; i++) {
        RunPart part = group_part(conv, group, i);
        for (int64_t j = 0; j < part.count; j++)
            order[count++] = part.first + j - begin;
        count = whole_products(conv, count);
    }
    return order;
}
