/* What the names of a pickle stand for: storages, tensors, dicts; and the refusal of all others. */
#include "frontend/torch/pickle_machine.h"

#include "ir/quote.h"

#include <inttypes.h>
#include <string.h>

static const TorchType types[] = {
#define STORAGE(class, name, bytes, type) {"torch." #class, #name, bytes, type},
#include "frontend/torch/storages.def"
};

/* ---- refusals ---- */

bool pickle_refuse_code(const PickleMachine *machine, const PickleGlobal *global) {
    return pickle_fail_at(
        machine, global->place, NULL, "'%s' is code; riffle reads data only", global->text);
}

bool pickle_refuse_object(const PickleMachine *machine, const PickleGlobal *global) {
    return pickle_fail_at(machine, global->place,
        "in Python, torch.save(model.state_dict(), \"net.pth\") writes the tensors alone",
        "an object of the class '%s' is code; riffle reads data only", global->text);
}

static bool misuse(const PickleMachine *machine, const PickleGlobal *global) {
    return pickle_fail(machine, "what is given to '%s' is not what PyTorch gives it", global->text);
}

/* ---- calls: each makes of the arguments what the function of that name would ---- */

/* An OrderedDict, which may be given its items as pairs. */
static bool call_dict(PickleMachine *machine, const PickleGlobal *self,
    const PickleItems *arguments, PickleValue *result) {
    if (!pickle_new_items(machine, PICKLE_DICT, result))
        return false;
    if (arguments->count == 0)
        return true;
    const PickleValue *pairs = &arguments->values[0];
    if (arguments->count > 1 || pairs->kind != PICKLE_LIST)
        return misuse(machine, self);
    for (size_t i = 0; i < pairs->as.items->count; i++) {
        const PickleValue *pair = &pairs->as.items->values[i];
        if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->as.items->count != 2)
            return misuse(machine, self);
        pickle_add(machine, result->as.items, pair->as.items->values[0]);
        pickle_add(machine, result->as.items, pair->as.items->values[1]);
    }
    return true;
}

/* A set, which is given a list. */
static bool call_list(PickleMachine *machine, const PickleGlobal *self,
    const PickleItems *arguments, PickleValue *result) {
    if (arguments->count != 1 || arguments->values[0].kind != PICKLE_LIST)
        return misuse(machine, self);
    *result = arguments->values[0];
    return true;
}

/* A Parameter of a tensor is that tensor here. */
static bool call_torch_parameter(PickleMachine *machine, const PickleGlobal *self,
    const PickleItems *arguments, PickleValue *result) {
    if (arguments->count == 0 || arguments->values[0].kind != PICKLE_TENSOR)
        return misuse(machine, self);
    *result = arguments->values[0];
    return true;
}

static bool call_other(PickleMachine *machine, const PickleGlobal *self,
    const PickleItems *arguments, PickleValue *result) {
    (void)machine, (void)self, (void)arguments;
    *result = (PickleValue){PICKLE_OTHER, {.integer = 0}};
    return true;
}

static bool take_extents(const PickleValue *value, int rank, int64_t *extents) {
    for (int i = 0; i < rank; i++) {
        const PickleValue *item = &value->as.items->values[i];
        if (item->kind != PICKLE_INT || item->as.integer < 0)
            return false;
        extents[i] = item->as.integer;
    }
    return true;
}

static bool is_dense(const TorchTensor *tensor) {
    int64_t step = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != step)
            return false;
        if (__builtin_mul_overflow(step, tensor->dims[i], &step))
            return false;
    }
    return true;
}

