#include "ir/diagnostics.h"

#include "ir/ending.h"
#include "ir/quote.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ERRORS = 100, EXCERPT_COLUMNS = 120 };

struct Diagnostics {
    Arena *arena;
    Diagnostic *first, *last;
    size_t error_count, dropped_count; /* all errors; those too many to be kept */
    const char **inputs;               /* paths */
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

/* The part of a line that is shown: all of it, or a window round the caret. */
typedef struct ShownWindow {
    uint32_t from, to;
} ShownWindow;

static ShownWindow choose_window(const char *line, uint32_t length, uint32_t begin) {
    ShownWindow window = {0, length};
    if (length > EXCERPT_COLUMNS) {
        uint32_t before = EXCERPT_COLUMNS / 2;
        window.from = begin > before ? begin - before : 0;
        window.to = smaller(length, window.from + EXCERPT_COLUMNS);
        while (window.from < begin && continues_character(line[window.from]))
            window.from++;
        while (window.to > begin && window.to < length && continues_character(line[window.to]))
            window.to--;
    }
    return window;
}

/* One character of the source, or a byte of it that cannot be shown; returns the bytes taken. */
static uint32_t append_character(Text *text, const char *at) {
    if (*at == '\t') {
        text_append(text, " ");
        return 1;
    }
    return (uint32_t)quote_character(text, at);
}

/* A caret stands under a character, not under each of its bytes. */
static uint32_t count_columns(const Text *text, size_t begin, size_t end) {
    uint32_t columns = 0;
    for (size_t i = begin; i < end; i++)
        columns += !continues_character(text->data[i]);
    return columns;
}

/* Tabs become spaces, and what is cut off at the ends "...". The line need not end with a NUL, but
 * the file does. */
static void take_excerpt(Diagnostic *diagnostic, Arena *arena, const char *line, uint32_t length,
    uint32_t begin, uint32_t end) {
    ShownWindow window = choose_window(line, length, begin);
    Text text = {0};
    text_append(&text, window.from > 0 ? "..." : "");
    size_t caret = text.length, caret_end = caret;
    for (uint32_t i = window.from; i < window.to;) {
        bool is_marked = i < end;
        if (i <= begin)
            caret = text.length;
        i += append_character(&text, line + i);
        if (is_marked)
            caret_end = text.length;
    }
    if (begin >= window.to)
        caret = text.length;
    text_append(&text, window.to < length ? "..." : "");
    uint32_t columns = caret_end > caret ? count_columns(&text, caret, caret_end) : 1;
    diagnostic->caret = count_columns(&text, 0, caret);
    diagnostic->caret_length = columns;
    diagnostic->excerpt = arena_copy_bytes(arena, text.data, text.length);
    text_free(&text);
}

static void take_place(Diagnostic *diagnostic, Arena *arena, SourceRange where) {
    const SourceFile *file = where.file;
    diagnostic->file = arena_copy_string(arena, file->name);
    if (file->text == NULL) /* no text, so no lines */
        return;
    uint32_t size = file->length > UINT32_MAX ? UINT32_MAX : (uint32_t)file->length;
    uint32_t begin = smaller(where.begin, size);
    diagnostic->has_place = true;
    diagnostic->begin = source_position(file, begin);
    diagnostic->end = where.end > begin ? source_position(file, where.end) : diagnostic->begin;
    uint32_t line_begin = begin - (diagnostic->begin.column - 1);
    uint32_t line_end = begin;
    while (line_end < size && file->text[line_end] != '\n')
        line_end++;
    uint32_t length = line_end - line_begin;
    if (length > 0 && file->text[line_end - 1] == '\r' && begin < line_end)
        length--;
    uint32_t end = smaller(where.end, line_end);
    take_excerpt(diagnostic, arena, file->text + line_begin, length, begin - line_begin,
        end > begin ? smaller(end - line_begin, length) : begin - line_begin);
}

static void append(Diagnostics *diagnostics, Diagnostic *diagnostic) {
    if (diagnostics->last == NULL)
        diagnostics->first = diagnostic;
    else
        diagnostics->last->next = diagnostic;
    diagnostics->last = diagnostic;
}

void diagnostics_report_arguments(Diagnostics *diagnostics, Severity severity, SourceRange where,
    const char *hint, const char *format, va_list arguments) {
    if (severity == SEVERITY_ERROR)
        diagnostics->error_count++;
    if (severity != SEVERITY_NOTE)
        diagnostics->last_was_dropped = diagnostics->error_count > MOST_ERRORS;
    if (diagnostics->last_was_dropped) {
        diagnostics->dropped_count += severity == SEVERITY_ERROR;
        return;
    }
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *message = arena_allocate(diagnostics->arena, (size_t)(length < 0 ? 0 : length) + 1);
    vsnprintf(message, (size_t)(length < 0 ? 0 : length) + 1, format, arguments);

    Diagnostic *diagnostic = ARENA_NEW(diagnostics->arena, Diagnostic);
    diagnostic->severity = severity;
    diagnostic->message = quote_copy(diagnostics->arena, message);
    diagnostic->hint = hint == NULL ? NULL : quote_copy(diagnostics->arena, hint);
    if (where.file != NULL)
        take_place(diagnostic, diagnostics->arena, where);
    append(diagnostics, diagnostic);
}

void diagnostics_report(Diagnostics *diagnostics, Severity severity, SourceRange where,
    const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnostics_report_arguments(diagnostics, severity, where, hint, format, arguments);
    va_end(arguments);
}

void diagnostics_error(Diagnostics *diagnostics, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnostics_report_arguments(
        diagnostics, SEVERITY_ERROR, (SourceRange){0}, hint, format, arguments);
    va_end(arguments);
}

void diagnostics_add_lines(Diagnostics *diagnostics, const char *lines, size_t length) {
    if (diagnostics->last == NULL || diagnostics->last_was_dropped)
        return;
    Text text = {0};
    for (size_t at = 0; at < length && lines[at] != '\0';) {
        if (lines[at] == '\n') {
            text_append(&text, "\n");
            at++;
        } else {
            at += append_character(&text, lines + at);
        }
    }
    while (text.length > 0 && text.data[text.length - 1] == '\n')
        text.length--;
    text_append(&text, text.length > 0 ? "\n" : "");
    diagnostics->last->lines = arena_copy_bytes(diagnostics->arena, text.data, text.length);
    text_free(&text);
}

void diagnostics_visit(const Diagnostics *diagnostics,
    void (*visit)(void *context, const Diagnostic *diagnostic), void *context) {
    for (const Diagnostic *one = diagnostics->first; one != NULL; one = one->next)
        visit(context, one);
    if (diagnostics->dropped_count == 0)
        return;
    char message[64];
    snprintf(message, sizeof message, "%zu more errors are not shown", diagnostics->dropped_count);
    visit(context, &(Diagnostic){.severity = SEVERITY_ERROR, .message = message});
}

bool diagnostic_is_note(const Diagnostic *diagnostic) {
    return diagnostic != NULL && diagnostic->severity == SEVERITY_NOTE;
}

static const char *copy_if_any(Arena *arena, const char *string) {
    return string == NULL ? NULL : arena_copy_string(arena, string);
}

static void append_copy(Diagnostics *diagnostics, const Diagnostic *other) {
    Arena *arena = diagnostics->arena;
    Diagnostic *copy = ARENA_NEW(arena, Diagnostic);
    *copy = *other;
    copy->file = copy_if_any(arena, other->file);
    copy->message = arena_copy_string(arena, other->message);
    copy->hint = copy_if_any(arena, other->hint);
    copy->lines = copy_if_any(arena, other->lines);
    copy->excerpt = copy_if_any(arena, other->excerpt);
    copy->next = NULL;
    append(diagnostics, copy);
}

/* Those that are as grave, each with its notes. */
static void take_from(Diagnostics *diagnostics, const Diagnostics *others, Severity least) {
    bool takes = least == SEVERITY_NOTE;
    for (const Diagnostic *other = others->first; other != NULL; other = other->next) {
        if (other->severity != SEVERITY_NOTE)
            takes = other->severity <= least;
        if (takes)
            append_copy(diagnostics, other);
    }
    diagnostics->error_count += others->error_count;
    diagnostics->dropped_count += others->dropped_count;
    diagnostics->last_was_dropped = others->last_was_dropped;
}

void diagnostics_take(Diagnostics *diagnostics, const Diagnostics *others) {
    take_from(diagnostics, others, SEVERITY_NOTE);
}

void diagnostics_take_errors(Diagnostics *diagnostics, const Diagnostics *others) {
    take_from(diagnostics, others, SEVERITY_ERROR);
}

size_t diagnostics_error_count(const Diagnostics *diagnostics) {
    return diagnostics->error_count;
}

void diagnostics_note_input(Diagnostics *diagnostics, const char *path) {
    for (size_t i = 0; i < diagnostics->input_count; i++)
        if (strcmp(diagnostics->inputs[i], path) == 0)
            return;
    ARENA_GROW(diagnostics->arena, diagnostics->inputs, diagnostics->input_count,
        diagnostics->input_capacity, 16);
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
