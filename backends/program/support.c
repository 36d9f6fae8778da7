/* See support.h. */
#include "backends/program/support.h"
#include "backends/program/names.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/support_sources.h"
#include "backends/program/variants.h"
#include "ir/answer.h"
#include "ir/labels.h"

#include <string.h>

typedef struct SupportRow {
    SupportOf of;
    const char *before, *after, *implementation, *result, *parameters, *arguments;
} SupportRow;

static const SupportRow rows[] = {
#define SUPPORT(identifier, of, ...) {SUPPORT_OF_##of, __VA_ARGS__},
#include "backends/program/support.def"
};

bool support_is_built_in(const Program *program) {
#ifdef RIFFLE_HAS_SUPPORT_CODE
    (void)program;
    return true;
#else
    return program->backend == BACKEND_C;
#endif
}

static void add_functions(SupportFunctions *functions, const char *network, SupportOf of,
    const char *member, const char *number, SupportConstants constants, Arena *arena) {
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        const SupportRow *row = &rows[kind];
        if (row->of == of)
            functions->items[functions->count++] = (SupportFunction){.kind = (SupportKind)kind,
                .network = network,
                .word = arena_format(arena, "%s%s%s", row->before, member, row->after),
                .implementation = row->implementation,
                .result = row->result,
                .parameters = row->parameters,
                .arguments = row->arguments,
                .number = number,
                .constants = functions->constants_count,
                .member = member};
    }
    functions->constants[functions->constants_count++] = constants;
    functions->has[of] = true;
}

SupportFunctions support_functions(const Graph *graph, const Program *program, Arena *arena) {
    SupportFunctions functions = {0};
    if (!graph || !support_is_built_in(program))
        return functions;
    int most = graph->input_count + 3; /* with an answer, labels and a file of weights */
    functions.items = ARENA_ARRAY(arena, SupportFunction, most * SUPPORT_KINDS);
    functions.constants = ARENA_ARRAY(arena, SupportConstants, most);
    const TensorName *names = tensor_names(graph, false, arena);
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        if (support_prepares(input))
            add_functions(&functions, program->name, SUPPORT_OF_FRAMES, names[i].member,
                input->value->type.element == ELEMENT_U8 ? "unsigned char" : "float",
                support_constants(input, LARGEST_FRAME, arena), arena);
    }
    if (graph->answer)
        add_functions(&functions, program->name, SUPPORT_OF_BOXES, graph->answer->name, "",
            support_answer_constants(graph, arena), arena);
    else if (output_is_classes(&graph->outputs[0]))
        add_functions(&functions, program->name, SUPPORT_OF_CLASSES,
            tensor_names(graph, true, arena)[0].member, "",
            support_class_constants(&graph->outputs[0], arena), arena);
    if (graph->labels)
        add_functions(&functions, program->name, SUPPORT_OF_LABELS, "", "",
            support_label_constants(graph, arena), arena);
    if (program->weights_file)
        add_functions(&functions, program->name, SUPPORT_OF_WEIGHTS, "", "",
            support_weights_constants(program, arena), arena);
    return functions;
}

SupportFunctions support_library_functions(
    const Graph *graph, const Program *program, Arena *arena) {
    const ProgramVariants *variants = program->variants;
    if (!graph || !variants)
        return support_functions(graph, program, arena);
    SupportFunctions *each = ARENA_ARRAY(arena, SupportFunctions, variants->count), all = {0};
    for (int i = 0; i < variants->count; i++) {
        each[i] = support_functions(variants->graphs[i], variants->programs[i], arena);
        all.count += each[i].count;
        all.constants_count += each[i].constants_count;
    }
    all.items = ARENA_ARRAY(arena, SupportFunction, all.count + 1);
    all.constants = ARENA_ARRAY(arena, SupportConstants, all.constants_count + 1);
    all.count = all.constants_count = 0;
    for (int i = 0; i < variants->count; i++) {
        for (int k = 0; k < each[i].count; k++) {
            all.items[all.count] = each[i].items[k];
            all.items[all.count++].constants += all.constants_count;
        }
        for (int k = 0; k < each[i].constants_count; k++)
            all.constants[all.constants_count++] = each[i].constants[k];
    }
    return all;
}

/* ---- texts ---- */

void support_write_named(const char *text, const char *name, const char *upper, Text *out) {
    static const char lower_word[] = "riffle_", upper_word[] = "RIFFLE_";
    size_t length = sizeof lower_word - 1;
    while (*text != '\0') {
        bool lower = strncmp(text, lower_word, length) == 0;
        if (lower || strncmp(text, upper_word, length) == 0) {
            text_format(out, "%s_", lower ? name : upper);
            text += length;
        } else {
            text_append_bytes(out, text++, 1);
        }
    }
}

