/* Pictures of graphs, in Graphviz's language. A layout op is drawn as a strip of the channel ranges
 * that it takes, in the colours of the values that they come from. */
#ifndef RIFFLE_IR_DRAW_H
#define RIFFLE_IR_DRAW_H

#include "ir/graph.h"

/* A drawing is begun, gets pictures side by side, and is ended. Where many nodes were drawn
 * Graphviz is told to be content sooner with where it places them. */
void drawing_begin(Text *text, const char *name);
void drawing_end(Text *text, int nodes);

typedef struct PictureOptions {
    const char *title; /* NULL for none; else the picture has a frame */
    const char *only;  /* NULL, or what the paths of the nodes to draw begin with: "stage2" */
    int index;         /* of the picture in the drawing */
} PictureOptions;

/* Returns how many nodes were drawn. */
int graph_draw(const Graph *graph, const PictureOptions *options, Text *text);

/* ---- what pictures of programs draw alike ---- */

enum { DRAWING_COLORS = 10 };
/* A light tint for areas, a strong one for lines; `index` counts on from one to the next. */
const char *drawing_tint(int index);
const char *drawing_line_color(int index);
/* Whether a path is `only`, or begins with it and a dot; `only` NULL takes all. */
bool draw_path_matches(const char *path, const char *only);
/* Text in an HTML-like label. */
void drawing_escape(Text *text, const char *string);
/* A line below in small letters, in an HTML-like label; nothing where the string is empty: Graphviz
 * takes no element without text in it. */
void drawing_small_line(Text *text, const char *string, const char *color);
/* The width of a strip's cell for `part` of `whole`, in points. */
int drawing_cell_width(int64_t part, int64_t whole);

#endif
