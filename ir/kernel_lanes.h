/* What becomes of the lanes of a kernel's registers: which are used, and which hold a number that
 * nothing has changed since it was loaded. */
#ifndef RIFFLE_IR_KERNEL_LANES_H
#define RIFFLE_IR_KERNEL_LANES_H

#include "ir/kernel.h"

enum { MOST_LANES = 64 };

typedef uint64_t LaneMask;

LaneMask lane_range(int first, int count);

/* What is known of a register at some point of a run. */
typedef struct RegisterState {
    LaneMask moved;    /* as they were loaded from a buffer that holds no weights */
    LaneMask constant; /* known before the run: splats and weights */
    bool is_splat;     /* every lane is `value` */
    float value;
} RegisterState;

bool register_state_equal(const RegisterState *a, const RegisterState *b);
/* The state of the instruction's destination, when the states of all registers are these. */
RegisterState register_state_after(
    const Kernel *kernel, const Instruction *instruction, const RegisterState *registers);

/* Per register, the lanes that reach a store. Wherever in the text that is: a register that serves
 * two purposes is used for both. */
LaneMask *kernel_used_lanes(const Kernel *kernel, Arena *arena);

#endif
