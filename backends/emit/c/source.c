/* NAME.c: kernels, one function per step, and the two public functions. */
#include "backends/emit/c/source.h"
#include "backends/emit/c/kernel.h"
#include "backends/emit/c/syntax.h"
#include "backends/emit/c/vectors.h"
#include "backends/program/names.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/status.h"
#include "backends/program/summary.h"
#include "backends/program/workspace.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/text.h"

typedef struct Source {
    const Graph *graph; /* or NULL */
    const Program *program;
    Arena *arena;
    Text *out;
    const char *name, *upper;       /* "net", "NET" */
    const char **inputs, **outputs; /* members of the structs */
} Source;

/* ---- head ---- */

static void append_comment(Source *source) {
    const Program *program = source->program;
    const char *name = source->name;
    Text *out = source->out;
    text_format(out, "/* %s: a neural network, compiled by riffle to C for %s.\n", name,
        program->target->name);
    text_format(out,
        " *\n"
        " * C11. Compile it with optimisation%s:\n"
        " *     cc -O2 -c %s.c",
        program->weights_file ? "" : ", and the weights with it", name);
    if (!program->weights_file)
        text_format(out,
            " %s_weights.S\n"
            " * %s_weights.S looks for %s_weights.bin in the working directory, and where -I says;",
            name, name, name);
    text_format(out,
        "\n"
        " * -ffp-contract=off gives the same bits with every compiler.\n"
        " * A call takes at most %lld bytes of a thread's stack, and %lld if compiled without\n"
        " * optimisation.\n"
        " *\n"
        " * Each kernel below does one or several layers, named above it. A step is a call of a\n"
        " * kernel on certain buffers; %s_run, at the end, does the steps in order. */\n",
        (long long)program_source_stack_bytes(program),
        (long long)program_unoptimized_stack_bytes(program), name);
}

static void append_includes(Source *source) {
    Text *out = source->out;
    if (source->graph)
        text_format(out, "#include \"%s.h\"\n\n", source->name);
    text_append(out, "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n"
                     "#include <string.h>\n");
    vectors_write_includes(source->program->target, out);
    vectors_begin_target(source->program->target, out);
    text_append(out, "\n#if defined(__GNUC__)\n"
                     "#define INLINE static inline __attribute__((always_inline, unused))\n"
                     "#define KERNEL static __attribute__((noinline))\n"
                     "#define HIDDEN __attribute__((visibility(\"hidden\")))\n"
                     "#define PREFETCH(address) __builtin_prefetch(address, 0, 2)\n"
                     "#else\n"
                     "#define INLINE static inline\n#define KERNEL static\n#define HIDDEN\n"
                     "#define PREFETCH(address) ((void)0)\n"
                     "#endif\n"
                     "\n/* Loops are unrolled as far as they should be. */\n"
                     "#if defined(__clang__)\n"
                     "#define NEVER_UNROLL _Pragma(\"clang loop unroll(disable)\")\n"
                     "#elif defined(__GNUC__)\n"
                     "#define NEVER_UNROLL _Pragma(\"GCC unroll 1\")\n"
                     "#else\n#define NEVER_UNROLL\n#endif\n\n");
}

static bool takes_bytes(const Program *program) {
    return program_row_bytes_place(program, program->input_count) > 0;
}

static void append_row_bytes(Source *source) {
    if (!takes_bytes(source->program))
        return;
    text_append(source->out, "    struct {\n");
    for (int i = 0; i < source->program->input_count; i++)
        if (program_input_is_of_bytes(source->program, i))
            text_format(source->out, "        int %s;\n", source->inputs[i]);
    text_append(source->out, "    } row_bytes;\n");
}

static void append_structs(Source *source) {
    const char *name = source->name;
    Text *out = source->out;
    text_format(out, "struct %s_inputs {\n", name);
    for (int i = 0; i < source->program->input_count; i++)
        text_format(out, "    const %s *%s;\n",
            program_input_is_of_bytes(source->program, i) ? "unsigned char" : "float",
            source->inputs[i]);
    append_row_bytes(source);
    text_format(out, "};\n\nstruct %s_outputs {\n", name);
    for (int i = 0; i < source->program->output_count; i++)
        text_format(out, "    float *%s;\n", source->outputs[i]);
    text_append(out, "};\n\n");
}

