/* The transforms of Winograd's algorithm: channels are the vector.
 *
 * Inputs: V = B' d B for each tile d. Outputs: Y = A' M A of its products M. B' and A' are those of
 * Lavin and Gray, section 4.1, for tiles of 2x2 outputs, and of 4x4. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/winograd.h"
#include "ir/kernel.h"

/* ---- sums of vectors ---- */

/* Rows of numbers by which as many vectors are multiplied. */
typedef struct TransformFactors {
    int rows, columns;
    signed char numbers[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS];
} TransformFactors;

static const TransformFactors input_factors[] = {
    {4, 4, {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}},
    {6, 6,
        {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
            {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}}},
};
static const TransformFactors output_factors[] = {
    {2, 4, {{1, 1, 1, 0}, {0, 1, -1, -1}}},
    {4, 6, {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}},
};

static const TransformFactors *factors_of(
    const TransformFactors *table, const WinogradBlock *block) {
    return &table[block->outputs == 4];
}

static int combine(KernelBuilder *builder, InstructionKind kind, int a, int b) {
    int reg = kernel_register(builder, builder->kernel->register_lanes[a]);
    kernel_binary(builder, kind, reg, a, b);
    return reg;
}

/* sum + factor times the vector; the vector itself where there is no sum yet and the factor is 1.
 */
static int add_multiple(KernelBuilder *builder, int sum, int vector, int factor) {
    if (sum >= 0 && (factor == 1 || factor == -1))
        return combine(builder, factor == 1 ? INSTRUCTION_add : INSTRUCTION_subtract, sum, vector);
    if (factor == 1)
        return vector;
    int lanes = builder->kernel->register_lanes[vector];
    int multiple = kernel_register(builder, lanes);
    kernel_splat(builder, multiple, (float)factor);
    if (sum < 0)
        return combine(builder, INSTRUCTION_multiply, vector, multiple);
    int reg = kernel_register(builder, lanes);
    kernel_multiply_add(builder, reg, vector, multiple, sum);
    return reg;
}

/* The sum of the vectors times their factors; -1 where all of them are 0. What is taken as it is
 * comes first. */
static int sum_multiples(
    KernelBuilder *builder, const int *vectors, const int *factors, int count) {
    int sum = -1, first = 0;
    while (first < count && factors[first] != 1)
        first++;
    if (first < count)
        sum = vectors[first];
    for (int i = 0; i < count; i++)
        if (factors[i] != 0 && i != first)
            sum = add_multiple(builder, sum, vectors[i], factors[i]);
    return sum;
}

/* What all factors that are not 0 have in common, but for the sign. */
static int common_factor(const int *factors, int count) {
    int common = 0;
    for (int i = 0; i < count; i++) {
        int size = factors[i] < 0 ? -factors[i] : factors[i];
        common = common == 0 || size == 0 || size == common ? (size > 0 ? size : common) : 1;
    }
    return common > 0 ? common : 1;
}

/* Whether the next row is this one but for the signs of some. */
static bool is_row_of_pair(const TransformFactors *factors, int row) {
    if (row + 1 >= factors->rows)
        return false;
    for (int i = 0; i < factors->columns; i++) {
        int a = factors->numbers[row][i], b = factors->numbers[row + 1][i];
        if (a != b && a != -b)
            return false;
    }
    return true;
}

/* Row `row` of the products, and the next one where they are a pair: what both have in common plus
 * and minus what they have not. Returns how many. */
static int emit_rows(KernelBuilder *builder, const TransformFactors *factors, int row,
    const int *vectors, int *results) {
    int common[WINOGRAD_MOST_INPUTS] = {0}, other[WINOGRAD_MOST_INPUTS] = {0};
    bool pair = is_row_of_pair(factors, row);
    for (int i = 0; i < factors->columns; i++) {
        int a = factors->numbers[row][i];
        bool same = !pair || factors->numbers[row + 1][i] == a;
        common[i] = same ? a : 0;
        other[i] = same ? 0 : a;
    }
    results[0] = sum_multiples(builder, vectors, common, factors->columns);
    if (!pair)
        return 1;
    int multiple = common_factor(other, factors->columns);
    for (int i = 0; i < factors->columns; i++)
        other[i] /= multiple;
    int half = results[0], rest = sum_multiples(builder, vectors, other, factors->columns);
    results[0] = add_multiple(builder, half, rest, multiple);
    results[1] = add_multiple(builder, half, rest, -multiple);
    return 2;
}

