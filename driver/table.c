#include "driver/table.h"

#include "ir/ending.h"
#include "ir/quote.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, NUMBER_SIZE = 32 };

Table table_create(const TableColumn *columns, int column_count) {
    assert(column_count <= MOST_COLUMNS);
    return (Table){.columns = columns, .column_count = column_count};
}

static void *checked(void *memory) {
    if (memory == NULL)
        out_of_memory();
    return memory;
}

static char **new_row(Table *table) {
    size_t columns = (size_t)table->column_count, rows = (size_t)table->row_count;
    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_count == 0 ? 64 : 2 * table->row_count;
        table->cells = checked(
            realloc(table->cells, (size_t)table->row_capacity * columns * sizeof *table->cells));
    }
    table->row_count++;
    return table->cells + rows * columns;
}

static char *copy_quoted(const char *cell) {
    Text text = {0};
    quote_append(&text, cell);
    text_append(&text, ""); /* so that there is a NUL */
    return text.data;
}

void table_add_row(Table *table, const char *const *cells) {
    char **row = new_row(table);
    for (int i = 0; i < table->column_count; i++)
        row[i] = copy_quoted(cells[i]);
}

void table_add_rule(Table *table) {
    char **row = new_row(table);
    for (int i = 0; i < table->column_count; i++)
        row[i] = NULL;
}

/* Characters, not bytes. */
static int width_of(const char *cell) {
    int width = 0;
    for (const char *at = cell; *at != '\0'; at++)
        width += ((unsigned char)*at & 0xc0) != 0x80;
    return width;
}

static void append_spaces(Text *text, int count) {
    text_format(text, "%*s", count > 0 ? count : 0, "");
}

static void print_cells(
    const Table *table, const int *widths, const char *const *cells, Text *text) {
    int owed = 0; /* spaces that are written only when something follows */
    for (int i = 0; i < table->column_count; i++) {
        int padding = widths[i] - width_of(cells[i]);
        if (table->columns[i].alignment == ALIGN_RIGHT)
            owed += padding;
        if (*cells[i] != '\0') {
            append_spaces(text, owed);
            text_append(text, cells[i]);
            owed = 0;
        } else {
            owed += width_of(cells[i]);
        }
        if (table->columns[i].alignment == ALIGN_LEFT)
            owed += padding;
        owed += GAP;
    }
    text_append(text, "\n");
}

static void print_rule(const Table *table, const int *widths, Text *text) {
    int width = -GAP;
    for (int i = 0; i < table->column_count; i++)
        width += widths[i] + GAP;
    for (int i = 0; i < width; i++)
        text_append(text, "-");
    text_append(text, "\n");
}

void table_print(const Table *table, Text *text) {
    int widths[MOST_COLUMNS];
    const char *titles[MOST_COLUMNS];
    for (int i = 0; i < table->column_count; i++) {
        titles[i] = table->columns[i].title;
        widths[i] = width_of(titles[i]);
        for (int row = 0; row < table->row_count; row++) {
            const char *cell = table->cells[row * table->column_count + i];
            if (cell != NULL && width_of(cell) > widths[i])
                widths[i] = width_of(cell);
        }
    }
    print_cells(table, widths, titles, text);
    print_rule(table, widths, text);
    for (int row = 0; row < table->row_count; row++) {
        char **cells = table->cells + row * table->column_count;
        if (cells[0] == NULL)
            print_rule(table, widths, text);
        else
            print_cells(table, widths, (const char *const *)cells, text);
    }
}

void table_free(Table *table) {
    for (int i = 0; i < table->row_count * table->column_count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (Table){0};
}

const char *grouped_number(int64_t number, char *buffer) {
    char digits[NUMBER_SIZE];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    char *out = buffer;
    for (int i = 0; i < length; i++) {
        if (i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buffer;
}

const char *readable_bytes(int64_t bytes, char *buffer) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    int unit = 0;
    while (amount >= 1024 && unit < 4) {
        amount /= 1024;
        unit++;
    }
    snprintf(buffer, NUMBER_SIZE, unit == 0 ? "%.0f %s" : "%.2f %s", amount, units[unit]);
    return buffer;
}