/* What NAME.h says, where there is none. */
static void append_declarations(Source *source) {
    const char *name = source->name, *upper = source->upper;
    append_structs(source);
    status_write_enum(name, upper,
        (source->program->weights_file ? STATUS_OF_WEIGHTS_APART : 0u) |
            (takes_bytes(source->program) ? STATUS_OF_BYTES : 0u),
        source->out);
    text_format(source->out,
        "\ntypedef void %s_task(void *context, size_t begin, size_t end);\n"
        "typedef void %s_parallel_for(void *pool, %s_task *task, void *context, size_t count);\n\n"
        "int %s_run(const struct %s_inputs *inputs, const struct %s_outputs *outputs,\n"
        "    void *workspace);\n"
        "int %s_run_parallel(const struct %s_inputs *inputs, const struct %s_outputs *outputs,\n"
        "    void *workspace, %s_parallel_for *parallel_for, void *pool);\n\n",
        name, name, name, name, name, name, name, name, name, name);
}

/* ---- kernels ---- */

/* "1x116x28x28" of the last of the layers that the step computes. */
static void append_shape(const Step *step, Text *out) {
    if (!step->node || step->node->result_count != 1)
        return;
    const TensorType *type = &step->node->results[0]->type;
    text_append(out, " (");
    for (int i = 0; i < type->rank; i++)
        text_format(out, i > 0 ? "x%lld" : "%lld", (long long)type->dims[i]);
    text_append(out, ")");
}

static void append_layer(const Step *step, Text *out) {
    if (step->path[0] != '\0') {
        syntax_comment(out, step->path);
        text_append(out, ": ");
    }
    syntax_comment(out, step->label[0] != '\0' ? step->label : step->op);
    append_shape(step, out);
}

static void append_layers(const Program *program, int kernel, Text *out) {
    text_append(out, "\n/* ");
    bool first = true;
    for (int i = 0; i < program->step_count; i++) {
        if (program->steps[i].kernel != kernel)
            continue;
        text_append(out, first ? "" : "\n * ");
        append_layer(&program->steps[i], out);
        first = false;
    }
    text_append(out, " */\n");
}

static bool kernels_can_be_said(const Program *program, Diagnostics *diagnostics) {
    for (int i = 0; i < program->kernel_count; i++) {
        const char *fault = c_kernel_fault(program->kernels[i]);
        if (!fault)
            continue;
        diagnostics_error(diagnostics, "'--backend llvm' makes code of it",
            "the C backend does not know '%s', which %s needs", fault, program->kernels[i]->name);
        return false;
    }
    return true;
}

static bool has_tables(const Program *program) {
    for (int i = 0; i < program->kernel_count; i++)
        for (int j = 0; j < program->kernels[i]->parameter_count; j++)
            if (program->kernels[i]->parameters[j].role == PARAMETER_TABLE)
                return true;
    return false;
}

static void append_kernels(Source *source) {
    const Program *program = source->program;
    Vectors *vectors = vectors_create(program->target, source->arena);
    Text kernels = {0};
    for (int i = 0; i < program->kernel_count; i++) {
        append_layers(program, i, &kernels);
        c_kernel_write(program->kernels[i], vectors, source->arena, &kernels);
    }
    vectors_write(vectors, source->out);
    text_append(source->out,
        "\nINLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) {\n    return a < b ? a : b;\n}\n"
        "\nINLINE ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) {\n    return a > b ? a : b;\n}\n");
    if (has_tables(program))
        text_append(source->out,
            "\n/* Whole numbers. */\n"
            "INLINE ptrdiff_t table_entry(const float *table, ptrdiff_t index) {\n"
            "    int32_t entry;\n"
            "    memcpy(&entry, (const char *)table + index * 4, sizeof entry);\n"
            "    return entry;\n}\n");
    text_append_bytes(source->out, kernels.data, kernels.length);
    text_free(&kernels);
}

/* ---- steps ---- */

