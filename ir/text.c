#include "ir/text.h"

#include "ir/ending.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(Text *text, size_t more) {
    size_t wanted;
    if (__builtin_add_overflow(text->length, more, &wanted) || wanted > SIZE_MAX / 4)
        out_of_memory();
    wanted++; /* the final NUL */
    if (wanted <= text->capacity)
        return;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    char *data = realloc(text->data, capacity);
    if (data == NULL)
        out_of_memory();
    text->data = data;
    text->capacity = capacity;
}

void text_append_bytes(Text *text, const void *bytes, size_t length) {
    reserve(text, length);
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

bool text_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

void text_append(Text *text, const char *string) {
    text_append_bytes(text, string, strlen(string));
}

void text_format(Text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

/* So that the number reads back as one: an integer's spelling gets ".0". */
static void append_marked(Text *text, const char *digits) {
    text_append(text, digits);
    if (strpbrk(digits, ".ein") == NULL)
        text_append(text, ".0");
}

void text_append_float(Text *text, float number) {
    char digits[64];
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)number);
        float back = strtof(digits, NULL);
        if (back == number || number != number)
            break;
    }
    append_marked(text, digits);
}

void text_append_double(Text *text, double number) {
    char digits[64];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        double back = strtod(digits, NULL);
        if (back == number || number != number)
            break;
    }
    append_marked(text, digits);
}

void text_splice(Text *text, const Splice *splice) {
    if (splice->length == 0)
        return;
    reserve(text, splice->length);
    char *place = text->data + splice->at;
    memmove(place + splice->length, place, text->length - splice->at);
    memcpy(place, splice->bytes, splice->length);
    text->length += splice->length;
    text->data[text->length] = '\0';
}

bool text_equal(const Text *a, const Text *b) {
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

void text_free(Text *text) {
    free(text->data);
    *text = (Text){0};
}
