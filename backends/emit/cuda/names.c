/* What the files of a network for a GPU call things. */
#include "backends/program/names.h"
#include "backends/emit/cuda/source.h"
#include "ir/arena.h"
#include "ir/graph.h"

Names cuda_names(const Graph *graph, Arena *arena) {
    Names names = {.name = arena_format(arena, "%s_cuda", graph->name)};
    names.upper = upper_case(arena, names.name);
    names.inputs = header_members(graph, false, arena);
    names.outputs = header_members(graph, true, arena);
    return names;
}

bool cuda_input_is_of_bytes(const Graph *graph, int index) {
    return graph->inputs[index].value->type.element == ELEMENT_U8;
}

bool cuda_takes_bytes(const Graph *graph) {
    bool any = false;
    for (int i = 0; i < graph->input_count; i++)
        any = any || cuda_input_is_of_bytes(graph, i);
    return any;
}

int64_t cuda_most_row_bytes(const TensorType *type) {
    enum { LARGEST_OFFSET = 1 << 30 };
    return LARGEST_OFFSET / (type->dims[0] * type->dims[2]);
}

bool cuda_takes_pointers(const Graph *graph) {
    return graph->input_count == 1 && graph->output_count == 1 && !cuda_takes_bytes(graph);
}
