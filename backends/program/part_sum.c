/* Code of sums in parts. */
#include "backends/program/part_sum.h"
#include "ir/kernel.h"

const Expression *open_part(KernelBuilder *builder, const char *name, const Expression *begin,
    int64_t size, const Expression *end, int64_t step) {
    const Expression *part_end = expression_offset(builder->arena, begin, size);
    if (end)
        part_end = expression_minimum(builder->arena, part_end, end);
    return kernel_open_for(builder, name, begin, part_end, step);
}

PartLoop open_part_loop(KernelBuilder *builder, const char *name, const Expression *begin,
    const Expression *end, int64_t step, int64_t part, int sum) {
    if (part == 0)
        return (PartLoop){kernel_open_for(builder, name, begin, end, step), 0, sum, sum};
    int part_sum = kernel_register(builder, builder->kernel->register_lanes[sum]);
    const Expression *first = kernel_open_for(builder, "part", begin, end, part * step);
    kernel_splat(builder, part_sum, 0.0f);
    return (PartLoop){open_part(builder, name, first, part * step, end, step), part, sum, part_sum};
}

void close_part_loop(KernelBuilder *builder, const PartLoop *loop) {
    kernel_close(builder);
    if (loop->part == 0)
        return;
    kernel_binary(builder, INSTRUCTION_add, loop->sum, loop->sum, loop->part_sum);
    kernel_close(builder);
}

PartSum begin_part_sum(KernelBuilder *builder, int total, int lanes, int64_t size) {
    return (PartSum){total, size > 0 ? kernel_register(builder, lanes) : total, size, 0};
}

int next_in_part_sum(KernelBuilder *builder, PartSum *sum) {
    if (sum->size == 0)
        return sum->total;
    if (sum->pending == sum->size)
        end_part_sum(builder, sum);
    if (sum->pending++ == 0)
        kernel_splat(builder, sum->part, 0.0f);
    return sum->part;
}

void end_part_sum(KernelBuilder *builder, PartSum *sum) {
    if (sum->pending > 0)
        kernel_binary(builder, INSTRUCTION_add, sum->total, sum->total, sum->part);
    sum->pending = 0;
}
