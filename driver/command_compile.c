/* riffle compile: from a spec and weights to a static library. Everything is made in memory first
 * and written at the end, so that a fault leaves no file behind. */
#include "backends/backends.h"
#include "backends/emit/c/source.h"
#include "backends/emit/cuda/source.h"
#include "backends/output/program_draw.h"
#include "backends/output/weights_object.h"
#include "backends/program/program.h"
#include "backends/schedule/schedule_text.h"
#include "driver/depfile.h"
#include "driver/graphviz.h"
#include "driver/model.h"
#include "driver/output_files.h"
#include "driver/provenance.h"
#include "driver/variants.h"
#include "ir/clock.h"
#include "ir/progress.h"
#include "ir/quote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPTION_EMIT = 1000,
    OPTION_DEPFILE,
    OPTION_DRAW_ONLY,
    OPTION_WEIGHTS_FILE,
    OPTION_VARIANT,
    OPTION_SHARED,
    OPTION_LINKER
};

typedef enum OutputKind {
    OUTPUT_LIBRARY,
    OUTPUT_SHARED_LIBRARY, /* made of the one before */
    OUTPUT_HEADER,
    OUTPUT_METADATA,
    OUTPUT_WEIGHTS_FILE,
    OUTPUT_LLVM_IR,
    OUTPUT_ASSEMBLY,
    OUTPUT_OBJECT,
    OUTPUT_WEIGHTS_OBJECT,
    OUTPUT_GRAPH,
    OUTPUT_SCHEDULE,
    OUTPUT_KERNELS,
    OUTPUT_DRAWING,
    OUTPUT_PICTURE,
    OUTPUT_MATERIALS,
    OUTPUT_C_SOURCE,
    OUTPUT_C_WEIGHTS,
    OUTPUT_C_WEIGHTS_BYTES,
    OUTPUT_CUDA_SOURCE,
    OUTPUT_PTX,
    OUTPUT_CUBIN,
    OUTPUT_FATBIN,
    OUTPUT_COUNT
} OutputKind;

typedef struct OutputInfo {
    const char *emit_word; /* of --emit; NULL: written always */
    const char *format;    /* of the file's name; %s is the network's */
} OutputInfo;

static const OutputInfo output_table[OUTPUT_COUNT] = {
    [OUTPUT_LIBRARY] = {NULL, "lib%s.a"},
    [OUTPUT_SHARED_LIBRARY] = {NULL, "lib%s.so"},
    [OUTPUT_HEADER] = {NULL, "%s.h"},
    [OUTPUT_METADATA] = {NULL, "%s.json"},
    [OUTPUT_WEIGHTS_FILE] = {NULL, "%s.weights"},
    [OUTPUT_LLVM_IR] = {"ll", "%s.ll"},
    [OUTPUT_ASSEMBLY] = {"s", "%s.s"},
    [OUTPUT_OBJECT] = {"o", "%s.o"},
    [OUTPUT_WEIGHTS_OBJECT] = {"o", "%s_weights.o"},
    [OUTPUT_GRAPH] = {"rir", "%s.rir"},
    [OUTPUT_SCHEDULE] = {"schedule", "%s.schedule"},
    [OUTPUT_KERNELS] = {"kernels", "%s.rkir"},
    [OUTPUT_DRAWING] = {"dot", "%s.dot"},
    [OUTPUT_PICTURE] = {"svg", "%s.svg"},
    [OUTPUT_MATERIALS] = {"cyclonedx", "%s.cdx.json"},
    [OUTPUT_C_SOURCE] = {"c", "%s.c"},
    [OUTPUT_C_WEIGHTS] = {"c", "%s_weights.S"},
    [OUTPUT_C_WEIGHTS_BYTES] = {"c", "%s_weights.bin"},
    [OUTPUT_CUDA_SOURCE] = {"cu", "%s.cu"},
    [OUTPUT_PTX] = {"ptx", "%s.ptx"},
    [OUTPUT_CUBIN] = {"cubin", "%s.cubin"},
    [OUTPUT_FATBIN] = {"fatbin", "%s.fatbin"},
};

/* What is written to a file. */
typedef struct Output {
    Text text;
    Splice splice;
} Output;

