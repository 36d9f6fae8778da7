#include "backends/program/sample_tables.h"
#include "backends/program/call.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/sampling.h"
#include <string.h>

/* The samples of both axes. */
typedef struct AxisSamples {
    Sample *samples;
    int64_t size;
} AxisSamples;

static int64_t count_entries(const SampleTables *tables, const AxisSamples *axes) {
    return tables->counts[0] * axes[0].size + tables->counts[1] * axes[1].size;
}

static void fill_indices(const SampleTables *tables, const AxisSamples *axes, float *table) {
    for (int axis = 0; axis < 2; axis++)
        for (int64_t i = 0; i < axes[axis].size; i++) {
            const Sample *sample = &axes[axis].samples[i];
            const int32_t entries[2] = {(int32_t)sample->first, (int32_t)sample->second};
            memcpy(table, entries, (size_t)tables->counts[axis] * sizeof *entries);
            table += tables->counts[axis];
        }
}

static void fill_weights(const SampleTables *tables, const AxisSamples *axes, float *weights) {
    for (int axis = 0; axis < 2; axis++)
        for (int64_t i = 0; tables->counts[axis] == 2 && i < axes[axis].size; i++) {
            memcpy(weights, axes[axis].samples[i].weights, 2 * sizeof *weights);
            weights += 2;
        }
}

SampleTables make_sample_tables(Emission *emission, KernelCall *call, const Node *node) {
    SampleTables tables = {.weights = -1};
    AxisSamples axes[2];
    int64_t weights = 0;
    for (int axis = 0; axis < 2; axis++) {
        axes[axis].size = node->results[0]->type.dims[2 + axis];
        axes[axis].samples = node_samples(node, axis, emission->arena);
        bool single = samples_are_single(axes[axis].samples, axes[axis].size);
        tables.counts[axis] = single ? 1 : 2;
        tables.first_index[axis] = axis == 0 ? 0 : tables.counts[0] * axes[0].size;
        tables.first_weight[axis] = weights;
        weights += single ? 0 : 2 * axes[axis].size;
    }
    float *table = call_weights(emission, call, count_entries(&tables, axes), &tables.indices);
    fill_indices(&tables, axes, table);
    KernelParameter *parameter = &call->builder.kernel->parameters[tables.indices];
    parameter->name = "indices";
    parameter->role = PARAMETER_TABLE;
    if (weights > 0)
        fill_weights(&tables, axes, call_weights(emission, call, weights, &tables.weights));
    return tables;
}

SampledIndex sampled_index(
    KernelBuilder *builder, const SampleTables *tables, int axis, const Expression *index) {
    static const char *const names[2][2] = {{"above", "below"}, {"left", "right"}};
    Arena *arena = builder->arena;
    SampledIndex sampled = {.count = tables->counts[axis], .weights = tables->weights};
    const Expression *entry = expression_multiply(arena, index, sampled.count);
    for (int i = 0; i < sampled.count; i++) {
        sampled.places[i] = kernel_let(builder, names[axis][i],
            expression_element(arena, tables->indices,
                expression_offset(arena, entry, tables->first_index[axis] + i)));
        sampled.weight_places[i] = expression_offset(arena, entry, tables->first_weight[axis] + i);
    }
    return sampled;
}

void load_sample_weights(KernelBuilder *builder, SampledIndex *index, int lanes) {
    for (int i = 0; index->count > 1 && i < 2; i++) {
        index->registers[i] = kernel_register(builder, lanes);
        kernel_broadcast(builder, index->registers[i], index->weights, index->weight_places[i]);
    }
}

int emit_weighted(KernelBuilder *builder, const SampledIndex *index, int first, int second) {
    int result = kernel_register(builder, builder->kernel->register_lanes[first]);
    kernel_binary(builder, INSTRUCTION_multiply, result, first, index->registers[0]);
    kernel_multiply_add(builder, result, second, index->registers[1], result);
    return result;
}
