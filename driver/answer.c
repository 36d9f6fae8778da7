#include "driver/answer.h"

#include "ir/source_file.h"

#include <math.h>
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

bool output_is_classes(const GraphOutput *output) {
    const TensorType *type = &output->value->type;
    return type->rank == 2 || (type->rank == 4 && type->dims[2] == 1 && type->dims[3] == 1);
}

static double sum_of_exponentials(const float *numbers, int64_t count, double largest) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += exp((double)numbers[i] - largest);
    return sum;
}

static int64_t best_unused(const float *numbers, const bool *used, int64_t count) {
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++) {
        if (!used[i] && !isnan(numbers[i]) && (best < 0 || numbers[i] > numbers[best]))
            best = i;
    }
    return best;
}

int64_t best_answers(const float *numbers, int64_t classes, bool are_probabilities, int64_t top,
    Arena *arena, Answer *answers) {
    bool *used = ARENA_ARRAY(arena, bool, classes);
    int64_t found = 0, first = best_unused(numbers, used, classes);
    if (first < 0)
        return 0;
    double largest = (double)numbers[first];
    double sum = are_probabilities ? 1 : sum_of_exponentials(numbers, classes, largest);
    for (int64_t best = first; best >= 0 && found < top;
        best = best_unused(numbers, used, classes)) {
        double number = (double)numbers[best];
        used[best] = true;
        answers[found++] = (Answer){best, are_probabilities ? number : exp(number - largest) / sum};
    }
    return found;
}
