/* Files as one .zip. */
#ifndef RIFFLE_DRIVER_ZIP_H
#define RIFFLE_DRIVER_ZIP_H

#include "driver/driver.h"
#include "ir/text.h"

typedef struct ZipFile {
    const char *path;
    const Text *contents;
} ZipFile;

/* Appends to `out` an archive of the entries, in order; equal ones give equal bytes. False after
 * reporting. */
bool zip_write(Session *session, const ZipFile *entries, size_t count, Text *out);

#endif
