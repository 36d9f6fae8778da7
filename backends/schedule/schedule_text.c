#include "backends/schedule/schedule_text.h"
#include "backends/program/program.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/form.h"
#include "backends/schedule/loop_text.h"
#include "backends/schedule/routes.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/window_blocking.h"
#include "backends/schedule/winograd.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/quote.h"
#include "ir/text.h"

/* ---- what is decided of the whole ---- */

/* The node's path, or its op where it has none. */
static void print_place(const Node *node, Text *out) {
    quote_append(out, node->path[0] != '\0' ? node->path : op_info(node->op)->name);
}

/* Who writes the output, of the nodes that compute something; NULL: it is copied. */
static const Node *writer_of(const Decisions *decisions, const GraphOutput *output) {
    if (decisions->outputs[output->value->id] != output)
        return NULL;
    const Node *writer = output->value->producer;
    while (node_renames_channels(writer))
        writer = writer->operands[0]->producer;
    return writer;
}

static void print_outputs(const Decisions *decisions, Text *out) {
    for (int i = 0; i < decisions->graph->output_count; i++) {
        const GraphOutput *output = &decisions->graph->outputs[i];
        const Node *writer = writer_of(decisions, output);
        text_append(out, "output ");
        quote_append(out, output->name);
        text_append(out, writer ? ": written by " : ": copied");
        if (writer)
            print_place(writer, out);
        text_append(out, "\n");
    }
}

static void print_routes(const Decisions *decisions, Text *out) {
    for (const Node *node = decisions->graph->first; node; node = node->next) {
        if (!route_owns_sources(decisions, node))
            continue;
        const Value *value = node->results[0];
        const TensorCuts *cuts = &decisions->cuts[value->id];
        text_append(out, "route ");
        print_place(node, out);
        text_format(out, ": %lld channels", (long long)value->type.dims[1]);
        for (int i = 0; i + 1 < cuts->count; i++)
            text_format(out, "%s %lld", i == 0 ? ", cut at" : "", (long long)cuts->ends[i]);
        text_append(out, "\n");
    }
}

/* ---- a layer ---- */

static void print_size(const Node *node, Text *out) {
    const TensorType *type = &node->results[0]->type;
    if (type->rank < 4)
        return;
    if (type->dims[0] > 1)
        text_format(out, ", %lld images", (long long)type->dims[0]);
    text_format(out, ", %lldx%lld", (long long)type->dims[2], (long long)type->dims[3]);
}

static void print_winograd(const WinogradBlock *block, Text *out) {
    text_format(out, "; F(%dx%d, 3x3)", block->outputs, block->outputs);
    if (block->sections > 1)
        text_format(out, "; rows in %lld sections of %lld tiles", (long long)block->sections,
            (long long)block->columns);
    else
        text_format(
            out, "; blocks of %lldx%lld tiles", (long long)block->rows, (long long)block->columns);
    text_format(out, ", products in %dx%d tiles", block->tile.pixels, block->tile.vectors);
}

/* Behind what says which layer it is. */
static void print_choices(const LayerSchedule *layer, Text *out) {
    if (layer->blocking) {
        text_append(out, "; ");
        blocking_print(layer->blocking, layer->sizes, out);
    }
    if (layer->winograd)
        print_winograd(layer->winograd, out);
    if (layer->window) {
        text_append(out, "; ");
        window_blocking_print(layer->window, out);
    }
    if (layer->ring_rows > 0)
        text_format(out, "; ring of %lldx%lld", (long long)layer->ring_rows,
            (long long)layer->ring_columns);
    text_append(out, "\n");
}

/* ---- a step ---- */

static const char *form_word(Form form) {
    static const char *const words[] = {
        [FORM_NONE] = "",
        [FORM_ROWS] = "rows",
        [FORM_FLAT] = "flat",
        [FORM_WINOGRAD] = "Winograd",
        [FORM_QUANTIZE] = "bytes",
        [FORM_PIXELS] = "pixels",
        [FORM_SAMPLE] = "samples",
        [FORM_ELEMENTS] = "elements",
        [FORM_LAYOUT] = "copy",
        [FORM_REDUCTION] = "reduction",
    };
    return words[form];
}

static void print_chain(int index, const Step *step, Text *out) {
    const StepSchedule *schedule = step->schedule;
    text_format(out, "%d chain", index);
    if (schedule->strips > 1)
        text_format(out, " in %lld strips", (long long)schedule->strips);
    text_append(out, ": ");
    quote_append(out, step->label);
    text_append(out, "\n");
    for (const LayerSchedule *layer = schedule->first; layer; layer = layer->next) {
        text_append(out, "    ");
        print_place(layer->node, out);
        print_size(layer->node, out);
        print_choices(layer, out);
    }
}

static void print_step(int index, const Step *step, Text *out) {
    const StepSchedule *schedule = step->schedule;
    if (schedule && schedule->strips > 0) {
        print_chain(index, step, out);
        return;
    }
    text_format(out, "%d ", index);
    quote_append(out, step->path);
    text_format(out, "%s%s: ", step->path[0] != '\0' ? ", " : "",
        form_word(step->reason ? FORM_LAYOUT : schedule->form));
    quote_append(out, step->label);
    if (step->reason) {
        text_append(out, "; ");
        quote_append(out, step->reason);
    } else {
        print_size(step->node, out);
    }
    if (schedule && schedule->first)
        print_choices(schedule->first, out);
    else
        text_append(out, "\n");
}

/* In the order of the code. */
static void print_loops(const LoopSchedule *loop, Text *out) {
    for (int i = 0; loop; loop = loop->next) {
        text_format(out, "%sloop %d: ", i == 0 ? "\n" : "", i);
        loop_schedule_print(loop, out);
        i++;
    }
}

void schedule_print(const Program *program, Text *out) {
    const Decisions *decisions = program->decisions;
    text_format(out, "schedule of %s for %s, %lld live bytes\n\n", program->name,
        program->target->name, (long long)decisions->live_bytes);
    print_outputs(decisions, out);
    print_routes(decisions, out);
    text_append(out, "\n");
    for (int i = 0; i < program->step_count; i++)
        print_step(i, &program->steps[i], out);
    print_loops(program->loop_schedules, out);
}