static void append_argument(Source *source, const Argument *argument) {
    Text *out = source->out;
    const Buffer *buffer = &source->program->buffers[argument->buffer];
    int64_t offset = argument->offset;
    switch (buffer->kind) {
    case BUFFER_WEIGHTS:
        if (source->program->weights_file) {
            text_append(out, "(const float *)call->inputs.weights");
            offset += (int64_t)(sizeof *source->program->weights_file / sizeof(float));
        } else {
            text_format(out, "%s_weights", source->name);
        }
        break;
    case BUFFER_WORKSPACE:
        text_append(out, "call->workspace");
        offset += buffer->offset / (int64_t)sizeof(float);
        break;
    case BUFFER_INPUT:
        text_format(out, "call->inputs.%s", source->inputs[buffer->index]);
        break;
    case BUFFER_OUTPUT:
        text_format(out, "call->outputs.%s", source->outputs[buffer->index]);
        break;
    case BUFFER_ROW_BYTES:
        text_format(out, "(const float *)(const void *)&call->inputs.row_bytes.%s",
            source->inputs[buffer->index]);
        break;
    }
    if (offset != 0)
        text_format(out, " + %lld", (long long)offset);
    text_append(out, ", ");
}

/* Where a local of the step's kernel is, which is scratch. */
static void append_scratch(Source *source, int index, int local) {
    const Step *step = &source->program->steps[index];
    const Kernel *kernel = source->program->kernels[step->kernel];
    int64_t bytes =
        source->program->buffers[step->scratch].offset + kernel_scratch_offset(kernel, local);
    text_format(source->out, "\n        call->workspace + %lld + call->slot * %lld, ",
        (long long)bytes / (long long)sizeof(float),
        (long long)step_slot_bytes(source->program, index) / (long long)sizeof(float));
}

static void append_step(Source *source, int index) {
    const Step *step = &source->program->steps[index];
    const Kernel *kernel = source->program->kernels[step->kernel];
    Text *out = source->out;
    text_append(out, "\n/* ");
    append_layer(step, out);
    text_format(out,
        " */\n"
        "static void step_%d(void *context, size_t begin, size_t end) {\n"
        "    const struct call *call = context;\n"
        "    %s(",
        index, kernel->name);
    for (int i = 0; i < kernel->parameter_count; i++) {
        if (i % 3 == 0 && i > 0)
            text_append(out, "\n        ");
        append_argument(source, &step->arguments[i]);
    }
    for (int i = 0; i < kernel->local_count; i++)
        if (kernel->local_is_scratch[i])
            append_scratch(source, index, i);
    text_append(out, "\n        (ptrdiff_t)begin, (ptrdiff_t)end);\n}\n");
}

static void append_steps(Source *source) {
    if (!source->program->weights_file)
        text_format(source->out,
            "\n/* The packed weights, in %s_weights.S. */\n"
            "HIDDEN extern _Alignas(%d) const float %s_weights[];\n",
            source->name, WORKSPACE_ALIGNMENT, source->name);
    text_format(source->out,
        "\n/* What a step works on. */\n"
        "struct call {\n    struct %s_inputs inputs;\n    struct %s_outputs outputs;\n"
        "    float *workspace;\n%s};\n",
        source->name, source->name,
        program_has_scratch(source->program)
            ? "    size_t slot; /* this thread's, of the scratch of a step */\n"
            : "");
    for (int i = 0; i < source->program->step_count; i++)
        append_step(source, i);
}

/* ---- the public functions ---- */

/* Whether the file begins as that of this library does. */
static void append_weights_check(Source *source) {
    const char *upper = source->upper;
    const WeightsFileHeader *header = source->program->weights_file;
    text_format(source->out,
        "    if (inputs->weights == NULL)\n        return %s_ERROR_NULL_POINTER;\n"
        "    if ((uintptr_t)inputs->weights %% %d != 0)\n"
        "        return %s_ERROR_MISALIGNED_WEIGHTS;\n"
        "    const uint64_t *words = inputs->weights;\n"
        "    if (words[0] != UINT64_C(%llu) || words[1] != %llu ||\n"
        "        words[2] != UINT64_C(%llu) || words[3] != %llu)\n"
        "        return %s_ERROR_WEIGHTS;\n",
        upper, WORKSPACE_ALIGNMENT, upper, (unsigned long long)header->mark,
        (unsigned long long)header->version, (unsigned long long)header->layout,
        (unsigned long long)header->bytes, upper);
}

static void append_row_checks(Source *source) {
    for (int i = 0; i < source->program->buffer_count; i++) {
        const Buffer *buffer = &source->program->buffers[i];
        const char *name = buffer->row_bytes == 0 ? NULL : source->inputs[buffer->index];
        if (name)
            text_format(source->out,
                "    if (inputs->row_bytes.%s != 0 && inputs->row_bytes.%s < %lld)\n"
                "        return %s_ERROR_ROW_BYTES;\n",
                name, name, (long long)buffer->row_bytes, source->upper);
    }
}

