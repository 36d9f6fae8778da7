/* NAME.json: what was compiled, for other tools. The header says the same to people and compilers.
 */
#include "backends/output/json_writer.h"
#include "backends/output/output.h"
#include "backends/program/levels.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/status.h"
#include "backends/program/summary.h"
#include "backends/program/support.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/answer.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/labels.h"
#include "ir/text.h"

#include <stdio.h>
#include <string.h>

enum { METADATA_VERSION = 1 };

static const char *layout_name(Layout layout) {
    switch (layout) {
    case LAYOUT_NCHW:
        return "NCHW";
    case LAYOUT_NHWC:
        return "NHWC";
    }
    return "NCHW";
}

static const char *buffer_kind_name(BufferKind kind) {
    switch (kind) {
    case BUFFER_WORKSPACE:
        return "workspace";
    case BUFFER_INPUT:
        return "input";
    case BUFFER_OUTPUT:
        return "output";
    case BUFFER_WEIGHTS:
        return "weights";
    case BUFFER_ROW_BYTES:
        return "row bytes";
    }
    return "";
}

static const char *role_name(ParameterRole role) {
    switch (role) {
    case PARAMETER_READ:
        return "read";
    case PARAMETER_WRITE:
        return "write";
    case PARAMETER_UPDATE:
        return "update";
    case PARAMETER_WEIGHTS:
        return "weights";
    case PARAMETER_TABLE:
        return "table";
    }
    return "";
}

static void write_target(JsonWriter *writer, const Target *target) {
    json_write_object(writer, "target", JSON_LINES);
    json_write_string(writer, "name", target->name);
    json_write_string(writer, "triple", target->triple);
    json_write_string(writer, "cpu", target->cpu);
    json_write_string(writer, "features", target->features);
    json_write_integer(writer, "lanes", target->lanes);
    json_write_object_end(writer);
}

static void write_preprocessing(
    JsonWriter *writer, const Preprocessing *preprocessing, const TensorType *type) {
    int64_t channels = type->rank > 1 && type->dims[1] < 4 ? type->dims[1] : 4;
    json_write_object(writer, "preprocessing", JSON_LINES);
    json_write_string(
        writer, "channel_order", channels < 3 ? "gray" : pixel_order_name(preprocessing->order));
    json_write_number(writer, "scale", preprocessing->scale);
    json_write_array(writer, "mean", JSON_INLINE);
    for (int64_t i = 0; i < channels; i++)
        json_write_number(writer, NULL, preprocessing->mean[i]);
    json_write_array_end(writer);
    json_write_array(writer, "std", JSON_INLINE);
    for (int64_t i = 0; i < channels; i++)
        json_write_number(writer, NULL, preprocessing->std[i]);
    json_write_array_end(writer);
    json_write_integer(writer, "resize", preprocessing->resize);
    if (preprocessing->letterbox != LETTERBOX_NONE)
        json_write_string(writer, "letterbox", letterbox_name(preprocessing->letterbox));
    json_write_integer(writer, "fill", preprocessing->fill);
    json_write_object_end(writer);
}

static void write_tensor(
    JsonWriter *writer, const char *name, const TensorType *type, Layout layout) {
    json_write_string(writer, "name", name);
    json_write_string(writer, "type", element_name(type->element));
    json_write_shape(writer, "shape", type);
    json_write_string(writer, "layout", type->rank == 4 ? layout_name(layout) : "NC");
    json_write_integer(writer, "elements", tensor_elements(type));
}

