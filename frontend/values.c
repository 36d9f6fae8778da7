#include "frontend/evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const Datum datum_unknown = {.kind = DATUM_UNKNOWN};

Datum datum_integer(int64_t value) {
    return (Datum){.kind = DATUM_INTEGER, .integer = value};
}

Datum datum_number(double value) {
    return (Datum){.kind = DATUM_NUMBER, .number = value};
}

Datum datum_boolean(bool value) {
    return (Datum){.kind = DATUM_BOOLEAN, .boolean = value};
}

Datum datum_string(const char *value) {
    return (Datum){.kind = DATUM_STRING, .string = value};
}

Datum datum_list(const Datum *items, int count) {
    Datum list = {.kind = DATUM_LIST, .count = count, .depth = 1, .items = items};
    for (int i = 0; i < count; i++) {
        list.depth = items[i].depth >= list.depth ? items[i].depth + 1 : list.depth;
    }
    return list;
}

Datum datum_tensor(Value *value) {
    return (Datum){.kind = DATUM_TENSOR, .tensor = value};
}

bool datum_is_numeric(Datum datum) {
    return datum.kind == DATUM_INTEGER || datum.kind == DATUM_NUMBER;
}

double datum_as_number(Datum datum) {
    return datum.kind == DATUM_INTEGER ? (double)datum.integer : datum.number;
}

bool datum_to_integer(Datum datum, int64_t *value) {
    if (datum.kind == DATUM_INTEGER) {
        *value = datum.integer;
        return true;
    }
    bool whole = datum.kind == DATUM_NUMBER && floor(datum.number) == datum.number &&
                 fabs(datum.number) < 0x1p53;
    if (whole) {
        *value = (int64_t)datum.number;
    }
    return whole;
}

const char *datum_describe(Datum datum, Arena *arena) {
    switch (datum.kind) {
    case DATUM_UNKNOWN:
        return "an unknown value";
    case DATUM_INTEGER:
        return "a whole number";
    case DATUM_NUMBER:
        return "a number";
    case DATUM_BOOLEAN:
        return datum.boolean ? "true" : "false";
    case DATUM_STRING:
        return "a string";
    case DATUM_LIST:
        return arena_format(arena, "a list of %d item%s", datum.count, datum.count == 1 ? "" : "s");
    case DATUM_TABLE:
        return "a table";
    case DATUM_TENSOR:
        return "a tensor";
    case DATUM_FUNCTION:
        return arena_format(arena, "the function '%s'", datum.function);
    }
    return "";
}

void datum_print(Datum datum, bool bare, Text *text) {
    enum { LONGEST = 4096 };
    if (text->length > LONGEST) {
        return;
    }
    switch (datum.kind) {
    case DATUM_UNKNOWN:
        text_append(text, "?");
        break;
    case DATUM_INTEGER:
        text_format(text, "%" PRId64, datum.integer);
        break;
    case DATUM_NUMBER:
        text_append_double(text, datum.number);
        break;
    case DATUM_BOOLEAN:
        text_append(text, datum.boolean ? "true" : "false");
        break;
    case DATUM_STRING:
        text_format(text, bare ? "%s" : "\"%s\"", datum.string);
        break;
    case DATUM_LIST:
        text_append(text, "[");
        for (int i = 0; i < datum.count && text->length <= LONGEST; i++) {
            text_append(text, i > 0 ? ", " : "");
            datum_print(datum.items[i], false, text);
        }
        text_append(text, "]");
        break;
    case DATUM_TABLE:
        text_append(text, "{");
        for (int i = 0; i < datum.count && text->length <= LONGEST; i++) {
            text_append(text, i > 0 ? ", " : "");
            datum_print(datum.items[2 * i], false, text);
            text_append(text, ": ");
            datum_print(datum.items[2 * i + 1], false, text);
        }
        text_append(text, "}");
        break;
    case DATUM_TENSOR:
        tensor_type_print(&datum.tensor->type, text);
        break;
    case DATUM_FUNCTION:
        text_append(text, datum.function);
        break;
    }
}

const char *datum_spelling(Datum datum, Arena *arena) {
    Text text = {0};
    datum_print(datum, false, &text);
    const char *copy = text.length > 200 ? arena_format(arena, "%.200s...", text.data)
                                         : arena_copy_string(arena, text.data ? text.data : "");
    text_free(&text);
    return copy;
}

/* Lists share parts, so a few of them can stand for a tree without end. */
bool datum_equal(Datum a, Datum b, int64_t *compared, int64_t most) {
    if (++*compared > most) {
        return false;
    }
    if (datum_is_numeric(a) && datum_is_numeric(b)) {
        if (a.kind == DATUM_INTEGER && b.kind == DATUM_INTEGER) {
            return a.integer == b.integer;
        }
        return datum_as_number(a) == datum_as_number(b);
    }
    if (a.kind != b.kind) {
        return false;
    }
    switch (a.kind) {
    case DATUM_BOOLEAN:
        return a.boolean == b.boolean;
    case DATUM_STRING:
        *compared += (int64_t)strlen(a.string) / 64;
        return strcmp(a.string, b.string) == 0;
    case DATUM_LIST:
    case DATUM_TABLE:
        if (a.count != b.count) {
            return false;
        }
        for (int i = 0; i < (a.kind == DATUM_TABLE ? 2 * a.count : a.count); i++) {
            if (!datum_equal(a.items[i], b.items[i], compared, most)) {
                return false;
            }
        }
        return true;
    case DATUM_TENSOR:
        return a.tensor == b.tensor;
    case DATUM_FUNCTION:
        return strcmp(a.function, b.function) == 0;
    case DATUM_UNKNOWN:
    case DATUM_INTEGER:
    case DATUM_NUMBER:
        break;
    }
    return false;
}
