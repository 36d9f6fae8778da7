/* NAME.h: the only file of ours that a program includes. C99 and C++, without a warning at any
 * level, and its own documentation. */
#include "backends/output/header_support.h"
#include "backends/output/output.h"
#include "backends/program/levels.h"
#include "backends/program/names.h"
#include "backends/program/program.h"
#include "backends/program/status.h"
#include "backends/program/summary.h"
#include "backends/program/workspace.h"
#include "backends/target/levels.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/text.h"

#include <math.h>
#include <string.h>

enum { ABI_VERSION = 1 };

/* One input or output. */
typedef struct HeaderTensor {
    TensorName name;
    const TensorType *type;
    Layout layout;
    const Preprocessing *preprocessing; /* or NULL */
} HeaderTensor;

typedef struct Header {
    Text *out;
    Arena *scratch;
    const char *name;
    const char *upper;   /* the name in upper case */
    const char *library; /* its name: that of variants is another */
    HeaderTensor *inputs, *outputs;
    int input_count, output_count;
    const char *precision;
    const ProgramLevels *levels;           /* NULL: code for one processor */
    const WeightsFileHeader *weights_file; /* NULL: the weights are in the library */
    bool frames;                           /* can be prepared */
} Header;

static void collect_tensors(Header *header, const Graph *graph) {
    const TensorName *names = tensor_names(graph, false, header->scratch);
    header->input_count = graph->input_count;
    header->inputs = ARENA_ARRAY(header->scratch, HeaderTensor, graph->input_count);
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        header->inputs[i].name = names[i];
        header->inputs[i].type = &input->value->type;
        header->inputs[i].layout = input->layout;
        header->inputs[i].preprocessing = input->has_preprocessing ? &input->preprocessing : NULL;
    }
    names = tensor_names(graph, true, header->scratch);
    header->output_count = graph->output_count;
    header->outputs = ARENA_ARRAY(header->scratch, HeaderTensor, graph->output_count);
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        header->outputs[i].name = names[i];
        header->outputs[i].type = &output->value->type;
        header->outputs[i].layout = output->layout;
    }
}

static bool is_of_bytes(const HeaderTensor *tensor) {
    return tensor->type->element == ELEMENT_U8;
}

static bool takes_bytes(const Header *header) {
    bool any = false;
    for (int i = 0; i < header->input_count; i++)
        any = any || is_of_bytes(&header->inputs[i]);
    return any;
}

/* ---- documentation ---- */

/* Which dimension of the type stands at a place of the caller's array. */
static int dimension_at(const HeaderTensor *tensor, int place) {
    static const int channels_last[] = {0, 2, 3, 1};
    return tensor->type->rank == 4 && tensor->layout == LAYOUT_NHWC ? channels_last[place] : place;
}

static const char *dimension_name(int dimension) {
    static const char *const names[] = {"batch", "channels", "height", "width"};
    return names[dimension];
}

static void document_shape(Text *out, const HeaderTensor *tensor) {
    text_format(
        out, " *   %s: %s [", tensor->name.member, is_of_bytes(tensor) ? "bytes" : "float32");
    for (int i = 0; i < tensor->type->rank; i++)
        text_format(
            out, i > 0 ? ", %lld" : "%lld", (long long)tensor->type->dims[dimension_at(tensor, i)]);
    text_append(out, "] (");
    for (int i = 0; i < tensor->type->rank; i++) {
        text_append(out, i > 0 ? ", " : "");
        text_append(out, dimension_name(dimension_at(tensor, i)));
    }
    if (tensor->type->rank == 4)
        text_format(out, ": %s", tensor->layout == LAYOUT_NHWC ? "NHWC" : "NCHW");
    text_format(out, "), %lld numbers\n", (long long)tensor_elements(tensor->type));
}

static void append_numbers(Text *out, const double *numbers, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        text_format(out, i > 0 ? ", %.9g" : "%.9g", numbers[i]);
}

