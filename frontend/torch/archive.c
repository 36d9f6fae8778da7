/* A zip archive ends with a record that says where its directory is; the directory has an entry for
 * each member, and before each member's bytes its entry stands again, as a local header. Numbers
 * that do not fit 32 bits are in further records (zip64). */
#include "frontend/torch/archive.h"

#include "frontend/tensor_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    END_BYTES = 22,
    LONGEST_COMMENT = 65535,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    ZIP64_EXTRA = 1,
    FLAG_ENCRYPTED = 1,
    MOST_MEMBERS = 1 << 20
};
static const uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50, locator_mark = 0x07064b50,
                      entry_mark = 0x02014b50, local_mark = 0x04034b50;
static const uint64_t none32 = UINT32_MAX; /* the number is in a record of zip64 */

typedef struct ByteReader {
    Archive *archive;
    const unsigned char *bytes;
    uint64_t size;
    const char *path;
    Diagnostics *diagnostics;
    uint64_t directory, directory_bytes, entry_count;
} ByteReader;

static uint64_t number(const unsigned char *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static bool has_mark(const ByteReader *reader, uint64_t at, uint32_t mark, uint64_t bytes) {
    return at <= reader->size && reader->size - at >= bytes &&
           number(reader->bytes + at, 4) == mark;
}

static bool fail(const ByteReader *reader, const char *hint, const char *what) {
    diagnostics_error(reader->diagnostics, hint, "%s: %s", reader->path, what);
    return false;
}

/* ---- the end of the archive ---- */

/* The record is the last whose comment reaches to the end of the file. */
static bool find_end(const ByteReader *reader, uint64_t *at) {
    for (uint64_t comment = 0; comment <= LONGEST_COMMENT; comment++) {
        if (reader->size < END_BYTES + comment)
            break;
        *at = reader->size - END_BYTES - comment;
        if (has_mark(reader, *at, end_mark, END_BYTES) &&
            number(reader->bytes + *at + 20, 2) == comment)
            return true;
    }
    return fail(reader, "the file may be truncated", "the zip archive has no end");
}

static bool read_end64(ByteReader *reader, uint64_t *end) {
    const unsigned char *bytes = reader->bytes;
    if (*end < LOCATOR_BYTES ||
        !has_mark(reader, *end - LOCATOR_BYTES, locator_mark, LOCATOR_BYTES))
        return fail(reader, NULL, "the zip archive lacks its records of large numbers (zip64)");
    uint64_t at = number(bytes + *end - LOCATOR_BYTES + 8, 8);
    if (!has_mark(reader, at, end64_mark, END64_BYTES) || at + END64_BYTES > *end - LOCATOR_BYTES)
        return fail(reader, NULL, "the zip archive lacks its records of large numbers (zip64)");
    if (number(bytes + at + 16, 4) != 0 || number(bytes + at + 20, 4) != 0 ||
        number(bytes + at + 24, 8) != number(bytes + at + 32, 8))
        return fail(reader, NULL, "the zip archive is one of several parts");
    reader->entry_count = number(bytes + at + 32, 8);
    reader->directory_bytes = number(bytes + at + 40, 8);
    reader->directory = number(bytes + at + 48, 8);
    *end = at;
    return true;
}

/* Where the directory is. */
static bool read_end(ByteReader *reader) {
    uint64_t end = 0;
    if (!find_end(reader, &end))
        return false;
    const unsigned char *record = reader->bytes + end;
    reader->entry_count = number(record + 10, 2);
    reader->directory_bytes = number(record + 12, 4);
    reader->directory = number(record + 16, 4);
    bool large = reader->entry_count == UINT16_MAX || reader->directory_bytes == none32 ||
                 reader->directory == none32;
    if (number(record + 4, 2) != 0 || number(record + 6, 2) != 0 ||
        number(record + 8, 2) != number(record + 10, 2))
        return fail(reader, NULL, "the zip archive is one of several parts");
    if (large && !read_end64(reader, &end))
        return false;
    if (reader->directory > end || reader->directory_bytes > end - reader->directory ||
        reader->entry_count > reader->directory_bytes / ENTRY_BYTES)
        return fail(reader, NULL, "the directory of the zip archive does not fit into the file");
    if (reader->entry_count > MOST_MEMBERS) {
        diagnostics_error(reader->diagnostics, NULL,
            "%s: the zip archive has %" PRIu64 " members; at most %d are read", reader->path,
            reader->entry_count, MOST_MEMBERS);
        return false;
    }
    return true;
}

/* ---- one entry ---- */

typedef struct ZipEntry {
    const unsigned char *bytes;
    size_t name_bytes, extra_bytes;
    uint64_t whole, packed,
        local;         /* sizes of what it holds and of how it lies there; local header */
    const char *shown; /* its name */
} ZipEntry;

static bool entry_fault(const ByteReader *reader, const ZipEntry *entry, const char *what) {
    diagnostics_error(reader->diagnostics, NULL, "%s: member '%s' of the zip archive %s",
        reader->path, entry->shown, what);
    return false;
}

/* Takes from the record of large numbers those that the entry says are there, in their order. */
static bool read_large_numbers(const ByteReader *reader, ZipEntry *entry) {
    uint64_t *numbers[] = {&entry->whole, &entry->packed, &entry->local};
    const unsigned char *at = entry->bytes + ENTRY_BYTES + entry->name_bytes;
    size_t left = entry->extra_bytes;
    while (left >= 4 && number(at, 2) != ZIP64_EXTRA && number(at + 2, 2) <= left - 4) {
        size_t step = 4 + (size_t)number(at + 2, 2);
        at += step;
        left -= step;
    }
    size_t bytes = left >= 4 && number(at, 2) == ZIP64_EXTRA ? (size_t)number(at + 2, 2) : 0;
    bytes = bytes > left - 4 && bytes > 0 ? 0 : bytes;
    at += 4;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (*numbers[i] != none32)
            continue;
        if (bytes < 8)
            return entry_fault(reader, entry, "lacks its record of large numbers (zip64)");
        *numbers[i] = number(at, 8);
        at += 8;
        bytes -= 8;
    }
    return true;
}

