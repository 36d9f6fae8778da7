/* What layout ops move, in each of the forms that they can be carried out in. */
#ifndef RIFFLE_DRIVER_INSPECT_ROUTING_H
#define RIFFLE_DRIVER_INSPECT_ROUTING_H

#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/layout_form.h"
#include "ir/graph.h"

typedef struct FormCount {
    int64_t layout_bytes, bytes_moved, workspace_bytes;
} FormCount;

/* A step of the routed form that copies. */
typedef struct RemainingCopy {
    const char *path, *op, *label;
    SourceRange where;
    int64_t channels, runs; /* of a route, else 0 */
    int64_t bytes;
    const char *reason; /* why it stays; NULL when that is not known */
} RemainingCopy;

typedef struct Routing {
    FormCount forms[LAYOUT_FORM_COUNT];
    RemainingCopy *copies;
    int copy_count;
} Routing;

/* Lowers copies of the network as written in every form and counts; the result lives in the
 * session's arena. False after reporting. */
bool routing_count(const Graph *graph, Session *session, Routing *routing);
void routing_print(const Routing *routing, Text *text);
void routing_write_json(const Routing *routing, JsonWriter *writer);

#endif
