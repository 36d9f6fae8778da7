/* quantize: floats to bytes, with padding where the op asks for it.
 *
 * Planes of an image of up to four channels, as callers give them, become pixels of four bytes
 * each: packing puts four pixels of the channels side by side, and a permute within sixteen bytes
 * turns them. A convolution reads such a pixel at once. The bytes of a picture become such pixels,
 * too. Everything else is read by vectors of channels. */
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/place.h"
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include <string.h>

enum { PIXEL_BYTES = 4 };

typedef enum Source { OF_CHANNELS, OF_PLANES, OF_BYTES } QuantizeSource;

typedef struct Quantize {
    Emission *emission;
    KernelBuilder *builder;
    Arena *arena;
    const Node *node;
    const Placement *input, *output;
    const int *input_parameters, *output_parameters;
    QuantizeSource source;
    ByteRows bytes; /* OF_BYTES */
    /* Parameters: factors, then terms, of channels or of bytes for each lane; zeros as bytes. */
    int scales, zeros;
    int64_t padding[4];
    const Expression *image, *row; /* of the output */
} Quantize;

/* Of channel 0 of the run, at a column of the row that is computed. */
static const Expression *output_place(
    const Quantize *q, const Run *run, const Expression *column, int64_t channel) {
    Arena *arena = q->arena;
    return expression_sum(arena, expression_multiply(arena, q->image, run->image_stride),
        expression_multiply(arena, q->row, run->row_stride),
        expression_multiply(arena, column, run->pixel_stride),
        expression_constant(arena, run->displacement + channel), NULL);
}

static const Expression *input_place(
    const Quantize *q, const Run *run, const Expression *column, int64_t channel) {
    Arena *arena = q->arena;
    return expression_sum(arena, expression_multiply(arena, q->image, run->image_stride),
        expression_multiply(arena, q->row, run->row_stride),
        expression_multiply(arena, column, run->pixel_stride),
        expression_constant(arena,
            run->displacement - q->padding[0] * run->row_stride + channel * run->channel_stride),
        NULL);
}

/* One register of floats to one of integers. */
static int to_integers(const Quantize *q, int reg, int factor, int zero) {
    int lanes = q->builder->kernel->register_lanes[reg];
    int integers = kernel_register_of(q->builder, LANE_S32, lanes);
    kernel_multiply_add(q->builder, reg, reg, factor, zero);
    kernel_unary(q->builder, INSTRUCTION_to_integer, integers, reg);
    return integers;
}

/* ---- columns of padding ---- */

static void fill_columns(const Quantize *q, int64_t begin, int64_t end) {
    KernelBuilder *builder = q->builder;
    if (begin >= end)
        return;
    const Expression *column = kernel_open_range(builder, "column", begin, end, 1);
    for (int i = 0; i < q->output->run_count; i++) {
        const Run *run = &q->output->runs[i];
        int64_t channels = run->pixel_stride == PIXEL_BYTES && q->output->channels <= PIXEL_BYTES
                               ? PIXEL_BYTES
                               : run->channel_count;
        for (int64_t done = 0; done < channels;) {
            int lanes = channels - done >= 16 ? 16 : 4;
            int64_t left = channels - done;
            int bytes = kernel_register_of(builder, LANE_U8, lanes);
            kernel_load(builder, bytes, q->zeros,
                expression_constant(q->arena, run->first_channel + done), 0, lanes);
            kernel_store(builder, bytes, q->output_parameters[i],
                output_place(q, run, column, done), 0, left < lanes ? (int)left : lanes);
            done += lanes;
        }
    }
    kernel_close(builder);
}

/* ---- planes to pixels ---- */

static int channel_scale(const Quantize *q, int64_t index, int lanes) {
    int reg = kernel_register(q->builder, lanes);
    kernel_broadcast(q->builder, reg, q->scales, expression_constant(q->arena, index));
    return reg;
}

/* `count` pixels from a column of the input on. */
static void emit_pixels(
    const Quantize *q, const int *factors, const int *zeros, const Expression *column, int count) {
    KernelBuilder *builder = q->builder;
    int lanes = q->emission->compilation->target->lanes, integers[PIXEL_BYTES];
    for (int c = 0; c < PIXEL_BYTES; c++) {
        if (c >= q->input->channels) {
            integers[c] = kernel_register_of(builder, LANE_S32, lanes);
            kernel_splat(builder, integers[c], 0);
            continue;
        }
        const Run *run = &q->input->runs[0];
        int reg = kernel_register(builder, lanes);
        kernel_load(builder, reg, q->input_parameters[0], input_place(q, run, column, c), 0, count);
        integers[c] = to_integers(q, reg, factors[c], zeros[c]);
    }
    int planes = emit_packed_bytes(builder, integers, PIXEL_BYTES, lanes);
    int pixels = kernel_register_of(builder, LANE_U8, 4 * lanes);
    int *indices = ARENA_ARRAY(q->arena, int, MOST_LANES);
    for (int i = 0; i < 4 * lanes; i++)
        indices[i] = i / 16 * 16 + i % 4 * 4 + i % 16 / 4;
    kernel_permute(builder, pixels, planes, planes, indices);
    kernel_store(builder, pixels, q->output_parameters[0],
        output_place(q, &q->output->runs[0], expression_offset(q->arena, column, q->padding[1]), 0),
        0, PIXEL_BYTES * count);
}