typedef struct CompileOptions {
    ModelOptions model;
    Session *session;
    const char *directory;
    const char *depfile;   /* NULL: none */
    const char *draw_only; /* NULL: all */
    const char *nvcc;      /* NULL when there is none */
    bool wanted[OUTPUT_COUNT];
    bool weights_apart, shared;
    const char *linker; /* that --linker names; NULL: whichever is there */
    VariantList variants;
} CompileOptions;

static void take_emit_word(CompileOptions *options, const char *word) {
    const char *words[OUTPUT_COUNT];
    size_t count = 0;
    bool known = false;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (output_table[i].emit_word == NULL)
            continue;
        words[count++] = output_table[i].emit_word;
        if (strcmp(output_table[i].emit_word, word) == 0)
            options->wanted[i] = known = true;
    }
    if (known)
        return;
    const char *nearest = closest_word(word, words, count);
    diagnostics_error(options->session->diagnostics,
        nearest == NULL ? "give some of c, ll, s, o, ptx, cubin, fatbin, rir, schedule, kernels, "
                          "dot, svg, cyclonedx, separated by commas"
                        : arena_format(options->session->arena, "did you mean '%s'?", nearest),
        "'%s' is nothing that --emit can write", word);
}

static void take_emit_list(CompileOptions *options, const char *list) {
    char *words = arena_copy_string(options->session->arena, list), *rest = words;
    for (char *word; (word = strsep(&rest, ",")) != NULL;)
        take_emit_word(options, word);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    CompileOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 5);
        return 0;
    case 'o':
        if (*argument == '\0') {
            diagnostics_error(
                options->session->diagnostics, "'-o .' is here", "'' is no directory for -o");
            return EINVAL;
        }
        options->directory = argument;
        return 0;
    case OPTION_EMIT:
        take_emit_list(options, argument);
        return 0;
    case OPTION_DEPFILE:
        options->depfile = argument;
        return 0;
    case OPTION_DRAW_ONLY:
        options->draw_only = argument;
        return 0;
    case OPTION_VARIANT:
        return variant_take(&options->variants, argument, options->session) ? 0 : EINVAL;
    case OPTION_WEIGHTS_FILE:
        options->weights_apart = true;
        return 0;
    case OPTION_SHARED:
        options->shared = true;
        return 0;
    case OPTION_LINKER:
        options->linker = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "DIRECTORY", 0, "Write the files there; made when absent (default: here)", 0},
    {"emit", OPTION_EMIT, "LIST", 0,
        "Write these too: c (C source, and the weights as files for a C compiler), ll (LLVM IR), s "
        "(assembly), o (object files), ptx (of kernels for a GPU), cubin or fatbin (the "
        "network for a GPU, by nvcc), rir (the graph after the "
        "passes), schedule (what was decided of each step), kernels (the kernel IR), dot or svg (a "
        "picture of kernel calls and the buffers "
        "between them; svg needs Graphviz), cyclonedx (a bill of materials: the files that were "
        "read, and their hashes)",
        0},
    {"depfile", OPTION_DEPFILE, "FILE", 0,
        "Write a rule for Make and Ninja there: the first of the files depends on all that were "
        "read (the spec and what it imports, weights, calibration, tuning, plugins)",
        0},
    {"draw-only", OPTION_DRAW_ONLY, "PATH", 0,
        "Draw only kernel calls for layers whose path is PATH or begins with 'PATH.'", 0},
    {"variant", OPTION_VARIANT, "[NAME:]PARAMETERS", 0,
        "Compile the network with these parameters ('size=[192, 320],batch=8') as one of several "
        "in the "
        "library, each with functions of its own, which share the weights; may be repeated",
        0},
    {"weights-file", OPTION_WEIGHTS_FILE, NULL, 0,
        "Write the weights to NAME.weights instead of into the library; a program maps or reads "
        "that file "
        "and passes its address, and a model trained anew is a new file, without linking",
        0},
    {"shared", OPTION_SHARED, NULL, 0,
        "Write libNAME.so, too: the same as a shared library, for programs and languages that load "
        "one (Linux and Android)",
        0},
    {"linker", OPTION_LINKER, "PROGRAM", 0,
        "The linker that makes libNAME.so: LLVM's or GNU's (default: ld.lld, or ld)", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {&backend_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Compiles a network to libNAME.a, with its C header NAME.h and its description NAME.json. "
        "SPEC is a .rfl or .json spec, or a .rir graph. The default target is x86-64-v3.\v"
        "The library needs nothing beside itself: no allocation, no global state, no other "
        "library. Link it and include the header, which documents itself. Equal specs, weights "
        "and options give equal bytes. When anything fails, no file is written. With --verbose, "
        "the files, their sizes and the memory that was taken are printed.\n"
        "\n"
        "Examples:\n"
        "  riffle compile net.rfl --weights net.safetensors -o out/\n"
        "  riffle compile examples/shufflenet_v2.rfl --set width=0.5 \\\n"
        "      --random-weights 1 --target x86-64-v4 --emit ll,s -o out/\n"
        "  cc app.c -Iout out/libshufflenet_v2.a -o app\n"
        "  riffle compile net.rfl --weights net.safetensors --target cuda-sm_90 -o out/\n",
    .children = children};

/* What becomes one library: the network, or its variants. */
typedef struct CompiledLibrary {
    CompiledModel models[MOST_LIBRARY_VARIANTS];
    LibraryPart parts[MOST_LIBRARY_VARIANTS]; /* the same */
    int count;
    const char *name;
    Provenance provenance;
    Output outputs[MOST_LIBRARY_VARIANTS][OUTPUT_COUNT]; /* of the whole: in the first row */
} CompiledLibrary;

/* ---- making ---- */

static bool make_drawing(
    const CompileOptions *options, const CompiledModel *compiled, bool picture, Text *out) {
    Text drawing = {0};
    Session *session = options->session;
    int steps = program_draw(compiled->program, options->draw_only, &drawing);
    bool done = steps > 0 || options->draw_only == NULL;
    if (!done)
        diagnostics_error(session->diagnostics, "NAME.json has the paths of all steps",
            "--draw-only: no step has a path that begins with '%s'", options->draw_only);
    else if (picture)
        done = graphviz_render(&drawing, out, session);
    else
        text_append_bytes(out, drawing.data, drawing.length);
    text_free(&drawing);
    return done;
}

static bool is_for_gpu(const CompileOptions *options) {
    return strncmp(options->model.target, "cuda-", 5) == 0;
}

/* What is made in another way for a GPU; *done is left alone for what is not. */
static bool make_gpu_output(const CompileOptions *options, OutputKind kind,
    const CompiledModel *compiled, Output *output, bool *done) {
    Text *out = &output->text;
    const Graph *graph = compiled->model.graph;
    const Program *program = compiled->program;
    Diagnostics *diagnostics = options->session->diagnostics;
    *done = true;
    switch (kind) {
    case OUTPUT_LIBRARY:
        *done =
            cuda_library_write(graph, program, options->nvcc, out, &output->splice, diagnostics);
        return true;
    case OUTPUT_HEADER:
        cuda_header_write(graph, program, out);
        return true;
    case OUTPUT_CUDA_SOURCE:
        cuda_source_write(graph, program, out);
        return true;
    case OUTPUT_C_WEIGHTS:
        cuda_weights_write(graph, out);
        return true;
    default:
        return false;
    }
}

static bool make_output(const CompileOptions *options, OutputKind kind,
    const CompiledModel *compiled, const Provenance *provenance, Output *output) {
    Diagnostics *diagnostics = options->session->diagnostics;
    const Graph *graph = compiled->model.graph;
    const RestingBytes *weights = program_weights(compiled->program);
    Text *out = &output->text;
    bool done = true;
    if (is_for_gpu(options) && make_gpu_output(options, kind, compiled, output, &done))
        return done;
    switch (kind) {
    case OUTPUT_LIBRARY:
        return library_write(graph, compiled->program, out, &output->splice, diagnostics);
    case OUTPUT_HEADER:
        header_write(graph, compiled->program, out);
        return true;
    case OUTPUT_METADATA:
        metadata_write(graph, compiled->program, provenance, out);
        return true;
    case OUTPUT_WEIGHTS_FILE:
        text_append_bytes(
            out, compiled->program->weights_file, sizeof *compiled->program->weights_file);
        output->splice = (Splice){.at = out->length,
            .bytes = weights->data,
            .length = weights->length,
            .rests = weights->rests};
        return true;
    case OUTPUT_LLVM_IR:
        return llvm_emit(compiled->program, EMIT_LLVM_IR, out, diagnostics);
    case OUTPUT_ASSEMBLY:
        return llvm_emit(compiled->program, EMIT_ASSEMBLY, out, diagnostics);
    case OUTPUT_OBJECT:
        return llvm_emit(compiled->program, EMIT_OBJECT, out, diagnostics);
    case OUTPUT_WEIGHTS_OBJECT:
        return weights_object_write(compiled->program, out, &output->splice, diagnostics);
    case OUTPUT_GRAPH:
        graph_print(graph, out);
        return true;
    case OUTPUT_SCHEDULE:
        schedule_print(compiled->program, out);
        return true;
    case OUTPUT_KERNELS:
        program_print(compiled->program, out);
        return true;
    case OUTPUT_DRAWING:
    case OUTPUT_PICTURE:
        return make_drawing(options, compiled, kind == OUTPUT_PICTURE, out);
    case OUTPUT_C_SOURCE:
        return c_source_write(graph, compiled->program, out, diagnostics);
    case OUTPUT_C_WEIGHTS:
        c_weights_write(compiled->program, out);
        return true;
    case OUTPUT_C_WEIGHTS_BYTES:
        output->splice =
            (Splice){.bytes = weights->data, .length = weights->length, .rests = weights->rests};
        return true;
    case OUTPUT_PTX:
        return llvm_emit(compiled->program, EMIT_ASSEMBLY, out, diagnostics);
    case OUTPUT_CUBIN:
    case OUTPUT_FATBIN:
        return cuda_binary_write(graph, compiled->program, options->nvcc,
            output_table[kind].emit_word, out, diagnostics);
    case OUTPUT_SHARED_LIBRARY:
    case OUTPUT_MATERIALS:
    case OUTPUT_CUDA_SOURCE:
    case OUTPUT_COUNT:
        break;
    }
    return false;
}

/* The C backend makes a library when a compiler was named; its source is always wanted. */
static bool is_wanted(const CompileOptions *options, OutputKind kind) {
    if (kind == OUTPUT_WEIGHTS_FILE)
        return options->weights_apart;
    if (kind == OUTPUT_SHARED_LIBRARY)
        return options->shared;
    if (is_for_gpu(options))
        return kind == OUTPUT_LIBRARY ? options->nvcc != NULL
               : kind == OUTPUT_CUDA_SOURCE || kind == OUTPUT_C_WEIGHTS ||
                       kind == OUTPUT_C_WEIGHTS_BYTES
                   ? true
                   : output_table[kind].emit_word == NULL || options->wanted[kind];
    bool from_c = options->model.backend == BACKEND_C;
    switch (kind) {
    case OUTPUT_WEIGHTS_OBJECT:
        return options->wanted[kind] && !options->weights_apart;
    case OUTPUT_LIBRARY:
        return !from_c || options->model.c_compiler != NULL;
    case OUTPUT_C_WEIGHTS:
    case OUTPUT_C_WEIGHTS_BYTES:
        return !options->weights_apart && (from_c || options->wanted[kind]);
    case OUTPUT_C_SOURCE:
        return from_c || options->wanted[kind];
    default:
        return output_table[kind].emit_word == NULL || options->wanted[kind];
    }
}

/* Whether each --emit is of something that the target has. */
static bool emits_fit_target(const CompileOptions *options) {
    bool fit = true, gpu = is_for_gpu(options);
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        bool both = kind == OUTPUT_GRAPH || kind == OUTPUT_KERNELS || kind == OUTPUT_DRAWING ||
                    kind == OUTPUT_PICTURE || kind == OUTPUT_MATERIALS;
        bool of_gpu = kind == OUTPUT_CUDA_SOURCE || kind == OUTPUT_PTX || kind == OUTPUT_CUBIN ||
                      kind == OUTPUT_FATBIN;
        bool first = kind == 0 || output_table[kind - 1].emit_word == NULL ||
                     strcmp(output_table[kind].emit_word, output_table[kind - 1].emit_word) != 0;
        if (!options->wanted[kind] || both || of_gpu == gpu || !first)
            continue;
        diagnostics_error(options->session->diagnostics,
            gpu ? "NAME.cu is always written; --emit ptx writes what LLVM makes of the kernels"
                : "give one: --target cuda-sm_90",
            gpu ? "'--emit %s' is not for a GPU" : "'--emit %s' is for a GPU",
            output_table[kind].emit_word);
        fit = false;
    }
    return fit;
}

