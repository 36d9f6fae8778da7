/* Lists and tables: made of expressions, and indexed. */
#include "frontend/evaluate.h"

Datum make_list(Evaluator *evaluator, const Datum *items, int count, SourceRange where) {
    Datum list = datum_list(items, count);
    if (list.depth > LIST_DEPTH_LIMIT) {
        return complain(
            evaluator, where, NULL, "lists are nested more than %d deep", LIST_DEPTH_LIMIT);
    }
    return list;
}

Datum evaluate_list(Evaluator *evaluator, const SpecExpression *expression) {
    int count = expression->items.count;
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    bool known = spend(evaluator, count, expression->where);
    for (int i = 0; i < count; i++) {
        items[i] = evaluate(evaluator, expression->items.items[i]);
        known = known && items[i].kind != DATUM_UNKNOWN;
    }
    return known ? make_list(evaluator, items, count, expression->where) : datum_unknown;
}

Datum evaluate_table(Evaluator *evaluator, const SpecExpression *expression) {
    int count = expression->items.count;
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, 2 * count + 1);
    bool known = spend(evaluator, count, expression->where);
    for (int i = 0; i < count && !evaluator->stopped; i++) {
        const SpecExpression *entry = expression->items.items[i];
        Datum key = evaluate(evaluator, entry->left);
        items[2 * i] = key;
        items[2 * i + 1] = evaluate(evaluator, entry->right);
        known = known && key.kind != DATUM_UNKNOWN && items[2 * i + 1].kind != DATUM_UNKNOWN;
        if (key.kind != DATUM_UNKNOWN && !datum_is_numeric(key) && key.kind != DATUM_STRING &&
            key.kind != DATUM_BOOLEAN) {
            complain(evaluator, entry->left->where, NULL,
                "a key is a number, a string, true or false, not %s",
                datum_describe(key, evaluator->arena));
            known = false;
        }
        for (int j = 0; j < i && !evaluator->stopped; j++) {
            if (is_equal(evaluator, items[2 * j], key, entry->left->where)) {
                complain(evaluator, entry->left->where, NULL,
                    "the key %s stands twice in the table", datum_spelling(key, evaluator->arena));
                known = false;
            }
        }
    }
    Datum table = make_list(evaluator, items, 2 * count, expression->where);
    if (!known || evaluator->stopped || table.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    table.kind = DATUM_TABLE;
    table.count = count;
    return table;
}

static Datum missing_key(
    Evaluator *evaluator, const SpecExpression *expression, Datum table, Datum key) {
    Text keys = {0};
    for (int i = 0; i < table.count; i++) {
        text_append(&keys, i > 0 ? ", " : "");
        datum_print(table.items[2 * i], false, &keys);
    }
    const char *hint = table.count == 0 ? "the table is empty"
                                        : arena_format(evaluator->arena, "it has %s", keys.data);
    text_free(&keys);
    const SpecExpression *index = expression->right;
    const char *spelling = datum_spelling(key, evaluator->arena);
    if (index->kind == SPEC_EXPRESSION_NAME) {
        return complain(evaluator, index->where, hint,
            "the table has no key %s (the value of '%s')", spelling, index->name);
    }
    return complain(evaluator, index->where, hint, "the table has no key %s", spelling);
}

Datum evaluate_index(Evaluator *evaluator, const SpecExpression *expression) {
    Datum object = evaluate(evaluator, expression->left);
    Datum index = evaluate(evaluator, expression->right);
    if (object.kind == DATUM_UNKNOWN || index.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    if (object.kind == DATUM_TABLE) {
        for (int i = 0; i < object.count && !evaluator->stopped; i++) {
            if (is_equal(evaluator, object.items[2 * i], index, expression->where)) {
                return object.items[2 * i + 1];
            }
        }
        return evaluator->stopped ? datum_unknown
                                  : missing_key(evaluator, expression, object, index);
    }
    if (object.kind != DATUM_LIST) {
        return complain(evaluator, expression->left->where, NULL,
            "only lists and tables are indexed, not %s", datum_describe(object, evaluator->arena));
    }
    int64_t position;
    if (!datum_to_integer(index, &position)) {
        return complain(evaluator, expression->right->where, NULL,
            "the index of a list is a whole number, not %s",
            datum_spelling(index, evaluator->arena));
    }
    if (position < 0 || position >= object.count) {
        return complain(evaluator, expression->right->where, NULL,
            "the index %s is outside of the list, which has %d item%s",
            datum_spelling(index, evaluator->arena), object.count, object.count == 1 ? "" : "s");
    }
    return object.items[position];
}