/* Fills in what follows from dims and strides: which numbers of the storage it shows. */
static bool measure(const PickleMachine *machine, TorchTensor *tensor) {
    uint64_t count = 1, last = 0, all = tensor->storage->count;
    bool empty = false, outside = tensor->first > all;
    for (int i = 0; i < tensor->rank; i++)
        empty = empty || tensor->dims[i] == 0;
    for (int i = 0; i < tensor->rank && !empty; i++) {
        uint64_t way;
        outside = outside ||
                  __builtin_mul_overflow(
                      (uint64_t)tensor->dims[i] - 1, (uint64_t)tensor->strides[i], &way) ||
                  __builtin_add_overflow(last, way, &last);
        tensor->spread =
            tensor->spread || __builtin_mul_overflow(count, (uint64_t)tensor->dims[i], &count);
    }
    tensor->dense = empty || is_dense(tensor);
    tensor->spread = !empty && (tensor->spread || count > all);
    if (!outside && !empty)
        outside = last >= all - tensor->first;
    if (outside)
        return pickle_fail(machine,
            "a tensor shows more than the %" PRIu64 " numbers of storage '%s'", all,
            tensor->storage->key);
    tensor->reach = empty ? 0 : last + 1;
    return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, and what only training needs). */
static bool call_tensor(PickleMachine *machine, const PickleGlobal *self,
    const PickleItems *arguments, PickleValue *result) {
    enum { STORAGE, OFFSET, SIZE, STRIDE, LEAST };
    const PickleValue *values = arguments->values;
    if (arguments->count < LEAST || values[STORAGE].kind != PICKLE_STORAGE ||
        values[OFFSET].kind != PICKLE_INT || values[OFFSET].as.integer < 0 ||
        values[SIZE].kind != PICKLE_TUPLE || values[STRIDE].kind != PICKLE_TUPLE ||
        values[SIZE].as.items->count != values[STRIDE].as.items->count)
        return misuse(machine, self);
    size_t rank = values[SIZE].as.items->count;
    if (rank > FILE_TENSOR_MAX_RANK)
        return pickle_fail(machine, "a tensor has %zu dimensions; at most %d are read", rank,
            FILE_TENSOR_MAX_RANK);
    if (!pickle_count_object(machine))
        return false;
    TorchTensor *tensor = ARENA_NEW(machine->file->arena, TorchTensor);
    *tensor = (TorchTensor){.storage = values[STORAGE].as.storage,
        .first = (uint64_t)values[OFFSET].as.integer,
        .rank = (int)rank};
    *result = (PickleValue){PICKLE_TENSOR, {.tensor = tensor}};
    if (!take_extents(&values[SIZE], tensor->rank, tensor->dims) ||
        !take_extents(&values[STRIDE], tensor->rank, tensor->strides))
        return misuse(machine, self);
    return measure(machine, tensor);
}

bool pickle_call(PickleMachine *machine, const PickleValue *callable, const PickleValue *arguments,
    bool makes_object, PickleValue *result) {
    if (callable->kind != PICKLE_GLOBAL)
        return pickle_fail(machine, "%s is called", pickle_kind_name(callable->kind));
    const PickleGlobal *global = callable->as.global;
    if (global->call == NULL)
        return makes_object ? pickle_refuse_object(machine, global)
                            : pickle_refuse_code(machine, global);
    if (arguments->kind != PICKLE_TUPLE)
        return misuse(machine, global);
    return global->call(machine, global, arguments->as.items, result);
}

/* ---- names ---- */

typedef struct KnownGlobal {
    const char *module, *name;
    bool (*call)(PickleMachine *machine, const PickleGlobal *self, const PickleItems *arguments,
        PickleValue *result);
} KnownGlobal;

static const KnownGlobal known[] = {
#define GLOBAL(module, name, call) {module, name, call},
#include "frontend/torch/globals.def"
};

static bool equals(const PickleString *string, const char *word) {
    return strlen(word) == string->length && memcmp(string->bytes, word, string->length) == 0;
}

/* Of the string as much as a message shows. */
static const char *shown(Arena *arena, const PickleString *string) {
    enum { LONGEST = 1000 };
    size_t length = string->length < LONGEST ? string->length : LONGEST;
    return file_word(arena, arena_copy_bytes(arena, string->bytes, length));
}

