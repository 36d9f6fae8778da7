/* Spellings that the text forms share: letters, digits, identifiers. */
#ifndef RIFFLE_IR_NAMES_H
#define RIFFLE_IR_NAMES_H

#include <stdbool.h>

static inline bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* What may stand in a weight's path without quotes. */
static inline bool is_path_character(char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '/' || c == '-';
}

/* A C identifier, whether or not a keyword. */
static inline bool is_identifier(const char *name) {
    if (!is_letter(*name))
        return false;
    while (is_letter(*name) || is_digit(*name))
        name++;
    return *name == '\0';
}

#endif
