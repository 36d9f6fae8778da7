/* Functions on compile-time values, and those that ask a tensor for its shape. */
#include "frontend/evaluate.h"

#include <math.h>
#include <string.h>

typedef Datum BuiltinFunction(Evaluator *evaluator, Call *call);

/* ---- arguments ---- */

static Datum wrong_type(Evaluator *evaluator, const Call *call, int index, const char *wanted) {
    return complain(evaluator, call->arguments[index].where, NULL, "%s takes %s, not %s",
        call->name, wanted, datum_describe(call->arguments[index].value, evaluator->arena));
}

static Datum first_of(const Call *call) {
    return call->arguments[0].value;
}

/* ---- shapes ---- */

static Datum dimension(Evaluator *evaluator, Call *call, int index) {
    Datum x = first_of(call);
    if (x.kind != DATUM_TENSOR) {
        return wrong_type(evaluator, call, 0, "a tensor");
    }
    if (x.tensor->type.rank <= index) {
        return complain(evaluator, call->where, NULL, "%s has no %s",
            tensor_type_spelling(&x.tensor->type, evaluator->arena), call->name);
    }
    return datum_integer(x.tensor->type.dims[index]);
}

static Datum call_channels(Evaluator *evaluator, Call *call) {
    return dimension(evaluator, call, 1);
}

static Datum call_height(Evaluator *evaluator, Call *call) {
    return dimension(evaluator, call, 2);
}

static Datum call_width(Evaluator *evaluator, Call *call) {
    return dimension(evaluator, call, 3);
}

static Datum call_shape(Evaluator *evaluator, Call *call) {
    Datum x = first_of(call);
    if (x.kind != DATUM_TENSOR) {
        return wrong_type(evaluator, call, 0, "a tensor");
    }
    int rank = x.tensor->type.rank;
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, rank);
    for (int i = 0; i < rank; i++) {
        items[i] = datum_integer(x.tensor->type.dims[i]);
    }
    return datum_list(items, rank);
}

/* ---- tensors that pass through ---- */

static Datum call_identity(Evaluator *evaluator, Call *call) {
    if (first_of(call).kind != DATUM_TENSOR) {
        return wrong_type(evaluator, call, 0, "a tensor");
    }
    return first_of(call);
}

/* ---- numbers ---- */

static Datum round_with(Evaluator *evaluator, Call *call, double (*function)(double)) {
    Datum x = first_of(call);
    if (x.kind == DATUM_INTEGER) {
        return x;
    }
    if (x.kind != DATUM_NUMBER) {
        return wrong_type(evaluator, call, 0, "a number");
    }
    double rounded = function(x.number);
    if (fabs(rounded) >= 0x1p53) {
        return complain(evaluator, call->where, NULL, "the result of %s is too large", call->name);
    }
    return datum_integer((int64_t)rounded);
}

static Datum call_round(Evaluator *evaluator, Call *call) {
    return round_with(evaluator, call, round);
}

static Datum call_floor(Evaluator *evaluator, Call *call) {
    return round_with(evaluator, call, floor);
}

static Datum call_ceil(Evaluator *evaluator, Call *call) {
    return round_with(evaluator, call, ceil);
}

static Datum call_abs(Evaluator *evaluator, Call *call) {
    Datum x = first_of(call);
    if (x.kind == DATUM_NUMBER) {
        return datum_number(fabs(x.number));
    }
    if (x.kind != DATUM_INTEGER) {
        return wrong_type(evaluator, call, 0, "a number");
    }
    if (x.integer == INT64_MIN) {
        return complain(evaluator, call->where, NULL, "the result of abs does not fit in 64 bits");
    }
    return datum_integer(x.integer < 0 ? -x.integer : x.integer);
}

/* The least or greatest of the arguments, or of one list. */
static Datum extreme(Evaluator *evaluator, Call *call, bool greatest) {
    Datum list = first_of(call);
    bool from_list = call->count == 1 && list.kind == DATUM_LIST;
    int count = from_list ? list.count : call->count;
    Datum best = datum_unknown;
    for (int i = 0; i < count; i++) {
        Datum item = from_list ? list.items[i] : call->arguments[i].value;
        if (!datum_is_numeric(item)) {
            return from_list ? complain(evaluator, call->where, NULL, "%s takes numbers, not %s",
                                   call->name, datum_describe(item, evaluator->arena))
                             : wrong_type(evaluator, call, i, "numbers");
        }
        double difference = i == 0 ? 0 : datum_as_number(item) - datum_as_number(best);
        if (i == 0 || (greatest ? difference > 0 : difference < 0)) {
            best = item;
        }
    }
    return count > 0 ? best
                     : complain(evaluator, call->where, NULL, "%s of an empty list", call->name);
}

