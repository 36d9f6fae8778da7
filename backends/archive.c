/* A static library in the System V (GNU) archive format: a magic line, then members, each behind a
 * 60-byte header of padded decimal text, at even offsets. The first member, "/", is the symbol
 * index that the linker asks for: the number of symbols and, for each, the offset of the header of
 * the member that defines it, as 32-bit big-endian numbers; then the names, each ended by NUL.
 *
 * Dates, owners and modes are fixed, so that equal contents give equal bytes. */
#include "backends/backends.h"

#include <assert.h>
#include <string.h>

enum { MEMBER_HEADER_BYTES = 60, LONGEST_MEMBER_NAME = 15 };

static const char magic[] = "!<arch>\n";

static size_t even(size_t size) {
    return size + size % 2;
}

static void append_header(Text *out, const char *name, size_t size) {
    text_format(out, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", size);
}

static void pad_to_even(Text *out) {
    if (out->length % 2 != 0)
        text_append(out, "\n");
}

static void append_big_endian(Text *out, size_t number) {
    assert(number <= UINT32_MAX);
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (24 - 8 * i));
    text_append_bytes(out, bytes, sizeof bytes);
}

/* The offset of each symbol's member is the sum of everything before it. */
static void append_index(Text *out, const ArchiveMember *members, const char *const *symbols,
    const size_t *member_of, size_t symbol_count) {
    size_t size = 4 + 4 * symbol_count;
    for (size_t i = 0; i < symbol_count; i++)
        size += strlen(symbols[i]) + 1;
    append_header(out, "/", size);
    append_big_endian(out, symbol_count);
    for (size_t i = 0; i < symbol_count; i++) {
        size_t offset = strlen(magic) + MEMBER_HEADER_BYTES + even(size);
        for (size_t member = 0; member < member_of[i]; member++)
            offset += MEMBER_HEADER_BYTES + even(members[member].contents.length);
        append_big_endian(out, offset);
    }
    for (size_t i = 0; i < symbol_count; i++)
        text_append_bytes(out, symbols[i], strlen(symbols[i]) + 1);
    pad_to_even(out);
}

void archive_write(const ArchiveMember *members, size_t member_count, const char *const *symbols,
    const size_t *member_of, size_t symbol_count, Text *out) {
    assert(out->length == 0);
    text_append(out, magic);
    append_index(out, members, symbols, member_of, symbol_count);
    for (size_t i = 0; i < member_count; i++) {
        assert(strlen(members[i].name) <= LONGEST_MEMBER_NAME);
        char name[LONGEST_MEMBER_NAME + 2];
        size_t length = strlen(members[i].name);
        memcpy(name, members[i].name, length);
        memcpy(name + length, "/", 2);
        append_header(out, name, members[i].contents.length);
        text_append_bytes(out, members[i].contents.data, members[i].contents.length);
        pad_to_even(out);
    }
}
