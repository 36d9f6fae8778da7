/* Convolution (dense and grouped) and fully connected layers: output tiles of pixels x channel
 * vectors held in registers, one multiply-add per tap, input channel, pixel and vector.
 *
 * A 1x1 convolution without stride is a matrix product over all pixels of the batch (a "flat" one);
 * a fully connected layer is that with one pixel per image. Every other convolution works row by
 * row, with tiles at the edges that leave out the taps which fall into the padding.
 *
 * Weights are packed by pack.c, tiles are emitted by tile.c. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/convolution/groups.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/in_place.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/row_op.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/compilation.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <inttypes.h>

/* ---- loops over groups, panels, pixels ---- */

/* The spans of one output row. */
static void emit_row_tiles(const Convolution *conv, ConvolutionTile *tile) {
    if (tile->is_tail) {
        emit_tail(conv, tile, expression_constant(conv->arena, conv->rows.columns.begin),
            expression_constant(conv->arena, conv->rows.columns.end));
        return;
    }
    TileSpan *spans;
    int count = tile_spans(conv->arena, conv->rows.columns, conv->width_in, &conv->rows.window,
        conv->blocking.tile.pixels, &spans);
    for (int i = 0; i < count; i++) {
        tile->pixels = spans[i].pixels;
        tile->interior = spans[i].interior;
        tile->column = kernel_open_range(conv->builder, "column", spans[i].first,
            spans[i].first + spans[i].repeat * spans[i].pixels, spans[i].pixels);
        emit_convolution_tile(conv, tile);
        kernel_close(conv->builder);
    }
}

/* The tiles of this panel that are among the kernel's items, and in the block; the range may be
 * empty, and then lie anywhere. */
static void panel_tiles(const Convolution *conv, const ConvolutionTile *tile,
    const Expression **first, const Expression **end) {
    Arena *arena = conv->arena;
    const Expression *begin_item = kernel_variable(conv->builder, VARIABLE_BEGIN);
    const Expression *end_item = kernel_variable(conv->builder, VARIABLE_END);
    int64_t panels = conv->groups * group_panels(conv), tiles = conv->blocking.tiles;
    const Expression *panel =
        expression_add(arena, times(conv, tile->group, group_panels(conv)), tile->panel);
    const Expression *before = NULL;
    *first = conv->first_tile;
    *end = conv->end_tile;
    switch (conv->blocking.items) {
    case ITEMS_TILES:
        break;
    case ITEMS_TILE_PANEL: /* item = tile * panels + panel */
        before = expression_offset(arena, times(conv, panel, -1), panels - 1);
        *first = expression_maximum(arena, *first,
            expression_divide(arena, expression_add(arena, begin_item, before), panels));
        *end = expression_minimum(
            arena, *end, expression_divide(arena, expression_add(arena, end_item, before), panels));
        break;
    case ITEMS_PANEL_TILE: /* item = panel * tiles + tile */
        before = times(conv, panel, -tiles);
        *first = expression_maximum(arena, *first, expression_add(arena, begin_item, before));
        *end = expression_minimum(arena, *end, expression_add(arena, end_item, before));
        break;
    }
}

/* The pixel tiles of one panel; the last one of all may be partial. */
static void emit_flat_tiles(const Convolution *conv, ConvolutionTile *tile) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const Expression *begin, *end;
    int64_t whole = conv->width_out / conv->blocking.tile.pixels,
            rest = conv->width_out % conv->blocking.tile.pixels;
    panel_tiles(conv, tile, &begin, &end);
    if (tile->is_tail) {
        emit_tail(conv, tile, times(conv, begin, conv->blocking.tile.pixels),
            expression_minimum(arena, times(conv, end, conv->blocking.tile.pixels),
                expression_constant(arena, conv->width_out)));
        return;
    }
    const Expression *whole_end =
        rest > 0 ? expression_minimum(arena, end, expression_constant(arena, whole)) : end;
    tile->interior = true;
    if (whole > 0) {
        const Expression *index = kernel_open_for(builder, "tile", begin, whole_end, 1);
        tile->pixels = conv->blocking.tile.pixels;
        tile->index = index;
        tile->column = times(conv, index, conv->blocking.tile.pixels);
        emit_convolution_tile(conv, tile);
        kernel_close(builder);
    }
    if (rest > 0) {
        kernel_open_if_less(builder, expression_constant(arena, whole), end);
        if (conv->blocking.items != ITEMS_TILES) /* the range may be empty */
            kernel_open_if_less(builder, begin, expression_constant(arena, whole + 1));
        tile->pixels = (int)rest;
        tile->index = expression_constant(arena, whole);
        tile->column = expression_constant(arena, whole * conv->blocking.tile.pixels);
        emit_convolution_tile(conv, tile);
        if (conv->blocking.items != ITEMS_TILES)
            kernel_close(builder);
        kernel_close(builder);
    }
}

