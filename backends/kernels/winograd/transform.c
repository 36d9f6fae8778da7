/* The transforms of Winograd's algorithm: channels are the vector.
 *
 * Inputs: V = B' d B for each tile d. Outputs: Y = A' M A of its products M. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/winograd.h"
#include "ir/kernel.h"

/* ---- inputs ---- */

/* A vector of channels of a tile, where it lies in a run. */
typedef struct InputTile {
    const Winograd *winograd;
    const Run *run;
    int parameter;
    const Expression *row, *column; /* of tiles, in the image */
    const Expression *tile;         /* of the block */
    const Expression *channel;      /* of the run */
    int64_t count;
    int width;
    int64_t first_inside, end_inside; /* columns of the tile that lie in the image */
} InputTile;

static const Expression *input_offset(const InputTile *place, int row, int column) {
    const Winograd *winograd = place->winograd;
    const Convolution *conv = &winograd->result;
    const Run *run = place->run;
    return expression_sum(conv->arena, place->channel,
        times(conv, winograd->image, run->image_stride),
        times(conv, place->row, winograd->block.outputs * run->row_stride),
        times(conv, place->column, winograd->block.outputs * run->pixel_stride),
        expression_constant(conv->arena, run->displacement +
                                             (row - winograd->padding[0]) * run->row_stride +
                                             (column - winograd->padding[1]) * run->pixel_stride),
        NULL);
}

static void close_all(KernelBuilder *builder, int opened) {
    while (opened-- > 0)
        kernel_close(builder);
}

/* A row of the tiles, and whether in some of them it lies outside of the image. */
typedef struct TileRow {
    int64_t from_first; /* from the first row of outputs of its tile */
    bool above, below;
} TileRow;

static TileRow tile_row(const Winograd *winograd, int row) {
    int64_t from_first = row - winograd->padding[0];
    int64_t last = (winograd->block.tile_rows - 1) * winograd->block.outputs + from_first;
    return (TileRow){from_first, from_first < 0, last >= winograd->result.input->height};
}

/* Opens a condition for each edge that the row may lie outside of; returns how many. */
static int open_inside(const InputTile *place, const TileRow *row) {
    const Convolution *conv = &place->winograd->result;
    const Expression *at = expression_offset(
        conv->arena, times(conv, place->row, place->winograd->block.outputs), row->from_first);
    if (row->above)
        kernel_open_if_less(conv->builder, expression_constant(conv->arena, -1), at);
    if (row->below)
        kernel_open_if_less(
            conv->builder, at, expression_constant(conv->arena, conv->input->height));
    return row->above + row->below;
}

static void load_row(const InputTile *place, int row, int *values) {
    KernelBuilder *builder = place->winograd->result.builder;
    TileRow edges = tile_row(place->winograd, row);
    for (int column = 0; column < winograd_inputs(&place->winograd->block); column++) {
        bool outside = column < place->first_inside || column >= place->end_inside;
        values[column] = kernel_register(builder, place->width);
        if (outside || edges.above || edges.below)
            kernel_splat(builder, values[column], 0.0f);
    }
    int opened = open_inside(place, &edges);
    for (int64_t column = place->first_inside; column < place->end_inside; column++)
        emit_vector_load(builder, values[column], place->parameter,
            input_offset(place, row, (int)column), place->count, place->run->exact);
    close_all(builder, opened);
}

static void store_position(const InputTile *place, int position, int value) {
    const Winograd *winograd = place->winograd;
    const Convolution *conv = &winograd->result;
    const Expression *offset = expression_sum(conv->arena, place->channel,
        times(conv, place->tile, winograd->channel_stride),
        expression_constant(conv->arena, place->run->first_channel + position *
                                                                         winograd->position_stride *
                                                                         winograd->channel_stride),
        NULL);
    kernel_store(conv->builder, value, winograd->inputs, offset, 0, (int)place->count);
}

