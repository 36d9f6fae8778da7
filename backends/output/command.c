#include "backends/output/command.h"
#include "ir/arena.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool program_is_in_path(Arena *arena, const char *program) {
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at != '\0';) {
        size_t length = strcspn(at, ":");
        if (access(arena_format(arena, "%.*s/%s", (int)length, at, program), X_OK) == 0)
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

const char *program_find_version(Arena *arena, const char *program) {
    enum { NEWEST = 40, OLDEST = 10 };
    if (program_is_in_path(arena, program))
        return program;
    for (int version = NEWEST; version >= OLDEST; version--) {
        const char *name = arena_format(arena, "%s-%d", program, version);
        if (program_is_in_path(arena, name))
            return name;
    }
    return NULL;
}

size_t command_split(Arena *arena, const char *text, const char **words, size_t count) {
    char *rest = arena_copy_string(arena, text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            words[count++] = word;
    return count;
}
