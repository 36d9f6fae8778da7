/* One kernel as a C function. */
#ifndef RIFFLE_BACKENDS_EMIT_C_KERNEL_H
#define RIFFLE_BACKENDS_EMIT_C_KERNEL_H

#include "backends/emit/c/vectors.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/text.h"

/* What C cannot say of the kernel, in words; NULL for a kernel that c_kernel_write can spell. */
const char *c_kernel_fault(const Kernel *kernel);

/* Appends `static void kernel(...) {...}`; the functions that it uses are noted in `vectors`. */
void c_kernel_write(const Kernel *kernel, Vectors *vectors, Arena *arena, Text *out);

#endif
