/* The picture of a graph: a box per node, a strip of channel ranges per layout op. */
#include "ir/draw.h"
#include "ir/formula.h"

#include <string.h>

/* Longer strips show their first ranges. */
enum { MOST_CELLS = 24, FEW_CELLS = 6, NO_COLOR = -1 };

typedef struct Picture {
    const Graph *graph;
    const PictureOptions *options;
    Arena *scratch;
    Text *text;
    int *colors;    /* by value id: of values that layout ops read; NO_COLOR for others */
    bool *is_drawn; /* by value id: made by a node of the picture */
    bool *is_stub;  /* by value id: drawn as a value from outside */
} Picture;

/* Neighbouring channels of one operand that stay neighbours. */
typedef struct ChannelRange {
    const Value *value;
    int operand;
    int64_t first, count;
} ChannelRange;

/* ---- what is drawn ---- */

static bool is_wanted(const Picture *picture, const Node *node) {
    return draw_path_matches(node->path, picture->options->only);
}

static void choose_colors(Picture *picture) {
    int next = 0;
    for (int i = 0; i < picture->graph->next_value_id; i++)
        picture->colors[i] = NO_COLOR;
    for (const Node *node = picture->graph->first; node != NULL; node = node->next) {
        bool wanted = is_wanted(picture, node);
        for (int i = 0; wanted && i < node->result_count; i++)
            picture->is_drawn[node->results[i]->id] = true;
        for (int i = 0; wanted && op_moves_channels(node->op) && i < node->operand_count; i++) {
            int *color = &picture->colors[node->operands[i]->id];
            *color = *color == NO_COLOR ? next++ : *color;
        }
    }
}

/* ---- channel ranges ---- */

static ChannelRange source_of(const Node *node, int result, int64_t channel) {
    ChannelSource source = channel_source(node->results[result], channel);
    return (ChannelRange){node->operands[source.operand], source.operand, source.channel, 1};
}

/* Returns their number; only the first MOST_CELLS are stored. */
static int find_ranges(const Node *node, int result, ChannelRange *ranges) {
    int count = 0;
    ChannelRange last = {0};
    for (int64_t c = 0; c < node->results[result]->type.dims[1]; c++) {
        ChannelRange next = source_of(node, result, c);
        if (count > 0 && next.operand == last.operand && next.first == last.first + last.count) {
            last.count++;
        } else {
            last = next;
            count++;
        }
        if (count <= MOST_CELLS)
            ranges[count - 1] = last;
    }
    return count;
}

/* ---- nodes ---- */

static const char *box_color(OpKind op) {
    switch (op) {
    case OP_conv:
    case OP_conv_transpose:
    case OP_linear:
        return "#eef3fa";
    case OP_concat:
    case OP_split:
    case OP_shuffle:
    case OP_gather:
    case OP_route:
        return "#fff6e0";
    default:
        return "#f4f4f4";
    }
}

static void append_pair(Text *text, IntegerList list) {
    if (list.items[0] == list.items[1])
        text_format(text, "%lld", (long long)list.items[0]);
    else
        text_format(text, "%lldx%lld", (long long)list.items[0], (long long)list.items[1]);
}

/* "conv 3x3 /2 depthwise + relu" */
static void append_title(Text *text, const Node *node) {
    text_format(text, "<B>%s</B>", op_info(node->op)->name);
    bool convolves = node->op == OP_conv || node->op == OP_conv_transpose;
    if (convolves) {
        const TensorType *filter = &node_weight(node, "weight")->type;
        text_format(text, " %lldx%lld", (long long)filter->dims[2], (long long)filter->dims[3]);
    } else if (node->op == OP_max_pool || node->op == OP_avg_pool) {
        IntegerList kernel = node_list(node, "kernel");
        text_format(text, " %lldx%lld", (long long)kernel.items[0], (long long)kernel.items[1]);
    } else if (node->op == OP_shuffle) {
        text_format(text, " %lld groups", (long long)node_integer(node, "groups"));
    }
    if (convolves || node->op == OP_max_pool || node->op == OP_avg_pool) {
        IntegerList stride = node_list(node, "stride");
        if (stride.items[0] != 1 || stride.items[1] != 1) {
            text_append(text, " /");
            append_pair(text, stride);
        }
    }
    if (convolves && node_integer(node, "groups") > 1) {
        int64_t groups = node_integer(node, "groups");
        if (node_weight(node, "weight")->type.dims[1] == 1)
            text_append(text, " depthwise");
        else
            text_format(text, " %lld groups", (long long)groups);
    }
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        bool activation = info->attributes[i].kind == ATTRIBUTE_FORMULA;
        if (activation && node->attributes[i].formula != NULL) {
            text_append(text, " + ");
            formula_print(node->attributes[i].formula, text);
        }
    }
}

