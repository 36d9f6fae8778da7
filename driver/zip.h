/* Files as one .zip. */
#ifndef RIFFLE_DRIVER_ZIP_H
#define RIFFLE_DRIVER_ZIP_H

#include "driver/output_files.h"

/* Appends to `out` an archive of the files, each under `folder`/; equal files give equal bytes.
 * False after reporting. */
bool zip_write(const OutputFiles *files, const char *folder, Text *out);

#endif
