/* pixels: the bytes of a picture become floats, row by row: in a chain, what reads them gets a ring
 * of rows, and no picture of floats is ever written.
 *
 * Packed pixels are rows of bytes, whose scales repeat after as many vectors as there are channels.
 * Where a pixel has one more byte, a permute leaves it out.
 */
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/row_op.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>

typedef struct Pixels {
    RowOp rows; /* first: Pixels are a RowOp */
    KernelBuilder *builder;
    Arena *arena;
    int lanes, channels, pixel_bytes;
    const Run *from, *to;
    ByteRows bytes;
    int input, output, scales; /* parameters */
} Pixels;

/* Numbers of a row that are there, and where they come from and go to. */
typedef struct Stretch {
    const Expression *from, *to;
    int64_t count; /* of numbers: whole pixels */
} Stretch;

/* Of as many vectors as there are channels. */
typedef struct PixelScales {
    int factors[MOST_PIXEL_CHANNELS], terms[MOST_PIXEL_CHANNELS];
} PixelScales;

/* All factors, then all terms. */
static void pack_scales(Emission *emission, KernelCall *call, const Node *node, Pixels *pixels) {
    Preprocessing scales = node_pixels(node);
    int numbers = pixels->channels * pixels->lanes;
    float *packed = call_weights(emission, call, (int64_t)2 * numbers, &pixels->scales);
    for (int i = 0; i < numbers; i++) {
        int channel = i % pixels->channels;
        packed[i] = (float)pixel_factor(&scales, channel);
        packed[numbers + i] = (float)pixel_term(&scales, channel);
    }
}

/* Loaded for each row: in a chain other ops want the registers in between. */
static PixelScales load_scales(const Pixels *pixels) {
    PixelScales scales;
    int64_t numbers = (int64_t)pixels->channels * pixels->lanes;
    for (int v = 0; v < pixels->channels; v++) {
        int64_t first = (int64_t)v * pixels->lanes;
        scales.factors[v] = kernel_register(pixels->builder, pixels->lanes);
        scales.terms[v] = kernel_register(pixels->builder, pixels->lanes);
        kernel_load(pixels->builder, scales.factors[v], pixels->scales,
            expression_constant(pixels->arena, first), 0, pixels->lanes);
        kernel_load(pixels->builder, scales.terms[v], pixels->scales,
            expression_constant(pixels->arena, numbers + first), 0, pixels->lanes);
    }
    return scales;
}

static bool takes_all(const Pixels *pixels) {
    return pixels->channels == pixels->pixel_bytes;
}

/* Up to a vector of bytes from one of the stretch on, none behind its last pixel. */
static int load_bytes(const Pixels *pixels, const Stretch *stretch, int64_t first) {
    int64_t left = stretch->count / pixels->channels * pixels->pixel_bytes - first;
    int bytes = kernel_register_of(pixels->builder, LANE_U8, pixels->lanes);
    kernel_load(pixels->builder, bytes, pixels->input,
        expression_offset(pixels->arena, stretch->from, first), 0,
        left < pixels->lanes ? (int)left : pixels->lanes);
    return bytes;
}

/* Which byte of a stretch becomes its number. */
static int64_t byte_of(const Pixels *pixels, int64_t number) {
    return number / pixels->channels * pixels->pixel_bytes + number % pixels->channels;
}

/* The bytes of a vector of numbers, of which some lie between others: all in two vectors, which do
 * not end behind the pixels that are there. */
static int load_taken(const Pixels *pixels, const Stretch *stretch, int64_t first) {
    int64_t lanes = pixels->lanes, count = stretch->count - first, last = count - 1;
    int64_t all = stretch->count / pixels->channels * pixels->pixel_bytes;
    int64_t begin = byte_of(pixels, first);
    if (begin > all - 2 * lanes)
        begin = all > 2 * lanes ? all - 2 * lanes : 0;
    int halves[2] = {load_bytes(pixels, stretch, begin)};
    halves[1] = all > begin + lanes ? load_bytes(pixels, stretch, begin + lanes) : halves[0];
    int *indices = ARENA_ARRAY(pixels->arena, int, lanes);
    for (int64_t i = 0; i < lanes; i++)
        indices[i] = (int)(byte_of(pixels, first + (i < last ? i : last)) - begin);
    int bytes = kernel_register_of(pixels->builder, LANE_U8, pixels->lanes);
    kernel_permute(pixels->builder, bytes, halves[0], halves[1], indices);
    return bytes;
}

/* As many numbers as the scales are for, or fewer at the end of a row. */
static void emit_numbers(const Pixels *pixels, const PixelScales *scales, const Stretch *stretch) {
    KernelBuilder *builder = pixels->builder;
    for (int v = 0; v < pixels->channels && v * pixels->lanes < stretch->count; v++) {
        int64_t first = (int64_t)v * pixels->lanes, left = stretch->count - first;
        int lanes = left < pixels->lanes ? (int)left : pixels->lanes;
        int bytes = takes_all(pixels) ? load_bytes(pixels, stretch, first)
                                      : load_taken(pixels, stretch, first);
        int number = emit_as(builder, bytes, LANE_F32);
        kernel_multiply_add(builder, number, number, scales->factors[v], scales->terms[v]);
        kernel_store(builder, number, pixels->output,
            expression_offset(pixels->arena, stretch->to, first), 0, lanes);
    }
}