static void append_shape(Text *text, const TensorType *type) {
    for (int i = 0; i < type->rank; i++)
        text_format(text, i > 0 ? "&#215;%lld" : "%lld", (long long)type->dims[i]);
}

static void open_row(Text *text) {
    text_append(text, "<TR><TD CELLPADDING=\"0\" BORDER=\"0\"><TABLE BORDER=\"0\" CELLBORDER=\"1\" "
                      "CELLSPACING=\"0\" CELLPADDING=\"3\"><TR>");
}

static void close_row(Text *text) {
    text_append(text, "</TR></TABLE></TD></TR>");
}

/* A cell per range: its channels in the value that it comes from. */
static void append_ranges(Picture *picture, const Node *node, int result) {
    Text *text = picture->text;
    ChannelRange ranges[MOST_CELLS];
    int count = find_ranges(node, result, ranges);
    int shown = count <= MOST_CELLS ? count : FEW_CELLS;
    for (int i = 0; i < shown; i++) {
        const ChannelRange *range = &ranges[i];
        int64_t last = range->first + range->count - 1;
        text_format(text, "<TD PORT=\"r%dc%d\" BGCOLOR=\"%s\" WIDTH=\"%d\"><FONT POINT-SIZE=\"9\">",
            result, i, drawing_tint(picture->colors[range->value->id]),
            drawing_cell_width(range->count, node->results[result]->type.dims[1]));
        text_format(text, range->count > 1 ? "%lld&#8211;%lld" : "%lld", (long long)range->first,
            (long long)last);
        text_append(text, "</FONT></TD>");
    }
    if (shown < count)
        text_format(text,
            "<TD PORT=\"r%drest\"><FONT POINT-SIZE=\"9\">&#8230; %d ranges</FONT></TD>", result,
            count);
}

/* What goes in: the ranges of all results of a layout op. */
static void append_strip(Picture *picture, const Node *node) {
    open_row(picture->text);
    for (int i = 0; i < node->result_count; i++)
        append_ranges(picture, node, i);
    close_row(picture->text);
}

static void append_results(Picture *picture, const Node *node) {
    open_row(picture->text);
    for (int i = 0; i < node->result_count; i++) {
        const Value *value = node->results[i];
        int color = picture->colors[value->id];
        text_format(picture->text, "<TD PORT=\"r%d\" BGCOLOR=\"%s\"><FONT POINT-SIZE=\"9\">", i,
            color == NO_COLOR ? "#ffffff" : drawing_tint(color));
        append_shape(picture->text, &value->type);
        text_append(picture->text, "</FONT></TD>");
    }
    close_row(picture->text);
}

static void draw_node(Picture *picture, const Node *node) {
    Text *text = picture->text;
    text_format(text,
        "  p%dv%d [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" "
        "CELLPADDING=\"4\" COLOR=\"#777777\">",
        picture->options->index, node->results[0]->id);
    if (op_moves_channels(node->op))
        append_strip(picture, node);
    text_format(text, "<TR><TD PORT=\"in\" BGCOLOR=\"%s\">", box_color(node->op));
    append_title(text, node);
    drawing_small_line(text, node->path, "#666666");
    text_append(text, "</TD></TR>");
    append_results(picture, node);
    text_append(text, "</TABLE>>]\n");
}

/* A value from outside: an input of the graph, or of a node that is left out. */
static void draw_stub(Picture *picture, const Value *value) {
    if (picture->is_drawn[value->id] || picture->is_stub[value->id])
        return;
    picture->is_stub[value->id] = true;
    Text *text = picture->text;
    int color = picture->colors[value->id];
    text_format(text, "  p%ds%d [shape=box, style=\"rounded,filled%s\", fillcolor=\"%s\", label=<",
        picture->options->index, value->id, value->producer == NULL ? "" : ",dashed",
        color == NO_COLOR ? "#ffffff" : drawing_tint(color));
    if (value->producer == NULL)
        drawing_escape(text, value->name);
    else
        drawing_escape(text, value->producer->path[0] != '\0' ? value->producer->path
                                                              : op_info(value->producer->op)->name);
    text_append(text, "<BR/>");
    append_shape(text, &value->type);
    text_append(text, ">]\n");
}

/* ---- edges ---- */

/* The end of an edge that begins with the value; an edge's colour is the value's. */
static void append_source(Picture *picture, const Value *value) {
    int index = picture->options->index;
    if (!picture->is_drawn[value->id]) {
        text_format(picture->text, "  p%ds%d", index, value->id);
        return;
    }
    const Node *node = value->producer;
    int result = 0;
    while (node->results[result] != value)
        result++;
    text_format(picture->text, "  p%dv%d:r%d:s", index, node->results[0]->id, result);
}

