/* User errors are collected here and printed together; nothing in riffle exits or prints on its
 * own.
 *
 * A diagnostic prints as
 *
 *     net.rfl:3:18: error: unknown op 'cnv'
 *         x = image |> cnv(24, 3)
 *                      ^~~
 *     hint: did you mean 'conv'?
 *
 * What is quoted of a file is shown as ir/quote.h has it, on one line.
 *
 * Lines and columns count from 1; a column is a byte (as in gcc). Without a source file the message
 * starts with "riffle: error: ". */
#ifndef RIFFLE_IR_DIAGNOSTICS_H
#define RIFFLE_IR_DIAGNOSTICS_H

#include "ir/arena.h"
#include "ir/source_position.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum Severity {
    SEVERITY_ERROR,
    SEVERITY_WARNING,
    SEVERITY_NOTE,
    SEVERITY_REMARK /* what was asked for, and is no fault */
} Severity;

typedef struct Diagnostics Diagnostics;

Diagnostics *diagnostics_create(void);
void diagnostics_destroy(Diagnostics *diagnostics);

/* Adds a diagnostic. A NOTE belongs to the diagnostic before it. After 100 errors only the count
 * goes on. `hint` may be NULL. All strings are copied. */
void diagnostics_report(Diagnostics *diagnostics, Severity severity, SourceRange where,
    const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for those who have a format and its arguments from their caller. */
void diagnostics_report_arguments(Diagnostics *diagnostics, Severity severity, SourceRange where,
    const char *hint, const char *format, va_list arguments) __attribute__((format(printf, 5, 0)));

/* Short form of an error without a place in a source file. */
void diagnostics_error(Diagnostics *diagnostics, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Shows what another program said below the message that was reported last: lines, which text of a
 * message never breaks into. `lines` ends with a NUL, at `length` or behind it. */
void diagnostics_add_lines(Diagnostics *diagnostics, const char *lines, size_t length);

/* One of them, as those see it who print. Text of strangers in its strings is as ir/quote.h shows
 * it, but for the name of the file. */
typedef struct Diagnostic {
    Severity severity;
    const char *file; /* as the user gave it; NULL when the place is unknown */
    bool has_place;   /* the file is a text: begin, end and what is below mean something */
    SourcePosition begin, end;
    const char *message;
    const char *hint;             /* or NULL */
    const char *lines;            /* of another program, each with its line break; or NULL */
    const char *excerpt;          /* its line; already clipped, tabs made spaces */
    uint32_t caret, caret_length; /* columns of the excerpt */
    const struct Diagnostic *next;
} Diagnostic;

/* Calls `visit` with the context and each in turn. Where errors were dropped, the last is one that
 * says how many. */
void diagnostics_visit(const Diagnostics *diagnostics,
    void (*visit)(void *context, const Diagnostic *diagnostic), void *context);

/* Whether it belongs to the one before it. NULL is allowed, and false. */
bool diagnostic_is_note(const Diagnostic *diagnostic);

/* "error", "warning", "note", "remark" */
const char *severity_name(Severity severity);

/* Adds copies of all that the others hold. */
void diagnostics_take(Diagnostics *diagnostics, const Diagnostics *others);
/* Of the errors and their notes alone. */
void diagnostics_take_errors(Diagnostics *diagnostics, const Diagnostics *others);

size_t diagnostics_error_count(const Diagnostics *diagnostics);
void diagnostics_print(const Diagnostics *diagnostics, FILE *stream);
/* The same with the colours of gcc: escape sequences for a terminal. */
void diagnostics_print_coloured(const Diagnostics *diagnostics, FILE *stream);
/* All as they print; the caller frees it. */
char *diagnostics_text(const Diagnostics *diagnostics);

/* ---- files from outside ---- */

/* Opens a file for reading and notes it: all files that a network is compiled from are opened here.
 * It never waits, for a pipe that nobody writes, say; nor do reads of what is no regular file: they
 * fail with EAGAIN while there is nothing. -1 with errno set, EISDIR for a folder,
 * too. */
int diagnostics_open_input(Diagnostics *diagnostics, const char *path);
/* Notes a file that a library of the system opens. */
void diagnostics_note_input(Diagnostics *diagnostics, const char *path);
/* What was noted, each path once, in the order of the first time. */
const char *const *diagnostics_inputs(const Diagnostics *diagnostics, size_t *count);

/* The candidate that is most alike `word` (Damerau-Levenshtein distance of at most a third of its
 * length, at least 1), or NULL: for "did you mean" hints. */
const char *closest_word(const char *word, const char *const *candidates, size_t count);

#endif