/* All rows. Where two columns are equal but for their signs, as all of the outputs' are, their sum
 * and difference are taken once. */
static void emit_all_rows(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results) {
    for (int row = 0; row < factors->rows;)
        row += emit_rows(builder, factors, row, vectors, results + row);
}

static bool is_column_of_pair(const TransformFactors *factors, int column) {
    if (column + 1 >= factors->columns)
        return false;
    for (int row = 0; row < factors->rows; row++) {
        int a = factors->numbers[row][column], b = factors->numbers[row][column + 1];
        if (a != b && a != -b)
            return false;
    }
    return true;
}

static void emit_paired_columns(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results) {
    int terms[WINOGRAD_MOST_INPUTS], rows[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS] = {0};
    for (int column = 0; column < factors->columns; column++) {
        bool pair = is_column_of_pair(factors, column);
        terms[column] = vectors[column];
        if (pair) {
            terms[column] = combine(builder, INSTRUCTION_add, vectors[column], vectors[column + 1]);
            terms[column + 1] =
                combine(builder, INSTRUCTION_subtract, vectors[column], vectors[column + 1]);
        }
        for (int row = 0; row < factors->rows; row++) {
            int a = factors->numbers[row][column];
            bool sum = !pair || factors->numbers[row][column + 1] == a;
            rows[row][column] = sum ? a : 0;
            if (pair)
                rows[row][column + 1] = sum ? 0 : a;
        }
        column += pair;
    }
    for (int row = 0; row < factors->rows; row++)
        results[row] = sum_multiples(builder, terms, rows[row], factors->columns);
}

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
        count = emit_rows(builder, factors, first, vectors, results);
        for (int k = 0; k < count; k++)
            combined[k][column] = results[k];
    }
    for (int k = 0; k < count; k++) {
        int results[WINOGRAD_MOST_INPUTS];
        emit_all_rows(builder, factors, combined[k], results);
        for (int column = 0; column < factors->rows; column++)
            store_position(place, (first + k) * factors->rows + column, results[column]);
    }
    return count;
}

/* Pairs first, which need the rows that all need: then few vectors are alive. */
static void emit_input_vector(const InputTile *place) {
    const TransformFactors *factors = factors_of(input_factors, &place->winograd->block);
    bool loaded[WINOGRAD_MOST_INPUTS] = {false};
    int values[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS];
    for (int pairs = 1; pairs >= 0; pairs--)
        for (int row = 0; row < factors->rows; row++) {
            bool pair = is_row_of_pair(factors, row);
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
    return combine(conv->builder, INSTRUCTION_add, product, bias);
}

/* A' times the products. */
static void combine_rows(const OutputTile *place, int vector, int width,
    int rows[WINOGRAD_MOST_OUTPUTS][WINOGRAD_MOST_INPUTS]) {
    const TransformFactors *factors = factors_of(output_factors, &place->winograd->block);
    for (int column = 0; column < factors->columns; column++) {
        int products[WINOGRAD_MOST_INPUTS], results[WINOGRAD_MOST_OUTPUTS];
        for (int row = 0; row < factors->columns; row++)
            products[row] = load_product(place, row * factors->columns + column, vector, width);
        if (column == 1)
            products[1] = add_bias(place, products[1], vector, width);
        emit_paired_columns(place->winograd->result.builder, factors, products, results);
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
    emit_paired_columns(
        conv->builder, factors_of(output_factors, &place->winograd->block), values, results);
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
