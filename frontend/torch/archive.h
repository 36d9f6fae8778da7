/* Members of a zip archive that are stored as they are, where they lie in memory.
 *
 * Not by a library: weights are used where they lie, and libraries give copies; members may not
 * overlap, which they do not tell; and PyTorch writes archives whose checksums are none
 * (torch.serialization.set_crc32_options), which they refuse. */
#ifndef RIFFLE_FRONTEND_TORCH_ARCHIVE_H
#define RIFFLE_FRONTEND_TORCH_ARCHIVE_H

#include "ir/mapped_file.h"
#include <stdint.h>

typedef struct ZipMember {
    const char *name;            /* bytes of any kind, no NUL */
    uint64_t header, begin, end; /* bytes of the file: from its header on; what it holds */
    unsigned method;             /* how it is compressed */
    uint64_t whole_bytes;        /* of what it holds; where it is stored, those of end - begin */
} ZipMember;

typedef struct Archive {
    const MappedFile *file;
    Arena *arena;
    ZipMember *members; /* sorted by name */
    size_t member_count;
} Archive;

/* Reads the archive's directory and checks it: all members lie in the file, none over another, all
 * have names of their own. NULL after reporting. */
Archive *archive_read(const MappedFile *file, Arena *arena, Diagnostics *diagnostics);

/* NULL when there is none of that name. */
const ZipMember *archive_find(const Archive *archive, const char *name);

/* Whether its bytes are what it holds; reports when they are compressed. */
bool archive_is_stored(const Archive *archive, const ZipMember *member, Diagnostics *diagnostics);

#endif