static Datum call_min(Evaluator *evaluator, Call *call) {
    return extreme(evaluator, call, false);
}

static Datum call_max(Evaluator *evaluator, Call *call) {
    return extreme(evaluator, call, true);
}

static Datum call_sum(Evaluator *evaluator, Call *call) {
    Datum list = first_of(call);
    if (list.kind != DATUM_LIST) {
        return wrong_type(evaluator, call, 0, "a list of numbers");
    }
    int64_t whole = 0;
    double number = 0;
    bool fraction = false;
    for (int i = 0; i < list.count; i++) {
        if (!datum_is_numeric(list.items[i])) {
            return wrong_type(evaluator, call, 0, "a list of numbers");
        }
        fraction = fraction || list.items[i].kind == DATUM_NUMBER;
        number += datum_as_number(list.items[i]);
        if (!fraction && __builtin_add_overflow(whole, list.items[i].integer, &whole)) {
            return complain(evaluator, call->where, NULL, "the sum does not fit in 64 bits");
        }
    }
    if (!isfinite(number)) {
        return complain(evaluator, call->where, NULL, "the sum is too large");
    }
    return fraction ? datum_number(number) : datum_integer(whole);
}

/* ---- lists ---- */

static Datum call_len(Evaluator *evaluator, Call *call) {
    Datum x = first_of(call);
    if (x.kind != DATUM_LIST && x.kind != DATUM_TABLE) {
        return wrong_type(evaluator, call, 0, "a list or a table");
    }
    return datum_integer(x.count);
}

static Datum call_keys(Evaluator *evaluator, Call *call) {
    Datum x = first_of(call);
    if (x.kind != DATUM_TABLE) {
        return wrong_type(evaluator, call, 0, "a table");
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, x.count + 1);
    for (int i = 0; i < x.count; i++) {
        items[i] = x.items[2 * i];
    }
    return datum_list(items, x.count);
}

static Datum call_range(Evaluator *evaluator, Call *call) {
    int64_t numbers[3] = {0, 0, 1};
    for (int i = 0; i < call->count; i++) {
        if (!argument_integer(
                evaluator, call, &call->arguments[i], "number", INT64_MIN, &numbers[i])) {
            return datum_unknown;
        }
    }
    int64_t from = call->count == 1 ? 0 : numbers[0];
    int64_t to = call->count == 1 ? numbers[0] : numbers[1], step = numbers[2];
    if (step == 0) {
        return complain(evaluator, call->where, NULL, "the step of a range is not 0");
    }
    int64_t distance = step > 0 ? to - from : from - to; /* all are less than 2^62 */
    int64_t size = step > 0 ? step : -step;
    int64_t count = distance > 0 ? (distance - 1) / size + 1 : 0;
    if (count > LIST_LIMIT) {
        return complain(evaluator, call->where, NULL, "a range has at most %d numbers", LIST_LIMIT);
    }
    if (!spend(evaluator, count, call->where)) {
        return datum_unknown;
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    for (int64_t i = 0; i < count; i++) {
        items[i] = datum_integer(from + i * step);
    }
    return datum_list(items, (int)count);
}

static Datum pair(Evaluator *evaluator, Datum first, Datum second) {
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, 2);
    items[0] = first;
    items[1] = second;
    return datum_list(items, 2);
}

static Datum call_enumerate(Evaluator *evaluator, Call *call) {
    CallArgument *list = find_argument(call, "list", 0);
    CallArgument *from = find_argument(call, "from", 1);
    int64_t first = 0;
    check_unused(evaluator, call, (const char *const[]){"list", "from", NULL});
    if (!list || list->value.kind != DATUM_LIST) {
        return wrong_type(evaluator, call, 0, "a list");
    }
    if (from && !argument_integer(evaluator, call, from, "from", INT64_MIN, &first)) {
        return datum_unknown;
    }
    if (!spend(evaluator, 2 * (int64_t)list->value.count, call->where)) {
        return datum_unknown;
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, list->value.count + 1);
    for (int i = 0; i < list->value.count; i++) {
        items[i] = pair(evaluator, datum_integer(first + i), list->value.items[i]);
    }
    return make_list(evaluator, items, list->value.count, call->where);
}

