/* Chains: neighbouring convolutions and poolings in one kernel that works depth first, row by row.
 * For each row of the last op's output, every op before it first computes the rows that are newly
 * needed, into a ring of rows, so that the tensors between the ops are never written
 * to memory.
 *
 * For output row y, an op whose reader has window k, stride s, padding p needs rows up to
 * end(y) = (end of the reader's rows - 1) * s - p + k, and has those before end(y-1) already,
 * except at the start of a task or of an image, where it begins at the first row of the window. The
 * results are those of the ops alone, bit by bit: only the order of rows changes. (Of a 1x1
 * convolution of so many inputs that it sums them in parts, those may be other parts.)
 *
 * Where a row is wide, the chain goes through the image in strips of columns, one after the other.
 * Whether a chain is worth it, and how many strips, says chain_cost.c. */
#include "backends/kernels/kernels.h"
#include "backends/kernels/row_fetch.h"
#include "backends/kernels/row_op.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/chain_cost.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>

/* ---- the kernel ---- */

typedef struct Chain {
    Emission *emission;
    KernelCall *call;
    const Node *nodes[MOST_CHAIN];
    RowOp *ops[MOST_CHAIN];
    Link links[MOST_CHAIN]; /* [i]: the ring behind ops[i] */
    int count;
} Chain;

static Link make_ring(Chain *chain, const Node *node, int64_t rows, int64_t width) {
    Emission *emission = chain->emission;
    const int64_t *dims = node->results[0]->type.dims;
    Placement *placement = ARENA_NEW(emission->arena, Placement);
    placement->images = dims[0];
    placement->channels = dims[1];
    placement->height = dims[2];
    placement->width = dims[3];
    placement->element = element_lane_type(node->results[0]->type.element);
    placement->runs = ARENA_NEW(emission->arena, Run);
    placement->run_count = 1;
    int64_t distance = pixel_distance(emission->compilation->target, placement->element, dims[1]);
    placement->runs[0] = (Run){.channel_count = dims[1],
        .buffer = -1,
        .channel_stride = 1,
        .pixel_stride = distance,
        .row_stride = width * distance,
        .ring_rows = rows};
    int64_t numbers = chain_ring_numbers(emission->compilation->target, node, rows, width);
    return (Link){placement, kernel_local_of(&chain->call->builder, placement->element, numbers)};
}

static RowOp *make_row_op(Chain *chain, const Node *node, const Link *from, const Link *to) {
    switch (kernel_family(node)) {
    case KERNELS_PIXELS:
        return pixels_row_op(chain->emission, chain->call, node, to);
    case KERNELS_PRODUCT:
        return convolution_row_op(chain->emission, chain->call, node, from, to);
    default:
        return window_row_op(chain->emission, chain->call, node, from, to);
    }
}

/* The rows [*begin, *end) that an op must have, when its reader needs its own rows [begin, end). */
static void rows_before(
    Arena *arena, const RowOp *reader, const Expression **begin, const Expression **end) {
    const Window *window = &reader->window;
    int64_t stride = window->stride[0], top = window->padding[0];
    int64_t reach = (window->kernel[0] - 1) * window->dilation[0];
    *begin = expression_maximum(arena, expression_constant(arena, 0),
        expression_offset(arena, expression_multiply(arena, *begin, stride), -top));
    *end = expression_minimum(arena, expression_constant(arena, reader->height_in),
        expression_offset(
            arena, expression_multiply(arena, *end, stride), reach - top + 1 - stride));
}

/* Computes the rows of op i that output row y of the last op needs and that are not there yet.
 * `fresh` is 1 when nothing is there, else 0. */
static void emit_new_rows(const Chain *chain, int i, const Expression *image, const Expression *y,
    const Expression *fresh) {
    KernelBuilder *builder = &chain->call->builder;
    Arena *arena = chain->emission->arena;
    const Expression *begin = y, *end = expression_offset(arena, y, 1);
    const Expression *unused = y, *done = y; /* what row y - 1 needed */
    for (int reader = chain->count - 1; reader > i; reader--) {
        rows_before(arena, chain->ops[reader], &begin, &end);
        rows_before(arena, chain->ops[reader], &unused, &done);
    }
    const Expression *nothing = expression_multiply(arena, fresh, -chain->ops[i]->height_out);
    const Expression *row = kernel_open_for(builder, "row",
        expression_maximum(arena, begin, expression_add(arena, done, nothing)), end, 1);
    chain->ops[i]->emit_row(chain->ops[i], image, row);
    kernel_close(builder);
}

static void emit_rows(const Chain *chain) {
    KernelBuilder *builder = &chain->call->builder;
    Arena *arena = chain->emission->arena;
    const RowOp *last = chain->ops[chain->count - 1];
    const Expression *begin = kernel_variable(builder, VARIABLE_BEGIN);
    const Expression *end = kernel_variable(builder, VARIABLE_END);
    if (chain->count == 1 && last->emit_rows) {
        last->emit_rows(last, begin, end);
        return;
    }
    const Expression *index = kernel_open_for(builder, "row", begin, end, 1);
    const Expression *image, *y;
    item_row(arena, last, index, &image, &y);
    /* 1 at the first row of the task or of an image: max(0, 1 - min(index - begin, y)) */
    const Expression *behind = expression_minimum(
        arena, expression_add(arena, index, expression_multiply(arena, begin, -1)), y);
    const Expression *fresh = expression_maximum(arena, expression_constant(arena, 0),
        expression_offset(arena, expression_multiply(arena, behind, -1), 1));
    for (int i = 0; i < chain->count - 1; i++)
        emit_new_rows(chain, i, image, y, fresh);
    last->emit_row(last, image, y);
    kernel_close(builder);
}

