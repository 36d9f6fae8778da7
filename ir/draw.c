#include "ir/draw.h"

#include "ir/quote.h"

#include <assert.h>
#include <string.h>

/* Hues that stay apart for most readers, neighbours far from each other. */
static const struct {
    const char *tint, *line;
} colors[DRAWING_COLORS] = {
    {"#a9dccb", "#1b8a68"},
    {"#f9c9a3", "#c75f10"},
    {"#cfcbea", "#6a63ad"},
    {"#f7bcd9", "#d0287f"},
    {"#c6e3a4", "#578f17"},
    {"#f8e19b", "#b98d00"},
    {"#b3d5ee", "#20719f"},
    {"#e3cfae", "#8f6518"},
    {"#f3b6b2", "#c3332b"},
    {"#b9e6ee", "#108294"},
};

const char *drawing_tint(int index) {
    return colors[index % DRAWING_COLORS].tint;
}

const char *drawing_line_color(int index) {
    return colors[index % DRAWING_COLORS].line;
}

bool draw_path_matches(const char *path, const char *only) {
    if (only == NULL)
        return true;
    size_t length = strlen(only);
    return strncmp(path, only, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

void drawing_escape(Text *text, const char *string) {
    for (size_t size; *string != '\0'; string += size) {
        size = 1;
        switch (*string) {
        case '&':
            text_append(text, "&amp;");
            break;
        case '<':
            text_append(text, "&lt;");
            break;
        case '>':
            text_append(text, "&gt;");
            break;
        case '"':
            text_append(text, "&quot;");
            break;
        case '\\': /* Graphviz makes \N the node's name, and \\ one of them */
            text_append(text, "\\\\");
            break;
        default:
            text_append(text, quote_shown(string) == 0 ? "\\" : "");
            size = quote_character(text, string);
        }
    }
}

void drawing_small_line(Text *text, const char *string, const char *color) {
    if (string[0] == '\0')
        return;
    text_format(text, "<BR/><FONT POINT-SIZE=\"8\" COLOR=\"%s\">", color);
    drawing_escape(text, string);
    text_append(text, "</FONT>");
}

enum { STRIP_WIDTH = 240, LEAST_CELL = 34 };

int drawing_cell_width(int64_t part, int64_t whole) {
    int width = (int)((double)STRIP_WIDTH * (double)part / (double)whole);
    return width < LEAST_CELL ? LEAST_CELL : width;
}

void drawing_begin(Text *text, const char *name) {
    text_format(text, "digraph \"%s\"", name); /* in quotes: it may be a word of Graphviz's */
    text_append(text,
        " {\n"
        "  graph [fontname=\"Helvetica,Arial,sans-serif\", fontsize=14, nodesep=0.25, "
        "ranksep=0.35]\n"
        "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, shape=plain]\n"
        "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=8, arrowsize=0.6, "
        "color=\"#555555\"]\n");
}

/* With nslimit=1 Graphviz moves nodes as often as there are nodes. Without, it takes minutes for
 * ShuffleNet V2-164, whose channels that pass by make edges over many layers. */
void drawing_end(Text *text, int nodes) {
    enum { MANY_NODES = 400 };
    text_append(text, nodes > MANY_NODES ? "  nslimit=1\n}\n" : "}\n");
}
