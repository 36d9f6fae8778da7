/* Memory of bytes, as machines have it. */
#include "ir/kernel_thread.h"
#include <string.h>

static void read_lanes(
    const unsigned char *bytes, int64_t size, int first, int count, uint32_t *lanes) {
    for (int i = 0; i < count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, bytes + i * size, (size_t)size); /* little-endian, as all of riffle */
        lanes[first + i] = bits;
    }
}

static void write_lanes(
    const uint32_t *lanes, int64_t size, int first, int count, unsigned char *bytes) {
    for (int i = 0; i < count; i++)
        memcpy(bytes + i * size, &lanes[first + i], (size_t)size);
}

/* What was read is spread over all lanes, again and again. */
static void spread(int lanes, int count, uint32_t *value) {
    for (int i = count; i < lanes; i++)
        value[i] = value[i - count];
}

static void load(const KernelMachine *machine, const Instruction *instruction,
    const RegisterFile *registers, int64_t at) {
    const Kernel *kernel = machine->kernel;
    const unsigned char *bytes = machine->buffers[instruction->parameter].begin + at;
    int64_t size = lane_bytes(kernel_buffer_element(kernel, instruction->parameter));
    uint32_t *destination = register_bits(registers, instruction->destination);
    int lanes = kernel->register_lanes[instruction->destination], count = instruction->lane_count;
    memset(destination, 0, (size_t)lanes * sizeof *destination);
    read_lanes(bytes, size, instruction->first_lane, count, destination);
    if (instruction->kind != INSTRUCTION_load)
        spread(lanes, count, destination);
}

static const char *store(const KernelMachine *machine, const Instruction *instruction,
    const RegisterFile *registers, int64_t at) {
    int64_t size = lane_bytes(kernel_buffer_element(machine->kernel, instruction->parameter));
    write_lanes(register_bits(registers, instruction->sources[0]), size, instruction->first_lane,
        instruction->lane_count, machine->buffers[instruction->parameter].begin + at);
    return NULL;
}

static void make_local(KernelBuffer *local, LaneType element, Arena *arena) {
    (void)element;
    local->begin = ARENA_ARRAY(arena, unsigned char, local->writable);
}

static void forget_local(const KernelBuffer *local) {
    memset(local->begin, 0xff, (size_t)local->writable); /* NaN */
}

const KernelArithmetic kernel_arithmetic_of_bits = {
    sizeof(uint32_t), kernel_compute, load, store, make_local, forget_local};
