/* Reads kernels back from their text form, .rkir (docs/kernels.md has the grammar). */
#ifndef RIFFLE_IR_KERNEL_PARSE_H
#define RIFFLE_IR_KERNEL_PARSE_H

#include "ir/diagnostics.h"
#include "ir/kernel.h"

typedef struct KernelFile {
    const char *head; /* what stands before the first kernel: the program, its buffers and steps */
    Kernel **kernels;
    int count;
} KernelFile;

/* Reports the first fault and returns NULL;
 * otherwise kernels that keep all rules (kernel_fault). Printed again they are the same text, but
 * for blanks and comments. */
KernelFile *kernels_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);
void kernels_print(const KernelFile *file, Text *text);

#endif
