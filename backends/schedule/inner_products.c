#include "backends/schedule/inner_products.h"
#include "ir/arena.h"
#include "ir/kernel.h"

enum { VECTOR_BYTES = 16, NOWHERE = -1 };

/* What a register of the kernel holds while the loop's body is read. */
typedef struct Held {
    int load; /* which; NOWHERE: none */
    int lane; /* that all its lanes are; NOWHERE: as loaded */
    int sum;  /* which; NOWHERE: it is none */
} Held;

typedef struct LoopReader {
    const Kernel *kernel;
    const Statement *loop;
    InnerProducts *found;
    Held *held; /* by register */
} LoopReader;

static int count_statements(const Block *block) {
    int count = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next)
        count++;
    return count;
}

/* Whether an instruction outside of the loop looks at what the register has. */
static bool is_read(const Block *block, const Statement *loop, int reg) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement == loop)
            continue;
        const Instruction *instruction = &statement->instruction;
        if (statement->kind != STATEMENT_INSTRUCTION) {
            if (is_read(&statement->body, loop, reg))
                return true;
            continue;
        }
        int sources = instruction_info(instruction->kind)->source_count;
        for (int i = 0; i < sources; i++)
            if (instruction->sources[i] == reg)
                return true;
    }
    return false;
}

/* The first vector says of which type all are. */
static bool is_of_type(const LoopReader *reader, int reg) {
    InnerProducts *found = reader->found;
    LaneType type = reader->kernel->register_types[reg];
    if (found->lanes == 0 && (type == LANE_F32 || type == LANE_F16)) {
        found->type = type;
        found->lanes = VECTOR_BYTES / (int)lane_bytes(type);
    }
    return found->type == type && reader->kernel->register_lanes[reg] == found->lanes;
}

static bool is_fresh(const LoopReader *reader, int reg) {
    const Held *held = &reader->held[reg];
    return held->load == NOWHERE && held->sum == NOWHERE && is_of_type(reader, reg) &&
           !is_read(&reader->kernel->body, reader->loop, reg);
}

static bool read_address(
    const LoopReader *reader, const Instruction *instruction, InnerLoad *load) {
    int64_t factor, constant = 0, element;
    const Expression *offset = instruction->offset;
    if (!expression_is_linear(offset, reader->loop->variable, &factor))
        return false;
    element = lane_bytes(kernel_buffer_element(reader->kernel, instruction->parameter));
    if (offset->kind == EXPRESSION_ADD && expression_is_constant(offset->right, &constant))
        offset = offset->left;
    *load = (InnerLoad){.parameter = instruction->parameter,
        .offset = offset,
        .bytes = constant * element,
        .increment = factor * reader->loop->step * element};
    return true;
}

static bool read_load(LoopReader *reader, const Instruction *instruction) {
    InnerProducts *found = reader->found;
    int reg = instruction->destination;
    if (!is_fresh(reader, reg) || instruction->lane_count != found->lanes ||
        !read_address(reader, instruction, &found->loads[found->load_count]))
        return false;
    reader->held[reg].load = found->load_count++;
    return true;
}

/* One lane of a load in all. */
static bool read_permute(LoopReader *reader, const Instruction *instruction) {
    const Held *source = &reader->held[instruction->sources[0]];
    if (!is_fresh(reader, instruction->destination) || source->load == NOWHERE ||
        source->lane != NOWHERE || instruction->indices[0] >= reader->found->lanes)
        return false;
    for (int i = 1; i < reader->found->lanes; i++)
        if (instruction->indices[i] != instruction->indices[0])
            return false;
    reader->held[instruction->destination] =
        (Held){.load = source->load, .lane = instruction->indices[0], .sum = NOWHERE};
    return true;
}

static int sum_of(LoopReader *reader, int reg) {
    Held *held = &reader->held[reg];
    if (held->sum == NOWHERE) {
        held->sum = reader->found->sum_count;
        reader->found->sums[reader->found->sum_count++] = reg;
    }
    return held->sum;
}