static void append_check(Source *source) {
    const char *name = source->name, *upper = source->upper;
    Text *out = source->out;
    text_format(out,
        "\nstatic int check(const struct %s_inputs *inputs, const struct %s_outputs *outputs,\n"
        "    const void *workspace) {\n"
        "    if (inputs == NULL || outputs == NULL || workspace == NULL)\n"
        "        return %s_ERROR_NULL_POINTER;\n",
        name, name, upper);
    for (int i = 0; i < source->program->input_count; i++)
        text_format(out, "    if (inputs->%s == NULL)\n        return %s_ERROR_NULL_POINTER;\n",
            source->inputs[i], upper);
    for (int i = 0; i < source->program->output_count; i++)
        text_format(out, "    if (outputs->%s == NULL)\n        return %s_ERROR_NULL_POINTER;\n",
            source->outputs[i], upper);
    text_format(out,
        "    if ((uintptr_t)workspace %% %d != 0)\n"
        "        return %s_ERROR_MISALIGNED_WORKSPACE;\n",
        WORKSPACE_ALIGNMENT, upper);
    if (source->program->weights_file)
        append_weights_check(source);
    append_row_checks(source);
    text_format(out, "    return %s_OK;\n}\n", upper);
}

static void append_step_calls(const Program *program, bool parallel, Text *out) {
    text_format(out, "    struct call call = {*inputs, *outputs, workspace%s};\n",
        program_has_scratch(program) ? ", 0" : "");
    for (int i = 0; i < program->step_count; i++) {
        long long items = program->kernels[program->steps[i].kernel]->extent;
        int slots = step_scratch_slots(program, i);
        if (parallel && slots > 0)
            text_format(out, "    parallel_for(pool, slots_%d, &call, %d);\n", i, slots);
        else if (parallel)
            text_format(out, "    parallel_for(pool, step_%d, &call, %lld);\n", i, items);
        else
            text_format(out, "    step_%d(&call, 0, %lld);\n", i, items);
    }
}

static void append_run(Source *source, bool parallel) {
    const Program *program = source->program;
    const char *name = source->name, *upper = source->upper;
    Text *out = source->out;
    text_format(out,
        "\nint %s_run%s(const struct %s_inputs *inputs, const struct %s_outputs *outputs,\n"
        "    void *workspace",
        name, parallel ? "_parallel" : "", name, name);
    if (parallel)
        text_format(out, ", %s_parallel_for *parallel_for, void *pool", name);
    text_format(out,
        ") {\n    const int status = check(inputs, outputs, workspace);\n"
        "    if (status != %s_OK)\n        return status;\n",
        upper);
    if (parallel)
        text_format(
            out, "    if (parallel_for == NULL)\n        return %s_ERROR_NULL_POINTER;\n", upper);
    bool shared = parallel && program->loops == LOOP_PER_RUN;
    if (shared)
        c_parallel_write_run(program, upper, out);
    append_step_calls(program, parallel, out);
    text_format(out, "%s    return %s_OK;\n}\n", shared ? "#endif\n" : "", upper);
}

/* ---- the whole ---- */

static const char **numbered_members(Arena *arena, const char *stem, int count) {
    const char **names = ARENA_ARRAY(arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        names[i] = arena_format(arena, "%s%d", stem, i);
    return names;
}

bool c_source_write(
    const Graph *graph, const Program *program, Text *out, Diagnostics *diagnostics) {
    if (!kernels_can_be_said(program, diagnostics))
        return false;
    Source source = {.graph = graph,
        .program = program,
        .arena = arena_create(),
        .out = out,
        .name = program->name};
    source.upper = upper_case(source.arena, source.name);
    source.inputs = graph ? header_members(graph, false, source.arena)
                          : numbered_members(source.arena, "input", program->input_count);
    source.outputs = graph ? header_members(graph, true, source.arena)
                           : numbered_members(source.arena, "output", program->output_count);
    append_comment(&source);
    append_includes(&source);
    if (!graph)
        append_declarations(&source);
    append_kernels(&source);
    append_steps(&source);
    if (program->loops == LOOP_PER_RUN)
        c_parallel_write(program, out);
    else
        c_parallel_write_slots(program, out);
    append_check(&source);
    append_run(&source, false);
    append_run(&source, true);
    vectors_end_target(program->target, out);
    c_support_write(graph, program, out);
    arena_destroy(source.arena);
    return true;
}