static void write_interface(JsonWriter *writer, const Graph *graph) {
    json_write_array(writer, "inputs", JSON_LINES);
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        json_write_object(writer, NULL, JSON_LINES);
        write_tensor(writer, input->value->name, &input->value->type, input->layout);
        if (input->has_preprocessing)
            write_preprocessing(writer, &input->preprocessing, &input->value->type);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_array(writer, "outputs", JSON_LINES);
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        json_write_object(writer, NULL, JSON_LINES);
        write_tensor(writer, output->name, &output->value->type, output->layout);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* What a program must know to call NAME_find_ANSWER. */
static void write_answer(JsonWriter *writer, const Graph *graph) {
    json_write_object(writer, "answer", JSON_INLINE);
    json_write_string(writer, "name", graph->answer->name);
    json_write_integer(writer, "classes", answer_classes(graph));
    json_write_integer(writer, "landmarks", support_answer_landmarks(graph));
    json_write_object_end(writer);
}

static void write_labels(JsonWriter *writer, const GraphLabels *labels) {
    json_write_array(writer, "labels", JSON_INLINE);
    for (int i = 0; i < labels->count; i++)
        json_write_string(writer, NULL, labels->names[i]);
    json_write_array_end(writer);
}

static void write_levels_target(JsonWriter *writer, const ProgramLevels *levels) {
    json_write_object(writer, "target", JSON_LINES);
    json_write_string(writer, "name", levels->target->name);
    json_write_string(writer, "triple", levels->target->triple);
    json_write_array(writer, "levels", JSON_INLINE);
    for (int i = 0; i < levels->count; i++)
        json_write_string(writer, NULL, levels->programs[i]->level->target);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static void write_totals(JsonWriter *writer, const Program *program) {
    ProgramSummary summary = program_summary(program);
    json_write_object(writer, "totals", JSON_LINES);
    json_write_integer(writer, "macs", summary.macs);
    json_write_integer(writer, "bytes_moved", summary.bytes_moved);
    json_write_integer(writer, "layout_bytes", summary.layout_bytes);
    json_write_integer(writer, "weight_bytes", summary.weight_bytes);
    json_write_integer(writer, "workspace_bytes", summary.workspace_bytes);
    json_write_integer(writer, "workspace_lower_bound_bytes", summary.workspace_lower_bound_bytes);
    json_write_integer(writer, "live_bytes", summary.live_bytes);
    json_write_integer(writer, "stack_bytes", summary.stack_bytes);
    if (summary.unoptimized_stack_bytes > 0)
        json_write_integer(writer, "unoptimized_stack_bytes", summary.unoptimized_stack_bytes);
    if (program->measured->frame_bytes > 0)
        json_write_integer(writer, "frame_bytes", program->measured->frame_bytes);
    json_write_integer(writer, "kernels", summary.kernel_count);
    json_write_integer(writer, "steps", summary.step_count);
    json_write_object_end(writer);
}

static void write_buffers(JsonWriter *writer, const Program *program) {
    json_write_array(writer, "buffers", JSON_LINES);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "kind", buffer_kind_name(buffer->kind));
        json_write_string(writer, "name", buffer->name == NULL ? "" : buffer->name);
        json_write_integer(writer, "bytes", buffer->bytes);
        if (buffer->kind == BUFFER_WORKSPACE) {
            json_write_integer(writer, "offset", buffer->offset);
            json_write_integer(writer, "first_step", buffer->first_step);
            json_write_integer(writer, "last_step", buffer->last_step);
        } else if (buffer->kind != BUFFER_WEIGHTS) {
            json_write_integer(writer, "index", buffer->index);
        }
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_kernels(JsonWriter *writer, const Program *program) {
    json_write_array(writer, "kernels", JSON_LINES);
    for (int i = 0; i < program->kernel_count; i++) {
        const Kernel *kernel = program->kernels[i];
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "name", kernel->name);
        json_write_integer(writer, "extent", kernel->extent);
        json_write_array(writer, "parameters", JSON_INLINE);
        for (int j = 0; j < kernel->parameter_count; j++) {
            json_write_object(writer, NULL, JSON_INLINE);
            json_write_string(writer, "name", kernel->parameters[j].name);
            json_write_string(writer, "role", role_name(kernel->parameters[j].role));
            json_write_object_end(writer);
        }
        json_write_array_end(writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_steps(JsonWriter *writer, const Program *program) {
    json_write_array(writer, "steps", JSON_LINES);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "layer", step->path);
        json_write_string(writer, "op", step->op);
        json_write_string(writer, "label", step->label);
        json_write_string(writer, "kernel", program->kernels[step->kernel]->name);
        json_write_integer(writer, "macs", step->macs);
        json_write_integer(writer, "bytes_read", step->count.bytes_read);
        json_write_integer(writer, "bytes_written", step->count.bytes_written);
        json_write_array(writer, "arguments", JSON_INLINE);
        for (int j = 0; j < program->kernels[step->kernel]->parameter_count; j++) {
            json_write_object(writer, NULL, JSON_INLINE);
            json_write_integer(writer, "buffer", step->arguments[j].buffer);
            json_write_integer(writer, "offset", step->arguments[j].offset);
            json_write_object_end(writer);
        }
        json_write_array_end(writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_program(JsonWriter *writer, const Program *program) {
    write_totals(writer, program);
    write_buffers(writer, program);
    write_kernels(writer, program);
    write_steps(writer, program);
}

/* The programs of a library for several processors, one object each. */
static void write_levels(JsonWriter *writer, const ProgramLevels *levels) {
    json_write_array(writer, "levels", JSON_LINES);
    for (int i = 0; i < levels->count; i++) {
        const Program *program = levels->programs[i];
        json_write_object(writer, NULL, JSON_LINES);
        json_write_integer(writer, "level", program->level->number);
        write_target(writer, program->target);
        write_program(writer, program);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_weights_file(JsonWriter *writer, const Program *program) {
    const WeightsFileHeader *header = program->weights_file;
    char layout[17], checksum[17];
    snprintf(layout, sizeof layout, "%016llx", (unsigned long long)header->layout);
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)header->checksum);
    json_write_object(writer, "weights_file", JSON_LINES);
    json_write_string(
        writer, "name", arena_format(program->arena, "%s.weights", program_library_name(program)));
    json_write_integer(writer, "bytes", (int64_t)(sizeof *header + header->bytes));
    json_write_string(writer, "layout", layout);
    json_write_string(writer, "checksum", checksum);
    json_write_object_end(writer);
}

static void write_network(
    JsonWriter *writer, const Graph *graph, const Program *program, const char *pipeline) {
    if (program->levels)
        write_levels_target(writer, program->levels);
    else
        write_target(writer, program->target);
    json_write_string(writer, "precision", graph_precision(graph));
    json_write_string(writer, "pipeline", pipeline);
    if (!program->target->gpu)
        json_write_string(writer, "winograd", lower_winograd_name((int)program->winograd));
    write_interface(writer, graph);
    if (graph->answer)
        write_answer(writer, graph);
    if (graph->labels)
        write_labels(writer, graph->labels);
    if (program->weights_file)
        write_weights_file(writer, program);
    if (program->levels)
        write_levels(writer, program->levels);
    else
        write_program(writer, program);
}

/* For languages that do not read the header. */
static void write_statuses(JsonWriter *writer) {
    const char *meaning;
    int number;
    json_write_array(writer, "statuses", JSON_LINES);
    for (int row = 0; (meaning = status_meaning(row, &number)) != NULL; row++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_integer(writer, "status", number);
        json_write_string(writer, "meaning", meaning);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* Without names of files: what they hold makes a library what it is. */
static void write_provenance(JsonWriter *writer, const Provenance *provenance) {
    json_write_string(writer, "compiler", "riffle");
    json_write_string(writer, "compiler_version", provenance->version);
    json_write_array(writer, "made_of", JSON_LINES);
    for (size_t i = 0; i < provenance->file_count; i++) {
        if (provenance->files[i].sha256 == NULL)
            continue;
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "sha256", provenance->files[i].sha256);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* What the whole library begins with. */
static void write_library(
    JsonWriter *writer, const char *name, const Program *program, const Provenance *provenance) {
    json_write_string(writer, "name", name);
    json_write_integer(writer, "metadata_version", METADATA_VERSION);
    write_provenance(writer, provenance);
    if (program->shared)
        json_write_string(writer, "shared_library", arena_format(program->arena, "lib%s.so", name));
    write_statuses(writer);
}

void metadata_write(
    const Graph *graph, const Program *program, const Provenance *provenance, Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    write_library(&writer, graph->name, program, provenance);
    write_network(&writer, graph, program, provenance->pipeline);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

void metadata_write_variants(
    const LibraryPart *parts, int count, const Provenance *provenance, Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    write_library(&writer, program_library_name(parts[0].program), parts[0].program, provenance);
    json_write_array(&writer, "variants", JSON_LINES);
    for (int i = 0; i < count; i++) {
        json_write_object(&writer, NULL, JSON_LINES);
        json_write_string(&writer, "name", parts[i].graph->name);
        write_network(&writer, parts[i].graph, parts[i].program, provenance->pipeline);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}
