/* pixels: the bytes of a picture become floats.
 *
 * Packed pixels are rows of bytes, whose scales repeat after as many vectors as there are channels:
 * these stay in registers. */
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>

typedef struct Pixels {
    KernelBuilder *builder;
    Arena *arena;
    int lanes, channels;
    int input, output; /* parameters */
    int factors[MOST_PIXEL_CHANNELS], terms[MOST_PIXEL_CHANNELS];
    const Expression *row; /* where it begins, in numbers */
} Pixels;

/* Of as many vectors as there are channels: the factors, then the terms. */
static void pack_scales(Emission *emission, KernelCall *call, const Node *node, Pixels *pixels) {
    Preprocessing scales = node_pixels(node);
    int numbers = pixels->channels * pixels->lanes, parameter;
    float *packed = call_weights(emission, call, (int64_t)2 * numbers, &parameter);
    for (int i = 0; i < numbers; i++) {
        int channel = i % pixels->channels;
        packed[i] = (float)(scales.scale / scales.std[channel]);
        packed[numbers + i] = (float)(-scales.mean[channel] / scales.std[channel]);
    }
    for (int v = 0; v < pixels->channels; v++) {
        pixels->factors[v] = kernel_register(pixels->builder, pixels->lanes);
        pixels->terms[v] = kernel_register(pixels->builder, pixels->lanes);
        kernel_load(pixels->builder, pixels->factors[v], parameter,
            expression_constant(pixels->arena, (int64_t)v * pixels->lanes), 0, pixels->lanes);
        kernel_load(pixels->builder, pixels->terms[v], parameter,
            expression_constant(pixels->arena, numbers + (int64_t)v * pixels->lanes), 0,
            pixels->lanes);
    }
}

/* `count` numbers from a place of the row on, where a pixel begins. */
static void emit_numbers(const Pixels *pixels, const Expression *place, int64_t count) {
    KernelBuilder *builder = pixels->builder;
    for (int v = 0; v < pixels->channels && v * pixels->lanes < count; v++) {
        int64_t left = count - (int64_t)v * pixels->lanes;
        int lanes = left < pixels->lanes ? (int)left : pixels->lanes;
        const Expression *at = expression_offset(pixels->arena, place, (int64_t)v * pixels->lanes);
        int bytes = kernel_register_of(builder, LANE_U8, pixels->lanes);
        kernel_load(builder, bytes, pixels->input, at, 0, lanes);
        int number = emit_as(builder, bytes, LANE_F32);
        kernel_multiply_add(builder, number, number, pixels->factors[v], pixels->terms[v]);
        kernel_store(builder, number, pixels->output, at, 0, lanes);
    }
}

static void emit_row(const Pixels *pixels, int64_t numbers) {
    int64_t step = (int64_t)pixels->channels * pixels->lanes, whole = numbers / step * step;
    if (whole > 0) {
        const Expression *place = kernel_open_range(pixels->builder, "place", 0, whole, step);
        emit_numbers(pixels, expression_add(pixels->arena, pixels->row, place), step);
        kernel_close(pixels->builder);
    }
    if (whole < numbers)
        emit_numbers(pixels, expression_offset(pixels->arena, pixels->row, whole), numbers - whole);
}

static bool is_packed(const Placement *placement) {
    const Run *run = &placement->runs[0];
    return placement->run_count == 1 && run->channel_stride == 1 && run->repeat_rows <= 1 &&
           run->repeat_columns <= 1 &&
           (placement->width == 1 || run->pixel_stride == placement->channels) &&
           run->row_stride == placement->width * placement->channels &&
           run->image_stride == placement->height * run->row_stride;
}

/* Floats, packed as the bytes are. */
static const Placement *place_apart(Emission *emission, const Node *node, const Placement *input) {
    Placement like = *input;
    like.element = LANE_F32;
    return temporary_placement(emission, &like, buffer_name(emission, node->results[0]));
}

bool lower_pixels(Emission *emission, const Node *node) {
    KernelCall call;
    const Placement *input = value_placement(emission, node->operands[0]);
    const Placement *place = place_result(emission, node->results[0]);
    const Placement *output = is_packed(place) ? place : place_apart(emission, node, input);
    int64_t numbers = input->width * input->channels;
    assert(input->runs[0].channel_stride == 1 && input->runs[0].row_stride == numbers);
    call_begin(emission, &call, node, input->images * input->height);
    Pixels pixels = {.builder = &call.builder,
        .arena = emission->arena,
        .lanes = emission->compilation->target->lanes,
        .channels = (int)input->channels};
    pixels.input = call_placement(&call, PARAMETER_READ, "input", input)[0];
    pack_scales(emission, &call, node, &pixels);
    pixels.output = call_placement(&call, PARAMETER_WRITE, "output", output)[0];
    const Expression *row =
        kernel_open_for(pixels.builder, "row", kernel_variable(pixels.builder, VARIABLE_BEGIN),
            kernel_variable(pixels.builder, VARIABLE_END), 1);
    pixels.row = expression_multiply(pixels.arena, row, numbers);
    emit_row(&pixels, numbers);
    kernel_close(pixels.builder);
    call_describe(&call, "pixels to floats, %lld channels", (long long)input->channels);
    call_end(emission, &call);
    if (output != place)
        lower_copy(emission, node, output, place, "copy of pixels", "pixels become packed floats");
    return true;
}
