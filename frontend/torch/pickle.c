/* The machine's clockwork: fetches one opcode after the other, with what follows it. */
#include "frontend/torch/pickle_machine.h"

#include <stdarg.h>
#include <string.h>

void pickle_file_begin(PickleFile *file, const char *path, Arena *arena, Diagnostics *diagnostics) {
    *file = (PickleFile){.arena = arena,
        .path = path,
        .diagnostics = diagnostics,
        .storages = name_map_create(arena)};
    file->storage_end = &file->first_storage;
}

const char *pickle_kind_name(PickleKind kind) {
    static const char *const names[] = {[PICKLE_NONE] = "None",
        [PICKLE_BOOL] = "a bool",
        [PICKLE_INT] = "an int",
        [PICKLE_STR] = "a str",
        [PICKLE_TUPLE] = "a tuple",
        [PICKLE_LIST] = "a list",
        [PICKLE_DICT] = "a dict",
        [PICKLE_GLOBAL] = "a function or class",
        [PICKLE_STORAGE] = "a storage",
        [PICKLE_TENSOR] = "a tensor",
        [PICKLE_OTHER] = "a value of another type"};
    return names[kind];
}

/* ---- faults ---- */

static bool report(const PickleMachine *machine, size_t place, const char *hint, const char *format,
    va_list arguments) {
    const PickleFile *file = machine->file;
    char *what = NULL;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    what = arena_allocate(file->arena, (size_t)length + 1);
    vsnprintf(what, (size_t)length + 1, format, arguments);
    diagnostics_error(file->diagnostics, hint, "%s: byte %zu%s: %s", file->path,
        machine->text->offset + place, machine->text->member, what);
    return false;
}

bool pickle_fail(const PickleMachine *machine, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(machine, machine->opcode, NULL, format, arguments);
    va_end(arguments);
    return false;
}

bool pickle_fail_at(
    const PickleMachine *machine, size_t place, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(machine, place, hint, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- objects and the stack ---- */

bool pickle_count_object(PickleMachine *machine) {
    return machine->file->object_count++ < MOST_OBJECTS ||
           pickle_fail(machine, "there are more than %d objects", MOST_OBJECTS);
}

bool pickle_new_items(PickleMachine *machine, PickleKind kind, PickleValue *value) {
    if (!pickle_count_object(machine))
        return false;
    *value = (PickleValue){kind, {.items = ARENA_NEW(machine->file->arena, PickleItems)}};
    return true;
}

void pickle_add(PickleMachine *machine, PickleItems *items, PickleValue value) {
    ARENA_GROW(machine->file->arena, items->values, items->count, items->capacity, 4);
    items->values[items->count++] = value;
}

bool pickle_push(PickleMachine *machine, PickleValue value) {
    if (machine->stack_count == MOST_STACKED)
        return pickle_fail(machine, "more than %d values are on the stack", MOST_STACKED);
    ARENA_GROW(
        machine->file->arena, machine->stack, machine->stack_count, machine->stack_capacity, 64);
    machine->stack[machine->stack_count++] = value;
    return true;
}

/* Values below the last mark are out of reach. */
bool pickle_pop(PickleMachine *machine, PickleValue *value) {
    size_t floor = machine->mark_count > 0 ? machine->marks[machine->mark_count - 1] : 0;
    if (machine->stack_count <= floor)
        return pickle_fail(machine, "the stack is empty");
    *value = machine->stack[--machine->stack_count];
    return true;
}

/* ---- opcodes and what follows them ---- */

static bool cut_short(const PickleMachine *machine, const char *opcode) {
    return pickle_fail(machine, "the pickle ends within %s", opcode);
}

/* So many bytes, little-endian. */
static bool take_number(
    PickleMachine *machine, const char *opcode, unsigned bytes, uint64_t *number) {
    if (machine->text->length - machine->at < bytes)
        return cut_short(machine, opcode);
    *number = 0;
    for (unsigned i = bytes; i-- > 0;)
        *number = *number << 8 | machine->text->bytes[machine->at + i];
    machine->at += bytes;
    return true;
}

static bool take_data(
    PickleMachine *machine, const char *opcode, unsigned length_bytes, PickleOperand *operand) {
    uint64_t length = 0;
    if (!take_number(machine, opcode, length_bytes, &length))
        return false;
    if (length > machine->text->length - machine->at)
        return cut_short(machine, opcode);
    operand->bytes = (const char *)machine->text->bytes + machine->at;
    operand->length = (size_t)length;
    machine->at += (size_t)length;
    return true;
}

static bool take_line(
    PickleMachine *machine, const char *opcode, const char **line, size_t *length) {
    *line = (const char *)machine->text->bytes + machine->at;
    const char *end = memchr(*line, '\n', machine->text->length - machine->at);
    if (end == NULL)
        return cut_short(machine, opcode);
    *length = (size_t)(end - *line);
    machine->at += *length + 1;
    return true;
}

static bool take_operand(
    PickleMachine *machine, const PickleOpcode *opcode, PickleOperand *operand) {
    static const unsigned sizes[] = {[BYTE1] = 1,
        [BYTE2] = 2,
        [INT4] = 4,
        [WORD4] = 4,
        [WORD8] = 8,
        [EIGHT] = 8,
        [DATA1] = 1,
        [DATA4] = 4,
        [DATA8] = 8};
    const char *name = opcode->name;
    switch (opcode->operand) {
    case NOTHING:
        return true;
    case DATA1:
    case DATA4:
    case DATA8:
        return take_data(machine, name, sizes[opcode->operand], operand);
    case LINE:
        return take_line(machine, name, &operand->bytes, &operand->length);
    case LINES:
        return take_line(machine, name, &operand->bytes, &operand->length) &&
               take_line(machine, name, &operand->second, &operand->second_length);
    default:
        if (!take_number(machine, name, sizes[opcode->operand], &operand->number))
            return false;
        if (opcode->operand == INT4)
            operand->number = (uint64_t)(int64_t)(int32_t)(uint32_t)operand->number;
        return true;
    }
}

/* Runs the next instruction; *stopped tells of STOP. */
static bool step(PickleMachine *machine, bool *stopped) {
    machine->opcode = machine->at;
    if (machine->at == machine->text->length)
        return pickle_fail(machine, "the pickle ends before STOP");
    if (machine->at >= LONGEST_PICKLE)
        return pickle_fail(machine, "the pickle is longer than %d bytes", LONGEST_PICKLE);
    unsigned char byte = machine->text->bytes[machine->at++];
    const PickleOpcode *opcode = &pickle_opcodes[byte];
    if (opcode->name == NULL)
        return pickle_fail(machine, "pickles have no opcode 0x%02x", byte);
    PickleOperand operand = {0};
    if (!take_operand(machine, opcode, &operand))
        return false;
    *stopped = opcode->run == NULL;
    return *stopped || opcode->run(machine, &operand);
}

bool pickle_read(PickleFile *file, const PickleText *text, PickleValue *value, size_t *length) {
    PickleMachine machine = {.file = file, .text = text};
    for (bool stopped = false; !stopped;)
        if (!step(&machine, &stopped))
            return false;
    if (machine.stranger != NULL)
        return pickle_refuse_code(&machine, machine.stranger);
    if (!pickle_pop(&machine, value))
        return false;
    if (length != NULL)
        *length = machine.at;
    return true;
}
