#include "ir/pair_graph.h"

#include <inttypes.h>
#include <math.h>

/* ---- drawing ---- */

enum { STREAM_WEIGHTS = 1 << 20, STREAM_INPUTS = 1 << 21 }; /* behind the index of a tensor */

/* From -1 to 1. */
static double draw_unit(uint64_t seed, uint64_t stream, uint64_t index) {
    return (double)(residue_draw(~seed, stream, index) >> 8) * 0x1p-52 - 1;
}

/* The size of the tensor's numbers, or some. */
static double typical_size(const float *data, int64_t count) {
    double squares = 0;
    for (int64_t i = 0; i < count; i++)
        squares += (double)data[i] * (double)data[i];
    double size = sqrt(squares / (double)count);
    return size > 0 && isfinite(size) ? size : 1;
}

/* Near the weight, so that the network decides as it does; but of no weight equal to another's, as
 * then the doubles would be equal where the residues are not, and of a channel that training has
 * left dead (its weights are 1e-20, say) not all near to zero, as then no relu could be decided.
 * Its sign stays: a variance has none. */
static double near_weight(float weight, double size, double unit) {
    bool small = fabs((double)weight) < 0x1p-10 * size;
    return small ? copysign(0x1p-10 * size * unit, (double)weight)
                 : (double)weight * (1 + 0x1p-7 * unit);
}

void pairs_draw_weight(const Weight *weight, int index, uint64_t seed, Pair *pairs) {
    uint64_t stream = STREAM_WEIGHTS + (uint64_t)index;
    int64_t count = tensor_elements(&weight->type);
    double size = typical_size(weight->data, count);
    for (int64_t i = 0; i < count; i++)
        pairs[i] = (Pair){residue_draw(seed, stream, (uint64_t)i),
            near_weight(weight->data[i], size, draw_unit(seed, stream, (uint64_t)i))};
}

static Pair draw_byte(uint64_t residue, bool whole) {
    int64_t byte = (int64_t)(residue >> 20 & 255);
    return whole ? pair_of_integer(byte) : (Pair){residue, (double)byte};
}

void pairs_draw_input(const TensorType *type, int index, uint64_t seed, bool whole, Pair *pairs) {
    uint64_t stream = STREAM_INPUTS + (uint64_t)index;
    bool bytes = type->element == ELEMENT_U8;
    for (int64_t i = 0, count = tensor_elements(type); i < count; i++) {
        uint64_t residue = residue_draw(seed, stream, (uint64_t)i);
        pairs[i] = bytes ? draw_byte(residue, whole)
                         : (Pair){residue, 1.7 * draw_unit(seed, stream, (uint64_t)i)};
    }
}

/* ---- comparing ---- */

static int64_t cells_of_output(const TensorType *type, int cell_bytes) {
    return cell_bytes == 0 ? 1 : element_type_bytes(type->element) / cell_bytes;
}

Pair **pairs_make_outputs(const Graph *graph, int cell_bytes, Arena *arena) {
    Pair **outputs = ARENA_ARRAY(arena, Pair *, graph->output_count + 1);
    for (int i = 0; i < graph->output_count; i++) {
        const TensorType *type = &graph->outputs[i].value->type;
        outputs[i] =
            ARENA_ARRAY(arena, Pair, tensor_elements(type) * cells_of_output(type, cell_bytes) + 1);
    }
    return outputs;
}

/* "number 5 (image 0, channel 1, row 2, column 3)" */
static const char *place_of(const TensorType *type, int64_t index, Arena *arena) {
    Text text = {0};
    text_format(&text, "number %" PRId64 " (", index);
    int64_t stride = tensor_elements(type);
    for (int i = 0; i < type->rank; i++) {
        stride /= type->dims[i];
        text_format(&text, "%s%" PRId64, i > 0 ? ", " : "", index / stride % type->dims[i]);
    }
    text_append(&text, ")");
    const char *place = arena_copy_string(arena, text.data);
    text_free(&text);
    return place;
}

static const char *describe(
    const GraphOutput *output, int64_t index, Pair expected, Pair actual, Arena *arena) {
    bool unknown = (actual.residue & PAIR_UNKNOWN) != 0;
    return arena_format(arena, "%s of output '%s' %s", place_of(&output->value->type, index, arena),
        output->name,
        unknown
            ? "depends on memory that nobody wrote"
            : arena_format(arena, "is another: near %g, not %g", actual.number, expected.number));
}

static void compare_number(const GraphOutput *output, int64_t index, Pair expected, Pair actual,
    PairComparison *comparison, Arena *arena) {
    bool unknown = (actual.residue & PAIR_UNKNOWN) != 0;
    comparison->compared++;
    if (!unknown && (pair_is_marked(expected) || pair_is_marked(actual))) {
        comparison->unsure++;
        return;
    }
    if (!unknown && expected.residue == actual.residue)
        return;
    if (comparison->wrong++ == 0)
        comparison->fault = describe(output, index, expected, actual, arena);
}

PairComparison pairs_compare(
    const Graph *graph, Pair *const *expected, Pair *const *actual, int cell_bytes, Arena *arena) {
    PairComparison comparison = {0};
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        const TensorType *type = &output->value->type;
        int64_t count = tensor_elements(type), step = cells_of_output(type, cell_bytes);
        for (int64_t k = 0; k < count; k++)
            compare_number(output, k, expected[i][k], actual[i][k * step], &comparison, arena);
    }
    if (comparison.wrong > 1)
        comparison.fault = arena_format(
            arena, "%s, and so are or do %" PRId64 " more", comparison.fault, comparison.wrong - 1);
    return comparison;
}