static void emit_planes(const Quantize *q) {
    int lanes = q->emission->compilation->target->lanes, factors[PIXEL_BYTES], zeros[PIXEL_BYTES];
    int64_t channels = q->input->channels, width = q->input->width, whole = width / lanes * lanes;
    for (int c = 0; c < channels; c++) {
        factors[c] = channel_scale(q, c, lanes);
        zeros[c] = channel_scale(q, channels + c, lanes);
    }
    if (whole > 0) {
        const Expression *column = kernel_open_range(q->builder, "column", 0, whole, lanes);
        emit_pixels(q, factors, zeros, column, lanes);
        kernel_close(q->builder);
    }
    if (whole < width)
        emit_pixels(q, factors, zeros, expression_constant(q->arena, whole), (int)(width - whole));
}

/* ---- the bytes of a picture to pixels ---- */

/* Vectors of channels that become one of bytes where they lie in order: of 16 bytes. */
enum { TOGETHER = 4 };

static int vectors_together(const Target *target) {
    return target->lanes == TOGETHER ? TOGETHER : 1;
}

/* Lanes of vector `index` from the picture's bytes: each pixel gets room for four. */
static int spread_pixels(const Quantize *q, int bytes, int index) {
    int lanes = q->emission->compilation->target->lanes, channels = (int)q->output->channels;
    int pixel_bytes = (int)q->input->channels;
    int *indices = ARENA_ARRAY(q->arena, int, lanes);
    int spread = kernel_register_of(q->builder, LANE_U8, lanes);
    for (int i = 0; i < lanes; i++) {
        int place = index * lanes + i, channel = place % PIXEL_BYTES;
        indices[i] = place / PIXEL_BYTES * pixel_bytes + (channel < channels ? channel : 0);
    }
    kernel_permute(q->builder, spread, bytes, bytes, indices);
    return emit_as(q->builder, spread, LANE_F32);
}

/* `count` pixels from a column on, in a row that begins at a byte; `read` bytes of them, or of
 * others of the row, are there. */
static void emit_spread(const Quantize *q, const int *scales, const Expression *begin,
    const Expression *column, int64_t count, int64_t read) {
    KernelBuilder *builder = q->builder;
    const Target *target = q->emission->compilation->target;
    int vectors = vectors_together(target), all = vectors * target->lanes, integers[TOGETHER];
    int bytes = kernel_register_of(builder, LANE_U8, all), result;
    kernel_load(builder, bytes, q->input_parameters[0],
        expression_add(q->arena, begin, expression_multiply(q->arena, column, q->input->channels)),
        0, (int)read);
    for (int v = 0; v < vectors; v++)
        integers[v] = to_integers(q, spread_pixels(q, bytes, v), scales[0], scales[1]);
    if (vectors > 1) {
        result = emit_packed_bytes(builder, integers, vectors, target->lanes);
    } else {
        result = kernel_register_of(builder, LANE_U8, all);
        kernel_unary(builder, INSTRUCTION_narrow, result, integers[0]);
    }
    kernel_store(builder, result, q->output_parameters[0],
        output_place(q, &q->output->runs[0], expression_offset(q->arena, column, q->padding[1]), 0),
        0, (int)(PIXEL_BYTES * count));
}

/* Whole vectors as long as they end in the row: behind the last is memory of others. */
static void emit_bytes(const Quantize *q) {
    const Target *target = q->emission->compilation->target;
    int64_t all = (int64_t)vectors_together(target) * target->lanes, pixels = all / PIXEL_BYTES;
    int64_t bytes = q->input->channels, width = q->input->width, row = width * bytes;
    int64_t whole = row < all ? 0 : (row - all) / (pixels * bytes) + 1;
    int scales[2];
    const Expression *begin = byte_row(
        q->builder, &q->bytes, q->image, expression_offset(q->arena, q->row, -q->padding[0]));
    for (int i = 0; i < 2; i++) {
        scales[i] = kernel_register(q->builder, target->lanes);
        kernel_load(q->builder, scales[i], q->scales,
            expression_constant(q->arena, (int64_t)i * target->lanes), 0, target->lanes);
    }
    if (whole > 0) {
        const Expression *column =
            kernel_open_range(q->builder, "column", 0, whole * pixels, pixels);
        emit_spread(q, scales, begin, column, pixels, all);
        kernel_close(q->builder);
    }
    for (int64_t column = whole * pixels; column < width; column += pixels) {
        int64_t count = width - column < pixels ? width - column : pixels;
        emit_spread(q, scales, begin, expression_constant(q->arena, column), count, count * bytes);
    }
}

