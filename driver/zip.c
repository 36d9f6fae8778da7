/* Archives by libzip. Entries are stored as they are, since weights hardly get smaller, with the
 * earliest date there is, so that neither the compressor nor the clock decides about bytes. */
#include "driver/zip.h"

#include <stdlib.h>
#include <zip.h>

enum { EARLIEST_DATE = (1 << 5) | 1, /* 1 January 1980 */ MODE = 0100644 };

static void report(Session *session, const char *what) {
    diagnostics_error(session->diagnostics, NULL, "cannot make a .zip: %s", what);
}

static bool add_entry(zip_t *archive, const ZipFile *entry) {
    const Text *contents = entry->contents;
    zip_source_t *source = zip_source_buffer(archive, contents->data, contents->length, 0);
    if (source == NULL)
        return false;
    zip_int64_t index = zip_file_add(archive, entry->path, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    zip_uint64_t number = (zip_uint64_t)index;
    return zip_set_file_compression(archive, number, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, number, 0, EARLIEST_DATE, 0) == 0 &&
           zip_file_set_external_attributes(
               archive, number, 0, ZIP_OPSYS_UNIX, (zip_uint32_t)MODE << 16) == 0;
}

static bool add_entries(zip_t *archive, const ZipFile *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!add_entry(archive, &entries[i]))
            return false;
    return true;
}

/* Appends all that the closed archive's source holds. */
static bool take_bytes(zip_source_t *source, Text *out) {
    char part[1 << 14];
    zip_int64_t count = 0;
    if (zip_source_open(source) != 0)
        return false;
    while ((count = zip_source_read(source, part, sizeof part)) > 0)
        text_append_bytes(out, part, (size_t)count);
    zip_source_close(source);
    return count == 0;
}

bool zip_write(Session *session, const ZipFile *entries, size_t count, Text *out) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *archive = source == NULL ? NULL : zip_open_from_source(source, ZIP_TRUNCATE, &error);
    bool done = archive != NULL;
    if (!done) {
        report(session, zip_error_strerror(&error));
    } else {
        zip_source_keep(source); /* it outlives the archive */
        done = add_entries(archive, entries, count) && zip_close(archive) == 0;
        if (!done) {
            report(session, zip_strerror(archive));
            zip_discard(archive);
        } else if (!(done = take_bytes(source, out))) {
            report(session, zip_error_strerror(zip_source_error(source)));
        }
    }
    zip_source_free(source);
    zip_error_fini(&error);
    return done;
}
