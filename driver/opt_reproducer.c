/* Reproducers: a graph as it was before a pass that failed, with the rest of the pipeline at its
 * head, so that `riffle opt FILE` does it again:
 *
 *     # riffle-pipeline: fold-bias,dead-code
 *     # riffle-checks: verify-each check-each random-weights
 *     # riffle-seeds: weights=0 check=0
 *
 * These lines stand before the graph; other comments may stand among them. The data of weights is
 * not kept: where the run had any, the reproducer asks for random weights. */
#include "driver/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char pipeline_mark[] = "# riffle-pipeline:";
static const char checks_mark[] = "# riffle-checks:";
static const char seeds_mark[] = "# riffle-seeds:";

/* ---- writing ---- */

static void print_head(const OptRun *run, size_t first, Text *text) {
    const OptOptions *opt = run->opt;
    text_format(text, "# A graph before a pass that failed. To run the rest: riffle opt%s FILE\n",
        opt->model.plugins);
    text_format(text, "%s ", pipeline_mark);
    pipeline_print(run->pipeline, first, text);
    text_format(text, "\n%s", checks_mark);
    text_append(text, opt->model.verify_each ? " verify-each" : "");
    text_append(text, opt->check_exact  ? " check-each=exact"
                      : opt->check_each ? " check-each"
                                        : "");
    text_append(text, opt->check ? " check" : "");
    bool weights = opt->model.random_weights || opt->model.weights_file != NULL;
    text_append(text, weights ? " random-weights" : "");
    text_format(text, "\n%s weights=%lld check=%lld\n", seeds_mark, (long long)opt->model.seed,
        (long long)opt->check_seed);
}

static void note_written(const OptRun *run, size_t first, const char *path) {
    Session *session = run->opt->model.session;
    Text name = {0};
    pipeline_step_name(&run->pipeline->steps[first], &name);
    diagnostics_report(session->diagnostics, SEVERITY_NOTE, (SourceRange){0},
        arena_format(session->arena, "'riffle opt %s%s' runs them", path, run->opt->model.plugins),
        "the graph before '%s' and the passes from there on are in '%s'", name.data, path);
    text_free(&name);
}

const char *opt_reproducer_path(const OptRun *run) {
    return run->opt->reproducer != NULL ? run->opt->reproducer
                                        : arena_format(run->opt->model.session->arena,
                                              "%s.reproducer.rir", run->original->name);
}

void opt_reproducer_write(const OptRun *run, const Graph *graph, size_t first) {
    Session *session = run->opt->model.session;
    const char *path = opt_reproducer_path(run);
    Text text = {0};
    print_head(run, first, &text);
    graph_print(graph, &text);
    int error = text_write_file(&text, path);
    text_free(&text);
    if (error != 0)
        diagnostics_error(session->diagnostics, "--reproducer=FILE writes it elsewhere",
            "the reproducer '%s' cannot be written: %s", path, strerror(error));
    else
        note_written(run, first, path);
}

/* ---- reading ---- */

/* The line at that place of the head of the file, without its end; no range behind the head. */
static SourceRange head_line(const SourceFile *text, size_t at) {
    if (at >= text->length || text->text[at] != '#')
        return (SourceRange){0};
    const char *end = memchr(text->text + at, '\n', text->length - at);
    size_t size = end != NULL ? (size_t)(end - (text->text + at)) : text->length - at;
    return (SourceRange){text, (uint32_t)at, (uint32_t)(at + size)};
}

static bool line_begins(SourceRange line, const char *mark) {
    size_t length = strlen(mark);
    return line.end - line.begin >= length &&
           memcmp(line.file->text + line.begin, mark, length) == 0;
}

/* The rest of the line that begins with the mark, at the head of the file. */
static SourceRange find_line(const SourceFile *text, const char *mark) {
    SourceRange line = head_line(text, 0);
    while (line.file != NULL && !line_begins(line, mark))
        line = head_line(text, line.end + 1);
    if (line.file != NULL)
        line.begin += (uint32_t)strlen(mark);
    return line;
}

const char *opt_reproducer_pipeline(const SourceFile *text, Arena *arena) {
    SourceRange line = text == NULL ? (SourceRange){0} : find_line(text, pipeline_mark);
    if (line.file == NULL)
        return "";
    while (line.begin < line.end && text_is_blank(text->text[line.begin]))
        line.begin++;
    return arena_copy_bytes(arena, text->text + line.begin, line.end - line.begin);
}

void opt_reproducer_print_head(const SourceFile *text, const char *pipeline, Text *head) {
    if (text == NULL || find_line(text, pipeline_mark).file == NULL)
        return;
    for (SourceRange line = head_line(text, 0); line.file != NULL;
        line = head_line(text, line.end + 1)) {
        if (line_begins(line, pipeline_mark))
            text_format(head, "%s %s\n", pipeline_mark, pipeline);
        else if (line_begins(line, "# riffle-"))
            text_format(head, "%.*s\n", (int)(line.end - line.begin), text->text + line.begin);
    }
}

static void read_check(OptOptions *opt, const char *word) {
    if (strcmp(word, "verify-each") == 0)
        opt->model.verify_each = true;
    else if (strcmp(word, "check-each") == 0)
        opt->check_each = true;
    else if (strcmp(word, "check-each=exact") == 0)
        opt->check_each = opt->check_exact = true;
    else if (strcmp(word, "check") == 0)
        opt->check = true;
    else if (strcmp(word, "random-weights") == 0 && opt->model.weights_file == NULL)
        opt->model.random_weights = true;
}

/* Seeds of the command line come first. */
static void read_seed(OptOptions *opt, const char *word) {
    char *end;
    const char *equals = strchr(word, '=');
    long long seed = equals != NULL ? strtoll(equals + 1, &end, 10) : -1;
    if (seed < 0 || *end != '\0')
        return;
    if (strncmp(word, "weights=", 8) == 0 && !opt->model.random_weights)
        opt->model.seed = seed;
    else if (strncmp(word, "check=", 6) == 0 && opt->check_seed == 0)
        opt->check_seed = seed;
}

static void read_words(OptOptions *opt, const SourceFile *text, const char *mark,
    void (*read)(OptOptions *opt, const char *word)) {
    SourceRange line = find_line(text, mark);
    if (line.file == NULL)
        return;
    char *rest =
        arena_copy_bytes(opt->model.session->arena, text->text + line.begin, line.end - line.begin);
    for (char *word = strtok_r(rest, " \t\r", &rest); word != NULL;
        word = strtok_r(NULL, " \t\r", &rest))
        read(opt, word);
}

SourceRange opt_reproducer_read(OptOptions *opt, const SourceFile *text) {
    SourceRange line = find_line(text, pipeline_mark);
    if (line.file == NULL)
        return line;
    while (line.begin < line.end && text->text[line.begin] == ' ')
        line.begin++;
    read_words(opt, text, seeds_mark, read_seed);
    read_words(opt, text, checks_mark, read_check);
    diagnostics_report(opt->model.session->diagnostics, SEVERITY_NOTE, line,
        "-O or --passes runs another", "running the pipeline at the head of the file");
    return line;
}
