/* A growable byte string, used by every printer. */
#ifndef RIFFLE_IR_TEXT_H
#define RIFFLE_IR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Text {
    char *data; /* always NUL-terminated once anything was appended; NULL when empty */
    size_t length;
    size_t capacity;
} Text;

/* Bytes that belong into a text at its byte `at` and are too many to be copied. They belong to
 * somebody else, who keeps them as long. */
typedef struct Splice {
    const char *bytes; /* NULL: there are none */
    size_t length, at;
    bool rests; /* they lie where they can (ir/resting.h) */
} Splice;

/* A blank of a line: also what ends lines elsewhere. */
bool text_is_blank(char c);

void text_append(Text *text, const char *string);
void text_append_bytes(Text *text, const void *bytes, size_t length);
void text_format(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The shortest decimal spelling that reads back as the same float (or double): "0.1", "1e-05", and
 * always with a '.', 'e', "inf" or "nan" in it, so that it reads back as a number and no integer.
 */
void text_append_float(Text *text, float number);
void text_append_double(Text *text, double number);
/* Copies them, after all. */
void text_splice(Text *text, const Splice *splice);
/* Whether they have the same bytes. */
bool text_equal(const Text *a, const Text *b);
void text_free(Text *text); /* releases the memory and zeroes the struct */

/* Writes one file, whole or not at all; see ir/write_files.h. Returns 0, or an errno value. */
int text_write_file(const Text *text, const char *path);

#endif
