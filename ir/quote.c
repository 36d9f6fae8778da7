#include "ir/quote.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_sequence(const char *bytes, size_t length, uint32_t *code_point) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0)
        return 0;
    unsigned char first = (unsigned char)bytes[0];
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (size > length || (first >= 0x80 && first < 0xc0) || first > 0xf4)
        return 0;
    uint32_t code = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte & 0x3f);
    }
    if (code < least[size] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
        return 0;
    if (code_point != NULL)
        *code_point = code;
    return size;
}

static bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* U+2028 and U+2029 end lines; the others set the direction of what stands beside them. */
static bool moves_others(uint32_t code) {
    return code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_no_character(uint32_t code) {
    return (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
}

size_t quote_shown(const char *text) {
    uint32_t code = 0;
    size_t size = utf8_sequence(text, UTF8_LONGEST, &code);
    return is_control(code) || moves_others(code) || is_no_character(code) ? 0 : size;
}

void quote_byte(Text *text, char byte) {
    text_format(text, "\\x%02x", (unsigned char)byte);
}

size_t quote_character(Text *text, const char *at) {
    size_t shown = quote_shown(at);
    if (shown == 0)
        quote_byte(text, *at);
    else
        text_append_bytes(text, at, shown);
    return shown == 0 ? 1 : shown;
}

void quote_append(Text *text, const char *string) {
    while (*string != '\0')
        string += quote_character(text, string);
}

const char *quote_copy(Arena *arena, const char *string) {
    Text text = {0};
    quote_append(&text, string);
    const char *copy = arena_copy_bytes(arena, text.data, text.length);
    text_free(&text);
    return copy;
}

size_t quote_cut(const char *string, size_t most) {
    size_t length = strnlen(string, most + 1);
    if (length <= most)
        return length;
    for (size_t back = 1; back < UTF8_LONGEST && back <= most; back++)
        if (utf8_sequence(string + most - back, UTF8_LONGEST, NULL) > back)
            return most - back;
    return most;
}

size_t quote_word(const char *word, size_t length) {
    enum { LONGEST_SHOWN = 60 };
    return length > LONGEST_SHOWN ? quote_cut(word, LONGEST_SHOWN) : length;
}
