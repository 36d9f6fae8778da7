#include "ir/kernel_pairs.h"
#include <assert.h>
#include <string.h>

/* ---- one lane from one lane of each source ---- */

/* The e of 2^e <= a < 2^(e+1), a whole number. */
static Pair exponent_of(Pair a) {
    int exponent = 0;
    frexp(a.number, &exponent);
    Pair result = pair_of_integer(exponent - 1);
    return pair_made(result.residue, result.number, a.residue);
}

/* 0 and infinity where a float has no such power. */
static Pair power_of_two(Pair a) {
    Pair result = a.number <= -127  ? pair_of_integer(0)
                  : a.number >= 128 ? pair_of_constant(INFINITY)
                                    : pair_of_power(isnan(a.number) ? 0 : (int64_t)a.number);
    return pair_made(result.residue, result.number, a.residue);
}

static Pair compute_lane(InstructionKind kind, Pair a, Pair b, Pair c) {
    switch (kind) {
    case INSTRUCTION_add:
        return pair_add(a, b);
    case INSTRUCTION_subtract:
        return pair_subtract(a, b);
    case INSTRUCTION_multiply:
        return pair_multiply(a, b);
    case INSTRUCTION_divide:
        return pair_divide(a, b);
    case INSTRUCTION_multiply_add:
        return pair_multiply_add(a, b, c);
    case INSTRUCTION_minimum:
        return pair_smaller(a, b);
    case INSTRUCTION_maximum:
    case INSTRUCTION_maximum_or_nan:
        return pair_larger(a, b);
    case INSTRUCTION_is_less:
        return pair_is_less(a, b);
    case INSTRUCTION_floor:
        return pair_floor(a);
    case INSTRUCTION_square_root:
        return pair_square_root(a);
    case INSTRUCTION_power_of_two:
        return power_of_two(a);
    case INSTRUCTION_exponent:
        return exponent_of(a);
    default: /* move, widen, narrow, to_float */
        return a;
    }
}

/* ---- lanes from others ---- */

static Pair reduce(InstructionKind kind, const Pair *a, int lanes) {
    Pair result = a[0];
    for (int i = 1; i < lanes; i++)
        result =
            kind == INSTRUCTION_reduce_add ? pair_add(result, a[i]) : pair_larger(a[i], result);
    return result;
}

static Pair pair_products(const Pair *a, const Pair *b, Pair c) {
    return pair_multiply_add(a[0], b[0], pair_multiply_add(a[1], b[1], c));
}

static bool gathers(InstructionKind kind) {
    return kind == INSTRUCTION_permute || kind == INSTRUCTION_pair_add ||
           kind == INSTRUCTION_widen_even || kind == INSTRUCTION_widen_odd ||
           kind == INSTRUCTION_reduce_add || kind == INSTRUCTION_reduce_maximum;
}

static Pair gather_lane(
    const Instruction *instruction, int i, const Pair *const *sources, int source_lanes) {
    const Pair *a = sources[0], *b = sources[1], *c = sources[2];
    switch (instruction->kind) {
    case INSTRUCTION_permute: {
        int from = instruction->indices[i];
        return from < source_lanes ? a[from] : b[from - source_lanes];
    }
    case INSTRUCTION_pair_add:
        return pair_products(a + 2 * i, b + 2 * i, c[i]);
    case INSTRUCTION_widen_even:
        return a[2 * i];
    case INSTRUCTION_widen_odd:
        return a[2 * i + 1];
    default:
        return reduce(instruction->kind, a, source_lanes);
    }
}

/* Into another place first: the destination may be one of the sources. */
static void gather(const Instruction *instruction, int lanes, const Pair *const *sources,
    int source_lanes, Pair *destination) {
    Pair gathered[MOST_LANES];
    bool reduces = instruction->kind == INSTRUCTION_reduce_add ||
                   instruction->kind == INSTRUCTION_reduce_maximum;
    for (int i = 0; i < lanes; i++)
        gathered[i] =
            reduces && i > 0 ? gathered[0] : gather_lane(instruction, i, sources, source_lanes);
    memcpy(destination, gathered, (size_t)lanes * sizeof *gathered);
}

/* Whether it makes whole numbers, or something of them. */
static bool is_whole(const Kernel *kernel, const Instruction *instruction) {
    return lane_is_whole(kernel->register_types[instruction->destination]) ||
           (instruction_info(instruction->kind)->source_count > 0 &&
               lane_is_whole(kernel->register_types[instruction->sources[0]]));
}

void kernel_compute_pairs(
    const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers) {
    static const Pair none = {0};
    int lanes = kernel->register_lanes[instruction->destination];
    int source_count = instruction_info(instruction->kind)->source_count;
    Pair *destination = register_pairs(registers, instruction->destination);
    const Pair *sources[3] = {&none, &none, &none};
    for (int i = 0; i < source_count; i++)
        sources[i] = register_pairs(registers, instruction->sources[i]);
    if (is_whole(kernel, instruction)) {
        kernel_compute_whole_pairs(kernel, instruction, sources, destination);
    } else if (gathers(instruction->kind)) {
        gather(instruction, lanes, sources, kernel->register_lanes[instruction->sources[0]],
            destination);
    } else if (instruction->kind == INSTRUCTION_splat) {
        Pair constant = pair_of_constant((double)instruction->constant);
        for (int i = 0; i < lanes; i++)
            destination[i] = constant;
    } else if (instruction->kind == INSTRUCTION_multiply_add) {
        for (int i = 0; i < lanes; i++)
            destination[i] = pair_multiply_add(sources[0][i], sources[1][i], sources[2][i]);
    } else {
        for (int i = 0; i < lanes; i++)
            destination[i] = compute_lane(instruction->kind, sources[0][i],
                source_count > 1 ? sources[1][i] : none, source_count > 2 ? sources[2][i] : none);
    }
}
