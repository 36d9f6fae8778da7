/* Where what is compiled comes from, for the files that are written. */
#ifndef RIFFLE_DRIVER_PROVENANCE_H
#define RIFFLE_DRIVER_PROVENANCE_H

#include "backends/output/provenance.h"
#include "driver/model.h"

/* Of all files that were read so far; it lives as long as the session. */
Provenance model_provenance(const ModelOptions *options);

#endif
