#include "backends/run/jit_memory.h"
#include "ir/ending.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM_BEHIND = 1 << 20 }; /* for small objects: tables and stubs of the loader */

/* A part that grows; what lies before `open` is written no more. */
typedef struct MemoryPart {
    uintptr_t open, end, limit;
} MemoryPart;

struct JitMemory {
    void *range;
    size_t bytes;
    MemoryPart code, data;
    int loading; /* objects whose addresses are still being written */
};

static uintptr_t round_to_page(uintptr_t address) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return (address + page - 1) / page * page;
}

static MemoryPart part_at(uintptr_t begin, size_t bytes) {
    return (MemoryPart){begin, begin, begin + bytes};
}

JitMemory *jit_memory_create(size_t code, size_t data) {
    JitMemory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        out_of_memory();
    code = round_to_page(code + ROOM_BEHIND);
    data = round_to_page(data + ROOM_BEHIND);
    memory->bytes = code + data;
    memory->range = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory->range == MAP_FAILED)
        out_of_memory();
    memory->code = part_at((uintptr_t)memory->range, code);
    memory->data = part_at((uintptr_t)memory->range + code, data);
    return memory;
}

void jit_memory_destroy(JitMemory *memory) {
    if (memory == NULL)
        return;
    munmap(memory->range, memory->bytes);
    free(memory);
}

void jit_memory_begin(JitMemory *memory) {
    memory->loading++;
}

void *jit_memory_take(JitMemory *memory, size_t bytes, size_t alignment, bool is_code) {
    MemoryPart *part = is_code ? &memory->code : &memory->data;
    uintptr_t at = (part->end + alignment - 1) / alignment * alignment;
    if (at > part->limit || bytes > part->limit - at)
        return NULL;
    part->end = at + bytes;
    return (void *)at;
}

static bool protect_part(MemoryPart *part, int access) {
    uintptr_t end = round_to_page(part->end);
    if (end > part->open && mprotect((void *)part->open, end - part->open, access) != 0)
        return false;
    part->open = part->end = end;
    return true;
}

bool jit_memory_end(JitMemory *memory) {
    memory->loading--;
    return memory->loading > 0 || (protect_part(&memory->code, PROT_READ | PROT_EXEC) &&
                                      protect_part(&memory->data, PROT_READ));
}
