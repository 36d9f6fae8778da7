/* Static libraries: a magic line, then members, each behind a 60-byte header of padded decimal
 * text. The first member is the symbol index that the linker asks for.
 *
 * In the System V (GNU) form, which all but Apple's linkers read, members are at even offsets. The
 * index is called "/": the number of symbols and, for each, the offset of the header of the member
 * that defines it, as 32-bit big-endian numbers; then the names, each ended by NUL.
 *
 * In the BSD form, which Apple's read, a name stands before the contents, which are aligned to 8
 * bytes. The index is called "__.SYMDEF": 8 times the number of symbols and, for each, where its
 * name begins and the offset of the member, as 32-bit little-endian numbers; then the size of the
 * names, and the names.
 *
 * Dates, owners and modes are fixed, so that equal contents give equal bytes. */
#include "backends/output/output.h"
#include "backends/target/target.h"
#include "ir/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { MEMBER_HEADER_BYTES = 60, LONGEST_MEMBER_NAME = 15, BSD_ALIGNMENT = 8 };

static const char magic[] = "!<arch>\n";

/* ---- System V ---- */

static size_t even(size_t size) {
    return size + size % 2;
}

static void append_header(Text *out, const char *name, size_t size) {
    text_format(out, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", size);
}

static void pad_to_even(Text *out, const Splice *splice) {
    if ((out->length + splice->length) % 2 != 0)
        text_append(out, "\n");
}

static void append_big_endian(Text *out, size_t number) {
    assert(number <= UINT32_MAX);
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (24 - 8 * i));
    text_append_bytes(out, bytes, sizeof bytes);
}

static size_t member_length(const ArchiveMember *member) {
    return member->contents.length + member->splice.length;
}

/* The contents; from there on the archive is as much longer as its splice is. */
static void append_contents(Text *out, const ArchiveMember *member, Splice *splice) {
    if (member->splice.length > 0) {
        assert(splice->length == 0);
        *splice = member->splice;
        splice->at += out->length;
    }
    text_append_bytes(out, member->contents.data, member->contents.length);
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
            offset += MEMBER_HEADER_BYTES + even(member_length(&members[member]));
        append_big_endian(out, offset);
    }
    for (size_t i = 0; i < symbol_count; i++)
        text_append_bytes(out, symbols[i], strlen(symbols[i]) + 1);
    pad_to_even(out, &(Splice){0});
}

static void write_system_v(const ArchiveMember *members, size_t member_count,
    const char *const *symbols, const size_t *member_of, size_t symbol_count, Text *out,
    Splice *splice) {
    append_index(out, members, symbols, member_of, symbol_count);
    for (size_t i = 0; i < member_count; i++) {
        char name[LONGEST_MEMBER_NAME + 2];
        size_t length = strlen(members[i].name);
        memcpy(name, members[i].name, length);
        memcpy(name + length, "/", 2);
        append_header(out, name, member_length(&members[i]));
        append_contents(out, &members[i], splice);
        pad_to_even(out, splice);
    }
}

/* ---- BSD ---- */

static size_t aligned(size_t size) {
    return (size + BSD_ALIGNMENT - 1) / BSD_ALIGNMENT * BSD_ALIGNMENT;
}

/* What the name takes before the contents of a member that begins at an aligned offset. */
static size_t name_room(const char *name) {
    return aligned(MEMBER_HEADER_BYTES + strlen(name)) - MEMBER_HEADER_BYTES;
}

static size_t member_bytes(const char *name, size_t size) {
    return MEMBER_HEADER_BYTES + name_room(name) + aligned(size);
}

static void append_little_endian(Text *out, size_t number) {
    assert(number <= UINT32_MAX);
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    text_append_bytes(out, bytes, sizeof bytes);
}

static void pad_with(Text *out, char byte, size_t length) {
    while (out->length < length)
        text_append_bytes(out, &byte, 1);
}

/* Header and name; room for `size` bytes follows. */
static void append_bsd_header(Text *out, const char *name, size_t size) {
    char long_name[32];
    size_t room = name_room(name);
    snprintf(long_name, sizeof long_name, "#1/%zu", room);
    append_header(out, long_name, room + aligned(size));
    size_t end = out->length + room;
    text_append(out, name);
    pad_with(out, '\0', end);
}

static void append_bsd_index(Text *out, const ArchiveMember *members, const char *const *symbols,
    const size_t *member_of, size_t symbol_count) {
    static const char name[] = "__.SYMDEF";
    size_t names = 0, at = 0;
    for (size_t i = 0; i < symbol_count; i++)
        names += strlen(symbols[i]) + 1;
    names = aligned(names);
    size_t size = 4 + 8 * symbol_count + 4 + names;
    size_t first = out->length + member_bytes(name, size);
    append_bsd_header(out, name, size);
    append_little_endian(out, 8 * symbol_count);
    for (size_t i = 0; i < symbol_count; i++) {
        size_t offset = first;
        for (size_t member = 0; member < member_of[i]; member++)
            offset += member_bytes(members[member].name, member_length(&members[member]));
        append_little_endian(out, at);
        append_little_endian(out, offset);
        at += strlen(symbols[i]) + 1;
    }
    append_little_endian(out, names);
    for (size_t i = 0; i < symbol_count; i++)
        text_append_bytes(out, symbols[i], strlen(symbols[i]) + 1);
    pad_with(out, '\0', first);
}

static void write_bsd(const ArchiveMember *members, size_t member_count, const char *const *symbols,
    const size_t *member_of, size_t symbol_count, Text *out, Splice *splice) {
    append_bsd_index(out, members, symbols, member_of, symbol_count);
    for (size_t i = 0; i < member_count; i++) {
        size_t length = member_length(&members[i]);
        size_t end = out->length + member_bytes(members[i].name, length);
        append_bsd_header(out, members[i].name, length);
        append_contents(out, &members[i], splice);
        pad_with(out, '\n', end - members[i].splice.length);
    }
}

/* ---- both ---- */

void archive_write(ObjectFormat format, const ArchiveMember *members, size_t member_count,
    const char *const *symbols, const size_t *member_of, size_t symbol_count, Text *out,
    Splice *splice) {
    assert(out->length == 0);
    *splice = (Splice){0};
    for (size_t i = 0; i < member_count; i++)
        assert(strlen(members[i].name) <= LONGEST_MEMBER_NAME);
    text_append(out, magic);
    if (format == FORMAT_MACHO)
        write_bsd(members, member_count, symbols, member_of, symbol_count, out, splice);
    else
        write_system_v(members, member_count, symbols, member_of, symbol_count, out, splice);
}
