/* riffle convert: the same spec in the other spelling. */
#include "driver/driver.h"
#include "frontend/frontend.h"
#include "ir/write_files.h"

#include <errno.h>
#include <string.h>

typedef enum FileSpelling { SPELLING_UNKNOWN, SPELLING_LANGUAGE, SPELLING_JSON } FileSpelling;

typedef struct ConvertOptions {
    Session *session;
    const char *input, *output; /* output NULL: standard output */
    FileSpelling to;
} ConvertOptions;

enum { OPTION_TO = 1000 };

static error_t take_spelling(ConvertOptions *options, const char *word) {
    if (strcmp(word, "json") == 0)
        options->to = SPELLING_JSON;
    else if (strcmp(word, "rfl") == 0)
        options->to = SPELLING_LANGUAGE;
    else
        diagnostics_error(options->session->diagnostics, NULL,
            "'%s' is no value for --to: give rfl or json", word);
    return options->to == SPELLING_UNKNOWN ? EINVAL : 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    ConvertOptions *options = state->input;
    switch (key) {
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_TO:
        return take_spelling(options, argument);
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->input, argument) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return option_operand_given(options->session, options->input, "SPEC") ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "FILE", 0,
        "Write this file instead of standard output; its name (.rfl, .json) says the form", 0},
    {"to", OPTION_TO, "FORM", 0, "rfl or json (default: the form that SPEC is not in)", 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Translates a spec between the language and JSON. Both hold the same tree: there and back "
        "again gives the canonical form of what one began with.\v"
        "Examples:\n"
        "  riffle convert net.rfl > net.json\n"
        "  riffle convert net.json -o net.rfl\n"};

static FileSpelling spelling_of(const char *path) {
    if (ends_with(path, ".json"))
        return SPELLING_JSON;
    return ends_with(path, ".rfl") ? SPELLING_LANGUAGE : SPELLING_UNKNOWN;
}

/* What was asked for, else what the output's name says, else the other form. */
static FileSpelling wanted_spelling(const ConvertOptions *options) {
    if (options->to != SPELLING_UNKNOWN)
        return options->to;
    if (options->output != NULL && spelling_of(options->output) != SPELLING_UNKNOWN)
        return spelling_of(options->output);
    return spelling_of(options->input) == SPELLING_JSON ? SPELLING_LANGUAGE : SPELLING_JSON;
}

static bool convert(const ConvertOptions *options) {
    Session *session = options->session;
    Spec *spec = spec_read(options->input, session->arena, session->diagnostics);
    if (spec == NULL)
        return false;
    Text text = {0};
    if (wanted_spelling(options) == SPELLING_JSON)
        spec_print_json(spec, &text);
    else
        spec_print(spec, &text);
    bool written = write_or_print(&text, options->output, session);
    text_free(&text);
    return written;
}

int command_convert(int argc, char **argv) {
    Session session = session_begin();
    ConvertOptions options = {.session = &session};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    return session_finish(&session, convert(&options) ? EXIT_DONE : EXIT_FAILED);
}
