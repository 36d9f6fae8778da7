/* Packs weights of bf16, in pairs of input channels. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/call.h"
#include "ir/bf16.h"
#include "ir/graph.h"

/* Pairs of one tap: [pair][output channel][number of the pair]. */
static uint16_t *pack_tap(const Convolution *conv, const float *weights, const int64_t *order,
    int64_t first_output, int64_t outputs, int64_t tap, uint16_t *out) {
    int64_t taps = conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    for (int64_t pair = 0; pair < conv->packed_inputs; pair += 2)
        for (int64_t output = first_output; output < first_output + outputs; output++)
            for (int64_t i = pair; i < pair + 2; i++, out++) {
                if (order[i] < 0)
                    continue;
                int64_t column = weight_column(conv, order[i]);
                *out =
                    bf16_from_float(weights[(output * conv->group_inputs + column) * taps + tap]);
            }
    return out;
}

void pack_pairs(Convolution *conv, const Weight *weight) {
    int64_t taps = conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    int64_t outputs = conv->groups * conv->group_outputs;
    uint16_t *packed = call_weight_halves(conv->emission, conv->call, LANE_BF16,
        outputs * conv->packed_inputs * taps, &conv->weights);
    for (int64_t group = 0; group < conv->groups; group++) {
        const int64_t *order = packed_order(conv, group);
        for (int64_t first = 0; first < conv->group_outputs;
            first += conv->blocking.panel_channels) {
            int64_t left = conv->group_outputs - first;
            int64_t count =
                left < conv->blocking.panel_channels ? left : conv->blocking.panel_channels;
            for (int64_t tap = 0; tap < taps; tap++)
                packed = pack_tap(conv, weight->data, order, group * conv->group_outputs + first,
                    count, tap, packed);
        }
    }
}
