/* Reads the text form of kernels: headers, blocks and instructions. The rows of kernel.def say what
 * an instruction is made of. */
#include "ir/kernel_parse.h"
#include "ir/kernel_reader.h"
#include <string.h>

enum { MOST_BLOCKS_DEEP = 30, MOST_NUMBERS = 1 << 22 };
static const int64_t most_items = INT64_C(1) << 40, most_local_floats = INT64_C(1) << 28;

/* ---- instructions ---- */

static bool parse_address(KernelReader *reader, Instruction *instruction) {
    if (!reader_buffer(reader, &instruction->parameter) || !reader_expect(reader, "["))
        return false;
    instruction->offset = reader_expression(reader);
    return instruction->offset != NULL && reader_expect(reader, "]");
}

/* lanes 0..7 */
static bool parse_lanes(KernelReader *reader, int lanes, Instruction *instruction) {
    int64_t first, last;
    if (!reader_expect(reader, "lanes") || !reader_integer(reader, 0, lanes - 1, &first) ||
        !reader_expect(reader, "..") || !reader_integer(reader, first, lanes - 1, &last))
        return false;
    instruction->first_lane = (int)first;
    instruction->lane_count = (int)(last - first) + 1;
    return true;
}

static bool parse_store(KernelReader *reader, Instruction *instruction) {
    int *source = &instruction->sources[0];
    return parse_address(reader, instruction) && reader_expect(reader, ",") &&
           reader_register(reader, source) &&
           parse_lanes(reader, reader->builder.kernel->register_lanes[*source], instruction);
}

/* [0 4 1 5] */
static bool parse_indices(KernelReader *reader, int lanes, Instruction *instruction) {
    int *indices = ARENA_ARRAY(reader->arena, int, lanes);
    bool good = reader_expect(reader, "[");
    for (int i = 0; i < lanes && good; i++) {
        int64_t index;
        good = reader_integer(reader, 0, INT32_MAX, &index);
        indices[i] = good ? (int)index : 0;
    }
    instruction->indices = indices;
    return good && reader_expect(reader, "]");
}

/* How many numbers those that read one address and spread them read there. */
static int broadcast_count(InstructionKind kind) {
    return kind == INSTRUCTION_broadcast_quad ? 4 : kind == INSTRUCTION_broadcast_pair ? 2 : 1;
}

static bool parse_operands(KernelReader *reader, Instruction *instruction) {
    const InstructionInfo *info = instruction_info(instruction->kind);
    int lanes = reader->builder.kernel->register_lanes[instruction->destination];
    bool good = true;
    if (instruction->kind == INSTRUCTION_splat)
        good = reader_float(reader, &instruction->constant);
    if (info->access == ACCESS_READ) {
        instruction->lane_count = broadcast_count(instruction->kind);
        good = parse_address(reader, instruction);
    }
    for (int i = 0; i < info->source_count && good; i++)
        good = (i == 0 || reader_expect(reader, ",")) &&
               reader_source(reader, &instruction->sources[i]);
    if (good && instruction->kind == INSTRUCTION_permute)
        good = parse_indices(reader, lanes, instruction);
    if (good && instruction->kind == INSTRUCTION_load)
        good = parse_lanes(reader, lanes, instruction);
    return good;
}

/* The name of one that has a destination. */
static bool parse_kind(KernelReader *reader, InstructionKind *kind) {
    const char *names[INSTRUCTION_COUNT];
    size_t count = 0;
    (void)reader_at_end(reader);
    uint32_t begin = reader->at;
    const char *word = reader_word(reader);
    if (word == NULL)
        return reader_expected(reader, "an instruction");
    for (*kind = 0; *kind < INSTRUCTION_COUNT; ++*kind) {
        const InstructionInfo *info = instruction_info(*kind);
        if (info->access == ACCESS_WRITE || info->access == ACCESS_HINT ||
            *kind == INSTRUCTION_barrier)
            continue;
        if (strcmp(info->name, word) == 0)
            return true;
        names[count++] = info->name;
    }
    const char *nearest = closest_word(word, names, count);
    return reader_report(reader, begin,
        nearest == NULL ? NULL : arena_format(reader->arena, "did you mean '%s'?", nearest),
        "no instruction is called '%.40s'", word);
}