static void document_formula(Text *out, const Preprocessing *preprocessing, int64_t channels) {
    bool shifts = false, divides = false;
    for (int64_t i = 0; i < channels; i++) {
        shifts = shifts || preprocessing->mean[i] != 0;
        divides = divides || preprocessing->std[i] != 1;
    }
    double inverse = 1 / preprocessing->scale;
    char scaled[64] = "pixel";
    if (preprocessing->scale != 1 && fabs(inverse - round(inverse)) < 1e-9 * inverse)
        snprintf(scaled, sizeof scaled, "pixel / %.9g", round(inverse));
    else if (preprocessing->scale != 1)
        snprintf(scaled, sizeof scaled, "pixel * %.9g", preprocessing->scale);
    text_append(out, " *       value = ");
    text_format(out, shifts && divides ? "(%s - mean) / std" : shifts ? "%s - mean" : "%s", scaled);
    if (divides && !shifts)
        text_append(out, " / std");
    text_append(out, "\n");
    if (shifts) {
        text_append(out, " *       mean = ");
        append_numbers(out, preprocessing->mean, channels);
        text_append(out, "\n");
    }
    if (divides) {
        text_append(out, " *       std = ");
        append_numbers(out, preprocessing->std, channels);
        text_append(out, "\n");
    }
}

/* Where the image comes from in a picture of another size. */
static void document_place(Text *out, const Preprocessing *preprocessing, const TensorType *type) {
    if (preprocessing->letterbox != LETTERBOX_NONE)
        text_format(out,
            " *     The image is resized in its own proportions to what fits %lld x %lld (height x "
            "width;\n"
            " *     bilinear, antialiased), %s, and pixels of %lld beside it.\n",
            (long long)type->dims[2], (long long)type->dims[3],
            preprocessing->letterbox == LETTERBOX_CENTRE ? "in the middle"
                                                         : "at the top and at the left",
            (long long)preprocessing->fill);
    else if (preprocessing->resize > 0)
        text_format(out,
            " *     The image is resized so that its shorter side has %lld pixels (bilinear,\n"
            " *     antialiased), then its centre of %lld x %lld (height x width) is cut out.\n",
            (long long)preprocessing->resize, (long long)type->dims[2], (long long)type->dims[3]);
    else
        text_format(out,
            " *     The image is resized to %lld x %lld (height x width; bilinear, antialiased).\n",
            (long long)type->dims[2], (long long)type->dims[3]);
}

static void document_preprocessing(Text *out, const HeaderTensor *tensor) {
    const Preprocessing *preprocessing = tensor->preprocessing;
    const TensorType *type = tensor->type;
    int64_t channels = type->dims[1] < 4 ? type->dims[1] : 4;
    static const char *const orders[] = {[PIXELS_RGB] = "red, green, blue",
        [PIXELS_BGR] = "blue, green, red",
        [PIXELS_RGBA] = "red, green, blue, any",
        [PIXELS_BGRA] = "blue, green, red, any"};
    const char *order = channels < 3 ? "gray" : orders[preprocessing->order];
    if (is_of_bytes(tensor))
        text_format(out,
            " *     Packed pixels of 0 to 255, channels in the order %s, row after row; rows may "
            "have\n"
            " *     gaps between them (row_bytes). The network computes with:\n",
            order);
    else
        text_format(out, " *     From pixels of 0 to 255, channels in the order %s:\n", order);
    document_formula(out, preprocessing, channels);
    if (type->rank != 4)
        return;
    document_place(out, preprocessing, type);
}

static void append_members(Text *out, const HeaderTensor *tensors, int count) {
    for (int i = 0; i < count; i++)
        text_format(out, i > 0 ? ", %s" : "%s", tensors[i].name.member);
}

static void document_use(const Header *header) {
    Text *out = header->out;
    text_format(out,
        " * Use:\n"
        " *     static _Alignas(%s_WORKSPACE_ALIGNMENT) unsigned char\n"
        " *         workspace[%s_WORKSPACE_BYTES];\n"
        " *     struct %s_inputs inputs = {",
        header->upper, header->upper, header->name);
    append_members(out, header->inputs, header->input_count);
    text_append(out, header->weights_file ? ", weights" : "");
    text_append(out, takes_bytes(header) ? ", {0}" : "");
    text_format(out, "};\n *     struct %s_outputs outputs = {", header->name);
    append_members(out, header->outputs, header->output_count);
    text_format(
        out, "};\n *     int status = %s_run(&inputs, &outputs, workspace);\n */\n", header->name);
}

