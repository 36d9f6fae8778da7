/* The face of backends/ for the driver: from graph to machine code, and the files that come out.
 * Nothing inside includes it; docs/architecture.md shows the rooms behind it. */
#ifndef RIFFLE_BACKENDS_BACKENDS_H
#define RIFFLE_BACKENDS_BACKENDS_H

#include "backends/emit/emit.h"
#include "backends/lower/lower.h"
#include "backends/output/output.h"
#include "backends/program/limits.h"
#include "backends/program/options.h"
#include "backends/program/predict.h"
#include "backends/program/summary.h"
#include "backends/program/support.h"
#include "backends/run/model.h"
#include "backends/run/peak.h"
#include "backends/run/proof.h"
#include "backends/target/core.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"

#endif
