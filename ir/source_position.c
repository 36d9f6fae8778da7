#include "ir/source_position.h"

#include "ir/quote.h"
#include <string.h>

static uint32_t text_size(const SourceFile *file) {
    return file->length > UINT32_MAX ? UINT32_MAX : (uint32_t)file->length;
}

typedef struct Character {
    uint32_t bytes, utf16_units;
} Character;

static Character character_at(const SourceFile *file, uint32_t offset) {
    uint32_t code = 0;
    size_t bytes = utf8_sequence(file->text + offset, text_size(file) - offset, &code);
    if (bytes == 0)
        return (Character){1, 1};
    return (Character){(uint32_t)bytes, code >= 0x10000 ? 2 : 1};
}

SourcePosition source_position(const SourceFile *file, uint32_t offset) {
    uint32_t size = text_size(file);
    offset = offset < size ? offset : size;
    SourcePosition position = {.line = 1};
    uint32_t begin = 0;
    for (const char *at = file->text;
        (at = memchr(at, '\n', (size_t)(file->text + offset - at))) != NULL; at++) {
        position.line++;
        begin = (uint32_t)(at - file->text) + 1;
    }
    position.column = offset - begin + 1;
    while (begin < offset) {
        Character character = character_at(file, begin);
        begin += character.bytes;
        position.utf16_units += begin <= offset ? character.utf16_units : 0;
    }
    return position;
}

uint32_t source_offset(const SourceFile *file, uint64_t line, uint64_t utf16_units) {
    uint32_t size = text_size(file), offset = 0;
    for (; line > 0; line--) {
        const char *end = memchr(file->text + offset, '\n', size - offset);
        if (end == NULL)
            return size;
        offset = (uint32_t)(end - file->text) + 1;
    }
    while (offset < size && file->text[offset] != '\n') {
        Character character = character_at(file, offset);
        if (character.utf16_units > utf16_units)
            break;
        utf16_units -= character.utf16_units;
        offset += character.bytes;
    }
    bool in_line_break =
        offset < size && file->text[offset] == '\n' && offset > 0 && file->text[offset - 1] == '\r';
    return in_line_break ? offset - 1 : offset;
}