static void write_documentation(const Header *header) {
    Text *out = header->out;
    text_format(out,
        "/* %s: a neural network, compiled by riffle to lib%s.a.\n *\n"
        " * Inside it computes with %s.\n *\n"
        " * Inputs:\n",
        header->name, header->library, header->precision);
    for (int i = 0; i < header->input_count; i++) {
        document_shape(out, &header->inputs[i]);
        if (header->inputs[i].preprocessing != NULL)
            document_preprocessing(out, &header->inputs[i]);
    }
    text_append(out, " *\n * Outputs:\n");
    for (int i = 0; i < header->output_count; i++)
        document_shape(out, &header->outputs[i]);
    text_format(out,
        " *\n"
        " * Every tensor is a dense array, its last dimension fastest, of float, aligned as float "
        "is%s.\n"
        " * No two of the arrays and the workspace may overlap. The inputs are not changed.\n"
        " *\n"
        " * Nothing is allocated, no state is kept, no lock is taken and nothing is written but "
        "the\n"
        " * outputs and the workspace: any number of threads may call at once, each with outputs "
        "and\n"
        " * a workspace of its own. The same inputs give the same bits every time.\n"
        " *\n",
        takes_bytes(header) ? ",\n * or of bytes" : "");
    document_use(header);
}

/* ---- declarations ---- */

static void write_tensor_macros(Text *out, const HeaderTensor *tensor) {
    text_format(out, "#define %s_ELEMENTS %lld\n", tensor->name.macro,
        (long long)tensor_elements(tensor->type));
    for (int i = 0; i < tensor->type->rank; i++)
        text_format(out, "#define %s_%s %lld\n", tensor->name.macro,
            (const char *[]){"BATCH", "CHANNELS", "HEIGHT", "WIDTH"}[i],
            (long long)tensor->type->dims[i]);
}

static void write_macros(const Header *header, const ProgramSummary *summary) {
    Text *out = header->out;
    text_append(out, "/* Raised when calls of older programs would no longer work. */\n");
    text_format(out, "#define %s_ABI_VERSION %d\n\n", header->upper, ABI_VERSION);
    text_append(out,
        "/* The workspace: scratch memory of a call, without meaning before and after. "
        "*/\n");
    /* An array of no bytes is not C: a network without intermediate tensors asks for one alignment.
     */
    long long workspace =
        summary->workspace_bytes > 0 ? summary->workspace_bytes : WORKSPACE_ALIGNMENT;
    text_format(out, "#define %s_WORKSPACE_BYTES %lld\n", header->upper, workspace);
    text_format(out, "#define %s_WORKSPACE_ALIGNMENT %d\n\n", header->upper, WORKSPACE_ALIGNMENT);
    if (header->weights_file)
        text_format(out,
            "/* The file of the weights, %s.weights. Where it is in memory, mapped or read, goes "
            "into\n"
            " * %s_inputs; any number of calls may share it. */\n"
            "#define %s_WEIGHTS_BYTES %lld\n#define %s_WEIGHTS_ALIGNMENT %d\n\n",
            header->library, header->name, header->upper,
            (long long)(sizeof *header->weights_file + header->weights_file->bytes), header->upper,
            WORKSPACE_ALIGNMENT);
    text_append(out,
        "/* The calling thread's stack, and that of each thread of a parallel loop, must have "
        "so much left. */\n");
    text_format(
        out, "#define %s_STACK_BYTES %lld\n", header->upper, (long long)summary->stack_bytes);
    if (summary->unoptimized_stack_bytes > 0)
        text_format(out,
            "/* The same of %s.c compiled without optimisation (-O0). */\n"
            "#define %s_STACK_BYTES_UNOPTIMIZED %lld\n",
            header->name, header->upper, (long long)summary->unoptimized_stack_bytes);
    text_append(out, "\n");
    for (int i = 0; i < header->input_count; i++)
        write_tensor_macros(out, &header->inputs[i]);
    for (int i = 0; i < header->output_count; i++)
        write_tensor_macros(out, &header->outputs[i]);
}

