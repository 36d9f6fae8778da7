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

bool cuda_takes_pointers(const Graph *graph) {
    return graph->input_count == 1 && graph->output_count == 1;
}