static bool parse_instruction(KernelReader *reader, Instruction *instruction) {
    *instruction = (Instruction){.destination = -1, .sources = {-1, -1, -1}};
    if (reader_accept(reader, "barrier")) {
        instruction->kind = INSTRUCTION_barrier;
        return true;
    }
    if (reader_accept(reader, "store")) {
        instruction->kind = INSTRUCTION_store;
        return parse_store(reader, instruction);
    }
    if (reader_accept(reader, "prefetch")) {
        instruction->kind = INSTRUCTION_prefetch;
        instruction->lane_count = 1;
        return parse_address(reader, instruction);
    }
    return reader_register(reader, &instruction->destination) && reader_expect(reader, "=") &&
           parse_kind(reader, &instruction->kind) && parse_operands(reader, instruction);
}

/* ---- statements ---- */

static bool parse_block(KernelReader *reader);

static bool parse_body(KernelReader *reader, Statement *statement, bool defines) {
    if (!reader_expect(reader, "{"))
        return false;
    if (reader->builder.depth == MOST_BLOCKS_DEEP)
        return reader_report(
            reader, reader->at, NULL, "blocks are more than %d deep", MOST_BLOCKS_DEEP);
    if (defines)
        reader->is_defined[statement->variable] = true;
    kernel_open(&reader->builder, statement);
    bool good = parse_block(reader);
    kernel_close(&reader->builder);
    if (defines)
        reader->is_defined[statement->variable] = false;
    return good;
}

static bool parse_for(KernelReader *reader) {
    Statement *statement = kernel_append(&reader->builder, STATEMENT_FOR);
    statement->step = 1;
    return reader_new_variable(reader, &statement->variable) && reader_expect(reader, "=") &&
           (statement->begin = reader_expression(reader)) != NULL && reader_expect(reader, "..") &&
           (statement->end = reader_expression(reader)) != NULL &&
           (!reader_accept(reader, "step") ||
               reader_integer(reader, 1, most_items, &statement->step)) &&
           parse_body(reader, statement, true);
}

static bool parse_if(KernelReader *reader) {
    Statement *statement = kernel_append(&reader->builder, STATEMENT_IF);
    return (statement->begin = reader_expression(reader)) != NULL && reader_expect(reader, "<") &&
           (statement->end = reader_expression(reader)) != NULL &&
           parse_body(reader, statement, false);
}

/* The variable is known from here to the end of the block. */
static bool parse_let(KernelReader *reader) {
    Statement *statement = kernel_append(&reader->builder, STATEMENT_LET);
    if (!reader_new_variable(reader, &statement->variable) || !reader_expect(reader, "=") ||
        (statement->begin = reader_expression(reader)) == NULL)
        return false;
    reader->is_defined[statement->variable] = true;
    return true;
}

/* Whether the kernel so far keeps the rules: asked for each statement that is no block, so that the
 * fault is shown where it is. */
static bool check_instruction(
    KernelReader *reader, uint32_t begin, const Instruction *instruction) {
    const char *fault = kernel_instruction_fault(reader->builder.kernel, instruction);
    return fault == NULL || reader_report(reader, begin, NULL, "%s", fault);
}

static bool parse_plain(KernelReader *reader) {
    Statement *statement = kernel_append(&reader->builder, STATEMENT_INSTRUCTION);
    uint32_t begin = reader->at;
    return parse_instruction(reader, &statement->instruction) &&
           check_instruction(reader, begin, &statement->instruction);
}

/* The statements up to the closing brace, and that. */
static bool parse_block(KernelReader *reader) {
    const Block *block = reader->builder.stack[reader->builder.depth];
    bool good = true;
    while (good && !reader_accept(reader, "}")) {
        if (reader_accept(reader, "for")) {
            good = parse_for(reader);
        } else if (reader_accept(reader, "if")) {
            good = parse_if(reader);
        } else if (reader_accept(reader, "let")) {
            good = parse_let(reader);
        } else if (reader_at_end(reader)) {
            good = reader_expected(reader, "a statement or '}'");
        } else {
            good = parse_plain(reader);
        }
    }
    for (const Statement *statement = block->first; good && statement; statement = statement->next)
        if (statement->kind == STATEMENT_LET)
            reader->is_defined[statement->variable] = false;
    return good;
}