void support_write_prototype(
    const SupportFunction *function, const char *name, const char *upper, Text *out) {
    static const char number[] = "NUMBER";
    const char *text = function->parameters, *found = strstr(text, number);
    bool is_pointer = function->result[strlen(function->result) - 1] == '*';
    text_format(out, is_pointer ? "%s%s_%s(" : "%s %s_%s(", function->result, name, function->word);
    if (found != NULL) {
        Text typed = {0};
        text_append_bytes(&typed, text, (size_t)(found - text));
        text_format(&typed, "%s%s", function->number, found + sizeof number - 1);
        support_write_named(typed.data, name, upper, out);
        text_free(&typed);
    } else {
        support_write_named(text, name, upper, out);
    }
    text_append(out, ")");
}

/* Without lines about files. */
static void write_code(const char *text, const char *name, const char *upper, Text *out) {
    Text kept = {0};
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        length += text[length] == '\n';
        bool is_of_file = strncmp(text, "#include", strlen("#include")) == 0 ||
                          strncmp(text, "#pragma once", strlen("#pragma once")) == 0;
        if (!is_of_file)
            text_append_bytes(&kept, text, length);
        text += length;
    }
    text_append(out, "\n");
    support_write_named(kept.data, name, upper, out);
    text_free(&kept);
}

void support_write_types(const SupportFunctions *functions, const Graph *graph, const char *name,
    const char *upper, Text *out) {
    if (functions->has[SUPPORT_OF_FRAMES])
        write_code(frame_types_source, name, upper, out);
    if (functions->has[SUPPORT_OF_FRAMES] || functions->has[SUPPORT_OF_BOXES])
        write_code(mapping_source, name, upper, out);
    if (!functions->has[SUPPORT_OF_BOXES])
        return;
    text_format(out,
        "\n/* What %s_find_%s finds, in pixels of the frame; corners may lie beyond its borders. "
        "*/\n"
        "struct %s_box {\n"
        "    float left, top, right, bottom;\n"
        "    float score;\n"
        "    int class_index; /* 0 to %lld */\n",
        name, graph->answer->name, name, (long long)answer_classes(graph) - 1);
    if (support_answer_landmarks(graph) > 0)
        text_format(
            out, "    float landmarks[%d][2]; /* x and y */\n", support_answer_landmarks(graph));
    text_append(out, "};\n");
}

static void write_sources(
    const char *const *sources, const char *name, const char *upper, Text *out) {
    for (; *sources != NULL; sources++)
        write_code(*sources, name, upper, out);
}

void support_write_source(
    const SupportFunctions *functions, const char *name, const char *upper, Text *out) {
    static const char *const of_frames[] = {once_source, prepare_numbers_source,
        prepare_places_source, colours_source, resize_source, prepare_source, NULL};
    static const char *const of_boxes[] = {
        box_layout_source, box_functions_source, boxes_source, NULL};
    static const char *const of_weights[] = {
        check_weights_numbers_source, hash_source, check_weights_source, NULL};
    static const char *const of_labels[] = {label_source, NULL};
    static const char *const of_classes[] = {top_numbers_source, top_source, NULL};
    text_format(out, "\n#define %s_SUPPORT_SHARED static\n", upper);
    text_append(out, "enum {\n");
#define STATUS(identifier, name_of_header, number, ...)                                            \
    text_format(out, "    %s_STATUS_" #identifier " = %d,\n", upper, number);
#include "backends/program/status.def"
    text_append(out, "};\n");
    if (functions->has[SUPPORT_OF_FRAMES])
        write_sources(of_frames, name, upper, out);
    if (functions->has[SUPPORT_OF_LABELS])
        write_sources(of_labels, name, upper, out);
    if (functions->has[SUPPORT_OF_WEIGHTS])
        write_sources(of_weights, name, upper, out);
    if (functions->has[SUPPORT_OF_BOXES] || functions->has[SUPPORT_OF_CLASSES])
        write_code(functions_source, name, upper, out);
    if (functions->has[SUPPORT_OF_CLASSES])
        write_sources(of_classes, name, upper, out);
    if (!functions->has[SUPPORT_OF_BOXES])
        return;
    text_append(out, "\nenum {\n");
    for (int i = 0; i < DECODING_COUNT; i++)
        text_format(out, "    %s_DECODING_%s,\n", upper, decoding_info((Decoding)i).name);
    text_append(out, "};\n");
    write_sources(of_boxes, name, upper, out);
}
