#include "mutate_kernel.h"

static Statement *find_statement(Block *block, int64_t *index) {
    for (Statement *statement = block->first; statement != NULL; statement = statement->next) {
        if ((*index)-- == 0)
            return statement;
        if (statement->kind == STATEMENT_FOR || statement->kind == STATEMENT_IF) {
            Statement *inside = find_statement(&statement->body, index);
            if (inside != NULL)
                return inside;
        }
    }
    return NULL;
}

static int64_t count_statements(const Block *block) {
    int64_t count = 0;
    for (const Statement *statement = block->first; statement != NULL; statement = statement->next)
        count += 1 + count_statements(&statement->body);
    return count;
}

static const Expression *plus(const Expression *expression, int64_t constant, Arena *arena) {
    return expression_add(arena, expression, expression_constant(arena, constant));
}

/* Another register that looks alike, the next but so many; the same one where there is none. */
static int other_register(const Kernel *kernel, int index, uint64_t number) {
    int count = kernel->register_count;
    for (int i = 1; i < count; i++) {
        int other = (index + i + (int)(number % 7)) % count;
        if (other != index && kernel->register_lanes[other] == kernel->register_lanes[index] &&
            kernel->register_types[other] == kernel->register_types[index])
            return other;
    }
    return index;
}

/* What never does anything takes the place of a barrier. */
static const char *drop(Statement *statement, Arena *arena) {
    *statement = (Statement){.kind = STATEMENT_IF,
        .begin = expression_constant(arena, 1),
        .end = expression_constant(arena, 0),
        .next = statement->next};
    return "barrier";
}

static const char *mutate_instruction(
    const Kernel *kernel, Instruction *instruction, uint64_t number, Arena *arena) {
    const InstructionInfo *info = instruction_info(instruction->kind);
    bool is_access = info->access == ACCESS_READ || info->access == ACCESS_WRITE;
    if (is_access && number % 2 == 0) {
        instruction->offset = plus(instruction->offset, number / 2 % 2 == 0 ? 1 : -1, arena);
        return "offset";
    }
    if (instruction->kind == INSTRUCTION_splat) {
        instruction->constant += 1;
        return "constant";
    }
    if (instruction->kind == INSTRUCTION_add || instruction->kind == INSTRUCTION_multiply) {
        instruction->kind =
            instruction->kind == INSTRUCTION_add ? INSTRUCTION_subtract : INSTRUCTION_add;
        return "operation";
    }
    if (info->source_count == 0)
        return NULL;
    int *source = &instruction->sources[number / 2 % (uint64_t)info->source_count];
    int other = other_register(kernel, *source, number / 8);
    if (other == *source)
        return NULL;
    *source = other;
    return "operand";
}

static const char *mutate(Kernel *kernel, Statement *statement, uint64_t number, Arena *arena) {
    if (statement->kind == STATEMENT_INSTRUCTION &&
        statement->instruction.kind == INSTRUCTION_barrier)
        return drop(statement, arena);
    if (statement->kind == STATEMENT_INSTRUCTION)
        return mutate_instruction(kernel, &statement->instruction, number, arena);
    const Expression **bound =
        statement->kind == STATEMENT_LET || number % 2 == 0 ? &statement->begin : &statement->end;
    *bound = plus(*bound, number / 2 % 2 == 0 ? 1 : -1, arena);
    return statement->kind == STATEMENT_LET ? "integer" : "bound";
}

static Statement *find_barrier(Block *block, int64_t *index) {
    for (Statement *statement = block->first; statement != NULL; statement = statement->next) {
        Statement *found = NULL;
        if (statement->kind == STATEMENT_FOR || statement->kind == STATEMENT_IF)
            found = find_barrier(&statement->body, index);
        else if (statement->kind == STATEMENT_INSTRUCTION &&
                 statement->instruction.kind == INSTRUCTION_barrier && (*index)-- == 0)
            found = statement;
        if (found != NULL)
            return found;
    }
    return NULL;
}

Mutation kernel_drop_barrier(Kernel *kernel, int64_t index, Arena *arena) {
    Statement *statement = find_barrier(&kernel->body, &index);
    if (statement == NULL)
        return (Mutation){0};
    Mutation mutation = {statement, *statement, NULL};
    mutation.what = drop(statement, arena);
    return mutation;
}

Mutation kernel_mutate(Kernel *kernel, uint64_t number, Arena *arena) {
    int64_t count = count_statements(&kernel->body);
    if (count == 0)
        return (Mutation){0};
    int64_t index = (int64_t)(number % (uint64_t)count);
    Statement *statement = find_statement(&kernel->body, &index);
    Mutation mutation = {statement, *statement, NULL};
    mutation.what = mutate(kernel, statement, number / (uint64_t)count, arena);
    return mutation.what == NULL ? (Mutation){0} : mutation;
}

void mutation_undo(const Mutation *mutation) {
    if (mutation->statement != NULL)
        *mutation->statement = mutation->before;
}
