/* Graphs as the page of `riffle report` reads them. */
#ifndef RIFFLE_DRIVER_REPORT_GRAPH_H
#define RIFFLE_DRIVER_REPORT_GRAPH_H

#include "backends/output/json_writer.h"
#include "ir/graph.h"

/* The texts that nodes come from, in the order in which they were met. */
typedef struct ReportFiles {
    Arena *arena;
    const SourceFile **items;
    size_t count, capacity;
} ReportFiles;

/* An object with inputs and nodes: text, shapes, where each channel of a result comes from, and the
 * place in a file, which is added to the files. */
void report_graph_write(const Graph *graph, ReportFiles *files, JsonWriter *writer);
/* An array of the files' names and texts. */
void report_files_write(const ReportFiles *files, JsonWriter *writer);

#endif