static void write_row_bytes(const Header *header) {
    if (!takes_bytes(header))
        return;
    text_append(header->out,
        "    struct { /* bytes from a row of pixels to the next; 0: there are no gaps */\n");
    for (int i = 0; i < header->input_count; i++)
        if (is_of_bytes(&header->inputs[i]))
            text_format(header->out, "        int %s;\n", header->inputs[i].name.member);
    text_append(header->out, "    } row_bytes;\n");
}

static void write_structs(const Header *header) {
    Text *out = header->out;
    text_format(out, "\nstruct %s_inputs {\n", header->name);
    for (int i = 0; i < header->input_count; i++)
        text_format(out, "    const %s *%s; /* %s_ELEMENTS */\n",
            is_of_bytes(&header->inputs[i]) ? "unsigned char" : "float",
            header->inputs[i].name.member, header->inputs[i].name.macro);
    if (header->weights_file)
        text_format(out,
            "    const void *weights; /* what %s.weights holds, aligned to %s_WEIGHTS_ALIGNMENT "
            "*/\n",
            header->library, header->upper);
    write_row_bytes(header);
    text_format(out, "};\n\nstruct %s_outputs {\n", header->name);
    for (int i = 0; i < header->output_count; i++)
        text_format(out, "    float *%s; /* %s_ELEMENTS */\n", header->outputs[i].name.member,
            header->outputs[i].name.macro);
    text_append(out, "};\n");
}

/* What the library has of STATUS_OF_. */
static unsigned statuses(const Header *header) {
    return (header->levels ? STATUS_OF_LEVELS : 0u) |
           (header->weights_file ? STATUS_OF_WEIGHTS_APART : 0u) |
           (header->frames ? STATUS_OF_FRAMES : 0u) | (takes_bytes(header) ? STATUS_OF_BYTES : 0u);
}

static void write_steps(Text *out, const char *of, const HeaderTensor *tensors, int count) {
    for (int i = 0; i < count; i++) {
        const char *member = tensors[i].name.member, *macro = tensors[i].name.macro;
        text_format(out, "        %s.%s = %ss->%s + i * ", of, member, of, member);
        if (is_of_bytes(&tensors[i]))
            text_format(out,
                "(inputs->row_bytes.%s > 0\n"
                "            ? (size_t)inputs->row_bytes.%s * %s_BATCH * %s_HEIGHT : "
                "%s_ELEMENTS);\n",
                member, member, macro, macro, macro);
        else
            text_format(out, "%s_ELEMENTS;\n", macro);
    }
}

/* In the header, so that it is there for all targets, in whatever file the code is. */
static void write_batch_function(const Header *header) {
    const char *name = header->name;
    Text *out = header->out;
    text_format(out,
        "\n/* As %s_run, `count` times: the tensors of run i lie behind those of run i - 1, with "
        "no "
        "gap.\n"
        " * Ends with the first status that is not %s_OK. */\n"
        "static inline int %s_run_batch(const struct %s_inputs *inputs,\n"
        "    const struct %s_outputs *outputs, void *workspace, size_t count) {\n"
        "    struct %s_inputs input;\n"
        "    struct %s_outputs output;\n"
        "    int status = %s_OK;\n"
        "    size_t i;\n"
        "    if (inputs == NULL || outputs == NULL)\n"
        "        return %s_ERROR_NULL_POINTER;\n"
        "    input = *inputs;\n"
        "    output = *outputs;\n"
        "    for (i = 0; i < count && status == %s_OK; i++) {\n",
        name, header->upper, name, name, name, name, name, header->upper, header->upper,
        header->upper);
    write_steps(out, "input", header->inputs, header->input_count);
    write_steps(out, "output", header->outputs, header->output_count);
    text_format(out,
        "        status = %s_run(&input, &output, workspace);\n"
        "    }\n"
        "    return status;\n"
        "}\n",
        name);
}

