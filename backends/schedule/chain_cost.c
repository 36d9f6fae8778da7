/* The cost model of chains.
 *
 * What a chain saves is the traffic of the tensors between its ops, which are written once and read
 * once. What it costs: tiles of one row instead of all pixels; weights that are read again for each
 * row; the columns between strips, computed twice; and rings that are larger than the first-level
 * cache are traffic, too. The rates are rough, and equal for all targets: they decide what to do
 * with tensors of hundreds of kilobytes, not with the last percent. */
#include "backends/schedule/chain_cost.h"
#include "backends/program/buffers.h"
#include "backends/program/compilation.h"
#include "backends/program/scratch.h"
#include "backends/program/workspace.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/room.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tail.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/graph.h"

enum { MOST_STRIPS = 8 };

static const double l2_rate = 32;    /* bytes per cycle from or to the second-level cache */
static const double l3_rate = 8;     /* and beyond it */
static const double row_cycles = 40; /* to begin a row of an op: loops, addresses */

/* ---- rings and strips ---- */

/* A convolution finds its rows of pixels for each tile, of few products: there the remainder by a
 * power of two is a mask. */
static int64_t whole_ring(const Node *node, int64_t rows) {
    int64_t whole = 1;
    while (whole < rows)
        whole *= 2;
    return node->op == OP_pixels ? whole : rows;
}

void chain_ring_rows(const Node *const *nodes, int count, int64_t *rows) {
    rows[count - 1] = 1;
    for (int i = count - 2; i >= 0; i--) {
        Window window = node_window(nodes[i + 1]);
        rows[i] =
            (rows[i + 1] - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0] + 1;
        int64_t height = nodes[i]->results[0]->type.dims[2];
        rows[i] = whole_ring(nodes[i], rows[i] < height ? rows[i] : height);
    }
}

static int64_t row_width(const Node *node) {
    return node->results[0]->type.dims[3];
}

/* All but the last have it; so their code is the same. */
static int64_t strip_width(int64_t width, int64_t strips) {
    return (width + strips - 1) / strips;
}

/* columns[i]: which columns of nodes[i]'s output strip `strip` of `strips` equal ones of the last
 * needs. Neighbouring strips compute those between them twice. */
void chain_strip_columns(
    const Node *const *nodes, int count, int64_t strip, int64_t strips, ColumnRange *columns) {
    int64_t width = row_width(nodes[count - 1]), each = strip_width(width, strips);
    int64_t last = (strip + 1) * each;
    columns[count - 1] = (ColumnRange){strip * each, last < width ? last : width};
    for (int i = count - 2; i >= 0; i--) {
        Window window = node_window(nodes[i + 1]);
        int64_t stride = window.stride[1], left = window.padding[1];
        int64_t reach = (window.kernel[1] - 1) * window.dilation[1];
        int64_t begin = columns[i + 1].begin * stride - left;
        int64_t end = (columns[i + 1].end - 1) * stride - left + reach + 1;
        begin = begin > 0 ? begin : 0;
        end = end < row_width(nodes[i]) ? end : row_width(nodes[i]);
        columns[i] = (ColumnRange){begin, end > begin ? end : begin};
    }
}

