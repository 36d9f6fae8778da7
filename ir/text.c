#include "ir/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void reserve(Text *text, size_t more) {
    size_t wanted;
    if (__builtin_add_overflow(text->length, more, &wanted) || wanted > SIZE_MAX / 2) {
        fprintf(stderr, "riffle: a text of %zu bytes grew too long\n", text->length);
        exit(70);
    }
    wanted++; /* the final NUL */
    if (wanted <= text->capacity)
        return;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        fprintf(stderr, "riffle: out of memory (%zu bytes wanted)\n", capacity);
        exit(70);
    }
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

void text_free(Text *text) {
    free(text->data);
    *text = (Text){0};
}

static int write_all(int file, const char *data, size_t length) {
    while (length > 0) {
        ssize_t written = write(file, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        data += written;
        length -= (size_t)written;
    }
    return 0;
}

/* mkstemp makes private files; what the user asked for gets the mode that open() would give. */
static void set_usual_mode(int file) {
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(file, 0666 & ~mask);
}

/* A pipe or a device such as /dev/null: there is nothing to rename there. */
static int write_in_place(const Text *text, const char *path) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int error = write_all(file, text->data, text->length);
    if (close(file) != 0 && error == 0)
        error = errno;
    return error;
}

int text_write_file(const Text *text, const char *path) {
    struct stat status;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return EISDIR;
        if (!S_ISREG(status.st_mode))
            return write_in_place(text, path);
    }
    Text temporary = {0};
    text_format(&temporary, "%s.XXXXXX", path);
    int file = mkostemp(temporary.data, O_CLOEXEC);
    if (file < 0) {
        int error = errno;
        text_free(&temporary);
        return error;
    }
    set_usual_mode(file);
    int error = write_all(file, text->data, text->length);
    if (close(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary.data, path) != 0)
        error = errno;
    if (error != 0)
        unlink(temporary.data);
    text_free(&temporary);
    return error;
}