bool pickle_find_global(PickleMachine *machine, const PickleString *module,
    const PickleString *name, PickleValue *value) {
    if (!pickle_count_object(machine))
        return false;
    Arena *arena = machine->file->arena;
    PickleGlobal *global = ARENA_NEW(arena, PickleGlobal);
    global->text = arena_format(arena, "%s.%s", shown(arena, module), shown(arena, name));
    global->place = machine->opcode;
    *value = (PickleValue){PICKLE_GLOBAL, {.global = global}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (equals(module, known[i].module) && equals(name, known[i].name))
            global->call = known[i].call;
    static const char torch[] = "torch.";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (equals(module, "torch") && equals(name, types[i].storage + sizeof torch - 1))
            global->type = &types[i];
    if (global->call == NULL && global->type == NULL && machine->stranger == NULL)
        machine->stranger = global;
    return true;
}

/* ---- storages ---- */

static bool bad_id(const PickleMachine *machine) {
    return pickle_fail(machine, "a persistent id is not what PyTorch makes");
}

/* The storage of that key, which is made at its first mention. */
static bool find_storage(PickleMachine *machine, const PickleString *key, const TorchType *type,
    uint64_t count, TorchStorage **storage) {
    PickleFile *file = machine->file;
    if (key->length > LONGEST_STORAGE_KEY || memchr(key->bytes, '\0', key->length) != NULL)
        return bad_id(machine);
    const char *name = arena_copy_bytes(file->arena, key->bytes, key->length);
    *storage = name_map_find(file->storages, name);
    if (*storage == NULL) {
        if (!pickle_count_object(machine))
            return false;
        *storage = ARENA_NEW(file->arena, TorchStorage);
        **storage = (TorchStorage){.key = name, .type = type, .count = count};
        name_map_put(file->storages, name, *storage);
        *file->storage_end = *storage;
        file->storage_end = &(*storage)->next;
    } else if ((*storage)->type != type || (*storage)->count != count) {
        return pickle_fail(machine,
            "storage '%s' is %" PRIu64 " numbers of %s here, and was %" PRIu64 " of %s before",
            (*storage)->key, count, type->name, (*storage)->count, (*storage)->type->name);
    }
    return true;
}

/* ("storage", class, key, device, how many numbers), and in the older format what it is a part of,
 * which PyTorch no longer writes. */
bool pickle_persistent(PickleMachine *machine, const PickleValue *id, PickleValue *result) {
    enum { WORD, CLASS, KEY, DEVICE, COUNT, LEAST, VIEW = LEAST, MOST };
    if (id->kind != PICKLE_TUPLE || id->as.items->count < 2)
        return bad_id(machine);
    const PickleValue *values = id->as.items->values;
    size_t count = id->as.items->count;
    if (values[WORD].kind != PICKLE_STR || values[CLASS].kind != PICKLE_GLOBAL)
        return bad_id(machine);
    const PickleGlobal *class = values[CLASS].as.global;
    if (equals(values[WORD].as.string, "module"))
        return pickle_refuse_object(machine, class);
    if (class->type == NULL)
        return pickle_refuse_code(machine, class);
    if (!equals(values[WORD].as.string, "storage") || count < LEAST || count > MOST ||
        values[KEY].kind != PICKLE_STR || values[COUNT].kind != PICKLE_INT ||
        values[COUNT].as.integer < 0)
        return bad_id(machine);
    if (count > VIEW && values[VIEW].kind != PICKLE_NONE)
        return pickle_fail(machine, "storage '%.*s' is a part of another, which is not read",
            (int)(values[KEY].as.string->length < 100 ? values[KEY].as.string->length : 100),
            values[KEY].as.string->bytes);
    result->kind = PICKLE_STORAGE;
    return find_storage(machine, values[KEY].as.string, class->type,
        (uint64_t)values[COUNT].as.integer, &result->as.storage);
}
