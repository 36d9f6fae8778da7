#include "driver/depfile.h"

#include <string.h>

/* As gcc writes paths: a space or a tab takes a backslash, and those before it count double; a
 * number sign takes one, too, and a dollar sign another. */
static void append_path(Text *out, const char *path) {
    size_t backslashes = 0;
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == ' ' || *at == '\t')
            for (size_t i = 0; i <= backslashes; i++)
                text_append(out, "\\");
        else if (*at == '#')
            text_append(out, "\\");
        else if (*at == '$')
            text_append(out, "$");
        text_append_bytes(out, at, 1);
        backslashes = *at == '\\' ? backslashes + 1 : 0;
    }
}

static bool can_name(const char *path, Session *session) {
    if (strpbrk(path, "\r\n") == NULL)
        return true;
    diagnostics_error(session->diagnostics, "rename it, or leave out --depfile",
        "--depfile: a path with a line break cannot be written in a Makefile: '%s'", path);
    return false;
}

bool depfile_write(const char *target, Session *session, Text *out) {
    size_t count;
    const char *const *paths = diagnostics_inputs(session->diagnostics, &count);
    bool good = can_name(target, session);
    for (size_t i = 0; i < count; i++)
        good &= can_name(paths[i], session);
    if (!good)
        return false;
    append_path(out, target);
    text_append(out, ":");
    for (size_t i = 0; i < count; i++) {
        text_append(out, " \\\n  ");
        append_path(out, paths[i]);
    }
    text_append(out, "\n");
    for (size_t i = 0; i < count; i++) {
        append_path(out, paths[i]);
        text_append(out, ":\n");
    }
    return true;
}
