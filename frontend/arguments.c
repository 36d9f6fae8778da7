/* Arguments of a call: finding them, and reading them as the type that is wanted. */
#include "frontend/evaluate.h"
#include "ir/formula.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Among those up to the last that was added. */
static CallArgument *find_named(const Call *call, const char *name) {
    if (call->by_name) {
        return name_map_find(call->by_name, name);
    }
    for (int i = 0; i < call->indexed_count; i++) {
        CallArgument *argument = &call->arguments[i];
        if (argument->name && strcmp(argument->name, name) == 0) {
            return argument;
        }
    }
    return NULL;
}

bool index_argument(Evaluator *evaluator, Call *call, CallArgument *argument) {
    enum { FEW_ARGUMENTS = 16 };
    bool known = argument->name && find_named(call, argument->name);
    call->indexed_count++;
    if (!argument->name) {
        call->positional[call->positional_count++] = argument;
    } else if (call->count > FEW_ARGUMENTS) {
        call->by_name = call->by_name ? call->by_name : name_map_create(evaluator->arena);
        name_map_put(call->by_name, argument->name, argument);
    }
    return !known;
}

CallArgument *find_argument(Call *call, const char *name, int position) {
    CallArgument *found = find_named(call, name);
    if (!found && position >= 0 && position < call->positional_count &&
        !call->positional[position]->used) {
        found = call->positional[position];
    }
    if (found) {
        found->used = true;
    }
    return found;
}

/* "conv: stride" */
static Datum wrong(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, const char *wanted) {
    bool from_name = argument->source_name && strcmp(argument->source_name, name) != 0;
    return complain(evaluator, argument->where,
        from_name ? arena_format(evaluator->arena, "'%s' is %s", argument->source_name,
                        datum_spelling(argument->value, evaluator->arena))
                  : NULL,
        "'%s' of %s is %s, not %s", name, call->name, wanted,
        argument->value.kind == DATUM_TENSOR || argument->value.kind == DATUM_FUNCTION
            ? datum_describe(argument->value, evaluator->arena)
            : datum_spelling(argument->value, evaluator->arena));
}

enum { LARGEST_INTEGER = 1 << 30 };

/* The upper end is worth its words only to those who went beyond it. */
static const char *wanted_integer(Evaluator *evaluator, int64_t least, Datum given) {
    if (datum_is_numeric(given) && datum_as_number(given) > (double)LARGEST_INTEGER)
        return arena_format(evaluator->arena, "a whole number from %" PRId64 " to %d",
            least == INT64_MIN ? -(int64_t)LARGEST_INTEGER : least, LARGEST_INTEGER);
    return least == INT64_MIN
               ? "a whole number"
               : arena_format(evaluator->arena, "a whole number from %" PRId64 " up", least);
}

bool argument_integer(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int64_t least, int64_t *value) {
    if (datum_to_integer(argument->value, value) && *value >= least && *value <= LARGEST_INTEGER) {
        return true;
    }
    wrong(evaluator, call, argument, name, wanted_integer(evaluator, least, argument->value));
    return false;
}

bool argument_number(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, double *value) {
    if (!datum_is_numeric(argument->value)) {
        wrong(evaluator, call, argument, name, "a number");
        return false;
    }
    *value = datum_as_number(argument->value);
    return true;
}

bool argument_flag(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, bool *value) {
    if (argument->value.kind != DATUM_BOOLEAN) {
        wrong(evaluator, call, argument, name, "true or false");
        return false;
    }
    *value = argument->value.boolean;
    return true;
}

bool argument_integers(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int64_t least, IntegerList *list) {
    Datum value = argument->value;
    const Datum *items = value.kind == DATUM_LIST ? value.items : &value;
    int count = value.kind == DATUM_LIST ? value.count : 1;
    if (!spend(evaluator, count, argument->where)) {
        return false;
    }
    int64_t *numbers = ARENA_ARRAY(evaluator->graph->arena, int64_t, count + 1);
    for (int i = 0; i < count; i++) {
        if (!datum_to_integer(items[i], &numbers[i]) || numbers[i] < least ||
            numbers[i] > LARGEST_INTEGER) {
            wrong(evaluator, call, argument, name,
                arena_format(evaluator->arena, "%s or a list of such",
                    wanted_integer(evaluator, least, items[i])));
            return false;
        }
    }
    *list = (IntegerList){numbers, (size_t)count};
    return true;
}

int argument_choice(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, const char *const *words) {
    const char *word = argument->value.kind == DATUM_STRING     ? argument->value.string
                       : argument->value.kind == DATUM_FUNCTION ? argument->value.function
                                                                : NULL;
    Text list = {0};
    int count = 0;
    for (; words[count]; count++) {
        if (word && strcmp(words[count], word) == 0) {
            text_free(&list);
            return count;
        }
        text_format(&list, count > 0 ? ", %s" : "%s", words[count]);
    }
    wrong(evaluator, call, argument, name,
        arena_format(evaluator->arena, "one of %s", list.data ? list.data : ""));
    text_free(&list);
    return -1;
}

bool argument_formula(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int operands, const Formula **formula) {
    const char *text = argument->value.kind == DATUM_STRING     ? argument->value.string
                       : argument->value.kind == DATUM_FUNCTION ? argument->value.function
                                                                : NULL;
    FormulaFault fault = {0};
    if (text)
        *formula = formula_parse(text, operands, evaluator->graph->arena, &fault);
    if (text && !fault.message)
        return true;
    if (text && !fault.word) {
        complain(evaluator, argument->where, NULL, "'%s' of %s, at its byte %zu: %s", name,
            call->name, fault.at + 1, fault.message);
        return false;
    }
    wrong(evaluator, call, argument, name,
        "none, an element-wise op such as relu, or a formula in quotes");
    return false;
}

void check_unused(Evaluator *evaluator, const Call *call, const char *const *known) {
    size_t known_count = 0;
    Text list = {0};
    while (known[known_count]) {
        text_format(&list, known_count > 0 ? ", %s" : "%s", known[known_count]);
        known_count++;
    }
    for (int i = 0; i < call->count && !evaluator->stopped; i++) {
        const CallArgument *argument = &call->arguments[i];
        if (argument->used) {
            continue;
        }
        if (!argument->name) {
            complain(evaluator, argument->where,
                known_count > 0 ? arena_format(evaluator->arena, "it takes %s", list.data) : NULL,
                "too many arguments for %s", call->name);
            continue;
        }
        const char *nearest = closest_word(argument->name, known, known_count);
        const char *hint = nearest ? arena_format(evaluator->arena, "did you mean '%s'?", nearest)
                                   : arena_format(evaluator->arena, "it takes %s",
                                         list.data ? list.data : "nothing");
        for (size_t k = 0; k < known_count; k++) {
            if (strcmp(known[k], argument->name) == 0) {
                hint = "it was given by its position already";
            }
        }
        complain(evaluator, argument->name_where, hint, "%s has no argument '%s'", call->name,
            argument->name);
    }
    text_free(&list);
}
