#include "driver/answer.h"

#include "backends/backends.h"
#include "ir/source_file.h"
#include "runtime/support/top.h"

#include <string.h>

enum { LARGEST_LABELS = 64 << 20 };

static int64_t count_lines(const SourceFile *file) {
    int64_t lines = 0;
    for (size_t i = 0; i < file->length; i++)
        lines += file->text[i] == '\n';
    return lines + (file->length > 0 && file->text[file->length - 1] != '\n');
}

bool labels_read(const char *path, int64_t classes, Session *session, Labels *labels) {
    static const WantedFile wanted = {"a list of labels", {FILE_KIND_UNKNOWN}};
    SourceFile *file =
        source_file_read_text(path, LARGEST_LABELS, &wanted, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    labels->count = count_lines(file);
    if (labels->count != classes) {
        diagnostics_error(session->diagnostics, "the file has one name a line, in class order",
            "'%s' has %lld names where the network has %lld classes", path,
            (long long)labels->count, (long long)classes);
        return false;
    }
    labels->names = ARENA_ARRAY(session->arena, const char *, labels->count);
    const char *line = file->text, *end = file->text + file->length;
    for (int64_t i = 0; i < labels->count; i++) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((line_end == NULL ? end : line_end) - line);
        const char *next = line + length + 1;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        labels->names[i] = arena_copy_bytes(session->arena, line, length);
        line = next;
    }
    return true;
}

int64_t best_answers(
    const GraphOutput *output, const float *numbers, int64_t top, Arena *arena, Answer *answers) {
    SupportConstants constants = support_class_constants(output, arena);
    int *classes = ARENA_ARRAY(arena, int, top);
    float *probabilities = ARENA_ARRAY(arena, float, top);
    int count = riffle_support_top(
        numbers, classes, probabilities, (int)top, constants.numbers, constants.values);
    for (int i = 0; i < count; i++)
        answers[i] = (Answer){classes[i], (double)probabilities[i]};
    return count;
}