static void write_functions(const Header *header) {
    const char *name = header->name, *upper = header->upper;
    Text *out = header->out;
    text_format(out,
        "\n/* Computes the outputs from the inputs on the calling thread. Returns a %s_status; "
        "when\n"
        " * that is not %s_OK, nothing was written. */\n"
        "int %s_run(const struct %s_inputs *inputs, const struct %s_outputs *outputs,\n"
        "    void *workspace);\n",
        name, header->upper, name, name, name);
    text_format(out,
        "\n/* A task does the items begin to end - 1 of a loop; different items may run at once. "
        "*/\n"
        "typedef void %s_task(void *context, size_t begin, size_t end);\n"
        "\n/* Yours to write: calls the task, on whatever threads and in whatever shares, so that "
        "every\n"
        " * item of 0 to count - 1 is done exactly once, and returns when all are done. */\n"
        "typedef void %s_parallel_for(\n"
        "    void *pool, %s_task *task, void *context, size_t count);\n",
        name, name, name);
    text_format(out,
        "\n/* As %s_run, shared by the threads on which parallel_for calls its task; it is given "
        "`pool`\n"
        " * as it is (NULL is allowed), and called once, or again where the task ended before all "
        "was\n"
        " * done: at most once for each step of the network. When it has then not done all items, "
        "the\n"
        " * status is %s_ERROR_PARALLEL_FOR, and the outputs mean nothing. In the task threads "
        "wait "
        "for\n"
        " * each other, briefly and without sleeping. The outputs are the same, bit for bit. */\n"
        "int %s_run_parallel(const struct %s_inputs *inputs,\n"
        "    const struct %s_outputs *outputs, void *workspace,\n"
        "    %s_parallel_for *parallel_for, void *pool);\n",
        name, upper, name, name, name, name);
    write_batch_function(header);
    text_format(out,
        "\n/* A status in words. */\n"
        "static inline const char *%s_status_text(int status) {\n"
        "    switch (status) {\n",
        name);
    status_write_cases(upper, statuses(header), out);
    text_append(out, "    default:\n        return \"unknown status\";\n    }\n}\n");
}

static void write_level_enum(const Header *header) {
    text_format(header->out, "enum %s_level {\n    %s_LEVEL_NONE = 0", header->name, header->upper);
    for (int i = 0; i < header->levels->count; i++) {
        const TargetLevel *level = header->levels->programs[i]->level;
        text_format(header->out, ",\n    %s_LEVEL_%s = %d", header->upper,
            upper_case(header->scratch, level->word), level->number);
    }
    text_append(header->out, "\n};\n");
}

/* Whether there are levels of ARM that some processors lack. */
static bool levels_ask_more(const ProgramLevels *levels) {
    bool more = false;
    for (int i = 0; i < levels->count; i++)
        more = more || levels->programs[i]->level->hwcap != 0;
    return more;
}

/* Levels of x86 are parts of the instruction set; those of ARM are orders of the same instructions,
 * and parts of it besides. */