/* Whether nvcc is there for what it alone makes. */
static bool check_nvcc(const CompileOptions *options) {
    for (int kind = OUTPUT_CUBIN; kind <= OUTPUT_FATBIN; kind++) {
        if (!options->wanted[kind] || options->nvcc != NULL)
            continue;
        diagnostics_error(options->session->diagnostics,
            "name one by the environment variable NVCC; '--emit ptx' needs none",
            "'--emit %s' is made by nvcc, and there is none", output_table[kind].emit_word);
        return false;
    }
    return true;
}

/* Whether what LLVM alone can write is asked of LLVM. */
static bool check_backend(const CompileOptions *options) {
    static const OutputKind by_llvm[] = {OUTPUT_LLVM_IR, OUTPUT_ASSEMBLY, OUTPUT_OBJECT};
    for (size_t i = 0; i < sizeof by_llvm / sizeof *by_llvm; i++) {
        if (options->model.backend != BACKEND_C || !options->wanted[by_llvm[i]])
            continue;
        diagnostics_error(options->session->diagnostics,
            "leave out --backend c; '--emit c' writes the C source beside other files",
            "'--emit %s' is made by the LLVM backend", output_table[by_llvm[i]].emit_word);
        return false;
    }
    return backend_available(&options->model);
}

/* Whether there is one of them for all variants. */
static bool is_of_library(OutputKind kind) {
    return kind == OUTPUT_LIBRARY || kind == OUTPUT_SHARED_LIBRARY || kind == OUTPUT_HEADER ||
           kind == OUTPUT_METADATA || kind == OUTPUT_MATERIALS || kind == OUTPUT_WEIGHTS_FILE ||
           kind == OUTPUT_WEIGHTS_OBJECT;
}

