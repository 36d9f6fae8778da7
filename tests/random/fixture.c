/* Fixtures: graphs with, in comments before them, what failed once:
 *
 *     # seed: 17
 *     # passes: merge-layout,absorb-route
 *     # target: x86-64-v3, tiny cache
 *     # fault: difference: output 'y0' differs by 1.2, its largest is 1.4
 *     graph random {
 *
 * Without a target only the passes run. */
#include "battery.h"
#include "ir/source_file.h"

#include <stdlib.h>
#include <string.h>

static const char tiny_cache[] = ", tiny cache";

void fixture_print(const Failure *failure, const Graph *graph, Text *text) {
    text_format(text, "# seed: %llu\n", (unsigned long long)failure->seed);
    text_format(text, "# passes: %s\n", failure->pipeline);
    if (failure->target[0] != '\0')
        text_format(
            text, "# target: %s%s\n", failure->target, failure->tiny_cache ? tiny_cache : "");
    text_format(text, "# fault: %.*s\n", (int)strcspn(failure->fault, "\n"), failure->fault);
    graph_print(graph, text);
}

/* What stands behind "# KEY: " in the comments, NULL when nothing does. */
static const char *comment(const char *text, const char *key, Arena *arena) {
    const char *wanted = arena_format(arena, "# %s: ", key);
    while (text[0] == '#') {
        size_t length = strcspn(text, "\n"), before = strlen(wanted);
        if (strncmp(text, wanted, before) == 0)
            return arena_copy_bytes(arena, text + before, length - before);
        text += length + (text[length] == '\n');
    }
    return NULL;
}

static const char *or_empty(const char *text) {
    return text == NULL ? "" : text;
}

Graph *fixture_read(const char *path, Failure *failure, Arena *arena, Diagnostics *diagnostics) {
    enum { MOST_BYTES = 1 << 20 };
    const SourceFile *file = source_file_read_text(path, MOST_BYTES, NULL, arena, diagnostics);
    if (file == NULL)
        return NULL;
    *failure = (Failure){.seed = strtoull(or_empty(comment(file->text, "seed", arena)), NULL, 10),
        .pipeline = or_empty(comment(file->text, "passes", arena)),
        .target = or_empty(comment(file->text, "target", arena)),
        .fault = or_empty(comment(file->text, "fault", arena))};
    const char *end = strstr(failure->target, tiny_cache);
    if (end != NULL) {
        failure->tiny_cache = true;
        failure->target = arena_copy_bytes(arena, failure->target, (size_t)(end - failure->target));
    }
    return graph_parse(file, arena, diagnostics);
}
