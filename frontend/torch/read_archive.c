/* The format since PyTorch 1.6: NAME/data.pkl is the pickle of what was saved, NAME/data/KEY the
 * numbers of each storage, NAME/byteorder the order of their bytes. */
#include "frontend/torch/archive.h"
#include "frontend/torch/torch.h"

#include <inttypes.h>
#include <string.h>

static const char pickle_name[] = "data.pkl";

/* What is before data.pkl, with the slash. NULL after reporting. */
static const char *find_folder(
    const TensorFile *file, const Archive *archive, Diagnostics *diagnostics) {
    const char *folder = NULL;
    size_t length = sizeof pickle_name - 1, count = 0;
    for (size_t i = 0; i < archive->member_count; i++) {
        const char *name = archive->members[i].name;
        size_t all = strlen(name);
        if (all <= length || strcmp(name + all - length, pickle_name) != 0 ||
            name[all - length - 1] != '/')
            continue;
        folder = count++ == 0 ? arena_copy_bytes(file->arena, name, all - length) : folder;
    }
    if (count == 1)
        return folder;
    diagnostics_error(diagnostics, NULL, "%s: the zip archive has %zu members data.pkl, not one",
        file->path, count);
    return NULL;
}

static const ZipMember *find_member(
    const TensorFile *file, const Archive *archive, const char *folder, const char *name) {
    return archive_find(archive, arena_format(file->arena, "%s%s", folder, name));
}

static bool check_byte_order(
    const TensorFile *file, const Archive *archive, const char *folder, Diagnostics *diagnostics) {
    static const char little[] = "little";
    const ZipMember *member = find_member(file, archive, folder, "byteorder");
    if (member == NULL) /* not written before PyTorch 2.1 */
        return true;
    if (!archive_is_stored(archive, member, diagnostics))
        return false;
    size_t length = (size_t)(member->end - member->begin);
    if (length == sizeof little - 1 && memcmp(file->data + member->begin, little, length) == 0)
        return true;
    diagnostics_error(diagnostics, NULL, "%s: the numbers are not little-endian", file->path);
    return false;
}

static bool read_pickle(TensorFile *file, PickleFile *pickles, const Archive *archive,
    const char *folder, PickleValue *saved) {
    const ZipMember *member = find_member(file, archive, folder, pickle_name);
    if (!archive_is_stored(archive, member, pickles->diagnostics))
        return false;
    PickleText text = {.bytes = file->data + member->begin,
        .length = (size_t)(member->end - member->begin),
        .member = " of data.pkl"};
    size_t length;
    if (!pickle_read(pickles, &text, saved, &length))
        return false;
    if (length != text.length)
        diagnostics_error(pickles->diagnostics, NULL,
            "%s: %zu bytes of data.pkl are behind its end", file->path, text.length - length);
    return length == text.length;
}

static void find_storage(const TensorFile *file, const Archive *archive, const char *folder,
    TorchStorage *storage, Diagnostics *diagnostics) {
    const char *name = arena_format(file->arena, "data/%s", storage->key);
    const ZipMember *member = find_member(file, archive, folder, name);
    if (member == NULL) {
        diagnostics_error(diagnostics, NULL,
            "%s: storage '%s' is missing: there is no member '%s%s'", file->path, storage->key,
            folder, name);
        return;
    }
    if (!archive_is_stored(archive, member, diagnostics))
        return;
    uint64_t bytes, size = member->end - member->begin;
    if (__builtin_mul_overflow(storage->count, storage->type->bytes, &bytes) || bytes != size) {
        diagnostics_error(diagnostics, NULL,
            "%s: storage '%s' should be %" PRIu64 " numbers of %s, but has %" PRIu64 " bytes",
            file->path, storage->key, storage->count, storage->type->name, size);
        return;
    }
    storage->begin = member->begin;
    storage->sound = true;
}

bool torch_read_archive(TensorFile *file, PickleFile *pickles, PickleValue *saved) {
    Diagnostics *diagnostics = pickles->diagnostics;
    Archive *archive = archive_read(&file->mapped, file->arena, diagnostics);
    const char *folder = archive == NULL ? NULL : find_folder(file, archive, diagnostics);
    if (folder == NULL)
        return false;
    if (find_member(file, archive, folder, "constants.pkl") != NULL) {
        diagnostics_error(diagnostics,
            "in Python, torch.save(torch.jit.load(\"net.pt\").state_dict(), \"net.pth\") writes "
            "its "
            "tensors alone",
            "%s: this is a TorchScript program; riffle reads data only", file->path);
        return false;
    }
    if (!check_byte_order(file, archive, folder, diagnostics) ||
        !read_pickle(file, pickles, archive, folder, saved))
        return false;
    for (TorchStorage *storage = pickles->first_storage; storage; storage = storage->next)
        find_storage(file, archive, folder, storage, diagnostics);
    return true;
}
