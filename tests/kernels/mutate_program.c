#include "mutate_program.h"
#include "backends/program/program.h"
#include <string.h>

const char *const mutant_names[MUTANT_KIND_COUNT] = {
    "store", "load", "offset", "mask", "weights", "buffer", "statement"};

/* ---- statements ---- */

typedef bool AcceptsStatement(const Kernel *kernel, const Statement *statement);

/* The index-th that is accepted, or NULL; *index becomes less by those that there are. */
static Statement *find(
    const Kernel *kernel, Block *block, AcceptsStatement *accepts, int64_t *index) {
    for (Statement *statement = block->first; statement != NULL; statement = statement->next) {
        if (statement->kind == STATEMENT_INSTRUCTION && accepts(kernel, statement) &&
            (*index)-- == 0)
            return statement;
        Statement *inside = find(kernel, &statement->body, accepts, index);
        if (inside != NULL)
            return inside;
    }
    return NULL;
}

static Statement *choose(Kernel *kernel, AcceptsStatement *accepts, uint64_t number) {
    int64_t all = INT64_MAX;
    find(kernel, &kernel->body, accepts, &all);
    int64_t count = INT64_MAX - all, index = count == 0 ? 0 : (int64_t)(number % (uint64_t)count);
    return count == 0 ? NULL : find(kernel, &kernel->body, accepts, &index);
}

static bool is_store(const Kernel *kernel, const Statement *statement) {
    (void)kernel;
    return statement->instruction.kind == INSTRUCTION_store;
}

static bool is_load(const Kernel *kernel, const Statement *statement) {
    (void)kernel;
    return instruction_info(statement->instruction.kind)->access == ACCESS_READ;
}

static bool is_access(const Kernel *kernel, const Statement *statement) {
    return is_load(kernel, statement) || is_store(kernel, statement);
}

static bool has_mask(const Kernel *kernel, const Statement *statement) {
    InstructionKind kind = statement->instruction.kind;
    return (kind == INSTRUCTION_store || kind == INSTRUCTION_load) &&
           statement->instruction.lane_count > 1 && kernel->threads == 0;
}

/* Another parameter that holds the same, or the same one. */
static int other_parameter(const Kernel *kernel, int parameter, uint64_t number) {
    int count = kernel->parameter_count;
    for (int i = 0; i < count; i++) {
        int other = (int)((number + (uint64_t)i) % (uint64_t)count);
        if (other != parameter && kernel->parameters[other].role != PARAMETER_TABLE &&
            kernel->parameters[other].role != PARAMETER_WRITE &&
            kernel->parameters[other].element == kernel_buffer_element(kernel, parameter))
            return other;
    }
    return parameter;
}

static const char *change(
    Kernel *kernel, Statement *statement, MutantKind kind, uint64_t number, Arena *arena) {
    Instruction *instruction = &statement->instruction;
    int other;
    switch (kind) {
    case MUTANT_STORE:
        *statement = (Statement){.kind = STATEMENT_IF,
            .begin = expression_constant(arena, 1),
            .end = expression_constant(arena, 0),
            .next = statement->next};
        return "a store is left out";
    case MUTANT_LOAD:
        other = other_parameter(kernel, instruction->parameter, number);
        if (other == instruction->parameter)
            return NULL;
        instruction->parameter = other;
        return "a load of another parameter";
    case MUTANT_OFFSET:
        instruction->offset = expression_offset(arena, instruction->offset, number % 2 ? 1 : -1);
        return "an offset";
    case MUTANT_MASK:
        instruction->lane_count--;
        return "a mask";
    default:
        return NULL;
    }
}

static Mutant mutate_statement(Kernel *kernel, MutantKind kind, uint64_t number, Arena *arena) {
    static AcceptsStatement *const accepts[] = {[MUTANT_STORE] = is_store,
        [MUTANT_LOAD] = is_load,
        [MUTANT_OFFSET] = is_access,
        [MUTANT_MASK] = has_mask};
    Statement *statement = choose(kernel, accepts[kind], number >> 8);
    if (statement == NULL)
        return (Mutant){0};
    Mutant mutant = {.mutation = {statement, *statement, NULL}};
    mutant.what = change(kernel, statement, kind, number, arena);
    if (mutant.what == NULL)
        return (Mutant){0};
    Text text = {0};
    kernel_print_instruction(kernel, &mutant.mutation.before.instruction, &text);
    mutant.where = arena_format(arena, "%s: %s", kernel->name, text.data);
    text_free(&text);
    return mutant;
}

/* ---- beside the kernels ---- */