/* The run in which channels first..end-1 lie, if it is one; else -1. */
static int run_of(const Placement *placement, int64_t first, int64_t end) {
    for (int i = 0; placement && i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        if (first >= run->first_channel && end <= run->first_channel + run->channel_count)
            return i;
    }
    return -1;
}

/* The runs of panels panel..end_panel-1; with a group that is a loop there is one run of each. */
static void find_runs(
    const Convolution *conv, ConvolutionTile *tile, int64_t panel, int64_t end_panel) {
    int64_t first = first_group(tile) * conv->group_outputs, left = conv->main_outputs;
    int64_t begin = panel * conv->blocking.panel_channels,
            end = end_panel * conv->blocking.panel_channels;
    end = end < left ? end : left;
    tile->output_run = run_of(conv->output, first + begin, first + end);
    tile->residual_run = run_of(conv->residual, first + begin, first + end);
}

static bool in_one_run(const Convolution *conv, const ConvolutionTile *tile) {
    return tile->output_run >= 0 && (!conv->residual || tile->residual_run >= 0);
}

/* All blocks of input channels but the first and the last one, as a loop. */
static void emit_middle_blocks(
    const Convolution *conv, ConvolutionTile *tile, int64_t count, EmitPixels *emit_pixels) {
    int64_t size = conv->blocking.input_block;
    const Expression *index = kernel_open_range(conv->builder, "inputs", 0, count, 1);
    tile->input_shift = times(conv, index, size);
    tile->first_input = tile->input_count = size;
    emit_pixels(conv, tile);
    tile->input_shift = NULL;
    kernel_close(conv->builder);
}

/* The pixels of a panel, for one block of input channels after the other. */
static void emit_input_blocks(
    const Convolution *conv, ConvolutionTile *tile, EmitPixels *emit_pixels) {
    enum { FEW_BLOCKS = 32 }; /* that have code of their own */
    int64_t size = conv->blocking.input_block, blocks = (conv->group_inputs + size - 1) / size;
    bool loop = blocks > FEW_BLOCKS && conv->input->run_count == 1;
    for (int64_t block = 0; block < blocks; block++) {
        if (loop && block == 1) {
            emit_middle_blocks(conv, tile, blocks - 2, emit_pixels);
            block = blocks - 1;
        }
        int64_t left = conv->group_inputs - block * size;
        tile->first_input = block * size;
        tile->input_count = left < size ? left : size;
        emit_pixels(conv, tile);
    }
}

/* Whole panels: a loop over as many as lie in the same runs, and a body of its own with constants
 * for one that does not. */
static void emit_whole_panels(const Convolution *conv, ConvolutionTile *tile,
    const Expression *group_weights, int64_t panel_weights, EmitPixels *emit_pixels) {
    int64_t whole = conv->main_outputs / conv->blocking.panel_channels;
    for (int64_t panel = 0; panel < whole;) {
        int64_t end = panel + 1;
        find_runs(conv, tile, panel, end);
        bool loop = in_one_run(conv, tile);
        while (loop && end < whole) {
            find_runs(conv, tile, panel, end + 1);
            if (!in_one_run(conv, tile))
                break;
            end++;
        }
        find_runs(conv, tile, panel, end);
        const Expression *index = kernel_open_range(conv->builder, "panel", panel, end, 1);
        tile->panel = index;
        tile->channel = times(conv, index, conv->blocking.panel_channels);
        tile->weight_offset =
            expression_add(conv->arena, group_weights, times(conv, index, panel_weights));
        emit_input_blocks(conv, tile, emit_pixels);
        kernel_close(conv->builder);
        panel = end;
    }
}

