#include "driver/report_graph.h"

#include "ir/source_position.h"

#include <string.h>

static void write_value(const Value *value, JsonWriter *writer) {
    json_write_integer(writer, "id", value->id);
    json_write_shape(writer, "shape", &value->type);
    json_write_string(writer, "element", element_name(value->type.element));
}

static void write_input(const GraphInput *input, JsonWriter *writer) {
    Text text = {0};
    text_format(&text, "input %%%s : ", input->value->name);
    tensor_type_print(&input->value->type, &text);
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "name", input->value->name);
    json_write_string(writer, "text", text.data);
    write_value(input->value, writer);
    json_write_object_end(writer);
    text_free(&text);
}

/* ---- channels ---- */

/* Channels of one operand, each `step` behind the one before. */
typedef struct ChannelRun {
    int operand;
    int64_t first, step, count;
} ChannelRun;

static void write_run(const ChannelRun *run, JsonWriter *writer) {
    json_write_array(writer, NULL, JSON_INLINE);
    json_write_integer(writer, NULL, run->operand);
    json_write_integer(writer, NULL, run->first);
    json_write_integer(writer, NULL, run->step);
    json_write_integer(writer, NULL, run->count);
    json_write_array_end(writer);
}

static bool takes(ChannelRun *run, ChannelSource source) {
    if (run->operand != source.operand)
        return false;
    if (run->count == 1)
        run->step = source.channel - run->first;
    if (source.channel != run->first + run->step * run->count)
        return false;
    run->count++;
    return true;
}

static void write_sources(const Value *value, JsonWriter *writer) {
    ChannelRun run = {0};
    json_write_array(writer, NULL, JSON_INLINE);
    for (int64_t c = 0; c < tensor_channels(&value->type); c++) {
        ChannelSource source = channel_source(value, c);
        if (run.count > 0 && takes(&run, source))
            continue;
        if (run.count > 0)
            write_run(&run, writer);
        run = (ChannelRun){source.operand, source.channel, 1, 1};
    }
    write_run(&run, writer);
    json_write_array_end(writer);
}

/* ---- nodes ---- */

static size_t file_index(ReportFiles *files, const SourceFile *file) {
    size_t index = 0;
    while (index < files->count && files->items[index] != file)
        index++;
    if (index == files->count) {
        ARENA_GROW(files->arena, files->items, files->count, files->capacity, 8);
        files->items[files->count++] = file;
    }
    return index;
}

static void write_place(const Node *node, ReportFiles *files, JsonWriter *writer) {
    if (node->where.file == NULL || node->where.file->text == NULL)
        return;
    json_write_integer(writer, "file", (int64_t)file_index(files, node->where.file));
    json_write_integer(writer, "line", source_position(node->where.file, node->where.begin).line);
}

static void write_node(
    const Graph *graph, const Node *node, ReportFiles *files, JsonWriter *writer) {
    Text text = {0};
    node_print(graph, node, &text);
    size_t blanks = strspn(text.data, " ");
    if (text.length > 0 && text.data[text.length - 1] == '\n')
        text.data[text.length - 1] = '\0';
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "op", op_info(node->op)->name);
    json_write_string(writer, "path", node->path);
    json_write_string(writer, "text", text.data + blanks);
    text_free(&text);
    json_write_array(writer, "operands", JSON_INLINE);
    for (int i = 0; i < node->operand_count; i++)
        json_write_integer(writer, NULL, node->operands[i]->id);
    json_write_array_end(writer);
    json_write_array(writer, "results", JSON_INLINE);
    for (int i = 0; i < node->result_count; i++) {
        json_write_object(writer, NULL, JSON_INLINE);
        write_value(node->results[i], writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_integer(writer, "macs", node_macs(node));
    json_write_integer(writer, "parameters", node_parameters(node));
    json_write_integer(writer, "bytes", node_bytes(node));
    write_place(node, files, writer);
    if (op_moves_channels(node->op)) {
        json_write_array(writer, "sources", JSON_INLINE);
        for (int i = 0; i < node->result_count; i++)
            write_sources(node->results[i], writer);
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

void report_graph_write(const Graph *graph, ReportFiles *files, JsonWriter *writer) {
    json_write_object(writer, NULL, JSON_LINES);
    json_write_array(writer, "inputs", JSON_LINES);
    for (int i = 0; i < graph->input_count; i++)
        write_input(&graph->inputs[i], writer);
    json_write_array_end(writer);
    json_write_array(writer, "nodes", JSON_LINES);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        write_node(graph, node, files, writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

void report_files_write(const ReportFiles *files, JsonWriter *writer) {
    json_write_array(writer, "files", JSON_LINES);
    for (size_t i = 0; i < files->count; i++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "name", files->items[i]->name);
        json_write_string(writer, "text", files->items[i]->text);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}
