#include "ir/lexer.h"
#include "ir/names.h"
#include "ir/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The byte at an offset; NUL beyond the end. */
static char peek(const Lexer *lexer, uint32_t at) {
    return at < lexer->file->length ? lexer->file->text[at] : '\0';
}

static Token bad_token(Lexer *lexer, Token token, const char *hint, const char *message) {
    token.kind = TOKEN_BAD;
    token.end = lexer->at;
    SourceRange where = {lexer->file, token.begin, token.end};
    diagnostics_report(lexer->diagnostics, SEVERITY_ERROR, where, hint, "%s", message);
    return token;
}

/* Skips blanks and comments; returns whether a line began. */
static bool skip_blanks(Lexer *lexer) {
    bool new_line = lexer->at == 0;
    for (;; lexer->at++) {
        char c = peek(lexer, lexer->at);
        if (c == '#') {
            while (lexer->at < lexer->file->length && peek(lexer, lexer->at) != '\n')
                lexer->at++;
            c = peek(lexer, lexer->at);
        }
        if (c == '\n')
            new_line = true;
        else if (c != ' ' && c != '\t' && c != '\r')
            return new_line;
    }
}

static int hex_digit(char c) {
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One escape, `at` standing behind the backslash: appends its byte and moves on. */
static bool take_escape(Lexer *lexer, Text *text) {
    char c = peek(lexer, lexer->at);
    if (c == '"' || c == '\\') {
        text_append_bytes(text, &c, 1);
        lexer->at++;
        return true;
    }
    if (c != 'x')
        return false;
    int high = hex_digit(peek(lexer, lexer->at + 1));
    int low = high < 0 ? -1 : hex_digit(peek(lexer, lexer->at + 2));
    if (low < 0 || high + low == 0)
        return false;
    char byte = (char)(high * 16 + low);
    text_append_bytes(text, &byte, 1);
    lexer->at += 3;
    return true;
}

/* `at` stands on the opening quote. */
static Token take_string(Lexer *lexer, Token token, TokenKind kind) {
    Text text = {0};
    lexer->at++;
    const char *fault = NULL;
    while (fault == NULL && peek(lexer, lexer->at) != '"') {
        char c = peek(lexer, lexer->at);
        if (c == '\0' || c == '\n') {
            fault = "a string must end on its line";
        } else if (c == '\\') {
            lexer->at++;
            if (!take_escape(lexer, &text))
                fault = "unknown escape in a string";
        } else {
            text_append_bytes(&text, &c, 1);
            lexer->at++;
        }
    }
    if (fault != NULL) {
        text_free(&text);
        token =
            bad_token(lexer, token, "escapes are \\\", \\\\ and \\x with two hex digits", fault);
        /* What follows is no text to be read. */
        while (lexer->at < lexer->file->length && peek(lexer, lexer->at) != '\n')
            lexer->at++;
        return token;
    }
    lexer->at++;
    token.kind = kind;
    token.end = lexer->at;
    token.string = arena_copy_bytes(lexer->arena, text.data, text.length);
    text_free(&text);
    return token;
}

static Token take_word(Lexer *lexer, Token token, TokenKind kind) {
    uint32_t begin = lexer->at;
    while (is_letter(peek(lexer, lexer->at)) || is_digit(peek(lexer, lexer->at)))
        lexer->at++;
    if (lexer->at == begin)
        return bad_token(lexer, token, NULL, "a name or number must follow '%'");
    token.kind = kind;
    token.end = lexer->at;
    token.string = arena_copy_bytes(lexer->arena, lexer->file->text + begin, lexer->at - begin);
    return token;
}

/* `at` stands behind the '@'. */
static Token take_path(Lexer *lexer, Token token) {
    if (peek(lexer, lexer->at) == '"')
        return take_string(lexer, token, TOKEN_PATH);
    uint32_t begin = lexer->at;
    while (is_path_character(peek(lexer, lexer->at)))
        lexer->at++;
    if (lexer->at == begin)
        return bad_token(lexer, token, NULL, "a weight's path must follow '@'");
    token.kind = TOKEN_PATH;
    token.end = lexer->at;
    token.string = arena_copy_bytes(lexer->arena, lexer->file->text + begin, lexer->at - begin);
    return token;
}

static void skip_digits(Lexer *lexer) {
    while (is_digit(peek(lexer, lexer->at)))
        lexer->at++;
}

static Token take_number(Lexer *lexer, Token token) {
    token.kind = TOKEN_INTEGER;
    if (peek(lexer, lexer->at) == '-')
        lexer->at++;
    skip_digits(lexer);
    if (peek(lexer, lexer->at) == '.' && peek(lexer, lexer->at + 1) != '.') {
        token.kind = TOKEN_NUMBER;
        lexer->at++;
        skip_digits(lexer);
    }
    char c = peek(lexer, lexer->at);
    if (c == 'e' || c == 'E') {
        token.kind = TOKEN_NUMBER;
        lexer->at++;
        if (peek(lexer, lexer->at) == '-' || peek(lexer, lexer->at) == '+')
            lexer->at++;
        if (!is_digit(peek(lexer, lexer->at)))
            return bad_token(lexer, token, NULL, "digits must follow the exponent's 'e'");
        skip_digits(lexer);
    }
    token.end = lexer->at;
    /* The text ends with a NUL, so strtod and strtoll cannot run beyond it; they stop where the
     * loops above did. */
    const char *digits = lexer->file->text + token.begin;
    token.number = strtod(digits, NULL);
    if (!isfinite(token.number))
        return bad_token(lexer, token, NULL, "the number is too large");
    errno = 0;
    if (token.kind == TOKEN_INTEGER)
        token.integer = strtoll(digits, NULL, 10);
    if (errno != 0)
        return bad_token(lexer, token, NULL, "the integer is too large");
    return token;
}

Token lexer_next(Lexer *lexer) {
    bool first_on_line = skip_blanks(lexer);
    Token token = {.first_on_line = first_on_line, .begin = lexer->at};
    char c = peek(lexer, lexer->at);
    char next = peek(lexer, lexer->at + 1);
    if (lexer->at >= lexer->file->length) {
        token.kind = TOKEN_END;
        token.end = token.begin;
        return token;
    }
    if (is_letter(c))
        return take_word(lexer, token, TOKEN_WORD);
    if (is_digit(c) || (c == '-' && is_digit(next)))
        return take_number(lexer, token);
    if (c == '"')
        return take_string(lexer, token, TOKEN_STRING);
    lexer->at++;
    if (c == '%')
        return take_word(lexer, token, TOKEN_VALUE);
    if (c == '@')
        return take_path(lexer, token);
    if (c == '.' && next == '.') {
        lexer->at++;
        token.kind = TOKEN_RANGE;
    } else if (c != '\0' && strchr("{}[](),=:", c) != NULL) {
        token.kind = TOKEN_MARK;
        token.mark = c;
    } else {
        return bad_token(lexer, token, NULL, "a character that has no meaning here");
    }
    token.end = lexer->at;
    return token;
}
