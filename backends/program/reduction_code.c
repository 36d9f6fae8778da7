/* Registers and loops of reductions. */
#include "backends/program/reduction_code.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "ir/arena.h"
#include <math.h>

float reduction_start(const Reduction *reduction) {
    return reduction->combine == COMBINE_ADD ? 0.0f : -INFINITY;
}

static int lanes_of(const KernelBuilder *builder, int reg) {
    return builder->kernel->register_lanes[reg];
}

static void scale(KernelBuilder *builder, int reg, float factor) {
    int number = emit_number(builder, lanes_of(builder, reg), factor);
    kernel_binary(builder, INSTRUCTION_multiply, reg, reg, number);
}

void emit_reduction_term(KernelBuilder *builder, const Reduction *reduction, int reg) {
    int negative;
    switch (reduction->term) {
    case TERM_SAME:
        break;
    case TERM_ABSOLUTE:
        negative = emit_number(builder, lanes_of(builder, reg), -1.0f);
        kernel_binary(builder, INSTRUCTION_multiply, negative, negative, reg);
        kernel_binary(builder, INSTRUCTION_maximum_or_nan, reg, reg, negative);
        break;
    case TERM_SQUARE:
        kernel_binary(builder, INSTRUCTION_multiply, reg, reg, reg);
        break;
    case TERM_NEGATIVE:
        scale(builder, reg, -1.0f);
        break;
    }
}

InstructionKind reduction_combine(const Reduction *reduction) {
    return reduction->combine == COMBINE_ADD ? INSTRUCTION_add : INSTRUCTION_maximum_or_nan;
}

void emit_reduction_finish(
    KernelBuilder *builder, const Reduction *reduction, int reg, int64_t count) {
    switch (reduction->finish) {
    case FINISH_SAME:
        break;
    case FINISH_MEAN:
        scale(builder, reg, (float)(1.0 / (double)count));
        break;
    case FINISH_ROOT:
        kernel_unary(builder, INSTRUCTION_square_root, reg, reg);
        break;
    case FINISH_NEGATIVE:
        scale(builder, reg, -1.0f);
        break;
    }
}

static void begin_registers(const ReduceCode *code, const int *like, int *registers) {
    for (int i = 0; i < code->register_count; i++) {
        registers[i] = kernel_register(code->builder, lanes_of(code->builder, like[i]));
        kernel_splat(code->builder, registers[i], reduction_start(code->reduction));
    }
}

static void combine_all(const ReduceCode *code, const int *into, const int *from) {
    for (int i = 0; i < code->register_count; i++)
        kernel_binary(code->builder, reduction_combine(code->reduction), into[i], into[i], from[i]);
}

static void emit_loop(ReduceCode *code, int index, const int *registers);

static void emit_step(ReduceCode *code, int index, const int *registers) {
    int own[MOST_REDUCED];
    if (!code->loops[index].apart) {
        emit_loop(code, index + 1, registers);
        return;
    }
    begin_registers(code, registers, own);
    emit_loop(code, index + 1, own);
    combine_all(code, registers, own);
}

static void emit_loop(ReduceCode *code, int index, const int *registers) {
    static const char *const names[] = {
        "reduced_image", "reduced_channel", "reduced_row", "reduced_column"};
    if (index == code->loop_count) {
        code->emit(code, registers);
        return;
    }
    const ReduceLoop *loop = &code->loops[index];
    KernelBuilder *builder = code->builder;
    const char *name = names[loop->dimension];
    const Expression **at = &code->at[loop->dimension];
    if (loop->part == 0) {
        *at = kernel_open_range(builder, name, 0, loop->size, 1);
        emit_step(code, index, registers);
        kernel_close(builder);
        return;
    }
    int own[MOST_REDUCED];
    const Expression *first = kernel_open_range(builder, "part", 0, loop->size, loop->part);
    const Expression *end = expression_constant(builder->arena, loop->size);
    begin_registers(code, registers, own);
    *at = open_part(builder, name, first, loop->part, loop->size % loop->part == 0 ? NULL : end, 1);
    emit_step(code, index, own);
    kernel_close(builder);
    combine_all(code, registers, own);
    kernel_close(builder);
}

void emit_reduce_loops(ReduceCode *code, const int *registers) {
    emit_loop(code, 0, registers);
}
