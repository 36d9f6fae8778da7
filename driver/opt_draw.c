/* Pictures of the graph, after the pipeline or on both sides of a pass. */
#include "driver/graphviz.h"
#include "driver/opt.h"

#include "ir/draw.h"
#include "ir/write_files.h"
#include <string.h>

bool opt_draws(const OptOptions *opt) {
    return opt->dot_file != NULL || opt->svg_file != NULL;
}

static bool write_file(const OptRun *run, const char *path, const Text *text) {
    if (strcmp(path, "-") == 0) {
        fwrite(text->data, 1, text->length, stdout);
        return true;
    }
    int error = text_write_file(text, path);
    if (error != 0)
        report_unwritten(run->opt->model.session->diagnostics, path, error);
    return error == 0;
}

static int draw_side(
    const OptRun *run, const Graph *graph, const char *when, int index, Text *drawing) {
    const char *only = run->opt->draw_only;
    Arena *arena = run->opt->model.session->arena;
    PictureOptions options = {.only = only, .index = index};
    if (when != NULL)
        options.title = arena_format(arena, "%s %s", when, run->opt->draw_pass);
    return graph_draw(graph, &options, drawing);
}

static bool draw(const OptRun *run, Text *drawing) {
    drawing_begin(drawing, run->model.graph->name);
    int nodes = 0;
    if (run->opt->draw_pass == NULL) {
        nodes = draw_side(run, run->model.graph, NULL, 0, drawing);
    } else {
        nodes = draw_side(run, run->drawn_before, "before", 0, drawing);
        nodes += draw_side(run, run->drawn_after, "after", 1, drawing);
    }
    drawing_end(drawing, nodes);
    if (nodes > 0 || run->opt->draw_only == NULL)
        return true;
    diagnostics_error(run->opt->model.session->diagnostics,
        "'riffle inspect' prints the paths of a network",
        "--draw-only: no node has a path that begins with '%s'", run->opt->draw_only);
    return false;
}

bool opt_draw(const OptRun *run) {
    if (!opt_draws(run->opt))
        return true;
    Text drawing = {0}, svg = {0};
    bool done = draw(run, &drawing);
    if (done && run->opt->svg_file != NULL)
        done = graphviz_render(&drawing, &svg, run->opt->model.session);
    if (done && run->opt->dot_file != NULL)
        done = write_file(run, run->opt->dot_file, &drawing);
    if (done && run->opt->svg_file != NULL)
        done = write_file(run, run->opt->svg_file, &svg);
    text_free(&drawing);
    text_free(&svg);
    return done;
}
