/* riffle passes: the rows of passes.def and the pipelines made of them. */
#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/driver.h"
#include "driver/pass_sources.h"
#include "driver/table.h"

#include <string.h>

enum { OPTION_MARKDOWN = 1000, OPTION_PRESETS, OPTION_JSON };

typedef struct PassesOptions {
    Session *session;
    PassRegistry *registry;
    const char *pass; /* NULL: all */
    bool markdown, presets, json;
} PassesOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    PassesOptions *options = state->input;
    switch (key) {
    case OPTION_MARKDOWN:
        options->markdown = true;
        return 0;
    case OPTION_PRESETS:
        options->presets = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_LOAD_PASS_PLUGIN:
    case OPTION_RULES:
        return pass_source_load(key, argument, options->registry, options->session) ? 0 : EINVAL;
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->pass, argument) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"presets", OPTION_PRESETS, NULL, 0, "Print the pipelines that -O0, -O1, -O2 stand for", 0},
    {"json", OPTION_JSON, NULL, 0, "Print passes, their options and the presets as JSON", 0},
    {"markdown", OPTION_MARKDOWN, NULL, 0, "Print the reference page, docs/passes.md", 0},
    PASS_SOURCE_ROWS, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "[PASS]",
    .doc = "Lists the passes that --passes and 'riffle opt' take, and the pipelines that -O0, -O1 "
           "and -O2 stand for; or explains one pass and its options.\v"
           "Examples:\n"
           "  riffle passes\n"
           "  riffle passes sink-activation\n"
           "  riffle passes --presets\n"
           "  riffle passes --load-pass-plugin=mine.so\n"
           "  riffle passes --rules=mine.rfl\n"
           "  riffle passes --json\n"
           "  riffle passes --markdown > docs/passes.md\n"};

static void print_presets(Text *text) {
    for (int level = 0; level < PIPELINE_LEVELS; level++)
        text_format(text, "-O%d  %s\n", level, pipeline_preset(level));
}

static void print_passes(const PassRegistry *registry, Text *text) {
    static const TableColumn columns[] = {{"pass", ALIGN_LEFT}, {"what it does", ALIGN_LEFT}};
    Table table = table_create(columns, 2);
    for (size_t i = 0; i < pass_registry_count(registry); i++) {
        const Pass *pass = pass_registry_at(registry, i);
        table_add_row(&table, (const char *const[]){pass->name, pass->summary});
    }
    table_print(&table, text);
    table_free(&table);
    text_append(text, "\n");
    print_presets(text);
}

static void print_pass(const Pass *pass, Text *text) {
    text_format(text, "%s: %s\nA rewrite is %s.\n", pass->name, pass->summary, pass->statistic);
    if (pass->option_count == 0)
        return;
    static const TableColumn columns[] = {{"option", ALIGN_LEFT}, {"value", ALIGN_LEFT},
        {"default", ALIGN_LEFT}, {"meaning", ALIGN_LEFT}};
    Table table = table_create(columns, 4);
    for (int i = 0; i < pass->option_count; i++) {
        const PassOption *option = &pass->options[i];
        Text range = {0};
        pass_option_describe(option, &range);
        table_add_row(&table,
            (const char *const[]){option->name, range.data, option->default_text, option->meaning});
        text_free(&range);
    }
    text_append(text, "\n");
    table_print(&table, text);
    table_free(&table);
}

static void write_json_option(JsonWriter *writer, const PassOption *option) {
    json_write_object(writer, NULL, JSON_INLINE);
    json_write_string(writer, "name", option->name);
    json_write_string(writer, "kind", pass_option_kind_name(option->kind));
    json_write_string(writer, "default", option->default_text);
    if (option->kind != PASS_OPTION_FLAG) {
        json_write_number(writer, "least", option->least);
        json_write_number(writer, "most", option->most);
    }
    json_write_string(writer, "meaning", option->meaning);
    json_write_object_end(writer);
}

static void write_json_pass(JsonWriter *writer, const Pass *pass) {
    json_write_object(writer, NULL, JSON_LINES);
    json_write_string(writer, "name", pass->name);
    json_write_string(writer, "summary", pass->summary);
    json_write_string(writer, "rewrite", pass->statistic);
    json_write_array(writer, "options", JSON_LINES);
    for (int i = 0; i < pass->option_count; i++)
        write_json_option(writer, &pass->options[i]);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static void write_json_passes(
    JsonWriter *writer, const PassesOptions *options, const PassRegistry *registry) {
    json_write_array(writer, "passes", JSON_LINES);
    for (size_t i = 0; i < pass_registry_count(registry); i++) {
        const Pass *pass = pass_registry_at(registry, i);
        if (options->pass == NULL || strcmp(options->pass, pass->name) == 0)
            write_json_pass(writer, pass);
    }
    json_write_array_end(writer);
}

static void write_json_presets(JsonWriter *writer) {
    json_write_array(writer, "presets", JSON_LINES);
    for (int level = 0; level < PIPELINE_LEVELS; level++) {
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_integer(writer, "level", level);
        json_write_string(writer, "pipeline", pipeline_preset(level));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_json(const PassesOptions *options, const PassRegistry *registry, Text *text) {
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    if (!options->presets)
        write_json_passes(&writer, options, registry);
    write_json_presets(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

static bool print(const PassesOptions *options, Text *text) {
    Session *session = options->session;
    const PassRegistry *registry = options->registry;
    const Pass *pass = NULL;
    if (options->pass != NULL) {
        pass = pass_registry_find(registry, options->pass);
        if (pass == NULL) {
            diagnostics_error(session->diagnostics,
                pass_registry_hint(registry, options->pass, session->arena), "unknown pass '%s'",
                options->pass);
            return false;
        }
    }
    if (options->markdown)
        pass_reference_print(text);
    else if (options->json)
        write_json(options, registry, text);
    else if (options->presets)
        print_presets(text);
    else if (pass != NULL)
        print_pass(pass, text);
    else
        print_passes(registry, text);
    return true;
}

int command_passes(int argc, char **argv) {
    Session session = session_begin();
    PassesOptions options = {.session = &session, .registry = pass_registry_create(session.arena)};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    Text text = {0};
    bool succeeded = print(&options, &text);
    if (succeeded)
        fputs(text.data, stdout);
    text_free(&text);
    return session_finish(&session, succeeded ? EXIT_DONE : EXIT_USAGE);
}
