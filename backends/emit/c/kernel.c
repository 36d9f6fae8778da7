#include "backends/emit/c/kernel.h"
#include "backends/emit/c/syntax.h"
#include "backends/emit/c/vectors.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <assert.h>
#include <string.h>

/* ---- what can be said ---- */

static const char *instruction_fault(const Instruction *instruction) {
    switch (instruction->kind) {
    case INSTRUCTION_splat:
    case INSTRUCTION_load:
    case INSTRUCTION_broadcast:
    case INSTRUCTION_store:
    case INSTRUCTION_prefetch:
    case INSTRUCTION_move:
    case INSTRUCTION_add:
    case INSTRUCTION_subtract:
    case INSTRUCTION_multiply:
    case INSTRUCTION_divide:
    case INSTRUCTION_minimum:
    case INSTRUCTION_maximum:
    case INSTRUCTION_maximum_or_nan:
    case INSTRUCTION_is_less:
    case INSTRUCTION_multiply_add:
    case INSTRUCTION_floor:
    case INSTRUCTION_square_root:
    case INSTRUCTION_power_of_two:
    case INSTRUCTION_exponent:
    case INSTRUCTION_permute:
    case INSTRUCTION_reduce_add:
    case INSTRUCTION_reduce_maximum:
    case INSTRUCTION_widen:
    case INSTRUCTION_to_float:
        return NULL;
    default:
        return instruction_info(instruction->kind)->name;
    }
}

static const char *block_fault(const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        const char *fault = statement->kind == STATEMENT_INSTRUCTION
                                ? instruction_fault(&statement->instruction)
                                : block_fault(&statement->body);
        if (fault)
            return fault;
    }
    return NULL;
}

/* Bytes are loaded as the floats that they become: to widen them and to convert what comes out
 * changes nothing any more. So that and to permute them is all that they can be asked for. */
static bool is_of_floats(const Kernel *kernel, const Instruction *instruction) {
    const LaneType *types = kernel->register_types;
    const int *sources = instruction->sources;
    int count = instruction_info(instruction->kind)->source_count;
    int destination = instruction->destination;
    switch (instruction->kind) {
    case INSTRUCTION_load:
    case INSTRUCTION_permute: /* its sources are of the same type */
        return types[destination] == LANE_F32 || types[destination] == LANE_U8;
    case INSTRUCTION_widen:
        return types[destination] == LANE_S32 && types[sources[0]] == LANE_U8;
    case INSTRUCTION_to_float:
        return true;
    default:
        break;
    }
    for (int i = 0; i < count; i++)
        if (types[sources[i]] != LANE_F32)
            return false;
    return destination < 0 || types[destination] == LANE_F32;
}

static bool block_is_of_floats(const Kernel *kernel, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_INSTRUCTION
                ? !is_of_floats(kernel, &statement->instruction)
                : !block_is_of_floats(kernel, &statement->body))
            return false;
    return true;
}

const char *c_kernel_fault(const Kernel *kernel) {
    if (kernel->threads > 0)
        return "threads of a GPU";
    bool floats = block_is_of_floats(kernel, &kernel->body);
    for (int i = 0; i < kernel->register_count && !floats; i++)
        if (kernel->register_types[i] != LANE_F32)
            return lane_type_name(kernel->register_types[i]);
    return block_fault(&kernel->body);
}

/* ---- instructions ---- */

static void append_type(Syntax *syntax, int index) {
    text_append(syntax->out, vectors_type(syntax->user, syntax_lanes(syntax, index)));
}

static void append_name(Syntax *syntax, HelperKind kind, int lanes, int first, int count) {
    text_append(syntax->out, vectors_function(syntax->user, kind, lanes, first, count));
    text_append(syntax->out, "(");
}

static void append_sources(Syntax *syntax, const Instruction *instruction) {
    for (int i = 0; i < instruction_info(instruction->kind)->source_count; i++) {
        text_append(syntax->out, i > 0 ? ", " : "");
        syntax_register(syntax, instruction->sources[i]);
    }
}

static void append_call(Syntax *syntax, HelperKind kind, const Instruction *instruction) {
    append_name(syntax, kind, syntax_lanes(syntax, instruction->destination), 0, 0);
    append_sources(syntax, instruction);
    text_append(syntax->out, ")");
}

/* With one lane, an operator; "v1 + v2". */
static void append_arithmetic(
    Syntax *syntax, HelperKind kind, const char *operator, const Instruction * instruction) {
    if (syntax_lanes(syntax, instruction->destination) > 1) {
        append_call(syntax, kind, instruction);
        return;
    }
    syntax_register(syntax, instruction->sources[0]);
    text_format(syntax->out, " %s ", operator);
    syntax_register(syntax, instruction->sources[1]);
}