/* Loads the rows of the tile that a row of B', or a pair, needs and that are not there yet. */
static void load_needed_rows(const InputTile *place, const TransformFactors *factors, int row,
    bool loaded[WINOGRAD_MOST_INPUTS], int values[][WINOGRAD_MOST_INPUTS]) {
    for (int i = 0; i < factors->columns; i++) {
        if (loaded[i] || factors->numbers[row][i] == 0)
            continue;
        load_row(place, i, values[i]);
        loaded[i] = true;
    }
}

/* B' combines rows of the tile; B does the same along each of what comes out. `first` is the row,
 * or the first of a pair. Returns how many. */
static int emit_input_rows(const InputTile *place, const TransformFactors *factors, int first,
    bool loaded[WINOGRAD_MOST_INPUTS], int values[][WINOGRAD_MOST_INPUTS]) {
    KernelBuilder *builder = place->winograd->result.builder;
    int combined[2][WINOGRAD_MOST_INPUTS], count = 0;
    load_needed_rows(place, factors, first, loaded, values);
    for (int column = 0; column < factors->columns; column++) {
        int vectors[WINOGRAD_MOST_INPUTS], results[2];
        for (int i = 0; i < factors->columns; i++)
            vectors[i] = loaded[i] ? values[i][column] : -1;
        count = emit_factor_rows(builder, factors, first, vectors, results);
        for (int k = 0; k < count; k++)
            combined[k][column] = results[k];
    }
    for (int k = 0; k < count; k++) {
        int results[WINOGRAD_MOST_INPUTS];
        emit_all_factor_rows(builder, factors, combined[k], results);
        for (int column = 0; column < factors->rows; column++)
            store_position(place, (first + k) * factors->rows + column, results[column]);
    }
    return count;
}

/* Pairs first, which need the rows that all need: then few vectors are alive. */
static void emit_input_vector(const InputTile *place) {
    const TransformFactors *factors = winograd_input_factors(&place->winograd->block);
    bool loaded[WINOGRAD_MOST_INPUTS] = {false};
    int values[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS];
    for (int pairs = 1; pairs >= 0; pairs--)
        for (int row = 0; row < factors->rows; row++) {
            bool pair = factors_begin_pair(factors, row);
            if (pair == (pairs == 1))
                (void)emit_input_rows(place, factors, row, loaded, values);
            row += pair;
        }
}

/* All channels of a tile. */
static void emit_input_tile(InputTile *place) {
    const Convolution *conv = &place->winograd->result;
    int lanes = conv->emission->compilation->target->lanes;
    for (int i = 0; i < conv->input->run_count; i++) {
        place->run = &conv->input->runs[i];
        place->parameter = conv->input_parameters[i];
        int64_t rest = place->run->channel_count % lanes, whole = place->run->channel_count - rest;
        if (whole > 0) {
            place->count = place->width = lanes;
            place->channel = kernel_open_range(conv->builder, "channel", 0, whole, lanes);
            emit_input_vector(place);
            kernel_close(conv->builder);
        }
        if (rest > 0) {
            place->count = rest;
            place->width = vector_width(conv->emission->compilation->target, rest);
            place->channel = expression_constant(conv->arena, whole);
            emit_input_vector(place);
        }
    }
}

/* The columns of the tile that lie in the image, where it is the column-th of its row. */
static void set_inside(InputTile *place, int64_t column) {
    const Winograd *winograd = place->winograd;
    int64_t left = column * winograd->block.outputs - winograd->padding[1];
    int64_t width = winograd->result.input->width, end = width - left;
    int inputs = winograd_inputs(&winograd->block);
    place->first_inside = left < 0 ? -left : 0;
    place->end_inside = end < 0 ? 0 : end < inputs ? end : inputs;
    if (place->first_inside > place->end_inside)
        place->first_inside = place->end_inside;
}

static bool all_inside(const InputTile *place) {
    return place->first_inside == 0 &&
           place->end_inside == winograd_inputs(&place->winograd->block);
}

static const Expression *section_end(const Winograd *winograd) {
    return expression_offset(
        winograd->result.arena, winograd->first_column, winograd->block.columns);
}

