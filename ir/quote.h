/* Names, paths and words of strangers, where people and programs read them: what of them may be
 * shown as it is, and how the rest is written. All printers ask here. */
#ifndef RIFFLE_IR_QUOTE_H
#define RIFFLE_IR_QUOTE_H

#include "ir/arena.h"
#include "ir/text.h"
#include <stdint.h>

enum { UTF8_LONGEST = 4 };
/* The bytes of the UTF-8 sequence that the bytes begin with, and its code point (which may be
 * NULL). 0 when it is none: no surrogates, no long forms (RFC 3629). Where a NUL ends the bytes,
 * which is part of no longer sequence, any length will do. */
size_t utf8_sequence(const char *bytes, size_t length, uint32_t *code_point);

/* How many bytes of the text, which is not empty, may be shown as they are: those of its first
 * character. 0 when the first byte is to be written as \xHH: of control characters, of what is no
 * UTF-8, of characters that change the direction or the line of those around them, and of those
 * that XML does not allow. */
size_t quote_shown(const char *text);

/* \xHH */
void quote_byte(Text *text, char byte);
/* The first character of the text, or its first byte as \xHH; returns the bytes taken. */
size_t quote_character(Text *text, const char *at);
/* The string with what may not be shown as \xHH; the rest as it is, quotes and backslashes too. */
void quote_append(Text *text, const char *string);
const char *quote_copy(Arena *arena, const char *string);

/* The largest length of at most `most` that ends behind a character of the string. */
size_t quote_cut(const char *string, size_t most);
/* How much of a word of the text is shown in a message. */
size_t quote_word(const char *word, size_t length);

#endif
