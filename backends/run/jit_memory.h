/* Memory of what is loaded into this process. Code reaches its weights by distances of 32 bits, so
 * all sections lie in one range of addresses, whatever else the process has in memory. */
#ifndef RIFFLE_BACKENDS_RUN_JIT_MEMORY_H
#define RIFFLE_BACKENDS_RUN_JIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct JitMemory JitMemory;

/* A range with room for sections of so many bytes of code and of data, and for what the loader
 * adds. Addresses only: memory is taken as it is written. */
JitMemory *jit_memory_create(size_t code, size_t data);
void jit_memory_destroy(JitMemory *memory);

/* Part of the range, to be filled before jit_memory_protect; NULL where there is no room. */
void *jit_memory_take(JitMemory *memory, size_t bytes, size_t alignment, bool is_code);

/* What was taken so far can be executed if it is code, and is written no more. False if the system
 * does not let it be so. */
bool jit_memory_protect(JitMemory *memory);

#endif