static bool has_output(const CompileOptions *options, int part, OutputKind kind) {
    return is_wanted(options, kind) && (part == 0 || !is_of_library(kind));
}

static bool make_shared_library(const CompileOptions *options, CompiledLibrary *library) {
    Output *outputs = library->outputs[0];
    return shared_library_write(library->models[0].program, options->linker,
        &outputs[OUTPUT_LIBRARY].text, &outputs[OUTPUT_LIBRARY].splice,
        &outputs[OUTPUT_SHARED_LIBRARY].splice, options->session->diagnostics);
}

/* One that is made of other outputs, or of all parts. */
static bool make_output_of_library(const CompileOptions *options, OutputKind kind,
    CompiledLibrary *library, Text *out, bool *done) {
    const Provenance *provenance = &library->provenance;
    if (kind == OUTPUT_SHARED_LIBRARY)
        *done = make_shared_library(options, library);
    else if (kind == OUTPUT_MATERIALS)
        cyclonedx_write(library->name, provenance, out);
    else if (kind == OUTPUT_HEADER && library->count > 1)
        header_write_variants(library->parts, library->count, out);
    else if (kind == OUTPUT_METADATA && library->count > 1)
        metadata_write_variants(library->parts, library->count, provenance, out);
    else
        return false;
    return true;
}

