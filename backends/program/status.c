/* See status.h. */
#include "backends/program/status.h"
#include "ir/text.h"

typedef struct StatusRow {
    const char *name, *meaning;
    int number;
    StatusOf of;
} StatusRow;

static const StatusRow rows[] = {
#define STATUS(identifier, name, number, meaning, of) {name, meaning, number, STATUS_OF_##of},
#include "backends/program/status.def"
};

enum { ROWS = sizeof rows / sizeof *rows };

static bool is_returned(const StatusRow *row, unsigned of) {
    return row->of == STATUS_OF_ALL || (of & row->of) != 0;
}

void status_write_enum(const char *name, const char *upper, unsigned of, Text *out) {
    text_format(out, "\nenum %s_status {", name);
    for (int i = 0; i < ROWS; i++)
        if (is_returned(&rows[i], of))
            text_format(out, "%s\n    /* %s */\n    %s_%s = %d", i > 0 ? "," : "", rows[i].meaning,
                upper, rows[i].name, rows[i].number);
    text_append(out, "\n};\n");
}

void status_write_cases(const char *upper, unsigned of, Text *out) {
    for (int i = 0; i < ROWS; i++)
        if (is_returned(&rows[i], of))
            text_format(out, "    case %s_%s:\n        return \"%s\";\n", upper, rows[i].name,
                rows[i].meaning);
}

const char *status_meaning(int row, int *number) {
    if (row >= ROWS)
        return NULL;
    *number = rows[row].number;
    return rows[row].meaning;
}
