/* What each opcode does. */
#include "frontend/torch/pickle_machine.h"

#include <string.h>

static bool run_nothing(PickleMachine *machine, const PickleOperand *operand) {
    (void)machine, (void)operand;
    return true;
}

static bool refuse(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return pickle_fail(machine, "the opcode %s is not read",
        pickle_opcodes[machine->text->bytes[machine->opcode]].name);
}

static bool run_proto(PickleMachine *machine, const PickleOperand *operand) {
    enum { LAST_PROTOCOL = 5 };
    return operand->number <= LAST_PROTOCOL ||
           pickle_fail(machine, "the pickle is of protocol %d; those up to %d are read",
               (int)operand->number, LAST_PROTOCOL);
}

/* ---- plain values ---- */

static bool push_integer(PickleMachine *machine, PickleKind kind, int64_t integer) {
    return pickle_push(machine, (PickleValue){kind, {.integer = integer}});
}

static bool run_none(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_integer(machine, PICKLE_NONE, 0);
}

static bool run_true(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_integer(machine, PICKLE_BOOL, 1);
}

static bool run_false(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_integer(machine, PICKLE_BOOL, 0);
}

static bool run_other(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_integer(machine, PICKLE_OTHER, 0);
}

static bool run_int(PickleMachine *machine, const PickleOperand *operand) {
    return push_integer(machine, PICKLE_INT, (int64_t)operand->number);
}

/* Little-endian, two's complement. */
static bool run_long(PickleMachine *machine, const PickleOperand *operand) {
    if (operand->length > sizeof(int64_t))
        return push_integer(machine, PICKLE_OTHER, 0);
    bool negative = operand->length > 0 && (operand->bytes[operand->length - 1] & 0x80) != 0;
    uint64_t bits = negative ? UINT64_MAX : 0;
    for (size_t i = operand->length; i-- > 0;)
        bits = bits << 8 | (unsigned char)operand->bytes[i];
    return push_integer(machine, PICKLE_INT, (int64_t)bits);
}

static bool run_str(PickleMachine *machine, const PickleOperand *operand) {
    if (!pickle_count_object(machine))
        return false;
    PickleString *string = ARENA_NEW(machine->file->arena, PickleString);
    *string = (PickleString){operand->bytes, operand->length};
    return pickle_push(machine, (PickleValue){PICKLE_STR, {.string = string}});
}

/* ---- the stack ---- */

static bool run_mark(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    ARENA_GROW(
        machine->file->arena, machine->marks, machine->mark_count, machine->mark_capacity, 16);
    machine->marks[machine->mark_count++] = machine->stack_count;
    return true;
}

/* Where the values above the last mark begin; the mark is gone. They are above stack_count then. */
static bool pop_mark(PickleMachine *machine, PickleValue **values, size_t *count) {
    if (machine->mark_count == 0)
        return pickle_fail(machine, "there is no mark on the stack");
    size_t begin = machine->marks[--machine->mark_count];
    *values = machine->stack + begin;
    *count = machine->stack_count - begin;
    machine->stack_count = begin;
    return true;
}

static bool run_pop_mark(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue *values = NULL;
    size_t count = 0;
    return pop_mark(machine, &values, &count);
}

/* Python takes away a mark where it lies on top. */
static bool run_pop(PickleMachine *machine, const PickleOperand *operand) {
    PickleValue value;
    bool is_mark =
        machine->mark_count > 0 && machine->marks[machine->mark_count - 1] == machine->stack_count;
    return is_mark ? run_pop_mark(machine, operand) : pickle_pop(machine, &value);
}

static bool run_dup(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue value;
    return pickle_pop(machine, &value) && pickle_push(machine, value) &&
           pickle_push(machine, value);
}

/* ---- the memo: values by number ---- */

/* A pickle numbers its values as they come: none has a number larger than its place. */
static bool put(PickleMachine *machine, uint64_t index) {
    PickleValue value;
    if (!pickle_pop(machine, &value) || !pickle_push(machine, value))
        return false;
    if (index > machine->opcode)
        return pickle_fail(
            machine, "the number %llu of a value is too large", (unsigned long long)index);
    if (index >= machine->memo_capacity) {
        size_t capacity = (size_t)index * 2 + 64;
        capacity = capacity < LONGEST_PICKLE ? capacity : LONGEST_PICKLE;
        machine->memo = arena_grow(machine->file->arena, machine->memo, machine->memo_capacity,
            capacity, sizeof machine->memo[0]);
        machine->memo_taken = arena_grow(machine->file->arena, machine->memo_taken,
            machine->memo_capacity, capacity, sizeof machine->memo_taken[0]);
        machine->memo_capacity = capacity;
    }
    machine->memo_count += !machine->memo_taken[index];
    machine->memo_taken[index] = true;
    machine->memo[index] = value;
    return true;
}

static bool run_put(PickleMachine *machine, const PickleOperand *operand) {
    return put(machine, operand->number);
}

static bool run_memoize(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return put(machine, machine->memo_count);
}

static bool run_get(PickleMachine *machine, const PickleOperand *operand) {
    uint64_t index = operand->number;
    if (index >= machine->memo_capacity || !machine->memo_taken[index])
        return pickle_fail(machine, "no value has the number %llu", (unsigned long long)index);
    return pickle_push(machine, machine->memo[index]);
}

/* ---- containers ---- */

static bool push_items(PickleMachine *machine, PickleKind kind) {
    PickleValue value;
    return pickle_new_items(machine, kind, &value) && pickle_push(machine, value);
}

static bool run_empty_list(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_items(machine, PICKLE_LIST);
}