static void append_color(Picture *picture, const Value *value) {
    int color = picture->colors[value->id];
    if (color != NO_COLOR)
        text_format(picture->text, " [color=\"%s\", penwidth=1.6]", drawing_line_color(color));
    text_append(picture->text, "\n");
}

static void draw_strip_edge(
    Picture *picture, const Node *node, const Value *from, int result, int cell) {
    append_source(picture, from);
    text_format(
        picture->text, " -> p%dv%d:r%d", picture->options->index, node->results[0]->id, result);
    if (cell >= 0)
        text_format(picture->text, "c%d:n", cell);
    else
        text_append(picture->text, "rest:n");
    append_color(picture, from);
}

/* Of a strip that is cut: an edge from each operand, to its first range. */
static void draw_cut_strip_edges(
    Picture *picture, const Node *node, int result, const ChannelRange ranges[MOST_CELLS]) {
    for (int operand = 0; operand < node->operand_count; operand++) {
        int cell = 0;
        while (cell < FEW_CELLS && ranges[cell].operand != operand)
            cell++;
        draw_strip_edge(
            picture, node, node->operands[operand], result, cell < FEW_CELLS ? cell : -1);
    }
}

static void draw_strip_edges(Picture *picture, const Node *node) {
    ChannelRange ranges[MOST_CELLS];
    for (int result = 0; result < node->result_count; result++) {
        int count = find_ranges(node, result, ranges);
        if (count > MOST_CELLS)
            draw_cut_strip_edges(picture, node, result, ranges);
        for (int i = 0; i < count && count <= MOST_CELLS; i++)
            draw_strip_edge(picture, node, ranges[i].value, result, i);
    }
}

static void draw_edges(Picture *picture, const Node *node) {
    for (int i = 0; i < node->operand_count; i++) {
        append_source(picture, node->operands[i]);
        text_format(
            picture->text, " -> p%dv%d:in:n", picture->options->index, node->results[0]->id);
        append_color(picture, node->operands[i]);
    }
}

/* Outputs of the graph, and who else reads a value outside the picture. */
static void draw_outputs(Picture *picture) {
    const Graph *graph = picture->graph;
    int index = picture->options->index;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        if (!picture->is_drawn[output->value->id])
            continue;
        text_format(picture->text,
            "  p%do%d [shape=box, style=\"rounded,filled\", "
            "fillcolor=\"#ffffff\", label=<",
            index, i);
        drawing_escape(picture->text, output->name);
        text_append(picture->text, ">]\n");
        append_source(picture, output->value);
        text_format(picture->text, " -> p%do%d", index, i);
        append_color(picture, output->value);
    }
    int readers = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; !is_wanted(picture, node) && i < node->operand_count; i++) {
            const Value *value = node->operands[i];
            if (!picture->is_drawn[value->id])
                continue;
            text_format(picture->text, "  p%de%d [shape=box, style=\"rounded,dashed\", label=<",
                index, readers);
            drawing_escape(picture->text, op_info(node->op)->name);
            text_append(picture->text, "<BR/>");
            drawing_escape(picture->text, node->path);
            text_append(picture->text, ">]\n");
            append_source(picture, value);
            text_format(picture->text, " -> p%de%d", index, readers++);
            append_color(picture, value);
        }
    }
}

int graph_draw(const Graph *graph, const PictureOptions *options, Text *text) {
    Picture picture = {.graph = graph, .options = options, .scratch = arena_create(), .text = text};
    picture.colors = ARENA_ARRAY(picture.scratch, int, graph->next_value_id);
    picture.is_drawn = ARENA_ARRAY(picture.scratch, bool, graph->next_value_id);
    picture.is_stub = ARENA_ARRAY(picture.scratch, bool, graph->next_value_id);
    choose_colors(&picture);
    if (options->title != NULL) {
        text_format(
            text, "  subgraph cluster_%d {\n  color=\"#aaaaaa\"\n  label=<", options->index);
        drawing_escape(text, options->title);
        text_append(text, ">\n");
    }
    int drawn = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        if (!is_wanted(&picture, node))
            continue;
        drawn++;
        for (int i = 0; i < node->operand_count; i++)
            draw_stub(&picture, node->operands[i]);
        draw_node(&picture, node);
        if (op_moves_channels(node->op))
            draw_strip_edges(&picture, node);
        else
            draw_edges(&picture, node);
    }
    draw_outputs(&picture);
    if (options->title != NULL)
        text_append(text, "  }\n");
    arena_destroy(picture.scratch);
    return drawn;
}
