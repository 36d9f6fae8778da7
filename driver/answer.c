#include "driver/answer.h"

#include "backends/backends.h"
#include "ir/labels.h"
#include "ir/source_file.h"
#include "runtime/support/top.h"

bool labels_read(const char *path, int64_t classes, Session *session, Labels *labels) {
    static const WantedFile wanted = {"a list of labels", {FILE_KIND_UNKNOWN}};
    SourceFile *file =
        source_file_read_text(path, LARGEST_LABELS, &wanted, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    labels->names = labels_of_lines(file, session->arena, &labels->count);
    if (labels->count != classes) {
        diagnostics_error(session->diagnostics, "the file has one name a line, in class order",
            "'%s' has %d names where the network has %lld classes", path, labels->count,
            (long long)classes);
        return false;
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