static bool make_outputs(const CompileOptions *options, CompiledLibrary *library) {
    for (int part = 0; part < library->count; part++)
        for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
            Output *output = &library->outputs[part][kind];
            bool done = true;
            if (!has_output(options, part, (OutputKind)kind))
                continue;
            if (!make_output_of_library(options, (OutputKind)kind, library, &output->text, &done))
                done = make_output(options, (OutputKind)kind, &library->models[part],
                    &library->provenance, output);
            if (!done)
                return false;
        }
    return true;
}

/* ---- writing ---- */

static char *file_name(const CompileOptions *options, OutputKind kind, const char *name) {
    char name_of_file[512];
    snprintf(name_of_file, sizeof name_of_file, output_table[kind].format, name);
    return arena_copy_string(options->session->arena, name_of_file);
}

static bool write_outputs(const CompileOptions *options, const CompiledLibrary *library) {
    Session *session = options->session;
    if (strlen(library->parts[0].graph->name) > 200) {
        diagnostics_error(session->diagnostics, "give a shorter one with --name",
            "the network's name is too long for a file");
        return false;
    }
    OutputFiles files = {.session = session};
    int work = progress_begin("writing files", 0);
    for (int part = 0; part < library->count; part++)
        for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
            const Output *output = &library->outputs[part][kind];
            const char *name =
                is_of_library((OutputKind)kind) ? library->name : library->parts[part].graph->name;
            if (has_output(options, part, (OutputKind)kind))
                *output_files_add_spliced(&files, file_name(options, (OutputKind)kind, name),
                    output->splice) = output->text;
        }
    Text rule = {0};
    bool written = true;
    if (options->depfile != NULL) {
        const char *target = output_file_path(&files.items[0], options->directory, session->arena);
        written = depfile_write(target, session, &rule);
        *output_files_add_outside(&files, options->depfile) = rule;
    }
    written = written && output_files_write(&files, options->directory);
    text_free(&rule);
    progress_end(work);
    if (!written)
        return false;
    for (size_t i = 0; i < files.count && session->messages.verbose; i++)
        printf("%-40s %10zu bytes\n",
            quote_copy(session->arena,
                output_file_path(&files.items[i], options->directory, session->arena)),
            files.items[i].contents.length + files.items[i].splice.length);
    return true;
}