/* Opens a condition, if need be, for a column of tiles to be in the section; returns how many. */
static int open_in_section(const Winograd *winograd, int64_t column) {
    const Convolution *conv = &winograd->result;
    if (winograd->block.sections == 1)
        return 0;
    kernel_open_if_less(
        conv->builder, winograd->first_column, expression_constant(conv->arena, column + 1));
    kernel_open_if_less(
        conv->builder, expression_constant(conv->arena, column), section_end(winograd));
    return 2;
}

/* The tile's index in the block. */
static const Expression *block_tile(
    const Winograd *winograd, const Expression *row, const Expression *column) {
    const Convolution *conv = &winograd->result;
    return expression_sum(conv->arena, times(conv, row, winograd->block.columns), column,
        times(conv, winograd->first_column, -1), NULL);
}

/* Columns first..end-1 of tiles, in the section: all in the image, or a single one. */
static void emit_input_columns(
    InputTile *place, const Expression *row, int64_t first, int64_t end, bool single) {
    const Winograd *winograd = place->winograd;
    const Convolution *conv = &winograd->result;
    int opened = 0;
    if (single) {
        opened = open_in_section(winograd, first);
        place->column = expression_constant(conv->arena, first);
    } else {
        opened = 1;
        place->column = kernel_open_for(conv->builder, "column",
            expression_maximum(
                conv->arena, winograd->first_column, expression_constant(conv->arena, first)),
            expression_minimum(
                conv->arena, section_end(winograd), expression_constant(conv->arena, end)),
            1);
    }
    place->tile = block_tile(winograd, row, place->column);
    emit_input_tile(place);
    close_all(conv->builder, opened);
}

void emit_winograd_inputs(const Winograd *winograd) {
    const Convolution *conv = &winograd->result;
    InputTile place = {.winograd = winograd};
    const Expression *row = kernel_open_range(conv->builder, "tile_row", 0, winograd->rows, 1);
    place.row = expression_add(conv->arena, winograd->first_row, row);
    for (int64_t column = 0; column < winograd->block.tile_columns;) {
        int64_t end = column;
        for (set_inside(&place, end); all_inside(&place); set_inside(&place, end))
            end++;
        bool single = end == column;
        end = single ? column + 1 : end;
        end = end < winograd->block.tile_columns ? end : winograd->block.tile_columns;
        set_inside(&place, column);
        emit_input_columns(&place, row, column, end, single);
        column = end;
    }
    kernel_close(conv->builder);
}

/* ---- outputs ---- */

typedef struct OutputTile {
    const Winograd *winograd;
    ConvolutionTile *tile;
    const Expression *row;   /* of tiles, in the image */
    const Expression *index; /* in the block */
    int columns;             /* of the tile's outputs that are in the image */
} OutputTile;

static int load_product(const OutputTile *place, int position, int vector, int width) {
    const Winograd *winograd = place->winograd;
    const Convolution *conv = &winograd->result;
    int reg = kernel_register(conv->builder, width);
    int64_t constant = position * winograd->position_stride * conv->blocking.panel_channels +
                       (int64_t)vector * conv->emission->compilation->target->lanes;
    kernel_load(conv->builder, reg, winograd->products,
        expression_offset(
            conv->arena, times(conv, place->index, conv->blocking.panel_channels), constant),
        0, width);
    return reg;
}

/* The bias, which is part of all outputs as the product at row 1, column 1 is. */
static int add_bias(const OutputTile *place, int product, int vector, int width) {
    const Convolution *conv = &place->winograd->result;
    if (!conv->has_bias)
        return product;
    int bias = kernel_register(conv->builder, width);
    kernel_load(conv->builder, bias, conv->weights,
        expression_offset(conv->arena, place->tile->channel,
            conv->bias_offset + (int64_t)vector * conv->emission->compilation->target->lanes),
        0, width);
    kernel_binary(conv->builder, INSTRUCTION_add, bias, product, bias);
    return bias;
}