static bool read_multiply_add(LoopReader *reader, const Instruction *instruction) {
    InnerProducts *found = reader->found;
    int sum = instruction->destination;
    const Held *value = &reader->held[instruction->sources[0]],
               *weight = &reader->held[instruction->sources[1]];
    if (instruction->sources[2] != sum || reader->held[sum].load != NOWHERE ||
        !is_of_type(reader, sum) || value->load == NOWHERE || value->lane == NOWHERE ||
        weight->load == NOWHERE || weight->lane != NOWHERE)
        return false;
    found->products[found->product_count++] = (InnerProduct){.sum = sum_of(reader, sum),
        .weight = weight->load,
        .value = value->load,
        .lane = value->lane};
    found->loads[value->load].by_lane = true;
    return true;
}

static bool read_instruction(LoopReader *reader, const Instruction *instruction) {
    InnerProducts *found = reader->found;
    switch (instruction->kind) {
    case INSTRUCTION_load:
        return read_load(reader, instruction);
    case INSTRUCTION_permute:
        return read_permute(reader, instruction);
    case INSTRUCTION_multiply_add:
        return read_multiply_add(reader, instruction);
    case INSTRUCTION_prefetch:
        return read_address(reader, instruction, &found->prefetches[found->prefetch_count++]);
    default:
        return false;
    }
}

/* By weight, so that each is needed for as short as can be; what is added to one sum keeps its
 * order. */
static bool sort_products(InnerProducts *found, Arena *arena) {
    InnerProduct *sorted = ARENA_ARRAY(arena, InnerProduct, found->product_count);
    int *last = ARENA_ARRAY(arena, int, found->sum_count), count = 0;
    for (int weight = 0; weight < found->load_count; weight++)
        for (int i = 0; i < found->product_count; i++)
            if (found->products[i].weight == weight)
                sorted[count++] = found->products[i];
    for (int i = 0; i < found->product_count; i++) {
        const InnerProduct *product = &found->products[i];
        if (product->weight < last[product->sum])
            return false;
        last[product->sum] = product->weight;
    }
    found->products = sorted;
    return true;
}

/* No vector is taken both ways, and none is loaded in vain. */
static bool loads_are_regular(const InnerProducts *found) {
    for (int i = 0; i < found->load_count; i++) {
        int uses = 0;
        for (int j = 0; j < found->product_count; j++) {
            uses += found->products[j].weight == i || found->products[j].value == i;
            if (found->products[j].weight == i && found->loads[i].by_lane)
                return false;
        }
        if (uses == 0)
            return false;
    }
    return true;
}

const InnerProducts *inner_products(const Kernel *kernel, const Statement *loop, Arena *arena) {
    int count = count_statements(&loop->body);
    InnerProducts *found = ARENA_NEW(arena, InnerProducts);
    *found = (InnerProducts){.loads = ARENA_ARRAY(arena, InnerLoad, count + 1),
        .prefetches = ARENA_ARRAY(arena, InnerLoad, count + 1),
        .products = ARENA_ARRAY(arena, InnerProduct, count + 1),
        .sums = ARENA_ARRAY(arena, int, count + 1)};
    LoopReader reader = {.kernel = kernel, .loop = loop, .found = found};
    reader.held = ARENA_ARRAY(arena, Held, kernel->register_count + 1);
    for (int i = 0; i < kernel->register_count; i++)
        reader.held[i] = (Held){NOWHERE, NOWHERE, NOWHERE};
    for (const Statement *statement = loop->body.first; statement; statement = statement->next)
        if (statement->kind != STATEMENT_INSTRUCTION ||
            !read_instruction(&reader, &statement->instruction))
            return NULL;
    bool good = found->product_count > 0 && sort_products(found, arena) && loads_are_regular(found);
    return good ? found : NULL;
}