/* ---- vectors of channels ---- */

static void load_scales(
    const Quantize *q, const Expression *channel, int lanes, int count, int *factors, int *zeros) {
    for (int v = 0; v < count; v++) {
        const Expression *at = expression_offset(q->arena, channel, v * lanes);
        factors[v] = kernel_register(q->builder, lanes);
        zeros[v] = kernel_register(q->builder, lanes);
        kernel_load(q->builder, factors[v], q->scales, at, 0, lanes);
        kernel_load(q->builder, zeros[v], q->scales,
            expression_offset(q->arena, at, q->input->channels), 0, lanes);
    }
}

/* Vectors from a channel of the tensor on, the first of `left`: one, or as many as become one of
 * bytes.
 */
static void emit_vectors(const Quantize *q, const Segment *segment, const Expression *channel,
    int64_t left, int lanes, int count) {
    KernelBuilder *builder = q->builder;
    Arena *arena = q->arena;
    const Run *in = &q->input->runs[segment->runs[0]], *out = &q->output->runs[segment->runs[1]];
    int factors[TOGETHER], zeros[TOGETHER], integers[TOGETHER], all = count * lanes, bytes = -1;
    load_scales(q, channel, lanes, count, factors, zeros);
    const Expression *column = kernel_open_range(builder, "column", 0, q->input->width, 1);
    const Expression *from =
        expression_add(arena, input_place(q, in, column, -in->first_channel), channel);
    for (int v = 0; v < count; v++) {
        int reg = kernel_register(builder, lanes);
        if (count == 1)
            bytes = kernel_register_of(builder, LANE_U8, lanes);
        emit_vector_load(builder, reg, q->input_parameters[segment->runs[0]],
            expression_offset(arena, from, v * lanes), left - v * lanes, in->exact);
        integers[v] = to_integers(q, reg, factors[v], zeros[v]);
    }
    if (count == 1)
        kernel_unary(builder, INSTRUCTION_narrow, bytes, integers[0]);
    else
        bytes = emit_packed_bytes(builder, integers, count, lanes);
    kernel_store(builder, bytes, q->output_parameters[segment->runs[1]],
        expression_add(arena,
            output_place(
                q, out, expression_offset(arena, column, q->padding[1]), -out->first_channel),
            channel),
        0, left < all ? (int)left : all);
    kernel_close(builder);
}

/* Whole vectors are a loop: unrolled, their factors would be kept from row to row, thousands of
 * them on the stack. */
static void emit_segment(const Quantize *q, const Segment *segment) {
    const Target *target = q->emission->compilation->target;
    int64_t first = segment->first_channel, count = segment->channel_count, done = 0;
    for (int vectors = vectors_together(target); vectors > 0; vectors /= TOGETHER) {
        int64_t all = vectors * target->lanes, end = done + (count - done) / all * all;
        if (done == end)
            continue;
        const Expression *channel =
            kernel_open_range(q->builder, "channel", first + done, first + end, all);
        emit_vectors(q, segment, channel, all, target->lanes, vectors);
        kernel_close(q->builder);
        done = end;
    }
    while (done < count) {
        int lanes = vector_width(target, count - done);
        emit_vectors(
            q, segment, expression_constant(q->arena, first + done), count - done, lanes, 1);
        done += lanes;
    }
}

static void emit_channels(const Quantize *q) {
    const Placement *placements[2] = {q->input, q->output};
    int count;
    const Segment *segments = channel_segments(q->arena, placements, 2, &count);
    for (int i = 0; i < count; i++)
        emit_segment(q, &segments[i]);
}

/* ---- the whole ---- */

static bool are_planes(const Placement *input) {
    const Run *run = &input->runs[0];
    return input->run_count == 1 && input->channels <= PIXEL_BYTES && run->pixel_stride == 1 &&
           run->channel_stride != 1;
}

static QuantizeSource source_of(
    const Emission *emission, const Node *node, const Placement *input) {
    const Value *value = node->results[0];
    if (input->element == LANE_U8)
        return OF_BYTES;
    bool planes = are_planes(input) && value->type.rank == 4 &&
                  !emission->decisions->claims[value->id] &&
                  !emission->decisions->stored[value->id];
    return planes ? OF_PLANES : OF_CHANNELS;
}