/* Whether the tiles of the strip look at nothing outside of the inputs. */
static bool is_inside(const Chain *chain, const ColumnRange *columns) {
    for (int i = 0; i < chain->count; i++) {
        const Window *window = &chain->ops[i]->window;
        int64_t first = columns[i].begin * window->stride[1] - window->padding[1];
        int64_t last = (columns[i].end - 1) * window->stride[1] - window->padding[1] +
                       (window->kernel[1] - 1) * window->dilation[1];
        if (first < 0 || last >= chain->ops[i]->input->width)
            return false;
    }
    return true;
}

/* How many strips from this one on have the same code, steps[i] columns of ops[i] further on. */
static int64_t count_alike(
    const Chain *chain, int64_t strip, int64_t strips, int64_t steps[MOST_CHAIN]) {
    ColumnRange first[MOST_CHAIN], next[MOST_CHAIN];
    int64_t alike = 1;
    chain_strip_columns(chain->nodes, chain->count, strip, strips, first);
    for (; strip + alike < strips; alike++) {
        chain_strip_columns(chain->nodes, chain->count, strip + alike, strips, next);
        bool same = is_inside(chain, first) && is_inside(chain, next);
        for (int i = 0; i < chain->count; i++) {
            int64_t distance = next[i].begin - first[i].begin;
            steps[i] = alike == 1 ? distance : steps[i];
            same = same && distance == alike * steps[i] && next[i].end - first[i].end == distance;
        }
        if (!same)
            break;
    }
    return alike;
}

/* Lets the ops compute the columns of one strip; a ring begins with the first of its columns. */
static void enter_strip(Chain *chain, int64_t strip, int64_t strips) {
    ColumnRange columns[MOST_CHAIN];
    chain_strip_columns(chain->nodes, chain->count, strip, strips, columns);
    for (int i = 0; i < chain->count; i++) {
        chain->ops[i]->columns = columns[i];
        if (i == chain->count - 1)
            continue;
        Run *run = &chain->links[i].placement->runs[0];
        run->displacement = -columns[i].begin * run->pixel_stride;
    }
}

/* One strip after the other: a loop over those whose code is the same. */
static void emit_strips(Chain *chain, int64_t strips) {
    KernelBuilder *builder = &chain->call->builder;
    for (int64_t strip = 0; strip < strips;) {
        int64_t steps[MOST_CHAIN], alike = count_alike(chain, strip, strips, steps);
        const Expression *turn = kernel_open_range(builder, "strip", 0, alike, 1);
        enter_strip(chain, strip, strips);
        for (int i = 0; i < chain->count; i++)
            chain->ops[i]->strip =
                alike > 1 ? expression_multiply(builder->arena, turn, steps[i]) : NULL;
        emit_rows(chain);
        kernel_close(builder);
        strip += alike;
    }
}

/* The dense convolution that takes longest fetches the chain's input ahead. */
static void share_fetching(Chain *chain) {
    Window windows[MOST_CHAIN];
    int longest = -1;
    for (int i = 0; i < chain->count; i++) {
        const Node *node = chain->nodes[i];
        windows[i] = chain->ops[i]->window;
        if (kernel_family(node) == KERNELS_PRODUCT &&
            (longest < 0 || node_macs(node) > node_macs(chain->nodes[longest])))
            longest = i;
    }
    const RowOp *head = chain->ops[0];
    if (longest >= 0)
        chain->ops[longest]->fetch =
            make_row_fetch(chain->emission->arena, chain->emission->compilation->target,
                head->input, head->input_parameters, windows, longest + 1);
}

bool lower_chain(Emission *emission, const Node *last) {
    int64_t rows[MOST_CHAIN], widths[MOST_CHAIN];
    KernelCall call;
    Chain chain = {.emission = emission, .call = &call};
    chain.count = chain_nodes(emission->decisions, last, chain.nodes);
    int64_t strips =
        chain.count == 1 ? 1 : chain_strips(emission->decisions, chain.nodes, chain.count);
    chain_ring_rows(chain.nodes, chain.count, rows);
    chain_ring_widths(chain.nodes, chain.count, strips, widths);
    call_begin(emission, &call, chain.nodes[0], 1);
    call.step.op = op_info(last->op)->name;
    for (int i = 0; i < chain.count; i++) {
        bool first = i == 0, end = i == chain.count - 1;
        if (!end)
            chain.links[i] = make_ring(&chain, chain.nodes[i], rows[i], widths[i]);
        chain.ops[i] = make_row_op(&chain, chain.nodes[i], first ? NULL : &chain.links[i - 1],
            end ? NULL : &chain.links[i]);
        if (!end)
            note_ring(&call.step, rows[i], widths[i]);
    }
    if (chain.count > 1)
        step_schedule(&call.step, emission->arena)->strips = strips;
    share_fetching(&chain);
    const RowOp *op = chain.ops[chain.count - 1];
    call.builder.kernel->extent = op->images * op->height_out;
    emit_strips(&chain, strips);
    call_end(emission, &call);
    return true;
}
