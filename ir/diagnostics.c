#include "ir/diagnostics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ERRORS = 100, EXCERPT_COLUMNS = 120 };

typedef struct Diagnostic {
    Severity severity;
    bool has_place;
    const char *file_name;
    uint32_t line, column;
    const char *message, *hint; /* hint may be NULL */
    const char *excerpt;        /* NULL without a place; already clipped, tabs made spaces */
    uint32_t caret, caret_length;
    struct Diagnostic *next;
} Diagnostic;

struct Diagnostics {
    Arena *arena;
    Diagnostic *first, *last;
    size_t error_count;
    const char **inputs; /* paths */
    size_t input_count, input_capacity;
    bool last_was_dropped; /* its notes are dropped too */
};

Diagnostics *diagnostics_create(void) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = ARENA_NEW(arena, Diagnostics);
    diagnostics->arena = arena;
    return diagnostics;
}

void diagnostics_destroy(Diagnostics *diagnostics) {
    if (diagnostics != NULL)
        arena_destroy(diagnostics->arena);
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* What a message quotes may come from a stranger's file and goes to someone's terminal: control
 * characters, C1 ones in UTF-8 among them, become '?'. Lines and tabs may stay. */
static void tame(char *text) {
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
        if ((*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f)
            *at = '?';
        else if (c1)
            at[0] = at[1] = '?';
    }
}

static const char *tame_copy(Arena *arena, const char *text) {
    char *copy = arena_copy_string(arena, text);
    tame(copy);
    return copy;
}

/* Copies the part of the line that shows the range: tabs and control characters become spaces,
 * lines longer than the terminal are cut to a window round the caret with "..." at the cut ends. */
static void take_excerpt(Diagnostic *diagnostic, Arena *arena, const char *line, uint32_t length,
    uint32_t begin, uint32_t end) {
    uint32_t from = 0, to = length;
    if (length > EXCERPT_COLUMNS) {
        uint32_t before = EXCERPT_COLUMNS / 2;
        from = begin > before ? begin - before : 0;
        to = smaller(length, from + EXCERPT_COLUMNS);
        while (from < begin && continues_character(line[from]))
            from++;
        while (to > begin && to < length && continues_character(line[to]))
            to--;
    }
    const char *head = from > 0 ? "..." : "";
    const char *tail = to < length ? "..." : "";
    char *excerpt = arena_format(arena, "%s%*s%s", head, (int)(to - from), "", tail);
    uint32_t start = (uint32_t)strlen(head);
    for (uint32_t i = from; i < to; i++) {
        unsigned char byte = (unsigned char)line[i];
        excerpt[start + i - from] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
    tame(excerpt);
    diagnostic->excerpt = excerpt;
    /* A caret stands under a character, not under each of its bytes. */
    uint32_t column = start, columns = 0;
    for (uint32_t i = from; i < begin; i++)
        column += !continues_character(line[i]);
    for (uint32_t i = begin; i < smaller(end, to); i++)
        columns += !continues_character(line[i]);
    diagnostic->caret = column;
    diagnostic->caret_length = columns > 0 ? columns : 1;
}

static void take_place(Diagnostic *diagnostic, Arena *arena, SourceRange where) {
    const SourceFile *file = where.file;
    if (file->text == NULL) { /* no text, so no lines */
        diagnostic->file_name = tame_copy(arena, file->name);
        return;
    }
    uint32_t size = file->length > UINT32_MAX ? UINT32_MAX : (uint32_t)file->length;
    uint32_t begin = smaller(where.begin, size);
    uint32_t line_begin = begin;
    while (line_begin > 0 && file->text[line_begin - 1] != '\n')
        line_begin--;
    uint32_t line_end = begin;
    while (line_end < size && file->text[line_end] != '\n')
        line_end++;
    uint32_t line = 1;
    for (const char *at = file->text;
        (at = memchr(at, '\n', (size_t)(file->text + line_begin - at))) != NULL; at++)
        line++;
    diagnostic->has_place = true;
    diagnostic->file_name = tame_copy(arena, file->name);
    diagnostic->line = line;
    diagnostic->column = begin - line_begin + 1;
    uint32_t length = line_end - line_begin;
    if (length > 0 && file->text[line_end - 1] == '\r' && begin < line_end)
        length--;
    uint32_t end = smaller(where.end, line_end);
    take_excerpt(diagnostic, arena, file->text + line_begin, length, begin - line_begin,
        end > begin ? smaller(end - line_begin, length) : begin - line_begin);
}

static void report(Diagnostics *diagnostics, Severity severity, SourceRange where, const char *hint,
    const char *format, va_list arguments) {
    if (severity == SEVERITY_ERROR)
        diagnostics->error_count++;
    if (severity != SEVERITY_NOTE)
        diagnostics->last_was_dropped = diagnostics->error_count > MOST_ERRORS;
    if (diagnostics->last_was_dropped)
        return;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *copy = arena_allocate(diagnostics->arena, (size_t)(length < 0 ? 0 : length) + 1);
    vsnprintf(copy, (size_t)(length < 0 ? 0 : length) + 1, format, arguments);
    tame(copy);

    Diagnostic *diagnostic = ARENA_NEW(diagnostics->arena, Diagnostic);
    diagnostic->severity = severity;
    diagnostic->message = copy;
    diagnostic->hint = hint == NULL ? NULL : tame_copy(diagnostics->arena, hint);
    if (where.file != NULL)
        take_place(diagnostic, diagnostics->arena, where);
    if (diagnostics->last == NULL)
        diagnostics->first = diagnostic;
    else
        diagnostics->last->next = diagnostic;
    diagnostics->last = diagnostic;
}

void diagnostics_report(Diagnostics *diagnostics, Severity severity, SourceRange where,
    const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(diagnostics, severity, where, hint, format, arguments);
    va_end(arguments);
}

void diagnostics_error(Diagnostics *diagnostics, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(diagnostics, SEVERITY_ERROR, (SourceRange){0}, hint, format, arguments);
    va_end(arguments);
}

void diagnostics_pass_on(
    Diagnostics *diagnostics, const Diagnostics *from, SourceRange where, const char *prefix) {
    for (const Diagnostic *one = from->first; one != NULL; one = one->next)
        diagnostics_report(
            diagnostics, one->severity, where, one->hint, "%s%s", prefix, one->message);
}

size_t diagnostics_error_count(const Diagnostics *diagnostics) {
    return diagnostics->error_count;
}

static const char *severity_name(Severity severity) {
    switch (severity) {
    case SEVERITY_ERROR:
        return "error";
    case SEVERITY_WARNING:
        return "warning";
    case SEVERITY_NOTE:
        return "note";
    }
    return "error";
}

static void print_one(const Diagnostic *diagnostic, FILE *stream) {
    const char *severity = severity_name(diagnostic->severity);
    if (!diagnostic->has_place) {
        fprintf(stream, "%s: %s: %s\n",
            diagnostic->file_name == NULL ? "riffle" : diagnostic->file_name, severity,
            diagnostic->message);
    } else {
        fprintf(stream, "%s:%u:%u: %s: %s\n", diagnostic->file_name, diagnostic->line,
            diagnostic->column, severity, diagnostic->message);
        fprintf(stream, "%s\n%*s^", diagnostic->excerpt, (int)diagnostic->caret, "");
        for (uint32_t i = 1; i < diagnostic->caret_length; i++)
            fputc('~', stream);
        fputc('\n', stream);
    }
    if (diagnostic->hint != NULL)
        fprintf(stream, "hint: %s\n", diagnostic->hint);
}

void diagnostics_print(const Diagnostics *diagnostics, FILE *stream) {
    for (const Diagnostic *one = diagnostics->first; one != NULL; one = one->next)
        print_one(one, stream);
    if (diagnostics->error_count > MOST_ERRORS)
        fprintf(stream, "riffle: error: %zu more errors are not shown\n",
            diagnostics->error_count - MOST_ERRORS);
}

void diagnostics_note_input(Diagnostics *diagnostics, const char *path) {
    for (size_t i = 0; i < diagnostics->input_count; i++)
        if (strcmp(diagnostics->inputs[i], path) == 0)
            return;
    if (diagnostics->input_count == diagnostics->input_capacity) {
        size_t capacity = diagnostics->input_capacity == 0 ? 16 : 2 * diagnostics->input_capacity;
        const char **inputs = ARENA_ARRAY(diagnostics->arena, const char *, capacity);
        for (size_t i = 0; i < diagnostics->input_count; i++)
            inputs[i] = diagnostics->inputs[i];
        diagnostics->inputs = inputs;
        diagnostics->input_capacity = capacity;
    }
    diagnostics->inputs[diagnostics->input_count++] = arena_copy_string(diagnostics->arena, path);
}

int diagnostics_open_input(Diagnostics *diagnostics, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(file);
        errno = EISDIR;
        return -1;
    }
    if (file >= 0)
        diagnostics_note_input(diagnostics, path);
    return file;
}

const char *const *diagnostics_inputs(const Diagnostics *diagnostics, size_t *count) {
    *count = diagnostics->input_count;
    return diagnostics->inputs;
}

/* Damerau-Levenshtein distance (adjacent letters may be swapped); words beyond 63 letters are never
 * alike. */
enum { LONGEST_WORD = 63 };

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t word_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][LONGEST_WORD + 1];
    size_t *two_back = rows[0], *back = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        back[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = a[i - 1] != b[j - 1];
            row[j] = least(row[j - 1] + 1, back[j] + 1, back[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_back[j - 2] + 1, row[j]);
        }
        size_t *oldest = two_back;
        two_back = back;
        back = row;
        row = oldest;
    }
    return back[b_length];
}

const char *closest_word(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST_WORD)
        return NULL;
    size_t best_distance = length / 3 > 1 ? length / 3 : 1;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > LONGEST_WORD)
            continue;
        size_t distance = word_distance(word, length, candidates[i], candidate_length);
        if (distance >= length) /* nothing in common */
            continue;
        if (distance < best_distance || (distance == best_distance && best == NULL)) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}