static void print_phases(const CompiledModel *compiled, double emit_seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("spec %.3f s, weights %.3f s, passes %.3f s, lowering %.3f s, code %.3f s; "
           "peak memory %.0f MB\n",
        compiled->read_seconds, compiled->weights_seconds, compiled->passes_seconds,
        compiled->lower_seconds, emit_seconds, (double)usage.ru_maxrss * 1024 / 1e6);
    ProgramSummary summary = program_summary(compiled->program);
    printf("%d kernels in %d steps; workspace %lld bytes (buffers %lld, live channels %lld), "
           "weights %lld bytes, "
           "%lld of %lld bytes moved by layout ops\n",
        summary.kernel_count, summary.step_count, (long long)summary.workspace_bytes,
        (long long)summary.workspace_lower_bound_bytes, (long long)summary.live_bytes,
        (long long)summary.weight_bytes, (long long)summary.layout_bytes,
        (long long)summary.bytes_moved);
}

/* Whether each --emit is of something that there is one of. */
static bool emits_fit_levels(const CompileOptions *options) {
    const TargetLevels *levels = model_levels(&options->model);
    bool fit = true;
    for (int kind = 0; levels != NULL && kind < OUTPUT_COUNT; kind++) {
        const char *word = output_table[kind].emit_word;
        if (!options->wanted[kind] || kind == OUTPUT_GRAPH || kind == OUTPUT_MATERIALS ||
            kind == OUTPUT_WEIGHTS_OBJECT)
            continue;
        diagnostics_error(options->session->diagnostics,
            arena_format(options->session->arena, "give one of them: --%s %s",
                options->model.processor ? "cpu" : "target", target_levels_example(levels)),
            "--emit %s is of one processor's code, and '%s' is several", word, levels->name);
        fit = false;
    }
    return fit;
}

static bool weights_fit_target(const CompileOptions *options) {
    bool fit = !options->weights_apart || !is_for_gpu(options);
    if (!fit)
        diagnostics_error(options->session->diagnostics,
            "leave it out: the library copies its weights to the GPU when it is made ready",
            "--weights-file is not for a GPU");
    return fit;
}

