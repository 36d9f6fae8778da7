/* riffle xcframework: a network for Apple's platforms, as a folder that Xcode takes. All is made in
 * memory first, so that a fault leaves no file behind. */
#include "driver/apple.h"
#include "driver/model.h"
#include "ir/progress.h"

enum { OPTION_PLATFORM = 1000 };

typedef struct FrameworkOptions {
    Session *session;
    ModelOptions model;
    const AppleSlice *slices[MOST_SLICES];
    size_t slice_count;
    const char *directory; /* NULL: NAME.xcframework */
} FrameworkOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    FrameworkOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case 'o':
        options->directory = argument;
        return 0;
    case OPTION_PLATFORM:
        options->slice_count = apple_slices_parse(argument, options->slices, options->session);
        return options->slice_count > 0 ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "DIRECTORY", 0,
        "Make the framework there; the directory is made when absent (default: NAME.xcframework)",
        0},
    {"platform", OPTION_PLATFORM, "LIST", 0,
        "Make code for these, separated by commas: ios, ios-simulator (for all Macs), "
        "ios-arm64-simulator, macos (default: ios,ios-simulator)",
        0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&processor_argp, 0, "Processor:", 4}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Compiles a network for iOS, its simulator and macOS: an .xcframework with a static "
           "library, headers and a module map for each.\v"
           "docs/apple.md shows how a project takes it.\n"
           "\n"
           "Examples:\n"
           "  riffle xcframework net.rfl --weights net.safetensors\n"
           "  riffle xcframework net.rfl --weights net.safetensors --platform ios,macos \\\n"
           "      -o frameworks/net.xcframework\n",
    .children = children};

/* The files of one architecture: `library` is filled, and headers and description are added. */
static bool make_target(FrameworkOptions *options, const AppleSlice *slice, const char *target,
    OutputFiles *files, const char **name, UniversalPart *part, Text *library) {
    Arena *arena = options->session->arena;
    CompiledModel compiled = {0};
    options->model.target = target;
    bool done = model_compile(&options->model, false, &compiled);
    if (done) {
        const Graph *graph = compiled.model.graph;
        *name = arena_copy_string(arena, graph->name);
        *part = (UniversalPart){compiled.target->architecture, library};
        Splice splice;
        done =
            library_write(graph, compiled.program, library, &splice, options->session->diagnostics);
        if (done)
            text_splice(library, &splice); /* the program goes */
        const char *architecture =
            slice->targets[1] == NULL
                ? ""
                : arena_format(arena, "%s/", apple_architecture_name(part->architecture));
        header_write(graph, compiled.program,
            output_files_add(
                files, arena_format(arena, "%s/%s%s.h", apple_header_folder(slice, *name, arena),
                           architecture, *name)));
    }
    compiled_model_close(&compiled);
    return done;
}

static bool join_libraries(const FrameworkOptions *options, const AppleSlice *slice,
    const UniversalPart *parts, size_t count, const char *name, OutputFiles *files) {
    Arena *arena = options->session->arena;
    if (!universal_fits(parts, count)) {
        diagnostics_error(options->session->diagnostics,
            "--platform ios-arm64-simulator is for one architecture",
            "libraries of several architectures cannot have more than 4 GiB in all");
        return false;
    }
    universal_write(parts, count,
        output_files_add(files, arena_format(arena, "%s/lib%s.a", slice->folder, name)));
    return true;
}

static bool make_slice(
    FrameworkOptions *options, const AppleSlice *slice, OutputFiles *files, const char **name) {
    UniversalPart parts[MOST_SLICE_TARGETS];
    Text libraries[MOST_SLICE_TARGETS] = {0};
    size_t count = 0;
    bool done = true;
    for (; done && count < MOST_SLICE_TARGETS && slice->targets[count] != NULL; count++)
        done = make_target(
            options, slice, slice->targets[count], files, name, &parts[count], &libraries[count]);
    if (done && count == 1) {
        *output_files_add(files, arena_format(options->session->arena, "%s/lib%s.a", slice->folder,
                                     *name)) = libraries[0];
        return true;
    }
    done = done && join_libraries(options, slice, parts, count, *name, files);
    for (size_t i = 0; i < MOST_SLICE_TARGETS; i++)
        text_free(&libraries[i]);
    return done;
}

static bool make_framework(FrameworkOptions *options) {
    OutputFiles files = {.session = options->session};
    const char *name = NULL, *directory = options->directory;
    bool done = true;
    int work = progress_begin("making the library for platform", (int64_t)options->slice_count);
    for (size_t i = 0; done && i < options->slice_count; i++) {
        progress_set((int64_t)i + 1);
        progress_detail(options->slices[i]->folder);
        done = make_slice(options, options->slices[i], &files, &name);
    }
    progress_end(work);
    if (done) {
        apple_add_files(name, options->slices, options->slice_count, &files);
        if (directory == NULL)
            directory = arena_format(options->session->arena, "%s.xcframework", name);
        done = output_files_write(&files, directory);
    }
    output_files_free(&files);
    return done;
}

int command_xcframework(int argc, char **argv) {
    Session session = session_begin();
    FrameworkOptions options = {.session = &session};
    options.model = model_options(&session, NULL);
    options.slice_count = apple_slices_parse("ios,ios-simulator", options.slices, &session);
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    bool done = require_llvm(&session) && make_framework(&options);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
