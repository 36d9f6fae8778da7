#include "ir/labels.h"

#include "ir/answer.h"

#include <string.h>

void graph_set_labels(Graph *graph, const GraphLabels *labels) {
    GraphLabels *copy = ARENA_NEW(graph->arena, GraphLabels);
    *copy = *labels;
    copy->names = ARENA_ARRAY(graph->arena, const char *, labels->count + 1);
    for (int i = 0; i < labels->count; i++)
        copy->names[i] = arena_copy_string(graph->arena, labels->names[i]);
    graph->labels = copy;
}

bool output_is_classes(const GraphOutput *output) {
    const TensorType *type = &output->value->type;
    return type->rank == 2 || (type->rank == 4 && type->dims[2] == 1 && type->dims[3] == 1);
}

int64_t graph_classes(const Graph *graph) {
    if (graph->answer != NULL)
        return answer_classes(graph);
    return graph->output_count > 0 && output_is_classes(&graph->outputs[0])
               ? graph->outputs[0].value->type.dims[1]
               : 0;
}

const char *labels_fault(const Graph *graph, const GraphLabels *labels, Arena *arena) {
    int64_t classes = graph_classes(graph);
    if (classes == 0)
        return "labels are for networks with an answer, or with a number for each class in the "
               "first output";
    if (classes != labels->count)
        return arena_format(arena, "there are %d labels where the network has %lld classes",
            labels->count, (long long)classes);
    return NULL;
}

static int count_lines(const SourceFile *file) {
    int lines = 0;
    for (size_t i = 0; i < file->length; i++)
        lines += file->text[i] == '\n';
    return lines + (file->length > 0 && file->text[file->length - 1] != '\n');
}

const char **labels_of_lines(const SourceFile *file, Arena *arena, int *count) {
    *count = count_lines(file);
    const char **names = ARENA_ARRAY(arena, const char *, *count + 1);
    const char *line = file->text, *end = file->text + file->length;
    for (int i = 0; i < *count; i++) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((line_end == NULL ? end : line_end) - line);
        const char *next = line + length + 1;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        names[i] = arena_copy_bytes(arena, line, length);
        line = next;
    }
    return names;
}