/* The tail goes with the items of the last panel. */
static void emit_group_tail(const Convolution *conv, ConvolutionTile *tile,
    const Expression *group_weights, EmitPixels *emit_pixels) {
    int64_t first = first_group(tile) * conv->group_outputs, end = first + conv->group_outputs;
    tile->output_run = run_of(conv->output, first + conv->main_outputs, end);
    tile->residual_run = run_of(conv->residual, first + conv->main_outputs, end);
    tile->panel = expression_constant(conv->arena, group_panels(conv) - 1);
    tile->channel = expression_constant(conv->arena, conv->main_outputs);
    tile->channel_count = conv->group_outputs - conv->main_outputs;
    tile->weight_offset =
        expression_offset(conv->arena, group_weights, conv->main_outputs * conv->group_inputs);
    tile->is_tail = true;
    emit_pixels(conv, tile);
    tile->is_tail = false;
}

/* The panels of the group, the last of which may be partial, and its tail. */
static void emit_panels(const Convolution *conv, ConvolutionTile *tile, EmitPixels *emit_pixels) {
    Arena *arena = conv->arena;
    int64_t taps = conv->packed_inputs * conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    int64_t whole = conv->main_outputs / conv->blocking.panel_channels;
    int64_t rest = conv->main_outputs % conv->blocking.panel_channels;
    int64_t panel_weights = conv->blocking.panel_channels * taps;
    const Expression *group_weights = times(conv, tile->group, conv->group_weights);
    tile->channel_count = conv->blocking.panel_channels;
    emit_whole_panels(conv, tile, group_weights, panel_weights, emit_pixels);
    if (rest > 0) {
        find_runs(conv, tile, whole, whole + 1);
        tile->channel_count = rest;
        tile->panel = expression_constant(arena, whole);
        tile->channel = expression_constant(arena, whole * conv->blocking.panel_channels);
        tile->weight_offset = expression_offset(arena, group_weights, whole * panel_weights);
        emit_input_blocks(conv, tile, emit_pixels);
    }
    if (conv->main_outputs < conv->group_outputs)
        emit_group_tail(conv, tile, group_weights, emit_pixels);
}

void emit_convolution_panels(
    const Convolution *conv, ConvolutionTile *tile, EmitPixels *emit_pixels) {
    if (conv->group_loop) {
        tile->group = kernel_open_range(conv->builder, "group", 0, conv->groups, 1);
        emit_panels(conv, tile, emit_pixels);
        kernel_close(conv->builder);
        return;
    }
    for (int64_t group = 0; group < conv->groups; group++) {
        tile->group = expression_constant(conv->arena, group);
        emit_panels(conv, tile, emit_pixels);
    }
}

/* The tiles that the kernel's items are of. */
static void set_tiles(Convolution *conv) {
    Arena *arena = conv->arena;
    const Expression *begin = kernel_variable(conv->builder, VARIABLE_BEGIN);
    const Expression *end = kernel_variable(conv->builder, VARIABLE_END);
    int64_t tiles = conv->blocking.tiles, panels = conv->groups * group_panels(conv);
    conv->builder->kernel->extent = conv->blocking.items == ITEMS_TILES ? tiles : tiles * panels;
    switch (conv->blocking.items) {
    case ITEMS_TILES:
        conv->first_tile = begin;
        conv->end_tile = end;
        break;
    case ITEMS_TILE_PANEL:
        conv->first_tile = expression_divide(arena, begin, panels);
        conv->end_tile =
            expression_divide(arena, expression_offset(arena, end, panels - 1), panels);
        break;
    case ITEMS_PANEL_TILE:
        conv->first_tile = expression_constant(arena, 0);
        conv->end_tile = expression_constant(arena, tiles);
        break;
    }
}