static Datum call_zip(Evaluator *evaluator, Call *call) {
    int count = 0;
    for (int i = 0; i < call->count; i++) {
        Datum list = call->arguments[i].value;
        if (list.kind != DATUM_LIST) {
            return wrong_type(evaluator, call, i, "lists");
        }
        if (i > 0 && list.count != count) {
            return complain(evaluator, call->arguments[i].where, NULL,
                "zip takes lists of equal length, not %d and %d items", count, list.count);
        }
        count = list.count;
    }
    if (!spend(evaluator, (int64_t)count * (call->count + 1), call->where)) {
        return datum_unknown;
    }
    Datum *rows = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    for (int row = 0; row < count; row++) {
        Datum *items = ARENA_ARRAY(evaluator->arena, Datum, call->count);
        for (int i = 0; i < call->count; i++) {
            items[i] = call->arguments[i].value.items[row];
        }
        rows[row] = datum_list(items, call->count);
    }
    return make_list(evaluator, rows, count, call->where);
}

/* ---- the table ---- */

static const struct Builtin {
    const char *name;
    int least, most; /* arguments */
    BuiltinFunction *function;
} builtins[] = {
    {"abs", 1, 1, call_abs},
    {"ceil", 1, 1, call_ceil},
    {"channels", 1, 1, call_channels},
    {"dropout", 1, 2, call_identity},
    {"enumerate", 1, 2, call_enumerate},
    {"floor", 1, 1, call_floor},
    {"height", 1, 1, call_height},
    {"identity", 1, 1, call_identity},
    {"keys", 1, 1, call_keys},
    {"len", 1, 1, call_len},
    {"max", 1, 64, call_max},
    {"min", 1, 64, call_min},
    {"range", 1, 3, call_range},
    {"round", 1, 1, call_round},
    {"shape", 1, 1, call_shape},
    {"sum", 1, 1, call_sum},
    {"width", 1, 1, call_width},
    {"zip", 1, 16, call_zip},
};

enum { BUILTIN_COUNT = sizeof(builtins) / sizeof(*builtins) };

const char *const *builtin_names(void) {
    static const char *const names[] = {"abs", "ceil", "channels", "dropout", "enumerate", "floor",
        "height", "identity", "keys", "len", "max", "min", "range", "round", "shape", "sum",
        "width", "zip", NULL};
    _Static_assert(sizeof(names) / sizeof(*names) == BUILTIN_COUNT + 1, "names of all builtins");
    return names;
}

static bool takes_names(const struct Builtin *builtin) {
    return builtin->function == call_enumerate || strcmp(builtin->name, "dropout") == 0;
}

bool call_builtin(Evaluator *evaluator, Call *call, Datum *result) {
    for (int i = 0; i < BUILTIN_COUNT; i++) {
        const struct Builtin *builtin = &builtins[i];
        if (strcmp(builtin->name, call->name) != 0) {
            continue;
        }
        *result = datum_unknown;
        if (call->count < builtin->least || call->count > builtin->most) {
            complain(evaluator, call->where, NULL, "%s takes %d argument%s%s, not %d", call->name,
                builtin->least, builtin->least == 1 ? "" : "s",
                builtin->most > builtin->least ? " or more" : "", call->count);
            return true;
        }
        for (int k = 0; k < call->count; k++) {
            if (call->arguments[k].name && !takes_names(builtin)) {
                complain(evaluator, call->arguments[k].name_where, NULL, "%s has no argument '%s'",
                    call->name, call->arguments[k].name);
                return true;
            }
        }
        *result = builtin->function(evaluator, call);
        return true;
    }
    return false;
}

static bool is_in(const char *name, const char *const *names) {
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

bool is_builtin(const char *name) {
    return is_in(name, builtin_names());
}

bool is_function(const Evaluator *evaluator, const char *name) {
    return find_unit(evaluator, name) || is_in(name, operation_names()) ||
           is_in(name, builtin_names());
}

bool is_word(const char *name) {
    static const char *const words[] = {"none", "grey", "nv12", "nv21", "i420",
#define CHOICE(attribute, word, ...) #word,
#include "ir/choices.def"
        NULL};
    return is_in(name, words);
}
