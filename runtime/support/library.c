/* All support code as one unit, which becomes LLVM IR. */
#include "runtime/support/boxes.c"
#include "runtime/support/check_weights.c"
#include "runtime/support/label.c"
#include "runtime/support/prepare.c"
#include "runtime/support/top.c"
