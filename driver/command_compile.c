/* riffle compile: from a spec and weights to a static library. Everything is made in memory first
 * and written at the end, so that a fault leaves no file behind. */
#include "backends/emit/cuda/source.h"
#include "driver/compile.h"
#include "ir/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

enum {
    OPTION_EMIT = 1000,
    OPTION_DEPFILE,
    OPTION_DRAW_ONLY,
    OPTION_WEIGHTS_FILE,
    OPTION_VARIANT,
    OPTION_SHARED,
    OPTION_LINKER
};

static void take_emit_word(CompileOptions *options, const char *word) {
    const char *words[OUTPUT_COUNT];
    size_t count = 0;
    bool known = false;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (compile_output_table[i].emit_word == NULL)
            continue;
        words[count++] = compile_output_table[i].emit_word;
        if (strcmp(compile_output_table[i].emit_word, word) == 0)
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
    if (!compile_options_fit(options) || !compile_models(options, library) ||
        !find_linker(options, library))
        return false;
    join_models(options, library);
    library->provenance = model_provenance(&options->model);
    double start = seconds_now();
    bool done = compile_outputs_make(options, library);
    double emit_seconds = seconds_now() - start;
    done = done && compile_outputs_write(options, library);
    for (int i = 0; i < library->count && done && options->session->messages.verbose; i++)
        print_phases(&library->models[i], i == 0 ? emit_seconds : 0);
    return done;
}

int command_compile(int argc, char **argv) {
    Session session = session_begin();
    CompileOptions options = {.session = &session, .directory = "."};
    options.model = model_options(&session, "x86-64-v3");
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    CompiledLibrary *library = ARENA_NEW(session.arena, CompiledLibrary);
    options.nvcc = compile_is_for_gpu(&options) ? cuda_find_nvcc(session.arena) : NULL;
    bool done = compile(&options, library);
    if (done && compile_is_for_gpu(&options) && options.nvcc == NULL && !session.messages.quiet)
        fprintf(stderr, "riffle compile: there is no nvcc: NAME.cu was written, and no library\n");
    compiled_library_close(library);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
