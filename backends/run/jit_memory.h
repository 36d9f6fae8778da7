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

/* Round the loading of each object. Objects ask for one another, so that one may begin and end
 * while another's addresses are still to be written. */
void jit_memory_begin(JitMemory *memory);

/* Part of the range, for the object that is being loaded; NULL where there is no room. */
void *jit_memory_take(JitMemory *memory, size_t bytes, size_t alignment, bool is_code);

/* With the last object that is being loaded, what was taken so far can be executed if it is code,
 * and is written no more. False if the system does not let it be so. */
bool jit_memory_end(JitMemory *memory);

#endif
