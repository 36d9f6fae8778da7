/* riffle targets: the rows of targets.def. */
#include "backends/backends.h"
#include "driver/driver.h"
#include "driver/table.h"
#include <string.h>

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    Session *session = state->input;
    const char *operand = "riffle targets";
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    option_operand(session, &operand, argument);
    return EINVAL;
}

static const struct argp argp = {.parser = parse_option,
    .doc = "Lists the processors that code can be made for, by the names that --target takes. Any "
           "x86-64 processor name that LLVM knows (such as znver4 or skylake) is a target too, and "
           "'native' is the processor of this machine.\v"
           "Example:\n"
           "  riffle targets\n"};

static void add_target(Table *table, const Target *target) {
    char lanes[32], registers[32], caches[64];
    snprintf(lanes, sizeof lanes, "%d", target->lanes);
    snprintf(registers, sizeof registers, "%d", target->registers);
    snprintf(caches, sizeof caches, "%lld / %lld KiB", (long long)(target->l1_bytes / 1024),
        (long long)(target->l2_bytes / 1024));
    const char *cells[] = {target->name, lanes, registers, caches,
        target_runs_here(target) ? "yes" : "no", target->summary};
    table_add_row(table, cells);
}

/* The names of cpus.def, wrapped. */
static void print_processors(const Session *session) {
    size_t count, column = 0;
    const char *const *names = target_processor_names(session->arena, &count);
    printf("\nProcessors by name, and 'native':\n");
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]) + 1;
        if (column + length > 92) {
            printf("\n");
            column = 0;
        }
        printf("%s%s", column > 0 ? " " : "  ", names[i]);
        column += column > 0 ? length : length + 1;
    }
    printf("\n");
}

int command_targets(int argc, char **argv) {
    Session session = session_begin();
    if (!command_line_parse(&argp, argc, argv, &session, &session))
        return session_finish(&session, EXIT_USAGE);
    static const TableColumn columns[] = {{"target", ALIGN_LEFT}, {"lanes", ALIGN_RIGHT},
        {"registers", ALIGN_RIGHT}, {"caches", ALIGN_RIGHT}, {"runs here", ALIGN_LEFT},
        {"what it is", ALIGN_LEFT}};
    Table table = table_create(columns, 6);
    size_t count;
    const Target *targets = target_table(&count);
    for (size_t i = 0; i < count; i++)
        add_target(&table, &targets[i]);
    Text text = {0};
    table_print(&table, &text);
    fputs(text.data, stdout);
    text_free(&text);
    table_free(&table);
    print_processors(&session);
    return session_finish(&session, EXIT_DONE);
}