/* The local header says the same, and the bytes behind it are the member's. */
static bool find_bytes(const ByteReader *reader, const ZipEntry *entry, ZipMember *member) {
    if (!has_mark(reader, entry->local, local_mark, LOCAL_BYTES) ||
        entry->local >= reader->directory)
        return entry_fault(reader, entry, "is not where the directory says");
    const unsigned char *local = reader->bytes + entry->local;
    uint64_t name_bytes = number(local + 26, 2), extra_bytes = number(local + 28, 2);
    member->header = entry->local;
    member->begin = entry->local + LOCAL_BYTES + name_bytes + extra_bytes;
    if (member->begin > reader->directory || name_bytes != entry->name_bytes ||
        memcmp(local + LOCAL_BYTES, entry->bytes + ENTRY_BYTES, entry->name_bytes) != 0 ||
        number(local + 8, 2) != member->method)
        return entry_fault(reader, entry, "is another where it lies than in the directory");
    if (entry->packed > reader->directory - member->begin)
        return entry_fault(reader, entry, "does not fit into the file");
    member->end = member->begin + entry->packed;
    member->whole_bytes = entry->whole;
    if (member->method == 0 && entry->whole != entry->packed)
        return entry_fault(reader, entry, "has two sizes");
    return true;
}

/* Reads the entry at *at and goes behind it. */
static bool read_entry(const ByteReader *reader, uint64_t *at, ZipMember *member) {
    uint64_t end = reader->directory + reader->directory_bytes;
    if (end - *at < ENTRY_BYTES || !has_mark(reader, *at, entry_mark, ENTRY_BYTES))
        return fail(reader, NULL, "the directory of the zip archive is damaged");
    const unsigned char *bytes = reader->bytes + *at;
    ZipEntry entry = {.bytes = bytes,
        .name_bytes = (size_t)number(bytes + 28, 2),
        .extra_bytes = (size_t)number(bytes + 30, 2),
        .packed = number(bytes + 20, 4),
        .whole = number(bytes + 24, 4),
        .local = number(bytes + 42, 4)};
    uint64_t size = ENTRY_BYTES + entry.name_bytes + entry.extra_bytes + number(bytes + 32, 2);
    if (size > end - *at)
        return fail(reader, NULL, "the directory of the zip archive is damaged");
    *at += size;
    member->name = arena_copy_bytes(
        reader->archive->arena, (const char *)bytes + ENTRY_BYTES, entry.name_bytes);
    entry.shown = file_word(reader->archive->arena, member->name);
    if (strlen(member->name) != entry.name_bytes)
        return entry_fault(reader, &entry, "has a NUL in its name");
    member->method = (unsigned)number(bytes + 10, 2);
    if (number(bytes + 8, 2) & FLAG_ENCRYPTED)
        return entry_fault(reader, &entry, "is encrypted");
    return read_large_numbers(reader, &entry) && find_bytes(reader, &entry, member);
}

/* ---- all of them ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(((const ZipMember *)a)->name, ((const ZipMember *)b)->name);
}

static int compare_places(const void *a, const void *b) {
    const ZipMember *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static bool check_members(const ByteReader *reader) {
    Archive *archive = reader->archive;
    ZipMember *members = archive->members;
    size_t count = archive->member_count;
    qsort(members, count, sizeof members[0], compare_places);
    for (size_t i = 1; i < count; i++) {
        if (members[i].header >= members[i - 1].end)
            continue;
        diagnostics_error(reader->diagnostics, NULL,
            "%s: members '%s' and '%s' of the zip archive overlap", reader->path,
            file_word(archive->arena, members[i - 1].name),
            file_word(archive->arena, members[i].name));
        return false;
    }
    qsort(members, count, sizeof members[0], compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&members[i - 1], &members[i]) != 0)
            continue;
        diagnostics_error(reader->diagnostics, NULL,
            "%s: two members of the zip archive are called '%s'", reader->path,
            file_word(archive->arena, members[i].name));
        return false;
    }
    return true;
}

Archive *archive_read(const MappedFile *file, Arena *arena, Diagnostics *diagnostics) {
    Archive *archive = ARENA_NEW(arena, Archive);
    *archive = (Archive){.file = file, .arena = arena};
    ByteReader reader = {.archive = archive,
        .bytes = file->bytes,
        .size = file->size,
        .path = file->path,
        .diagnostics = diagnostics};
    if (!read_end(&reader))
        return NULL;
    archive->members = ARENA_ARRAY(arena, ZipMember, reader.entry_count + 1);
    uint64_t at = reader.directory;
    for (uint64_t i = 0; i < reader.entry_count; i++)
        if (!read_entry(&reader, &at, &archive->members[archive->member_count++]))
            return NULL;
    return check_members(&reader) ? archive : NULL;
}

const ZipMember *archive_find(const Archive *archive, const char *name) {
    ZipMember wanted = {.name = name};
    return bsearch(&wanted, archive->members, archive->member_count, sizeof archive->members[0],
        compare_names);
}

bool archive_is_stored(const Archive *archive, const ZipMember *member, Diagnostics *diagnostics) {
    if (member->method != 0)
        diagnostics_error(diagnostics,
            "torch.save compresses nothing; unpack the archive, and pack it with zip -0 -r",
            "%s: member '%s' is compressed", archive->file->path,
            file_word(archive->arena, member->name));
    return member->method == 0;
}
