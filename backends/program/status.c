/* See status.h. */
#include "backends/program/status.h"
#include "ir/text.h"

typedef struct StatusRow {
    const char *name, *meaning;
    int number;
    bool of_levels;
} StatusRow;

static const StatusRow rows[] = {
#define STATUS(identifier, name, number, meaning, of_levels) {name, meaning, number, of_levels},
#include "backends/program/status.def"
};

enum { ROWS = sizeof rows / sizeof *rows };

void status_write_enum(const char *name, const char *upper, bool levels, Text *out) {
    text_format(out, "\nenum %s_status {\n", name);
    for (int i = 0; i < ROWS; i++)
        if (levels || !rows[i].of_levels)
            text_format(out, "    %s_%s = %d%s /* %s */\n", upper, rows[i].name, rows[i].number,
                i + 1 < ROWS ? "," : "", rows[i].meaning);
    text_append(out, "};\n");
}

void status_write_cases(const char *upper, bool levels, Text *out) {
    for (int i = 0; i < ROWS; i++)
        if (levels || !rows[i].of_levels)
            text_format(out, "    case %s_%s:\n        return \"%s\";\n", upper, rows[i].name,
                rows[i].meaning);
}