/* The pixels of a flat convolution in blocks. */
static void emit_blocks(Convolution *conv) {
    const Blocking *blocking = &conv->blocking;
    int64_t block = blocking->block_tiles;
    ConvolutionTile tile = {0};
    set_tiles(conv);
    if (blocking->input_block < conv->group_inputs)
        conv->partial_sums = kernel_local_of(conv->builder, total_type(conv),
            block * blocking->tile.pixels * blocking->panel_channels);
    if (block == blocking->tiles) {
        emit_convolution_panels(conv, &tile, emit_flat_tiles);
        return;
    }
    const Expression *end = conv->end_tile;
    conv->first_tile = kernel_open_for(conv->builder, "block", conv->first_tile, end, block);
    conv->end_tile = expression_minimum(
        conv->arena, end, expression_offset(conv->arena, conv->first_tile, block));
    emit_convolution_panels(conv, &tile, emit_flat_tiles);
    kernel_close(conv->builder);
}

static void emit_convolution_row(const RowOp *op, const Expression *image, const Expression *row) {
    const Convolution *conv = (const Convolution *)op;
    ConvolutionTile tile = {.image = image, .row = row};
    emit_convolution_panels(conv, &tile, emit_row_tiles);
}

/* The rows that are asked for, of one panel. */
static void emit_panel_rows(const Convolution *conv, ConvolutionTile *tile) {
    const Expression *item =
        kernel_open_for(conv->builder, "row", conv->first_row, conv->end_row, 1);
    item_row(conv->arena, &conv->rows, item, &tile->image, &tile->row);
    emit_row_tiles(conv, tile);
    kernel_close(conv->builder);
}

/* Row after row, all weights would come from the third level or memory each time. Panel after
 * panel, each is read once, and the input as often as there are panels. */
static void emit_rows_by_panels(const RowOp *op, const Expression *begin, const Expression *end) {
    Convolution conv = *(const Convolution *)op;
    ConvolutionTile tile = {0};
    conv.first_row = begin;
    conv.end_row = end;
    emit_convolution_panels(&conv, &tile, emit_panel_rows);
}

/* ---- the node ---- */

static bool single_run(const Placement *placement) {
    return !placement || placement->run_count == 1;
}

/* Sets group_loop. */
static void compare_groups(Convolution *conv) {
    conv->group_loop = single_run(conv->output) && single_run(conv->residual) &&
                       groups_alike(conv->input, conv->groups, &conv->group_shift);
}

static const Placement *result_placement(const Convolution *conv, const Node *node) {
    Placement **placements = conv->emission->placements;
    if (!conv->in_place)
        return place_result(conv->emission, node->results[0]);
    return placements[node->results[0]->id] = placements[node->operands[1]->id];
}

static ConvolutionSizes sizes_of(const Convolution *conv) {
    return (ConvolutionSizes){
        .groups = conv->groups,
        .inputs = conv->group_inputs,
        .outputs = conv->group_outputs,
        .tail = conv->group_outputs - conv->main_outputs,
        .kernel = {conv->rows.window.kernel[0], conv->rows.window.kernel[1]},
        .images = conv->rows.images,
        .rows_in = conv->rows.height_in,
        .rows = conv->rows.height_out,
        .width_in = conv->width_in,
        .width = conv->width_out,
        .product = conv->product,
        .part = conv->part,
        .result = conv->output->element,
        .flat = conv->flat,
        .residual = conv->residual != NULL,
        .scattered = conv->input->run_count > 1,
    };
}