/* widths[i]: the columns of nodes[i]'s output in the widest strip. */
void chain_ring_widths(const Node *const *nodes, int count, int64_t strips, int64_t *widths) {
    for (int i = 0; i < count; i++)
        widths[i] = 0;
    for (int64_t strip = 0; strip < strips; strip++) {
        ColumnRange columns[MOST_CHAIN];
        chain_strip_columns(nodes, count, strip, strips, columns);
        for (int i = 0; i < count; i++) {
            int64_t width = columns[i].end - columns[i].begin;
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
}

int64_t chain_ring_numbers(const Target *target, const Node *node, int64_t rows, int64_t width) {
    const TensorType *type = &node->results[0]->type;
    return rows * width * pixel_distance(target, element_lane_type(type->element), type->dims[1]) +
           SLACK_BYTES / element_type_bytes(type->element);
}

/* Sets rings[i] to the bytes of the ring behind nodes[i]; those of all. */
static int64_t ring_bytes(
    const Target *target, const Node *const *nodes, int count, int64_t strips, int64_t *rings) {
    int64_t rows[MOST_CHAIN], widths[MOST_CHAIN], bytes = 0;
    chain_ring_rows(nodes, count, rows);
    chain_ring_widths(nodes, count, strips, widths);
    for (int i = 0; i < count - 1; i++) {
        rings[i] = chain_ring_numbers(target, nodes[i], rows[i], widths[i]) *
                   element_type_bytes(nodes[i]->results[0]->type.element);
        bytes += rings[i];
    }
    return bytes;
}

/* ---- cycles ---- */

double traffic_cycles(const Target *target, double bytes, int64_t size) {
    if (size <= target->l1_bytes * 3 / 4)
        return 0;
    return bytes / (size <= target->l2_bytes / 2 ? l2_rate : l3_rate);
}

static int64_t image_bytes(const Value *value) {
    return tensor_elements(&value->type) / value->type.dims[0] *
           element_type_bytes(value->type.element);
}

static bool is_dense_convolution(const Node *node) {
    return kernel_family(node) == KERNELS_PRODUCT;
}

/* A row of `width` pixels of the node, which is a dense convolution. */
static ConvolutionSizes row_sizes(const Compilation *compilation, const Node *node, int64_t width) {
    Window window = node_window(node);
    const TensorType *weight = &node_weight(node, "weight")->type;
    int64_t groups = node_integer(node, "groups");
    return (ConvolutionSizes){
        .groups = groups,
        .inputs = weight->dims[1],
        .outputs = node->results[0]->type.dims[1] / groups,
        .tail = convolution_tail(compilation, node),
        .kernel = {window.kernel[0], window.kernel[1]},
        .width = width,
        .product = node_product(compilation->target, node),
        .result = element_lane_type(node->results[0]->type.element),
    };
}

/* The node's arithmetic for `rows` rows of `pixels` pixels each. The shape is of its tiles. */
static double arithmetic(const Compilation *compilation, const Node *node, TileShape shape,
    int64_t rows, int64_t pixels) {
    const int64_t *dims = node->results[0]->type.dims;
    if (!is_dense_convolution(node)) {
        Window window = node_window(node);
        int64_t vectors = (dims[1] + compilation->target->lanes - 1) / compilation->target->lanes;
        return (double)(rows * pixels * vectors * window.kernel[0] * window.kernel[1]) /
               compilation->target->multiply_adds_per_cycle;
    }
    ConvolutionSizes sizes = row_sizes(compilation, node, pixels);
    double tiles = convolution_row_cycles(compilation, &sizes, shape);
    return (double)(rows * sizes.groups) *
           (tiles + (double)pixels * tail_cycles(compilation, node));
}

/* The tile that the node's decisions chooses for rows of this width. */
static TileShape node_tile(const Compilation *compilation, const Node *node, int64_t width) {
    if (!is_dense_convolution(node))
        return (TileShape){0, 0};
    ConvolutionSizes sizes = row_sizes(compilation, node, width);
    return convolution_tile(compilation, &sizes);
}

/* Reading all weights of the node `times` times. */
static double weight_traffic(const Target *target, const Node *node, int64_t times) {
    bool convolution = op_multiplies(node->op);
    const Weight *weight = convolution ? node_weight(node, "weight") : NULL;
    int64_t bytes = 0;
    if (weight)
        bytes = node->operands[0]->type.element == ELEMENT_U8
                    ? tensor_elements(&weight->type)
                    : tensor_elements(&weight->type) * element_type_bytes(weight->type.element);
    return traffic_cycles(target, (double)(bytes * times), bytes);
}

/* A layer by itself. A pointwise convolution goes over all pixels as one row, panel by panel. */
static double single_cycles(const Compilation *compilation, const Node *node) {
    const int64_t *dims = node->results[0]->type.dims;
    bool flat = is_pointwise(node) && !is_depthwise(node);
    int64_t rows = flat ? 1 : dims[2], pixels = flat ? dims[2] * dims[3] : dims[3];
    return arithmetic(compilation, node, node_tile(compilation, node, pixels), rows, pixels) +
           weight_traffic(compilation->target, node, rows) + (double)rows * row_cycles;
}

static double strips_cycles(const Compilation *compilation, const Node *const *nodes, int count,
    const TileShape *shapes, int64_t strips, int64_t rings) {
    double cycles = 0;
    for (int64_t strip = 0; strip < strips; strip++) {
        ColumnRange columns[MOST_CHAIN];
        chain_strip_columns(nodes, count, strip, strips, columns);
        for (int i = 0; i < count; i++) {
            const int64_t *dims = nodes[i]->results[0]->type.dims;
            int64_t width = columns[i].end - columns[i].begin;
            cycles += arithmetic(compilation, nodes[i], shapes[i], dims[2], width);
            cycles += weight_traffic(compilation->target, nodes[i], dims[2]) +
                      (double)dims[2] * row_cycles;
            if (i < count - 1) /* written once, read once */
                cycles += traffic_cycles(compilation->target,
                    2.0 * (double)(dims[1] * dims[2] * width *
                                   counted_bytes(
                                       element_lane_type(nodes[i]->results[0]->type.element))),
                    rings);
        }
    }
    return cycles;
}

typedef struct StripsChoice {
    int64_t strips; /* 0: none */
    double cycles;
} StripsChoice;

/* The best number of strips whose rings take at most so many bytes, without the tensors at the ends
 * of the chain. */
static StripsChoice best_strips(
    const Compilation *compilation, const Node *const *nodes, int count, int64_t most) {
    StripsChoice best = {0};
    TileShape shapes[MOST_CHAIN];
    for (int i = 0; i < count; i++)
        shapes[i] = node_tile(compilation, nodes[i], row_width(nodes[i]));
    int64_t width = row_width(nodes[count - 1]);
    for (int64_t strips = 1; strips <= MOST_STRIPS && strips <= width; strips++) {
        bool last_is_empty = (strips - 1) * strip_width(width, strips) >= width;
        int64_t rings[MOST_CHAIN];
        int64_t bytes = ring_bytes(compilation->target, nodes, count, strips, rings);
        if (last_is_empty || bytes > most)
            continue;
        double cycles = strips_cycles(compilation, nodes, count, shapes, strips, bytes);
        if (best.strips == 0 || cycles < best.cycles)
            best = (StripsChoice){strips, cycles};
    }
    return best;
}

static int64_t most_ring_bytes(const Compilation *compilation) {
    int64_t asked = compilation->options.ring_bytes;
    return asked > 0 ? asked : MOST_LOCAL_BYTES;
}

int64_t chain_strips(const Decisions *decisions, const Node *const *nodes, int count) {
    const Compilation *compilation = decisions->compilation;
    int64_t most = most_ring_bytes(compilation), stack = most_stack_bytes(compilation);
    StripsChoice best = best_strips(compilation, nodes, count, most);
    StripsChoice on_stack = best_strips(compilation, nodes, count, stack < most ? stack : most);
    const Value *value = nodes[count - 1]->results[0];
    int64_t rings[MOST_CHAIN];
    if (on_stack.strips == 0 || on_stack.strips == best.strips)
        return best.strips;
    ring_bytes(compilation->target, nodes, count, best.strips, rings);
    int64_t scratch =
        scratch_needed(rings, count - 1, value->type.dims[0] * value->type.dims[2], stack);
    bool prefers = prefers_stack(decisions, value, scratch, best.cycles, on_stack.cycles);
    return prefers ? on_stack.strips : best.strips;
}

double chain_cycles(const Compilation *compilation, const Node *const *nodes, int count) {
    const Target *target = compilation->target;
    double cycles =
        count == 1 ? single_cycles(compilation, nodes[0])
                   : best_strips(compilation, nodes, count, most_ring_bytes(compilation)).cycles;
    int64_t read = image_bytes(nodes[0]->operands[0]);
    int64_t written = image_bytes(nodes[count - 1]->results[0]);
    return cycles + traffic_cycles(target, (double)read, read) +
           traffic_cycles(target, (double)written, written);
}