/* Pixels of four bytes, of which the tensor's channels are the first. */
static Placement *place_pixels(Emission *emission, const Value *value) {
    Placement *like = ARENA_NEW(emission->arena, Placement);
    *like = (Placement){.images = value->type.dims[0],
        .channels = PIXEL_BYTES,
        .height = value->type.dims[2],
        .width = value->type.dims[3],
        .element = LANE_U8};
    Placement *placement = temporary_placement(emission, like, "quantized pixels");
    placement->channels = placement->runs[0].channel_count = value->type.dims[1];
    return emission->placements[value->id] = placement;
}

static void pack_scales(Quantize *q, KernelCall *call) {
    const Weight *factor = node_weight(q->node, "factor"), *zero = node_weight(q->node, "zero");
    const Weight *term = node_weight(q->node, "term");
    int64_t channels = q->output->channels, lanes = q->emission->compilation->target->lanes;
    bool of_bytes = q->source == OF_BYTES;
    int64_t numbers = of_bytes ? lanes : channels;
    float *scales = call_weights(q->emission, call, 2 * numbers, &q->scales);
    for (int64_t i = 0; i < numbers; i++) {
        int64_t channel = of_bytes ? i % PIXEL_BYTES : i;
        if (channel >= channels)
            continue; /* zeros */
        scales[i] = factor->data[channel];
        scales[numbers + i] = (term ? term : zero)->data[channel];
    }
    if (q->output->height == q->input->height && q->output->width == q->input->width)
        return;
    uint8_t *bytes = call_weight_bytes(q->emission, call, channels, &q->zeros);
    for (int64_t c = 0; c < channels; c++)
        bytes[c] = (uint8_t)zero->data[c];
}

static void emit_row(const Quantize *q) {
    int64_t width = q->output->width;
    fill_columns(q, 0, q->padding[1]);
    switch (q->source) {
    case OF_PLANES:
        emit_planes(q);
        break;
    case OF_BYTES:
        emit_bytes(q);
        break;
    case OF_CHANNELS:
        emit_channels(q);
        break;
    }
    fill_columns(q, width - q->padding[3], width);
}

/* The row that the parallel axis is at: of padding, or of the input with padding at both ends. */
static void emit_rows(Quantize *q) {
    KernelBuilder *builder = q->builder;
    Arena *arena = q->arena;
    int64_t top = q->padding[0], bottom = q->padding[2], width = q->output->width;
    if (top > 0) {
        kernel_open_if_less(builder, q->row, expression_constant(arena, top));
        fill_columns(q, 0, width);
        kernel_close(builder);
    }
    if (bottom > 0) {
        kernel_open_if_less(
            builder, expression_constant(arena, q->output->height - bottom - 1), q->row);
        fill_columns(q, 0, width);
        kernel_close(builder);
    }
    if (top > 0)
        kernel_open_if_less(builder, expression_constant(arena, top - 1), q->row);
    if (bottom > 0)
        kernel_open_if_less(
            builder, q->row, expression_constant(arena, q->output->height - bottom));
    emit_row(q);
    if (bottom > 0)
        kernel_close(builder);
    if (top > 0)
        kernel_close(builder);
}

bool lower_quantize(Emission *emission, const Node *node) {
    KernelCall call;
    Value *value = node->results[0];
    Quantize q = {.emission = emission, .arena = emission->arena, .node = node};
    q.input = value_placement(emission, node->operands[0]);
    q.source = source_of(emission, node, q.input);
    if (q.source == OF_CHANNELS)
        q.input = make_channels_last(emission, node, q.input);
    memcpy(q.padding, node_list(node, "padding").items, sizeof q.padding);
    q.output =
        q.source == OF_CHANNELS ? place_result(emission, value) : place_pixels(emission, value);
    call_begin(emission, &call, node, q.output->images * q.output->height);
    q.builder = &call.builder;
    q.input_parameters = call_placement(&call, PARAMETER_READ, "input", q.input);
    if (q.source == OF_BYTES)
        q.bytes = call_byte_rows(&call, emission, q.input->runs[0].buffer, q.input->height);
    pack_scales(&q, &call);
    q.output_parameters = call_placement(&call, PARAMETER_WRITE, "output", q.output);
    const Expression *index = kernel_open_for(q.builder, "row",
        kernel_variable(q.builder, VARIABLE_BEGIN), kernel_variable(q.builder, VARIABLE_END), 1);
    q.image = expression_divide(q.arena, index, q.output->height);
    q.row = expression_remainder(q.arena, index, q.output->height);
    emit_rows(&q);
    kernel_close(q.builder);
    call_describe(&call, "quantize, %lld channels", (long long)q.output->channels);
    call_end(emission, &call);
    return true;
}
