/* What is asked of object files. */
#ifndef RIFFLE_BACKENDS_OUTPUT_ELF_H
#define RIFFLE_BACKENDS_OUTPUT_ELF_H

#include "ir/text.h"
#include <stdint.h>

/* Bytes of instructions in an ELF file of this machine; -1 when it is none. */
int64_t elf_instruction_bytes(const Text *file);

#endif