static bool run_empty_tuple(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_items(machine, PICKLE_TUPLE);
}

static bool run_empty_dict(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return push_items(machine, PICKLE_DICT);
}

static bool push_tuple(PickleMachine *machine, const PickleValue *values, size_t count) {
    PickleValue tuple;
    if (!pickle_new_items(machine, PICKLE_TUPLE, &tuple))
        return false;
    for (size_t i = 0; i < count; i++)
        pickle_add(machine, tuple.as.items, values[i]);
    return pickle_push(machine, tuple);
}

static bool run_tuple(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue *values = NULL;
    size_t count = 0;
    return pop_mark(machine, &values, &count) && push_tuple(machine, values, count);
}

static bool tuple_of(PickleMachine *machine, size_t count) {
    PickleValue values[3];
    for (size_t i = count; i-- > 0;)
        if (!pickle_pop(machine, &values[i]))
            return false;
    return push_tuple(machine, values, count);
}

static bool run_tuple1(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return tuple_of(machine, 1);
}

static bool run_tuple2(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return tuple_of(machine, 2);
}

static bool run_tuple3(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return tuple_of(machine, 3);
}

/* Adds the values to the container on top of the stack, which is of the kind. */
static bool add_to_top(
    PickleMachine *machine, PickleKind kind, const PickleValue *values, size_t count) {
    PickleValue container;
    if (!pickle_pop(machine, &container))
        return false;
    if (container.kind != kind)
        return pickle_fail(machine, "items are put into %s, which is not %s",
            pickle_kind_name(container.kind), pickle_kind_name(kind));
    if (kind == PICKLE_DICT && count % 2 != 0)
        return pickle_fail(machine, "the last key of a dict has no value");
    for (size_t i = 0; i < count; i++)
        pickle_add(machine, container.as.items, values[i]);
    return pickle_push(machine, container);
}

static bool run_append(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue value;
    return pickle_pop(machine, &value) && add_to_top(machine, PICKLE_LIST, &value, 1);
}

static bool run_setitem(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue pair[2];
    return pickle_pop(machine, &pair[1]) && pickle_pop(machine, &pair[0]) &&
           add_to_top(machine, PICKLE_DICT, pair, 2);
}

static bool run_appends(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue *values = NULL;
    size_t count = 0;
    return pop_mark(machine, &values, &count) && add_to_top(machine, PICKLE_LIST, values, count);
}

static bool run_setitems(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue *values = NULL;
    size_t count = 0;
    return pop_mark(machine, &values, &count) && add_to_top(machine, PICKLE_DICT, values, count);
}

/* ---- names, and what calls them ---- */

static bool push_global(
    PickleMachine *machine, const PickleString *module, const PickleString *name) {
    PickleValue value;
    return pickle_find_global(machine, module, name, &value) && pickle_push(machine, value);
}

static bool run_global(PickleMachine *machine, const PickleOperand *operand) {
    return push_global(machine, &(PickleString){operand->bytes, operand->length},
        &(PickleString){operand->second, operand->second_length});
}

static bool run_stack_global(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue module, name;
    if (!pickle_pop(machine, &name) || !pickle_pop(machine, &module))
        return false;
    if (name.kind != PICKLE_STR || module.kind != PICKLE_STR)
        return pickle_fail(machine, "a name is %s",
            pickle_kind_name(name.kind != PICKLE_STR ? name.kind : module.kind));
    return push_global(machine, module.as.string, name.as.string);
}

/* Makes an object of a class, in protocol 0. */
static bool run_inst(PickleMachine *machine, const PickleOperand *operand) {
    PickleValue value;
    return pickle_find_global(machine, &(PickleString){operand->bytes, operand->length},
               &(PickleString){operand->second, operand->second_length}, &value) &&
           pickle_refuse_object(machine, value.as.global);
}

static bool call_top(PickleMachine *machine, bool makes_object) {
    PickleValue callable, arguments, result;
    return pickle_pop(machine, &arguments) && pickle_pop(machine, &callable) &&
           pickle_call(machine, &callable, &arguments, makes_object, &result) &&
           pickle_push(machine, result);
}

static bool run_reduce(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return call_top(machine, false);
}

static bool run_newobj(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    return call_top(machine, true);
}

/* With arguments by name, which nothing that is read has. */
static bool run_newobj_ex(PickleMachine *machine, const PickleOperand *operand) {
    PickleValue named;
    if (!pickle_pop(machine, &named))
        return false;
    if (named.kind == PICKLE_DICT && named.as.items->count == 0)
        return run_newobj(machine, operand);
    PickleValue arguments, class;
    if (!pickle_pop(machine, &arguments) || !pickle_pop(machine, &class))
        return false;
    return class.kind == PICKLE_GLOBAL ? pickle_refuse_object(machine, class.as.global)
                                       : refuse(machine, operand);
}

static bool run_binpersid(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue id, result;
    return pickle_pop(machine, &id) && pickle_persistent(machine, &id, &result) &&
           pickle_push(machine, result);
}

/* Attributes of a dict, such as the versions of a state_dict's layers, are no weights. */
static bool run_build(PickleMachine *machine, const PickleOperand *operand) {
    (void)operand;
    PickleValue state, object;
    if (!pickle_pop(machine, &state) || !pickle_pop(machine, &object))
        return false;
    if (object.kind != PICKLE_DICT)
        return pickle_fail(machine, "attributes are given to %s", pickle_kind_name(object.kind));
    return pickle_push(machine, object);
}

const PickleOpcode pickle_opcodes[256] = {
#define OPCODE(byte, name, operand, run) [byte] = {#name, operand, run},
#include "frontend/torch/opcodes.def"
};