/* Whether what --shared asks for can be made of the outputs. */
static bool shared_fits(const CompileOptions *options) {
    Diagnostics *diagnostics = options->session->diagnostics;
    if (options->linker != NULL && !options->shared) {
        diagnostics_error(diagnostics, "--shared makes libNAME.so",
            "--linker is for a shared library, and none is made");
        return false;
    }
    if (options->shared && is_for_gpu(options)) {
        diagnostics_error(diagnostics, "leave it out, and link libNAME.a with CUDA's libraries",
            "--shared is not for a GPU");
        return false;
    }
    if (options->shared && !is_wanted(options, OUTPUT_LIBRARY)) {
        diagnostics_error(diagnostics, "name a C compiler, as in --cc cc",
            "--shared links libNAME.a, which --backend c makes only with a C compiler");
        return false;
    }
    return true;
}

/* The linker is looked for before anything takes time. */
static bool find_linker(CompileOptions *options, const CompiledLibrary *library) {
    if (!options->shared)
        return true;
    Program *program = library->models[0].program;
    options->linker =
        shared_library_linker(program, options->linker, options->session->diagnostics);
    program_set_shared(program);
    return options->linker != NULL;
}

static bool compile_models(const CompileOptions *options, CompiledLibrary *library) {
    const VariantList *variants = &options->variants;
    library->count = variants->count > 0 ? variants->count : 1;
    for (int i = 0; i < library->count; i++) {
        ModelOptions model = options->model;
        if (variants->count > 0 && !variant_options(&options->model, &variants->items[i], &model))
            return false;
        CompiledModel *compiled = &library->models[i];
        if (!model_compile(&model, false, compiled))
            return false;
        library->parts[i] = (LibraryPart){compiled->model.graph, compiled->program};
    }
    return true;
}

/* The name of the first, without that of the variant. */
static const char *library_name(const CompileOptions *options, const CompiledLibrary *library) {
    const char *name = library->parts[0].graph->name;
    if (options->variants.count == 0)
        return name;
    size_t ending = strlen(options->variants.items[0].name) + 1;
    return arena_copy_bytes(options->session->arena, name, strlen(name) - ending);
}

static void join_models(const CompileOptions *options, CompiledLibrary *library) {
    library->name = library_name(options, library);
    if (options->variants.count > 0) {
        Program *programs[MOST_LIBRARY_VARIANTS];
        const Graph *graphs[MOST_LIBRARY_VARIANTS];
        for (int i = 0; i < library->count; i++) {
            programs[i] = library->models[i].program;
            graphs[i] = library->parts[i].graph;
        }
        program_join_variants(
            library->name, graphs, programs, library->count, options->session->arena);
    }
    if (options->weights_apart)
        program_set_weights_apart(library->models[0].program);
}

static bool compile(CompileOptions *options, CompiledLibrary *library) {
    if (!weights_fit_target(options) || !shared_fits(options) ||
        !variants_fit(&options->variants, &options->model) || !emits_fit_target(options) ||
        !check_nvcc(options) || !check_backend(options) || !emits_fit_levels(options) ||
        !compile_models(options, library) || !find_linker(options, library))
        return false;
    join_models(options, library);
    library->provenance = model_provenance(&options->model);
    double start = seconds_now();
    bool done = make_outputs(options, library);
    double emit_seconds = seconds_now() - start;
    done = done && write_outputs(options, library);
    for (int i = 0; i < library->count && done && options->session->messages.verbose; i++)
        print_phases(&library->models[i], i == 0 ? emit_seconds : 0);
    return done;
}

static void close_library(CompiledLibrary *library) {
    for (int i = 0; i < library->count; i++) {
        for (int kind = 0; kind < OUTPUT_COUNT; kind++)
            text_free(&library->outputs[i][kind].text);
        compiled_model_close(&library->models[i]);
    }
}

int command_compile(int argc, char **argv) {
    Session session = session_begin();
    CompileOptions options = {.session = &session, .directory = "."};
    options.model = model_options(&session, "x86-64-v3");
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    CompiledLibrary *library = ARENA_NEW(session.arena, CompiledLibrary);
    options.nvcc = is_for_gpu(&options) ? cuda_find_nvcc(session.arena) : NULL;
    bool done = compile(&options, library);
    if (done && is_for_gpu(&options) && options.nvcc == NULL && !session.messages.quiet)
        fprintf(stderr, "riffle compile: there is no nvcc: NAME.cu was written, and no library\n");
    close_library(library);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
