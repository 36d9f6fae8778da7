/* What the scanner makes of pieces of text: numbers, strings and comments. */
#include "frontend/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool scan_integer(ParseContext *context, const char *text, Span where, int64_t *value) {
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno != 0) {
        parse_complain(context, where, NULL, "the number does not fit in 64 bits");
        return false;
    }
    *value = number;
    return true;
}

double scan_number(ParseContext *context, const char *text, Span where) {
    double number = strtod(text, NULL);
    if (!isfinite(number)) {
        parse_complain(context, where, NULL, "the number is too large");
        return 1.0;
    }
    return number;
}

const char *scan_text(ParseContext *context, const char *text, size_t length, Span where) {
    if (length > TEXT_LIMIT) {
        parse_complain(context, where, NULL, "the string is longer than 4096 bytes");
        return "";
    }
    if (!is_valid_utf8(text, length)) {
        parse_complain(context, where, NULL, "the string is not valid UTF-8");
        return "";
    }
    return arena_copy_bytes(context->arena, text, length);
}

/* Comments may hold any bytes; those that are no UTF-8 become U+FFFD, so that JSON can hold them
 * too. */
void scan_comment(ParseContext *context, const char *text, size_t length, Span where) {
    while (length > 0 && strchr(" \t\r\f", text[length - 1])) {
        length--;
    }
    Text clean = {0};
    for (size_t i = 0; i < length;) {
        size_t size = 1;
        while (size < 4 && i + size < length && ((unsigned char)text[i + size] & 0xc0) == 0x80) {
            size++;
        }
        bool control = size == 1 && (unsigned char)text[i] < ' ' && text[i] != '\t';
        if (is_valid_utf8(text + i, size) && !control) {
            text_append_bytes(&clean, text + i, size);
            i += size;
        } else {
            text_append(&clean, "\xef\xbf\xbd");
            i++;
        }
    }
    ARENA_GROW(
        context->arena, context->comments, context->comment_count, context->comment_capacity, 32);
    context->comments[context->comment_count++] =
        (Comment){arena_copy_bytes(context->arena, clean.data ? clean.data : "", clean.length),
            where.begin, where.end};
    text_free(&clean);
}