/* ---- kernels ---- */

static bool parse_role(KernelReader *reader, ParameterRole *role) {
    for (*role = 0; (int)*role < PARAMETER_ROLE_COUNT; ++*role)
        if (reader_accept(reader, parameter_role_name(*role)))
            return true;
    return reader_expected(
        reader, "the role of a parameter: read, write, update, weights or table");
}

/* "read u8 input" */
static bool parse_parameter(KernelReader *reader) {
    const Kernel *kernel = reader->builder.kernel;
    KernelParameter parameter = {.element = LANE_F32};
    if (kernel->parameter_count == MAX_KERNEL_PARAMETERS)
        return reader_report(
            reader, reader->at, NULL, "a kernel has at most %d parameters", MAX_KERNEL_PARAMETERS);
    if (!parse_role(reader, &parameter.role))
        return false;
    (void)reader_lane_type(reader, &parameter.element);
    if (parameter.element == LANE_TYPE_COUNT)
        parameter.element = LANE_F32;
    (void)reader_at_end(reader);
    uint32_t begin = reader->at;
    parameter.name = reader_word(reader);
    if (parameter.name == NULL)
        return reader_expected(reader, "the name of a parameter");
    for (int i = 0; i < kernel->parameter_count; i++)
        if (strcmp(kernel->parameters[i].name, parameter.name) == 0)
            return reader_report(
                reader, begin, NULL, "there is a parameter '%.40s' already", parameter.name);
    kernel_parameter_of(&reader->builder, parameter.role, parameter.name, parameter.element);
    return true;
}

static bool parse_parameters(KernelReader *reader) {
    if (!reader_expect(reader, "("))
        return false;
    if (reader_accept(reader, ")"))
        return true;
    do {
        if (!parse_parameter(reader))
            return false;
    } while (reader_accept(reader, ","));
    return reader_expect(reader, ")");
}

/* local0 = 1744 floats */
static bool parse_local(KernelReader *reader, const char *word) {
    Kernel *kernel = reader->builder.kernel;
    (void)reader_at_end(reader);
    uint32_t begin = reader->at;
    const char *name;
    int number;
    int64_t floats;
    if (!reader_numbered(reader, "a local", MAX_KERNEL_LOCALS, &name, &number))
        return false;
    if (number != kernel->local_count || strcmp(name, word) != 0)
        return reader_report(reader, begin, NULL, "expected '%s%d'", word, kernel->local_count);
    if (!reader_expect(reader, "=") || !reader_integer(reader, 0, most_local_floats, &floats) ||
        !reader_expect(reader, "floats"))
        return false;
    LaneType element = LANE_F32;
    if (reader_accept(reader, "of") &&
        (!reader_expect(reader, "room") || !reader_expect(reader, "for") ||
            !reader_lane_type(reader, &element)))
        return reader_expected(reader, "'room for' and a type");
    kernel_local(&reader->builder, floats);
    kernel->local_elements[number] = element;
    kernel->local_packs[number] = reader_accept(reader, "packed");
    kernel->local_is_scratch[number] = reader_accept(reader, "scratch");
    return true;
}

static bool starts_local(KernelReader *reader, const char *word) {
    uint32_t begin = reader->at;
    const char *read = reader_word(reader);
    bool is_local =
        read != NULL && strncmp(read, word, strlen(word)) == 0 && reader_accept(reader, "=");
    reader->at = begin;
    return is_local;
}

static bool parse_locals(KernelReader *reader) {
    const char *word = reader->builder.kernel->threads > 0 ? "shared" : "local";
    while (!reader_at_end(reader) && starts_local(reader, word))
        if (!parse_local(reader, word))
            return false;
    return true;
}