static void append_load(Syntax *syntax, const Instruction *instruction) {
    int lanes = syntax_lanes(syntax, instruction->destination), count = instruction->lane_count;
    if (lanes == 1) {
        syntax_element(syntax, instruction->parameter, instruction->offset);
        return;
    }
    bool bytes = syntax->kernel->register_types[instruction->destination] == LANE_U8;
    if (count == lanes)
        append_name(syntax, bytes ? HELPER_LOAD_BYTES : HELPER_LOAD, lanes, 0, 0);
    else
        append_name(syntax, bytes ? HELPER_LOAD_BYTE_LANES : HELPER_LOAD_LANES, lanes,
            instruction->first_lane, count);
    syntax_address(syntax, instruction);
    text_append(syntax->out, ")");
}

static void append_splat(Syntax *syntax, const Instruction *instruction) {
    int lanes = syntax_lanes(syntax, instruction->destination);
    if (lanes > 1)
        append_name(syntax, HELPER_SPLAT, lanes, 0, 0);
    if (instruction->kind == INSTRUCTION_splat)
        syntax_float(syntax->out, instruction->constant);
    else
        syntax_element(syntax, instruction->parameter, instruction->offset);
    text_append(syntax->out, lanes > 1 ? ")" : "");
}

static void append_reduction(Syntax *syntax, HelperKind kind, const Instruction *instruction) {
    int lanes = syntax_lanes(syntax, instruction->destination);
    int source_lanes = syntax_lanes(syntax, instruction->sources[0]);
    if (lanes > 1)
        append_name(syntax, HELPER_SPLAT, lanes, 0, 0);
    if (source_lanes > 1)
        append_name(syntax, kind, source_lanes, 0, 0);
    syntax_register(syntax, instruction->sources[0]);
    text_append(syntax->out, source_lanes > 1 ? ")" : "");
    text_append(syntax->out, lanes > 1 ? ")" : "");
}

/* A register that nothing stored depends on has no declaration: the other one stands for it. */
static void append_permute(Syntax *syntax, const Instruction *original) {
    Instruction permute = *original;
    const Instruction *instruction = &permute;
    for (int i = 0; i < 2; i++)
        if (syntax->used_lanes[permute.sources[i]] == 0)
            permute.sources[i] = permute.sources[1 - i];
    int lanes = syntax_lanes(syntax, instruction->destination);
    int source_lanes = syntax_lanes(syntax, instruction->sources[0]);
    if (lanes == 1 && source_lanes == 1) {
        syntax_register(syntax, instruction->sources[instruction->indices[0]]);
        return;
    }
    if (lanes == 1)
        append_name(syntax, HELPER_LANE, source_lanes, 0, 0);
    else
        append_name(syntax, HELPER_PERMUTE, lanes, 0, source_lanes);
    append_sources(syntax, instruction);
    for (int lane = 0; lane < lanes; lane++)
        text_format(syntax->out, ", %d", instruction->indices[lane]);
    text_append(syntax->out, ")");
}

static void append_value(Syntax *syntax, const Instruction *instruction) {
    switch (instruction->kind) {
    case INSTRUCTION_splat:
    case INSTRUCTION_broadcast:
        append_splat(syntax, instruction);
        return;
    case INSTRUCTION_load:
        append_load(syntax, instruction);
        return;
    case INSTRUCTION_move:
    case INSTRUCTION_widen:
    case INSTRUCTION_to_float:
        syntax_register(syntax, instruction->sources[0]);
        return;
    case INSTRUCTION_add:
        append_arithmetic(syntax, HELPER_ADD, "+", instruction);
        return;
    case INSTRUCTION_subtract:
        append_arithmetic(syntax, HELPER_SUBTRACT, "-", instruction);
        return;
    case INSTRUCTION_multiply:
        append_arithmetic(syntax, HELPER_MULTIPLY, "*", instruction);
        return;
    case INSTRUCTION_divide:
        append_arithmetic(syntax, HELPER_DIVIDE, "/", instruction);
        return;
    case INSTRUCTION_minimum:
        append_call(syntax, HELPER_MINIMUM, instruction);
        return;
    case INSTRUCTION_maximum:
        append_call(syntax, HELPER_MAXIMUM, instruction);
        return;
    case INSTRUCTION_maximum_or_nan:
        append_call(syntax, HELPER_MAXIMUM_OR_NAN, instruction);
        return;
    case INSTRUCTION_is_less:
        append_call(syntax, HELPER_IS_LESS, instruction);
        return;
    case INSTRUCTION_multiply_add:
        append_call(syntax, HELPER_MULTIPLY_ADD, instruction);
        return;
    case INSTRUCTION_floor:
        append_call(syntax, HELPER_FLOOR, instruction);
        return;
    case INSTRUCTION_square_root:
        append_call(syntax, HELPER_SQUARE_ROOT, instruction);
        return;
    case INSTRUCTION_power_of_two:
        append_call(syntax, HELPER_POWER_OF_TWO, instruction);
        return;
    case INSTRUCTION_exponent:
        append_call(syntax, HELPER_EXPONENT, instruction);
        return;
    case INSTRUCTION_permute:
        append_permute(syntax, instruction);
        return;
    case INSTRUCTION_reduce_add:
        append_reduction(syntax, HELPER_SUM, instruction);
        return;
    case INSTRUCTION_reduce_maximum:
        append_reduction(syntax, HELPER_LARGEST, instruction);
        return;
    default:
        break;
    }
    assert(false && "an instruction that c_kernel_fault refuses");
}

