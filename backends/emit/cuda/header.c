/* NAME.h of a network for a GPU: plain C, without anything of CUDA in it. */
#include "backends/emit/cuda/source.h"
#include "backends/program/names.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/text.h"

static void document_tensor(
    Text *out, const char *member, const TensorType *type, Layout layout, const char *kind) {
    static const char *const names[] = {"batch", "channels", "height", "width"};
    static const int channels_last[] = {0, 2, 3, 1};
    bool last = type->rank == 4 && layout == LAYOUT_NHWC;
    text_format(out, " *   %s %s: %s [", kind, member,
        type->element == ELEMENT_U8 ? "bytes of pixels" : "float32");
    for (int i = 0; i < type->rank; i++)
        text_format(
            out, "%s%lld", i > 0 ? ", " : "", (long long)type->dims[last ? channels_last[i] : i]);
    text_append(out, "] (");
    for (int i = 0; i < type->rank; i++)
        text_format(out, "%s%s", i > 0 ? ", " : "", names[last ? channels_last[i] : i]);
    text_format(out, "), %lld numbers\n", (long long)tensor_elements(type));
}

static void write_documentation(
    const Graph *graph, const Program *program, const Names *names, Text *out) {
    text_format(out,
        "/* The network %s, compiled for %s.\n *\n"
        " * Tensors are dense arrays%s on the device, last dimension fastest:\n",
        graph->name, program->target->name, cuda_takes_bytes(graph) ? "" : " of float");
    for (int i = 0; i < graph->input_count; i++)
        document_tensor(
            out, names->inputs[i], &graph->inputs[i].value->type, graph->inputs[i].layout, "input");
    for (int i = 0; i < graph->output_count; i++)
        document_tensor(out, names->outputs[i], &graph->outputs[i].value->type,
            graph->outputs[i].layout, "output");
    text_format(out,
        " *\n"
        " *     struct %s_model *model;\n"
        " *     int status = %s_create(&model);\n"
        " *     status = %s_run(model, %s, stream);\n"
        " *     %s_destroy(model);\n"
        " *\n"
        " * A model belongs to the device that was current when it was made. It has one workspace, "
        "so each\n"
        " * run begins when the one before has ended, on whichever streams they are. Graphs that "
        "you "
        "capture\n"
        " * yourself are not known here: no other run of the model may go on beside one. */\n",
        names->name, names->name, names->name,
        cuda_takes_pointers(graph) ? "device_input, device_output" : "&inputs, &outputs",
        names->name);
}

static void write_macros(
    const Graph *graph, const Program *program, const Names *names, Text *out) {
    text_format(out, "#define %s_ABI_VERSION 1\n", names->upper);
    text_format(out, "#define %s_WORKSPACE_BYTES %lld /* on the device, made by create */\n",
        names->upper, (long long)program->workspace_bytes);
    text_format(out, "#define %s_PHASES %d\n", names->upper, program->phase_count);
    text_format(
        out, "#define %s_WEIGHT_BYTES %zu /* the same */\n", names->upper, program->weights.length);
    for (int i = 0; i < graph->input_count; i++)
        text_format(out, "#define %s_INPUT_%s_ELEMENTS %lld\n", names->upper,
            upper_case(program->arena, names->inputs[i]),
            (long long)tensor_elements(&graph->inputs[i].value->type));
    for (int i = 0; i < graph->output_count; i++)
        text_format(out, "#define %s_OUTPUT_%s_ELEMENTS %lld\n", names->upper,
            upper_case(program->arena, names->outputs[i]),
            (long long)tensor_elements(&graph->outputs[i].value->type));
}

typedef struct CudaStatus {
    const char *name, *meaning;
} CudaStatus;

static const CudaStatus statuses[] = {{"OK", "success"},
    {"ERROR_NULL_POINTER", "a pointer is null"},
    {"ERROR_NO_DEVICE", "there is no CUDA device, or no driver for it"},
    {"ERROR_WRONG_DEVICE", "the current device is not the model's, or cannot run its code"},
    {"ERROR_NO_MEMORY", "there is not enough memory"},
    {"ERROR_CUDA", "the CUDA runtime reports an error"},
    {"ERROR_OLD_DRIVER", "the driver is older than the CUDA runtime"},
    {"ERROR_BUSY", "another thread is starting work of this model"},
    {"ERROR_ROW_BYTES",
        "the rows of an input of bytes are less than a row apart, or too far for 32 bits"}};

enum { STATUSES = sizeof statuses / sizeof *statuses };

