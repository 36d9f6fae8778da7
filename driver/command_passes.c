/* riffle passes: the rows of passes.def and the pipelines made of them. */
#include "driver/driver.h"
#include "driver/table.h"
#include "passes/passes.h"

enum { OPTION_MARKDOWN = 1000, LEVELS = 3 };

typedef struct PassesOptions {
    Session *session;
    bool markdown;
} PassesOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    PassesOptions *options = state->input;
    const char *operand = "riffle passes";
    switch (key) {
    case OPTION_MARKDOWN:
        options->markdown = true;
        return 0;
    case ARGP_KEY_ARG:
        option_operand(options->session, &operand, argument);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"markdown", OPTION_MARKDOWN, NULL, 0, "Print the reference page, docs/passes.md", 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .doc = "Lists the passes that --passes and 'riffle opt' take, and the pipelines that -O0, -O1 "
           "and -O2 stand for.\v"
           "Examples:\n"
           "  riffle passes\n"
           "  riffle passes --markdown > docs/passes.md\n"};

static void print_passes(Text *text) {
    static const TableColumn columns[] = {{"pass", ALIGN_LEFT}, {"what it does", ALIGN_LEFT}};
    Table table = table_create(columns, 2);
    size_t count;
    const Pass *passes = pass_table(&count);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {passes[i].name, passes[i].summary};
        table_add_row(&table, cells);
    }
    table_print(&table, text);
    table_free(&table);
    text_append(text, "\n");
    for (int level = 0; level < LEVELS; level++)
        text_format(text, "-O%d  %s\n", level, pipeline_preset(level));
}

int command_passes(int argc, char **argv) {
    Session session = session_begin();
    PassesOptions options = {.session = &session};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    Text text = {0};
    if (options.markdown)
        pass_reference_print(&text);
    else
        print_passes(&text);
    fputs(text.data, stdout);
    text_free(&text);
    return session_finish(&session, EXIT_DONE);
}
