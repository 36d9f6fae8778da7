/* Tables for people: columns as wide as their widest cell, numbers to the right. */
#ifndef RIFFLE_DRIVER_TABLE_H
#define RIFFLE_DRIVER_TABLE_H

#include "ir/text.h"
#include <stdint.h>

enum { MOST_COLUMNS = 10 };

typedef struct TableColumn {
    const char *title;
    enum { ALIGN_LEFT, ALIGN_RIGHT } alignment;
} TableColumn;

typedef struct Table {
    const TableColumn *columns;
    int column_count;
    char **cells; /* row by row; owned */
    int row_count, row_capacity;
} Table;

Table table_create(const TableColumn *columns, int column_count);
/* The cells are copied, with what may not be shown quoted. */
void table_add_row(Table *table, const char *const *cells);
/* A line of dashes, before totals. */
void table_add_rule(Table *table);
void table_print(const Table *table, Text *text);
void table_free(Table *table);

/* "2,278,604" in the caller's buffer of at least 32 bytes, which is returned. */
const char *grouped_number(int64_t number, char *buffer);
/* "1.37 MiB", the same way. */
const char *readable_bytes(int64_t bytes, char *buffer);

#endif
