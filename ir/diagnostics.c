#include "ir/diagnostics.h"

#include "ir/ending.h"
#include "ir/quote.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
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
    const char *lines;          /* of another program, each with its line break; or NULL */
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
    if (file->text == NULL) { /* no text, so no lines */
        diagnostic->file_name = quote_copy(arena, file->name);
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
    diagnostic->file_name = quote_copy(arena, file->name);
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
    char *message = arena_allocate(diagnostics->arena, (size_t)(length < 0 ? 0 : length) + 1);
    vsnprintf(message, (size_t)(length < 0 ? 0 : length) + 1, format, arguments);

    Diagnostic *diagnostic = ARENA_NEW(diagnostics->arena, Diagnostic);
    diagnostic->severity = severity;
    diagnostic->message = quote_copy(diagnostics->arena, message);
    diagnostic->hint = hint == NULL ? NULL : quote_copy(diagnostics->arena, hint);
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

void diagnostics_visit_errors(const Diagnostics *diagnostics,
    void (*visit)(void *context, const char *message, const char *hint), void *context) {
    for (const Diagnostic *one = diagnostics->first; one != NULL; one = one->next)
        if (one->severity == SEVERITY_ERROR)
            visit(context, one->message, one->hint);
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
    if (diagnostic->lines != NULL)
        fputs(diagnostic->lines, stream);
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

char *diagnostics_text(const Diagnostics *diagnostics) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        out_of_memory();
    diagnostics_print(diagnostics, stream);
    if (fclose(stream) != 0)
        out_of_memory();
    return text;
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