/* A' times the products. */
static void combine_rows(const OutputTile *place, int vector, int width,
    int rows[WINOGRAD_MOST_OUTPUTS][WINOGRAD_MOST_INPUTS]) {
    const TransformFactors *factors = winograd_output_factors(&place->winograd->block);
    for (int column = 0; column < factors->columns; column++) {
        int products[WINOGRAD_MOST_INPUTS], results[WINOGRAD_MOST_OUTPUTS];
        for (int row = 0; row < factors->columns; row++)
            products[row] = load_product(place, row * factors->columns + column, vector, width);
        if (column == 1)
            products[1] = add_bias(place, products[1], vector, width);
        emit_factors_by_columns(place->winograd->result.builder, factors, products, results);
        for (int row = 0; row < factors->rows; row++)
            rows[row][column] = results[row];
    }
}

/* A row of the tile's outputs, which is row `row` of the image. */
static void store_outputs(
    const OutputTile *place, const int *values, const Expression *row, int vector, int width) {
    const Convolution *conv = &place->winograd->result;
    int first = vector * conv->emission->compilation->target->lanes;
    int results[WINOGRAD_MOST_OUTPUTS];
    place->tile->row = row;
    emit_factors_by_columns(
        conv->builder, winograd_output_factors(&place->winograd->block), values, results);
    for (int column = 0; column < place->columns; column++)
        emit_convolution_result(conv, place->tile, column, first, results[column], width);
}

/* Of the last tiles, some rows may lie below the image. */
static void emit_output_tile(const OutputTile *place) {
    const Convolution *conv = &place->winograd->result;
    int widths[MAX_TILE_VECTORS], outputs = place->winograd->block.outputs;
    int vectors =
        tile_widths(conv->emission->compilation->target, place->tile->channel_count, widths);
    int64_t height = conv->output->height, last = height % outputs;
    for (int v = 0; v < vectors; v++) {
        int rows[WINOGRAD_MOST_OUTPUTS][WINOGRAD_MOST_INPUTS];
        combine_rows(place, v, widths[v], rows);
        for (int i = 0; i < outputs; i++) {
            const Expression *row =
                expression_offset(conv->arena, times(conv, place->row, outputs), i);
            bool below = last > 0 && i >= last;
            if (below)
                kernel_open_if_less(conv->builder, row, expression_constant(conv->arena, height));
            store_outputs(place, rows[i], row, v, widths[v]);
            if (below)
                kernel_close(conv->builder);
        }
    }
}

static void emit_output_column(
    OutputTile *place, const Expression *row, const Expression *column, int columns) {
    const Winograd *winograd = place->winograd;
    place->columns = columns;
    place->index = block_tile(winograd, row, column);
    place->tile->column = times(&winograd->result, column, winograd->block.outputs);
    emit_output_tile(place);
}

void emit_winograd_outputs(const Winograd *winograd, ConvolutionTile *tile) {
    const Convolution *conv = &winograd->result;
    OutputTile place = {.winograd = winograd, .tile = tile};
    int outputs = winograd->block.outputs;
    int64_t rest = conv->output->width % outputs;
    int64_t whole = winograd->block.tile_columns - (rest > 0);
    const Expression *row = kernel_open_range(conv->builder, "tile_row", 0, winograd->rows, 1);
    place.row = expression_add(conv->arena, winograd->first_row, row);
    tile->image = winograd->image;
    if (whole > 0) {
        const Expression *end = expression_minimum(
            conv->arena, section_end(winograd), expression_constant(conv->arena, whole));
        const Expression *column =
            kernel_open_for(conv->builder, "column", winograd->first_column, end, 1);
        emit_output_column(&place, row, column, outputs);
        kernel_close(conv->builder);
    }
    if (rest > 0) {
        int opened = open_in_section(winograd, whole);
        emit_output_column(&place, row, expression_constant(conv->arena, whole), (int)rest);
        close_all(conv->builder, opened);
    }
    kernel_close(conv->builder);
}
