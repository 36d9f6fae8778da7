#include "backends/schedule/window_blocking.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/text.h"

WindowKind window_kind(const Node *node) {
    return node->op == OP_max_pool   ? WINDOW_MAXIMUM
           : node->op == OP_pad      ? WINDOW_PIXEL
           : node->op == OP_avg_pool ? WINDOW_MEAN
                                     : WINDOW_DEPTHWISE;
}

/* As many outputs as registers allow beside the taps' weights, a loaded column and what the column
 * was loaded as, in equal tiles. */
static int choose_pixels(const Target *target, const WindowSizes *sizes, bool words) {
    enum { LEAST_PIXELS = 2 };
    int64_t weights = sizes->kind == WINDOW_DEPTHWISE ? sizes->window.kernel[1] : 0;
    int64_t most = target->registers - weights - 2;
    most = words ? (most - 1) / 2 : most;
    most = most > MAX_WINDOW_PIXELS ? MAX_WINDOW_PIXELS : most;
    most = most < LEAST_PIXELS ? LEAST_PIXELS : most;
    int64_t tiles = (sizes->width + most - 1) / most;
    return (int)((sizes->width + tiles - 1) / tiles);
}

WindowParts window_sum_parts(WindowKind kind, const Window *window) {
    bool adds = kind == WINDOW_DEPTHWISE || kind == WINDOW_MEAN;
    return adds ? window_parts(window) : (WindowParts){0};
}

/* Bytes are compared as such, and multiplied as words where vectors of 16 bits are. Numbers of f16
 * are compared, and as many of them as a small window has are added up, in f16; means in f32. */
static LaneType sum_type(const Target *target, const WindowSizes *sizes, WindowParts parts) {
    if (sizes->input == LANE_U8 && sizes->kind == WINDOW_MAXIMUM)
        return LANE_U8;
    if (sizes->input == LANE_U8 && sizes->kind == WINDOW_DEPTHWISE && target->lane_multiply_add &&
        !sizes->in_pieces)
        return LANE_S32;
    bool f16 = sizes->input == LANE_F16 && target->f16 && sizes->kind != WINDOW_MEAN;
    return f16 && parts.rows == 0 ? LANE_F16 : LANE_F32;
}

WindowBlocking choose_window_blocking(const Target *target, const WindowSizes *sizes) {
    enum { BYTES_PER_NUMBER = 4 };
    WindowParts parts = window_sum_parts(sizes->kind, &sizes->window);
    LaneType sum = sum_type(target, sizes, parts);
    bool words = sum == LANE_S32;
    return (WindowBlocking){.pixels = sizes->in_pieces ? 1 : choose_pixels(target, sizes, words),
        .sum = sum,
        .lanes = target_for_lanes(target, sum).lanes * (sum == LANE_U8 ? BYTES_PER_NUMBER
                                                           : words     ? 2
                                                                       : 1),
        .gathered = sizes->in_pieces,
        .parts = words ? (WindowParts){0} : parts};
}

int window_lanes(const Target *target, const WindowBlocking *blocking, int64_t left) {
    enum { LEAST_BYTES = 16 };
    const Target seen = target_for_lanes(target, blocking->sum);
    if (blocking->sum == LANE_S32)
        return left > target->lanes ? blocking->lanes : target->lanes;
    if (blocking->sum != LANE_U8)
        return vector_width(&seen, left);
    int lanes = blocking->lanes;
    while (lanes > LEAST_BYTES && lanes / 2 >= left)
        lanes /= 2;
    return lanes;
}

void window_blocking_print(const WindowBlocking *blocking, Text *out) {
    text_format(out, "%dx1 tiles", blocking->pixels);
    if (blocking->sum == LANE_U8)
        text_format(out, ", vectors of up to %d bytes", blocking->lanes);
    if (blocking->sum == LANE_S32)
        text_append(out, ", products of 16 bits");
    if (blocking->sum == LANE_F16)
        text_append(out, ", sums of f16");
    if (blocking->gathered)
        text_append(out, ", put together from pieces");
    if (blocking->parts.rows > 0)
        text_format(out, ", sums in parts of %lld rows", (long long)blocking->parts.rows);
    if (blocking->parts.columns > 0)
        text_format(out, ", and of %lld columns", (long long)blocking->parts.columns);
}
