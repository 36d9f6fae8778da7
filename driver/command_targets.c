/* riffle targets: the rows of targets.def and cpus.def. */
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
    .doc =
        "Lists what code can be made for, by the names that --target takes: classes of "
        "processors, platforms, and processors by the names that LLVM has for them (such as "
        "znver4 or cortex-a76). A class or a processor alone means its first platform; --cpu "
        "names the processor of a platform. 'native' is the processor of this machine. For a GPU "
        "there are CUDA C and PTX.\v"
        "Examples:\n"
        "  riffle targets\n"
        "  riffle compile net.rfl --random-weights 1 --target x86-64-v4\n"
        "  riffle compile net.rfl --random-weights 1 --target cortex-a76\n"
        "  riffle compile net.rfl --random-weights 1 \\\n"
        "      --target aarch64-linux-android24 --cpu cortex-a55\n"};

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

static void add_platform(Table *table, const Platform *platform, Session *session) {
    const char *name = platform->name, *level = "";
    if (platform->lowest_api_level > 0) {
        name = arena_format(session->arena, "%sN", name);
        level = arena_format(session->arena, "%d and above", platform->lowest_api_level);
    }
    const char *cells[] = {name, platform->target, level, platform->summary};
    table_add_row(table, cells);
}

/* Several targets in one library. */
static void print_levels(void) {
    size_t count;
    const TargetLevels *levels = target_levels_table(&count);
    for (size_t i = 0; i < count; i++)
        printf("\n%s  %s\n", levels[i].name, levels[i].summary);
}

/* The names of cpus.def of an architecture, wrapped. */
static void print_processors(const Session *session, Architecture architecture) {
    size_t count, column = 0;
    const char *const *names = target_processor_names(architecture, session->arena, &count);
    if (count == 0)
        return;
    printf("\nProcessors of %s by name:\n", architecture_name(architecture));
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

static void print_and_free(Table *table) {
    Text text = {0};
    table_print(table, &text);
    fputs(text.data, stdout);
    text_free(&text);
    table_free(table);
}

static void print_targets(void) {
    static const TableColumn columns[] = {{"target", ALIGN_LEFT}, {"lanes", ALIGN_RIGHT},
        {"registers", ALIGN_RIGHT}, {"caches", ALIGN_RIGHT}, {"runs here", ALIGN_LEFT},
        {"what it is", ALIGN_LEFT}};
    Table table = table_create(columns, 6);
    size_t count;
    const Target *targets = target_table(&count);
    for (size_t i = 0; i < count; i++)
        add_target(&table, &targets[i]);
    print_and_free(&table);
}

static void print_platforms(Session *session) {
    static const TableColumn columns[] = {{"platform", ALIGN_LEFT}, {"without --cpu", ALIGN_LEFT},
        {"API level N", ALIGN_LEFT}, {"what it is", ALIGN_LEFT}};
    Table table = table_create(columns, 4);
    size_t count;
    const Platform *platforms = platform_table(&count);
    for (size_t i = 0; i < count; i++)
        add_platform(&table, &platforms[i], session);
    print_and_free(&table);
}

static void print_gpus(void) {
    static const TableColumn columns[] = {{"GPU", ALIGN_LEFT}, {"multiprocessors", ALIGN_RIGHT},
        {"shared memory", ALIGN_RIGHT}, {"what it is", ALIGN_LEFT}};
    Table table = table_create(columns, 4);
    size_t count;
    const Target *targets = gpu_target_table(&count);
    for (size_t i = 0; i < count; i++) {
        char multiprocessors[32], shared[32];
        snprintf(multiprocessors, sizeof multiprocessors, "%d", targets[i].gpu->multiprocessors);
        snprintf(
            shared, sizeof shared, "%lld KiB", (long long)(targets[i].gpu->shared_bytes / 1024));
        const char *cells[] = {targets[i].name, multiprocessors, shared, targets[i].summary};
        table_add_row(&table, cells);
    }
    print_and_free(&table);
}

int command_targets(int argc, char **argv) {
    Session session = session_begin();
    if (!command_line_parse(&argp, argc, argv, &session, &session))
        return session_finish(&session, EXIT_USAGE);
    print_targets();
    printf("\n");
    print_platforms(&session);
    printf("\n");
    print_gpus();
    print_levels();
    for (int i = 0; i < ARCHITECTURE_COUNT; i++)
        print_processors(&session, (Architecture)i);
    return session_finish(&session, EXIT_DONE);
}
