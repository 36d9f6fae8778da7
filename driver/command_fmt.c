/* riffle fmt: the canonical form of specs and of kernels. */
#include "driver/driver.h"
#include "frontend/frontend.h"
#include "ir/kernel_parse.h"
#include "ir/source_file.h"
#include "ir/write_files.h"

#include <errno.h>
#include <string.h>

typedef struct FmtOptions {
    Session *session;
    const char **files;
    size_t file_count;
    bool in_place, check;
} FmtOptions;

enum { OPTION_CHECK = 1000, LARGEST_KERNEL_TEXT = 1 << 28 };

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    FmtOptions *options = state->input;
    Session *session = options->session;
    switch (key) {
    case 'i':
        options->in_place = true;
        return 0;
    case OPTION_CHECK:
        options->check = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->files == NULL)
            options->files = ARENA_ARRAY(session->arena, const char *, state->argc);
        options->files[options->file_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->in_place && options->check) {
            diagnostics_error(
                session->diagnostics, NULL, "--in-place and --check exclude each other");
            return EINVAL;
        }
        return option_operand_given(
                   session, options->file_count > 0 ? options->files[0] : NULL, "FILE")
                   ? 0
                   : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"in-place", 'i', NULL, 0, "Write the files anew instead of printing them", 0},
    {"check", OPTION_CHECK, NULL, 0,
        "Write nothing; name the files that are not in canonical form, and fail when there are any",
        0},
    {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc =
        "Prints specs in their canonical form: one way to indent, space and break lines; comments "
        "stay. A name that ends in .json is a spec in JSON, - is standard input. Of kernels "
        "(.rkir) "
        "the rules are checked, too, and comments in them go.\v"
        "Examples:\n"
        "  riffle fmt net.rfl\n"
        "  riffle fmt --in-place examples/*.rfl\n"
        "  riffle fmt --check examples/*.rfl\n"};

static bool write_back(const char *path, const Text *text, Session *session) {
    int error = strcmp(path, "-") == 0 ? EINVAL : text_write_file(text, path);
    if (error != 0)
        report_unwritten(session->diagnostics, path, error);
    return error == 0;
}

static SourceFile *print_spec(const char *path, Session *session, Text *text) {
    SourceFile *file = spec_read_file(path, session->arena, session->diagnostics);
    if (file == NULL)
        return NULL;
    bool is_json = ends_with(path, ".json");
    Spec *spec = is_json ? spec_parse_json(file, session->arena, session->diagnostics)
                         : spec_parse(file, session->arena, session->diagnostics);
    if (spec == NULL)
        return NULL;
    if (is_json)
        spec_print_json(spec, text);
    else
        spec_print(spec, text);
    return file;
}

static SourceFile *print_kernels(const char *path, Session *session, Text *text) {
    static const WantedFile wanted = {"kernels in textual IR", {FILE_KIND_KERNELS}};
    SourceFile *file = source_file_read_text(
        path, LARGEST_KERNEL_TEXT, &wanted, session->arena, session->diagnostics);
    KernelFile *kernels =
        file == NULL ? NULL : kernels_parse(file, session->arena, session->diagnostics);
    if (kernels == NULL)
        return NULL;
    kernels_print(kernels, text);
    return file;
}

/* Appends the canonical form; NULL after reporting. */
static SourceFile *print_file(const char *path, Session *session, Text *text) {
    return ends_with(path, ".rkir") ? print_kernels(path, session, text)
                                    : print_spec(path, session, text);
}

static void format_file(const FmtOptions *options, const char *path) {
    Session *session = options->session;
    Text text = {0};
    const SourceFile *file = print_file(path, session, &text);
    if (file == NULL) {
        text_free(&text);
        return;
    }
    bool is_canonical =
        text.length == file->length && memcmp(text.data, file->text, text.length) == 0;
    if (options->check && !is_canonical)
        diagnostics_error(session->diagnostics, "'riffle fmt --in-place' writes it anew",
            "'%s' is not in canonical form", path);
    else if (options->in_place && !is_canonical)
        write_back(path, &text, session);
    else if (!options->check && !options->in_place)
        fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
}

int command_fmt(int argc, char **argv) {
    Session session = session_begin();
    FmtOptions options = {.session = &session};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    for (size_t i = 0; i < options.file_count; i++)
        format_file(&options, options.files[i]);
    return session_finish(&session, EXIT_DONE);
}