static void emit_stretch(const Pixels *pixels, const Stretch *stretch) {
    Arena *arena = pixels->arena;
    PixelScales scales = load_scales(pixels);
    int64_t step = pixels->lanes, count = stretch->count / pixels->channels;
    int64_t whole = count / step * step, bytes = pixels->pixel_bytes, channels = pixels->channels;
    int64_t unit = takes_all(pixels) ? channels : 1; /* a place is a number, or a pixel */
    if (whole > 0) {
        const Expression *place =
            kernel_open_range(pixels->builder, "place", 0, whole * unit, step * unit);
        emit_numbers(pixels, &scales,
            &(Stretch){expression_add(
                           arena, stretch->from, expression_multiply(arena, place, bytes / unit)),
                expression_add(
                    arena, stretch->to, expression_multiply(arena, place, channels / unit)),
                step * channels});
        kernel_close(pixels->builder);
    }
    if (whole < count)
        emit_numbers(pixels, &scales,
            &(Stretch){expression_offset(arena, stretch->from, whole * bytes),
                expression_offset(arena, stretch->to, whole * channels),
                (count - whole) * channels});
}

/* How far into a row of the run the first of the columns is that are computed. */
static const Expression *first_column(const Pixels *pixels, const Run *run) {
    Arena *arena = pixels->arena;
    const Expression *column = column_in(
        arena, &pixels->rows, run, expression_constant(arena, pixels->rows.columns.begin));
    return expression_multiply(arena, column, run->pixel_stride);
}

static const Expression *row_of_numbers(
    const Pixels *pixels, const Expression *image, const Expression *row) {
    Arena *arena = pixels->arena;
    const Run *run = pixels->to;
    return expression_sum(arena, expression_multiply(arena, image, run->image_stride),
        row_offset(arena, run, row), expression_constant(arena, run->displacement), NULL);
}

static void emit_pixel_row(const RowOp *rows, const Expression *image, const Expression *row) {
    const Pixels *pixels = (const Pixels *)rows;
    const Expression *from = byte_row(pixels->builder, &pixels->bytes, image, row);
    const Expression *to = row_of_numbers(pixels, image, row);
    emit_stretch(
        pixels, &(Stretch){expression_add(pixels->arena, from, first_column(pixels, pixels->from)),
                    expression_add(pixels->arena, to, first_column(pixels, pixels->to)),
                    (rows->columns.end - rows->columns.begin) * pixels->channels});
}

static bool is_packed(const Placement *placement) {
    const Run *run = &placement->runs[0];
    return placement->run_count == 1 && run->channel_stride == 1 && run->repeat_rows <= 1 &&
           run->repeat_columns <= 1 &&
           (placement->width == 1 || run->pixel_stride == placement->channels);
}

static RowOp *make_pixels(Emission *emission, KernelCall *call, const Node *node,
    const Placement *output, const Link *to) {
    const Placement *input = value_placement(emission, node->operands[0]);
    Pixels *pixels = ARENA_NEW(emission->arena, Pixels);
    *pixels = (Pixels){.builder = &call->builder,
        .arena = emission->arena,
        .lanes = emission->compilation->target->lanes,
        .channels = (int)output->channels,
        .pixel_bytes = (int)input->channels,
        .from = &input->runs[0],
        .to = &output->runs[0]};
    assert(is_packed(input) && is_packed(output));
    pixels->rows = (RowOp){.window = node_window(node),
        .images = input->images,
        .height_in = input->height,
        .height_out = input->height,
        .columns = {0, input->width},
        .emit_row = emit_pixel_row,
        .input = input};
    pixels->rows.input_parameters = call_link(call, PARAMETER_READ, "input", NULL, input);
    pixels->input = pixels->rows.input_parameters[0];
    pixels->bytes = call_byte_rows(call, emission, input->runs[0].buffer, input->height);
    pack_scales(emission, call, node, pixels);
    pixels->output = call_link(call, PARAMETER_WRITE, "output", to, output)[0];
    note_pixels(&call->step, emission->arena, node);
    call_describe(call, "pixels to floats, %lld channels", (long long)output->channels);
    return &pixels->rows;
}

RowOp *pixels_row_op(Emission *emission, KernelCall *call, const Node *node, const Link *to) {
    return make_pixels(emission, call, node, to->placement, to);
}

/* Floats, packed as the bytes are. */
static const Placement *place_apart(Emission *emission, const Node *node) {
    Placement like = *value_placement(emission, node->operands[0]);
    like.element = LANE_F32;
    like.channels = node->results[0]->type.dims[1];
    return temporary_placement(emission, &like, buffer_name(emission, node->results[0]));
}

bool lower_pixels(Emission *emission, const Node *node) {
    KernelCall call;
    const Expression *image, *row;
    const Placement *place = place_result(emission, node->results[0]);
    const Placement *output = is_packed(place) ? place : place_apart(emission, node);
    call_begin(emission, &call, node, output->images * output->height);
    const RowOp *op = make_pixels(emission, &call, node, output, NULL);
    const Expression *item =
        kernel_open_for(&call.builder, "row", kernel_variable(&call.builder, VARIABLE_BEGIN),
            kernel_variable(&call.builder, VARIABLE_END), 1);
    item_row(emission->arena, op, item, &image, &row);
    op->emit_row(op, image, row);
    kernel_close(&call.builder);
    call_end(emission, &call);
    if (output != place)
        lower_copy(emission, node, output, place, "copy of pixels", "pixels become packed floats");
    return true;
}
