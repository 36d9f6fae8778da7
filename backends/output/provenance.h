/* Where a library comes from: what made it, of which files. */
#ifndef RIFFLE_BACKENDS_OUTPUT_PROVENANCE_H
#define RIFFLE_BACKENDS_OUTPUT_PROVENANCE_H

#include "ir/text.h"

#include <stddef.h>

typedef struct InputFile {
    const char *name;   /* without its folder */
    const char *sha256; /* hexadecimal; NULL: it could be read only once */
} InputFile;

typedef struct Provenance {
    const char *version;  /* of riffle */
    const char *pipeline; /* the passes that made the graph */
    const InputFile *files;
    size_t file_count;
} Provenance;

/* NAME.cdx.json: the same as a bill of materials, CycloneDX 1.6, of the library of that name. */
void cyclonedx_write(const char *name, const Provenance *provenance, Text *out);

#endif
