/* Memory of pairs: cells that know whether they were written, and by whom. */
#include "ir/kernel_pairs.h"
#include "ir/kernel_thread.h"
#include <inttypes.h>
#include <string.h>

/* Whether another block of this phase wrote the cell. */
static bool is_foreign(const KernelCells *cells, int64_t cell, const KernelRun *run) {
    uint32_t writer = cells->writers == NULL ? 0 : cells->writers[cell];
    return writer > run->blocks_before && writer != run->blocks;
}

/* The number that begins at a cell and has `count` of them. */
static Pair read_cells(const KernelCells *cells, int64_t first, int count, const KernelRun *run) {
    for (int i = 0; i < count; i++)
        if (is_foreign(cells, first + i, run) ||
            (i > 0 && cells->pairs[first + i].residue != PAIR_REST))
            return pair_unknown();
    return cells->pairs[first];
}

/* Whole numbers of packed weights are what they are, wherever they lie: layers of bytes keep some
 * of 32 bits among floats. */
static Pair read_whole(const unsigned char *bytes, LaneType type) {
    int64_t number = 0;
    memcpy(&number, bytes, (size_t)lane_bytes(type)); /* little-endian, as all of riffle */
    return pair_of_integer(type == LANE_U8    ? number
                           : type == LANE_S16 ? (int64_t)(int16_t)number
                                              : (int64_t)(int32_t)number);
}

static void load(const KernelMachine *machine, const Instruction *instruction,
    const RegisterFile *registers, int64_t at) {
    const Kernel *kernel = machine->kernel;
    const KernelCells *cells = machine->buffers[instruction->parameter].cells;
    int64_t size = lane_bytes(kernel_buffer_element(kernel, instruction->parameter));
    int lanes = kernel->register_lanes[instruction->destination], count = instruction->lane_count;
    int of_number = (int)(size / cells->bytes), first = instruction->first_lane;
    Pair *destination = register_pairs(registers, instruction->destination);
    for (int i = 0; i < lanes; i++)
        destination[i] = (Pair){0};
    LaneType type = kernel->register_types[instruction->destination];
    const unsigned char *packed = machine->buffers[instruction->parameter].begin;
    bool is_whole = packed != NULL && lane_is_whole(type);
    for (int i = 0; i < count; i++)
        destination[first + i] = is_whole
                                     ? read_whole(packed + at + i * size, type)
                                     : read_cells(cells, at / cells->bytes + (int64_t)i * of_number,
                                           of_number, machine->run);
    for (int i = count; instruction->kind != INSTRUCTION_load && i < lanes; i++)
        destination[i] = destination[i - count];
}

static const char *store(const KernelMachine *machine, const Instruction *instruction,
    const RegisterFile *registers, int64_t at) {
    const KernelCells *cells = machine->buffers[instruction->parameter].cells;
    int64_t size = lane_bytes(kernel_buffer_element(machine->kernel, instruction->parameter));
    int of_number = (int)(size / cells->bytes);
    const Pair *source =
        register_pairs(registers, instruction->sources[0]) + instruction->first_lane;
    int64_t cell = at / cells->bytes, end = cell + (int64_t)instruction->lane_count * of_number;
    for (int64_t i = cell; i < end; i++) {
        if (is_foreign(cells, i, machine->run))
            return arena_format(machine->arena,
                "byte %" PRId64 " of the buffer was written by another item", i * cells->bytes);
        int64_t rest = (i - cell) % of_number;
        cells->pairs[i] = rest > 0 ? (Pair){PAIR_REST, NAN} : source[(i - cell) / of_number];
        if (cells->writers != NULL)
            cells->writers[i] = machine->run->blocks;
    }
    return NULL;
}

static void make_local(KernelBuffer *local, LaneType element, Arena *arena) {
    KernelCells *cells = ARENA_NEW(arena, KernelCells);
    cells->bytes = (int)lane_bytes(element);
    cells->pairs = ARENA_ARRAY(arena, Pair, local->writable / cells->bytes);
    local->cells = cells;
}

static void forget_local(const KernelBuffer *local) {
    for (int64_t i = 0; i < local->writable / local->cells->bytes; i++)
        local->cells->pairs[i] = pair_unknown();
}

const KernelArithmetic kernel_arithmetic_of_pairs = {
    sizeof(Pair), kernel_compute_pairs, load, store, make_local, forget_local};