static void write_level_words(const Header *header, bool rises) {
    const char *name = header->name, *upper = header->upper;
    const char *everywhere =
        levels_ask_more(header->levels)
            ? " * those without DOT or I8MM in their names run everywhere, as fast as they fit; "
              "the "
              "others stop at\n"
              " * an illegal instruction where the processor has no such. Any other number "
              "returns\n"
            : " * all run everywhere, as fast as they fit. Any other number returns\n";
    text_format(header->out,
        rises
            ? "\n/* The highest level of this processor. %s_run and %s_run_parallel ask it at each "
              "call: under\n"
              " * a microsecond, but up to tens of them in a virtual machine. Who cannot spare "
              "that "
              "keeps the\n"
              " * answer, which never changes, and calls the functions below. */\n"
              "int %s_level(void);\n"
              "\n/* As %s_run and %s_run_parallel, by the code of a level that is no higher than\n"
              " * %s_level(); any other number returns %s_ERROR_PROCESSOR. A level that the "
              "processor "
              "does\n"
              " * not have stops at an illegal instruction. */\n"
            : "\n/* The level for the core that runs this now, which may be another one at the "
              "next call; by\n"
              " * getauxval, where the program has that. %s_run and %s_run_parallel ask it at each "
              "call:\n"
              " * a few microseconds. */\n"
              "int %s_level(void);\n"
              "\n/* As %s_run and %s_run_parallel, by the code of that level, whatever %s_level() "
              "says:\n",
        name, name, name, name, name, name, upper);
    if (!rises)
        text_format(header->out, "%s * %s_ERROR_PROCESSOR. */\n", everywhere, upper);
}

/* What a library with code for several processors has besides. */
static void write_level_functions(const Header *header) {
    const char *name = header->name;
    Text *out = header->out;
    bool rises = header->levels->programs[0]->target->architecture == ARCHITECTURE_X86_64;
    text_append(out,
        rises ? "\n/* The library has code for several processors: levels, each of which "
                "has what those below it\n * have. */\n"
              : "\n/* The library has code for several kinds of cores: a level for each. */\n");
    write_level_enum(header);
    write_level_words(header, rises);
    text_format(out,
        "int %s_run_level(int level, const struct %s_inputs *inputs,\n"
        "    const struct %s_outputs *outputs, void *workspace);\n"
        "int %s_run_parallel_level(int level, const struct %s_inputs *inputs,\n"
        "    const struct %s_outputs *outputs, void *workspace,\n"
        "    %s_parallel_for *parallel_for, void *pool);\n",
        name, name, name, name, name, name, name);
}

static Header describe(const Graph *graph, const Program *program, Text *out) {
    Header header = {.out = out,
        .scratch = arena_create(),
        .name = graph->name,
        .library = program_library_name(program),
        .precision = graph_precision(graph),
        .levels = program->levels,
        .weights_file = program->weights_file,
        .frames = header_has_frames(graph, program)};
    header.upper = upper_case(header.scratch, graph->name);
    collect_tensors(&header, graph);
    return header;
}

static void begin_guard(const char *upper, Text *out) {
    text_format(out,
        "#ifndef RIFFLE_%s_H\n#define RIFFLE_%s_H\n\n#include <stddef.h>\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
        upper, upper);
}

static void end_guard(Text *out) {
    text_append(out, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

static void write_declarations(const Header *header, const Graph *graph, const Program *program) {
    ProgramSummary summary = program_summary(program);
    write_macros(header, &summary);
    status_write_enum(header->name, header->upper, statuses(header), header->out);
    write_structs(header);
    write_functions(header);
    if (header->levels)
        write_level_functions(header);
    header_write_support(graph, program, header->upper, header->out);
}

void header_write(const Graph *graph, const Program *program, Text *out) {
    Header header = describe(graph, program, out);
    write_documentation(&header);
    begin_guard(header.upper, out);
    write_declarations(&header, graph, program);
    end_guard(out);
    arena_destroy(header.scratch);
}

void header_write_variants(const LibraryPart *parts, int count, Text *out) {
    const char *name = program_library_name(parts[0].program);
    text_format(out,
        "/* %s: a neural network in several variants, compiled by riffle to lib%s.a. Each is "
        "declared\n"
        " * below by itself, with a name of its own; all use the same weights:\n",
        name, name);
    for (int i = 0; i < count; i++)
        text_format(out, " *   %s_run\n", parts[i].graph->name);
    text_append(out, " */\n");
    for (int i = 0; i < count; i++) {
        Header header = describe(parts[i].graph, parts[i].program, out);
        if (i == 0)
            begin_guard(upper_case(header.scratch, name), out);
        else
            text_append(out, "\n");
        write_documentation(&header);
        write_declarations(&header, parts[i].graph, parts[i].program);
        arena_destroy(header.scratch);
    }
    end_guard(out);
}