/* The last is of inputs of bytes. */
static void write_statuses(const Graph *graph, const Names *names, Text *out) {
    int count = cuda_takes_bytes(graph) ? STATUSES : STATUSES - 1;
    text_format(out, "\nenum %s_status {\n", names->name);
    for (int i = 0; i < count; i++)
        text_format(out, "    %s_%s = %d%s /* %s */\n", names->upper, statuses[i].name, i,
            i + 1 < count ? "," : "", statuses[i].meaning);
    text_append(out, "};\n\n");
    text_format(out,
        "/* A status in words. */\n"
        "static inline const char *%s_status_text(int status) {\n"
        "    switch (status) {\n",
        names->name);
    for (int i = 0; i < count; i++)
        text_format(out, "    case %s_%s:\n        return \"%s\";\n", names->upper,
            statuses[i].name, statuses[i].meaning);
    text_append(out, "    default:\n        return \"unknown status\";\n    }\n}\n");
}

static void write_row_bytes(const Graph *graph, const Names *names, Text *out) {
    if (!cuda_takes_bytes(graph))
        return;
    text_append(
        out, "    struct { /* bytes from a row of pixels to the next; 0: there are no gaps */\n");
    for (int i = 0; i < graph->input_count; i++)
        if (cuda_input_is_of_bytes(graph, i))
            text_format(out, "        int %s; /* up to %lld */\n", names->inputs[i],
                (long long)cuda_most_row_bytes(&graph->inputs[i].value->type));
    text_append(out, "    } row_bytes;\n");
}

static void write_structs(const Graph *graph, const Names *names, Text *out) {
    if (cuda_takes_pointers(graph))
        return;
    text_format(out,
        "\n/* The structs are the host's, the arrays the device's. */\nstruct %s_inputs {\n",
        names->name);
    for (int i = 0; i < graph->input_count; i++)
        text_format(out, "    const %s *%s;\n",
            cuda_input_is_of_bytes(graph, i) ? "unsigned char" : "float", names->inputs[i]);
    write_row_bytes(graph, names, out);
    text_format(out, "};\n\nstruct %s_outputs {\n", names->name);
    for (int i = 0; i < graph->output_count; i++)
        text_format(out, "    float *%s;\n", names->outputs[i]);
    text_append(out, "};\n");
}

static void write_functions(const Graph *graph, const Names *names, Text *out) {
    const char *name = names->name;
    const char *tensors =
        cuda_takes_pointers(graph)
            ? "const float *device_input, float *device_output"
            : arena_format(graph->arena,
                  "const struct %s_inputs *inputs,\n    const struct %s_outputs *outputs", name,
                  name);
    text_format(out,
        "\nstruct %s_model;\nstruct %s_graph;\n\n"
        "/* Allocates on the current device and copies the weights there. *model is NULL after an\n"
        " * error. */\n"
        "int %s_create(struct %s_model **model);\n"
        "/* The same, but no more than so many blocks of threads run at once, where other work "
        "shall "
        "have\n"
        " * room beside it; 0: as many as the device holds. */\n"
        "int %s_create_limited(struct %s_model **model, unsigned blocks);\n"
        "void %s_destroy(struct %s_model *model); /* NULL is allowed */\n\n"
        "/* Starts the network on the stream, a cudaStream_t (NULL is the default one), and "
        "returns: it\n"
        " * neither allocates nor waits. The tensors must stay until the stream has done it. */\n"
        "int %s_run(struct %s_model *model, %s,\n    void *stream);\n\n"
        "/* The same as a CUDA graph, which always works on these tensors. */\n"
        "int %s_capture(struct %s_model *model, %s,\n    struct %s_graph **graph);\n"
        "int %s_graph_launch(struct %s_graph *graph, void *stream);\n"
        "void %s_graph_destroy(struct %s_graph *graph); /* NULL is allowed */\n\n"
        "#ifdef %s_STAMPS\n"
        "/* With the macro, by which NAME.cu must be compiled, too, a run notes when each block "
        "that has "
        "work\n"
        " * begins and ends a phase, in nanoseconds: [phase][begin, end][block], 0 where it has "
        "none. "
        "Copies\n"
        " * those of the last run, which must have ended; NULL: only says how many blocks there "
        "are. "
        "*/\n"
        "int %s_stamps(struct %s_model *model, unsigned long long *stamps, int *blocks);\n"
        "#endif\n\n"
        "/* What the CUDA runtime said last: the cudaError_t behind the status ERROR_CUDA. */\n"
        "int %s_error(const struct %s_model *model);\n",
        name, name, name, name, name, name, name, name, name, name, tensors, name, name, tensors,
        name, name, name, name, name, names->upper, name, name, name, name);
}

void cuda_header_write(const Graph *graph, const Program *program, Text *out) {
    Names names = cuda_names(graph, program->arena);
    write_documentation(graph, program, &names, out);
    text_format(out,
        "#ifndef RIFFLE_%s_H\n#define RIFFLE_%s_H\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
        names.upper, names.upper);
    write_macros(graph, program, &names, out);
    write_statuses(graph, &names, out);
    write_structs(graph, &names, out);
    write_functions(graph, &names, out);
    text_append(out, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