static void exchange(Program *program, Proof *const *proofs, const int64_t *cells) {
    size_t bytes = (size_t)proofs[0]->origins.cell_bytes;
    char *data = program->weights.data, held[sizeof(float)];
    char *a = data + (size_t)cells[0] * bytes, *b = data + (size_t)cells[1] * bytes;
    memcpy(held, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, held, bytes);
    for (int i = 0; i < PROOF_DRAWS; i++) {
        Pair *packed = proofs[i]->packed, pair = packed[cells[0]];
        packed[cells[0]] = packed[cells[1]];
        packed[cells[1]] = pair;
    }
}

/* Both are weights of the graph, or those of layers of bytes. */
static bool can_exchange(const PackedOrigins *origins, int64_t a, int64_t b) {
    LaneType type = (LaneType)origins->forms[a];
    bool whole = origins->numbers[a] == ORIGIN_CONSTANT && (type == LANE_U8 || type == LANE_S16) &&
                 origins->numbers[b] == ORIGIN_CONSTANT && origins->forms[b] == type &&
                 lane_bytes(type) == origins->cell_bytes;
    return whole || (origins->numbers[a] >= 0 && origins->numbers[b] >= 0);
}

static Mutant mutate_weights(
    Program *program, Proof *const *proofs, uint64_t number, Arena *arena) {
    const PackedOrigins *origins = &proofs[0]->origins;
    int64_t count = origins->cells;
    for (int64_t i = 0; i < count; i++) {
        int64_t cell = (int64_t)((number >> 4) + (uint64_t)i) % count;
        int64_t other = cell + 1 + (int64_t)(number % 13);
        if (other >= count || !can_exchange(origins, cell, other))
            continue;
        Mutant mutant = {.what = "two weights are exchanged", .cells = {cell, other}};
        mutant.where =
            arena_format(arena, "packed numbers %lld and %lld", (long long)cell, (long long)other);
        exchange(program, proofs, mutant.cells);
        return mutant;
    }
    return (Mutant){0};
}

/* The index-th buffer of the workspace but for one, that is as long at least. */
static int other_buffer(const Program *program, int buffer, uint64_t number) {
    for (int i = 0; i < program->buffer_count; i++) {
        int other = (int)((number + (uint64_t)i) % (uint64_t)program->buffer_count);
        const Buffer *candidate = &program->buffers[other];
        if (other != buffer && candidate->kind == BUFFER_WORKSPACE &&
            candidate->offset != program->buffers[buffer].offset &&
            candidate->bytes >= program->buffers[buffer].bytes)
            return other;
    }
    return buffer;
}

static Mutant mutate_buffer(
    Program *program, Kernel *const *kernels, uint64_t number, Arena *arena) {
    int count = program->step_count;
    for (int i = 0; i < count; i++) {
        int index = (int)(((number >> 8) + (uint64_t)i) % (uint64_t)count);
        Step *step = &program->steps[index];
        int parameters = kernels[step->kernel]->parameter_count;
        Argument *argument = &step->arguments[(number >> 4) % (uint64_t)parameters];
        Buffer *buffer = &program->buffers[argument->buffer];
        if (buffer->kind != BUFFER_WORKSPACE)
            continue;
        int other = other_buffer(program, argument->buffer, number >> 16);
        if (other == argument->buffer)
            continue;
        Mutant mutant = {.where = arena_format(arena, "step %d", index)};
        if (number % 2) {
            mutant.what = "a step has another buffer";
            mutant.argument = argument;
            mutant.argument_before = *argument;
            argument->buffer = other;
        } else {
            mutant.what = "a buffer lies elsewhere";
            mutant.buffer = buffer;
            mutant.offset_before = buffer->offset;
            buffer->offset = program->buffers[other].offset;
        }
        return mutant;
    }
    return (Mutant){0};
}

/* ---- all ---- */

Mutant program_mutate(Program *program, Proof *const *proofs, Kernel *const *kernels,
    MutantKind kind, uint64_t number, Arena *arena) {
    Kernel *kernel = kernels[(number >> 32) % (uint64_t)program->kernel_count];
    switch (kind) {
    case MUTANT_WEIGHTS:
        return mutate_weights(program, proofs, number, arena);
    case MUTANT_BUFFER:
        return mutate_buffer(program, kernels, number, arena);
    case MUTANT_STATEMENT: {
        Mutant mutant = {.mutation = kernel_mutate(kernel, number, arena), .where = kernel->name};
        mutant.what = mutant.mutation.what;
        return mutant;
    }
    default:
        return mutate_statement(kernel, kind, number, arena);
    }
}

void mutant_undo(const Mutant *mutant, Program *program, Proof *const *proofs) {
    mutation_undo(&mutant->mutation);
    if (mutant->cells[0] != mutant->cells[1])
        exchange(program, proofs, mutant->cells);
    if (mutant->argument != NULL)
        *mutant->argument = mutant->argument_before;
    if (mutant->buffer != NULL)
        mutant->buffer->offset = mutant->offset_before;
}
