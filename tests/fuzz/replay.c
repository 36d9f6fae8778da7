/* Gives files to a reader of riffle, as they are:
 *
 *     replay READER FILE...
 *
 * A file's fault ends this as it would end a fuzzer; a file that is refused with a message is fine.
 */
#include "tests/fuzz/readers.h"

#include <stdio.h>
#include <string.h>

static bool replay(ReaderKind kind, const char *path) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        return false;
    }
    Text file = {0};
    char buffer[4096];
    text_append(&file, "");
    for (size_t count; (count = fread(buffer, 1, sizeof buffer, stream)) > 0;)
        text_append_bytes(&file, buffer, count);
    fclose(stream);
    fprintf(stderr, "%s: ", path);
    fprintf(stderr, "%s\n", reader_try(kind, &file) ? "taken" : "refused");
    text_free(&file);
    return true;
}

int main(int argc, char **argv) {
    for (int kind = 0; argc > 2 && kind < READER_COUNT; kind++) {
        bool done = true;
        if (strcmp(reader_names[kind], argv[1]) != 0)
            continue;
        for (int i = 2; i < argc; i++)
            done = replay((ReaderKind)kind, argv[i]) && done;
        return done ? 0 : 1;
    }
    fputs("usage: replay READER FILE...\n", stderr);
    return 2;
}