static void describe(Convolution *conv, const Node *node, const Link *from, const Link *to) {
    Emission *emission = conv->emission;
    conv->rows.window = node_window(node);
    bool has_window = node->op == OP_conv || node->op == OP_quantized_conv;
    conv->groups = has_window ? node_integer(node, "groups") : 1;
    if (has_window)
        conv->residual_activation = node_formula_attribute(node, "residual_activation");
    conv->activation = node_formula_attribute(node, "activation");
    conv->input = from ? from->placement : value_placement(emission, node->operands[0]);
    if (node->operand_count > 1)
        conv->residual =
            make_channels_last(emission, node, value_placement(emission, node->operands[1]));
    conv->in_place = conv->flat && adds_in_place(emission, node, conv->residual);
    conv->output = to ? to->placement : result_placement(conv, node);
    conv->group_inputs = conv->input->channels / conv->groups;
    conv->group_outputs = conv->output->channels / conv->groups;
    conv->product = node_product(emission->compilation->target, node);
    if (conv->product->sum == LANE_F16)
        conv->part = node_integer(node, "part");
    conv->packed_inputs = conv->group_inputs;
    compare_groups(conv);
    for (int64_t group = 0; conv->product->channels > 1 && group < conv->groups; group++) {
        int64_t inputs = packed_inputs(conv, group);
        conv->packed_inputs = inputs > conv->packed_inputs ? inputs : conv->packed_inputs;
    }
    const Placement *in = conv->input, *out = conv->output;
    conv->rows.height_in = conv->flat ? 1 : in->height;
    conv->rows.height_out = conv->flat ? 1 : out->height;
    conv->width_in = conv->flat ? in->images * in->height * in->width : in->width;
    conv->width_out = conv->flat ? out->images * out->height * out->width : out->width;
    conv->rows.images = out->images;
    set_convolution_tail(conv, node);
    conv->sizes = sizes_of(conv);
    conv->sizes.chained = from || to;
    conv->blocking = choose_blocking(emission->compilation, &conv->sizes);
    conv->rows.columns = (ColumnRange){0, conv->width_out};
    conv->rows.emit_row = emit_convolution_row;
    conv->rows.emit_rows = conv->blocking.panels_outermost ? emit_rows_by_panels : NULL;
}

static Convolution *prepare(Emission *emission, KernelCall *call, const Node *node, bool flat,
    const Link *from, const Link *to) {
    Convolution *conv = ARENA_NEW(emission->arena, Convolution);
    conv->emission = emission;
    conv->call = call;
    conv->builder = &call->builder;
    conv->arena = emission->arena;
    conv->flat = flat;
    describe(conv, node, from, to);
    conv->input_parameters = call_link(call, PARAMETER_READ, "input", from, conv->input);
    conv->rows.input = conv->input;
    conv->rows.input_parameters = conv->input_parameters;
    if (conv->residual && !conv->in_place)
        conv->residual_parameters =
            call_placement(call, PARAMETER_READ, "residual", conv->residual);
    pack_convolution(conv, node);
    ParameterRole role = conv->in_place ? PARAMETER_UPDATE : PARAMETER_WRITE;
    conv->output_parameters = call_link(call, role, "output", to, conv->output);
    if (conv->in_place)
        conv->residual_parameters = conv->output_parameters;
    call->step.macs += node_macs(node);
    note_convolution(&call->step, conv->arena, node, &conv->sizes, &conv->blocking);
    call_describe(call, "%s %" PRId64 "x%" PRId64 " %" PRId64 " -> %" PRId64 "%s%s",
        op_info(node->op)->name, conv->rows.window.kernel[0], conv->rows.window.kernel[1],
        conv->input->channels, conv->output->channels, conv->activation ? ", " : "",
        conv->activation ? formula_spelling(conv->activation, emission->arena) : "");
    return conv;
}

RowOp *convolution_row_op(
    Emission *emission, KernelCall *call, const Node *node, const Link *from, const Link *to) {
    return &prepare(emission, call, node, false, from, to)->rows;
}

bool lower_flat_convolution(Emission *emission, const Node *node) {
    KernelCall call;
    call_begin(emission, &call, node, 1);
    Convolution *conv = prepare(emission, &call, node, true, NULL, NULL);
    emit_blocks(conv);
    call_end(emission, &call);
    return true;
}