static bool parse_threads(KernelReader *reader) {
    Kernel *kernel = reader->builder.kernel;
    int64_t threads;
    if (!reader_accept(reader, "threads"))
        return true;
    if (!reader_integer(reader, 1, 1024, &threads) || !reader_expect(reader, "as") ||
        !reader_new_variable(reader, &kernel->thread_variable))
        return false;
    kernel->threads = (int)threads;
    reader->is_defined[kernel->thread_variable] = true;
    return true;
}

/* Registers that nothing writes are of one lane: no text names them. */
static void fill_gaps(Kernel *kernel) {
    for (int i = 0; i < kernel->register_count; i++)
        if (kernel->register_lanes[i] == 0)
            kernel->register_lanes[i] = 1;
}

static Kernel *parse_kernel(KernelReader *reader) {
    int64_t items;
    uint32_t begin = reader->at;
    kernel_begin(&reader->builder, reader->arena, 0);
    Kernel *kernel = reader->builder.kernel;
    reader->variable_room = 0;
    if (!reader_expect(reader, "kernel"))
        return NULL;
    kernel->name = reader_word(reader);
    if (kernel->name == NULL) {
        reader_expected(reader, "the name of the kernel");
        return NULL;
    }
    if (!parse_parameters(reader))
        return NULL;
    reader->names = kernel_parameter_names(kernel, reader->arena);
    if (!reader_expect(reader, "items") || !reader_integer(reader, 1, most_items, &items) ||
        !parse_threads(reader) || !reader_expect(reader, "{") || !parse_locals(reader))
        return NULL;
    kernel->extent = items;
    if (!parse_block(reader))
        return NULL;
    fill_gaps(kernel);
    const char *fault = kernel_fault(kernel);
    if (fault != NULL)
        reader_report(
            reader, begin, NULL, "the kernel '%.40s' breaks a rule: %s", kernel->name, fault);
    return fault == NULL ? kernel : NULL;
}

/* ---- files ---- */

/* The lines that say what program the kernels are of: for people, and for who has the program. */
static bool skip_head(KernelReader *reader, KernelFile *kernels) {
    static const char *const words[] = {"program", "buffer", "step"};
    const SourceFile *file = reader->file;
    uint32_t end = 0;
    while (!reader_at_end(reader)) {
        bool is_head = false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            is_head = is_head || reader_accept(reader, words[i]);
        if (!is_head)
            break;
        while (reader->at < file->length && file->text[reader->at] != '\n')
            reader->at++;
        end = reader->at < file->length ? reader->at + 1 : reader->at;
    }
    kernels->head = arena_copy_bytes(reader->arena, file->text, end);
    return memchr(file->text, '\0', file->length) == NULL ||
           reader_report(reader, reader->at, NULL, "a NUL byte: this is no text file");
}

static void add_kernel(KernelFile *kernels, int *room, Kernel *kernel, Arena *arena) {
    if (kernels->count == *room) {
        *room = 2 * *room + 16;
        Kernel **all = ARENA_ARRAY(arena, Kernel *, *room);
        if (kernels->count > 0)
            memcpy(all, kernels->kernels, (size_t)kernels->count * sizeof *all);
        kernels->kernels = all;
    }
    kernels->kernels[kernels->count++] = kernel;
}

KernelFile *kernels_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    KernelReader reader = {
        .file = file, .arena = arena, .diagnostics = diagnostics, .numbers_left = MOST_NUMBERS};
    KernelFile *kernels = ARENA_NEW(arena, KernelFile);
    int room = 0;
    if (file->length >= UINT32_MAX / 2) {
        diagnostics_error(diagnostics, NULL, "'%s' is too large", file->name);
        return NULL;
    }
    if (!skip_head(&reader, kernels))
        return NULL;
    while (!reader_at_end(&reader)) {
        Kernel *kernel = parse_kernel(&reader);
        if (kernel == NULL)
            return NULL;
        add_kernel(kernels, &room, kernel, arena);
    }
    return kernels;
}

void kernels_print(const KernelFile *file, Text *text) {
    text_append(text, file->head);
    for (int i = 0; i < file->count; i++) {
        text_append(text, i > 0 || *file->head != '\0' ? "\n" : "");
        kernel_print(file->kernels[i], text);
    }
}