static void append_effect(Syntax *syntax, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_prefetch) {
        text_append(syntax->out, "PREFETCH(");
        syntax_address(syntax, instruction);
        text_append(syntax->out, ")");
        return;
    }
    assert(instruction->kind == INSTRUCTION_store);
    int source = instruction->sources[0];
    int lanes = syntax_lanes(syntax, source), count = instruction->lane_count;
    if (lanes == 1) {
        syntax_element(syntax, instruction->parameter, instruction->offset);
        text_append(syntax->out, " = ");
        syntax_register(syntax, source);
        return;
    }
    if (count == lanes)
        append_name(syntax, HELPER_STORE, lanes, 0, 0);
    else
        append_name(syntax, HELPER_STORE_LANES, lanes, instruction->first_lane, count);
    syntax_address(syntax, instruction);
    text_append(syntax->out, ", ");
    syntax_register(syntax, source);
    text_append(syntax->out, ")");
}

/* ---- the function ---- */

static const Dialect c_dialect = {
    .index_type = "ptrdiff_t",
    .minimum = "smaller",
    .maximum = "larger",
    .table = "table_entry",
    .before_loop = "NEVER_UNROLL",
    .type = append_type,
    .value = append_value,
    .effect = append_effect,
};

static void append_pointer(
    const Syntax *syntax, const char *type, const char *name, size_t *column) {
    const char *parameter = arena_format(syntax->arena, "%s *restrict %s, ", type, name);
    bool full = *column + strlen(parameter) > 100;
    text_format(syntax->out, "%s%s", full ? "\n    " : "", parameter);
    *column = (full ? 4 : *column) + strlen(parameter);
}

static void append_head(const Syntax *syntax) {
    const Kernel *kernel = syntax->kernel;
    Text *out = syntax->out;
    text_format(out, "KERNEL void %s(", kernel->name);
    size_t column = 4 + strlen(kernel->name) + strlen("KERNEL void (");
    for (int i = 0; i < kernel->parameter_count; i++) {
        ParameterRole role = kernel->parameters[i].role;
        bool writes = role == PARAMETER_WRITE || role == PARAMETER_UPDATE;
        bool bytes = kernel->parameters[i].element == LANE_U8; /* they are read only */
        append_pointer(syntax,
            bytes    ? "const unsigned char"
            : writes ? "float"
                     : "const float",
            syntax->parameters[i], &column);
    }
    for (int i = 0; i < kernel->local_count; i++)
        if (kernel->local_is_scratch[i])
            append_pointer(syntax, "float", syntax->locals[i], &column);
    text_format(out, "%sptrdiff_t begin, ptrdiff_t end) {\n", column > 70 ? "\n    " : "");
}

static void append_unused(const Syntax *syntax) {
    const Kernel *kernel = syntax->kernel;
    for (int i = 0; i < kernel->parameter_count; i++)
        if (!syntax->parameter_is_used[i])
            text_format(syntax->out, "    (void)%s;\n", syntax->parameters[i]);
    for (int i = VARIABLE_BEGIN; i <= VARIABLE_END; i++)
        if (!syntax->variable_is_used[i])
            text_format(syntax->out, "    (void)%s;\n", syntax->variables[i]);
}

void c_kernel_write(const Kernel *kernel, Vectors *vectors, Arena *arena, Text *out) {
    assert(c_kernel_fault(kernel) == NULL);
    Syntax syntax = syntax_begin(&c_dialect, kernel, arena, out);
    syntax.user = vectors;
    append_head(&syntax);
    append_unused(&syntax);
    for (int i = 0; i < kernel->local_count; i++)
        if (!kernel->local_is_scratch[i])
            text_format(out, "    _Alignas(64) float %s[%lld];\n", syntax.locals[i],
                (long long)kernel->local_floats[i]);
    syntax_declarations(&syntax, 4);
    syntax_body(&syntax, 4);
    text_append(out, "}\n");
}
