/* Loading machine code in a riffle that makes none. */
#include "backends/emit/emit.h"
#include "backends/program/summary.h"
#include "backends/run/loaded.h"
#include "backends/run/model.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

LoadedModel *llvm_load(const Program *program, Diagnostics *diagnostics) {
    Text nothing = {0};
    llvm_emit(program, EMIT_OBJECT, &nothing, diagnostics); /* says why not */
    return NULL;
}
