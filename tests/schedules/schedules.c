/* schedules FOLDER [--update]
 *
 * Compares what is decided of the examples (`--emit schedule`) with golden texts. Each line of
 * FOLDER/builds.txt names some of them,
 *
 *     SPEC[:SETTING;...] PRECISION TARGET...
 *
 * each in a file EXAMPLE.TARGET.schedule, or EXAMPLE.PRECISION.TARGET.schedule where that is not
 * fp32. Says which lines are others; --update writes what is decided now, for the one who updates
 * to read the diff. */
#include "backends/backends.h"
#include "backends/schedule/schedule_text.h"
#include "tests/kernels/example_graph.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 512, LONGEST_NAME = 256, MOST_TARGETS = 16, MOST_REPORTED = 3 };

/* A line of the list. */
typedef struct Entry {
    char line[LONGEST_LINE];
    const char *spec, *precision, *targets[MOST_TARGETS];
    int target_count;
} Entry;

typedef struct Schedules {
    const char *folder;
    bool update;
    int entries;
    char (*names)[LONGEST_NAME]; /* of the files that the list stands for */
    int count, tried, alike;
} Schedules;

/* ---- texts ---- */

/* Behind the line, and its length without the end. */
static const char *next_line(const char *at, int *length) {
    *length = (int)strcspn(at, "\n");
    return at[*length] == '\0' ? at + *length : at + *length + 1;
}

/* Prints the first lines that are others than before, and how many are. */
static void report(const char *name, const char *before, const char *now) {
    int others = 0;
    for (int line = 1; *before != '\0' || *now != '\0'; line++) {
        int was, is;
        const char *old = before, *new = now;
        before = next_line(before, &was);
        now = next_line(now, &is);
        if (was == is && strncmp(old, new, (size_t)was) == 0)
            continue;
        if (++others <= MOST_REPORTED)
            printf(
                "%s:%d: was  %.*s\n%s:%d: is   %.*s\n", name, line, was, old, name, line, is, new);
    }
    printf("%s: %d lines are others\n", name, others);
}

static char *read_text(const char *path, Arena *arena) {
    FILE *file = fopen(path, "r");
    Text text = {0};
    char bytes[4096];
    for (size_t read; file != NULL && (read = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_append_bytes(&text, bytes, read);
    if (file != NULL)
        fclose(file);
    char *copy = arena_copy_string(arena, text.data == NULL ? "" : text.data);
    text_free(&text);
    return copy;
}

/* ---- one schedule ---- */

static void name_schedule(const Entry *entry, const char *target, char name[LONGEST_NAME]) {
    bool plain = strcmp(entry->precision, "fp32") == 0;
    snprintf(name, LONGEST_NAME, "%.*s%s%s.%s.schedule", (int)strcspn(entry->spec, "."),
        entry->spec, plain ? "" : ".", plain ? "" : entry->precision, target);
}

static bool check_text(Schedules *all, const char *name, const Text *now, Arena *arena) {
    const char *path = arena_format(arena, "%s/%s", all->folder, name);
    if (all->update && text_write_file(now, path) != 0)
        return false;
    const char *before = read_text(path, arena);
    bool equal = strcmp(before, now->data) == 0;
    if (!equal)
        report(name, before, now->data);
    all->alike += equal;
    return true;
}

static bool check_target(
    Schedules *all, const char *name, const char *word, ModelOptions *options, const Model *model) {
    Arena *arena = options->session->arena;
    options->target = word;
    const Target *target = model_target(options);
    Program *program = target ? model_lower(options, model->graph, target, NULL) : NULL;
    Text now = {0};
    if (program != NULL)
        schedule_print(program, &now);
    bool done = program != NULL && check_text(all, name, &now, arena);
    all->tried++;
    program_destroy(program);
    text_free(&now);
    return done;
}

/* Notes the names of the entry's texts; returns the first. */
static char (*add_names(Schedules *all, const Entry *entry))[LONGEST_NAME] {
    all->names =
        realloc(all->names, (size_t)(all->count + entry->target_count) * sizeof *all->names);
    if (all->names == NULL)
        abort();
    for (int i = 0; i < entry->target_count; i++)
        name_schedule(entry, entry->targets[i], all->names[all->count + i]);
    all->count += entry->target_count;
    return all->names + all->count - entry->target_count;
}

static bool check_entry(Schedules *all, const Entry *entry, char (*names)[LONGEST_NAME]) {
    Session session = session_begin();
    ModelOptions options;
    Model model = {0};
    bool done =
        example_graph(entry->spec, entry->precision, entry->targets[0], &session, &options, &model);
    for (int i = 0; i < entry->target_count && done; i++)
        done = check_target(all, names[i], entry->targets[i], &options, &model);
    model_close(&model);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED) == EXIT_DONE && done;
}

/* ---- all ---- */

/* False for an empty line and a comment. */
static bool parse_entry(Entry *entry) {
    char *rest = entry->line, *words[2 + MOST_TARGETS];
    int count = 0;
    entry->line[strcspn(entry->line, "#\n")] = '\0';
    for (char *word; count < 2 + MOST_TARGETS && (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            words[count++] = word;
    if (count < 3)
        return false;
    entry->spec = words[0];
    entry->precision = words[1];
    entry->target_count = count - 2;
    for (int i = 2; i < count; i++)
        entry->targets[i - 2] = words[i];
    return true;
}

static bool check_all(Schedules *all) {
    char path[4096];
    Entry entry;
    snprintf(path, sizeof path, "%s/builds.txt", all->folder);
    FILE *file = fopen(path, "r");
    bool done = file != NULL;
    while (done && fgets(entry.line, sizeof entry.line, file) != NULL)
        if (parse_entry(&entry)) {
            char(*names)[LONGEST_NAME] = add_names(all, &entry);
            done = !(all->update || example_has_turn(all->entries++)) ||
                   check_entry(all, &entry, names);
        }
    if (file != NULL)
        fclose(file);
    return done;
}

/* Whether each golden text is that of a build. */
static bool has_no_others(const Schedules *all) {
    DIR *folder = opendir(all->folder);
    bool good = folder != NULL;
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        bool listed = !ends_with(entry->d_name, ".schedule");
        for (int i = 0; i < all->count && !listed; i++)
            listed = strcmp(all->names[i], entry->d_name) == 0;
        if (!listed)
            printf("%s: builds.txt has no such build\n", entry->d_name);
        good = good && listed;
    }
    if (folder != NULL)
        closedir(folder);
    return good;
}

int main(int argument_count, char **arguments) {
    Schedules all = {.update = argument_count == 3 && strcmp(arguments[2], "--update") == 0};
    if (argument_count != 2 && !all.update)
        return EXIT_FAILURE;
    all.folder = arguments[1];
    bool done = check_all(&all) && all.tried > 0 && has_no_others(&all);
    printf("%d of %d schedules are as they were\n", all.alike, all.tried);
    free(all.names);
    return done && all.alike == all.tried ? EXIT_SUCCESS : EXIT_FAILURE;
}
