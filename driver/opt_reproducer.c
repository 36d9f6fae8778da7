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
    text_append(text, opt->check_each ? " check-each" : "");
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

void opt_reproducer_write(const OptRun *run, const Graph *graph, size_t first) {
    Session *session = run->opt->model.session;
    const char *path = run->opt->reproducer;
    if (path == NULL)
        path = arena_format(session->arena, "%s.reproducer.rir", run->original->name);
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

/* The rest of the line that begins with the mark, at the head of the file. */
static SourceRange find_line(const SourceFile *text, const char *mark) {
    size_t length = strlen(mark);
    for (size_t at = 0; at < text->length && text->text[at] == '#';) {
        const char *line = text->text + at;
        const char *end = memchr(line, '\n', text->length - at);
        size_t size = end != NULL ? (size_t)(end - line) : text->length - at;
        if (size >= length && memcmp(line, mark, length) == 0)
            return (SourceRange){text, (uint32_t)(at + length), (uint32_t)(at + size)};
        at += size + 1;
    }
    return (SourceRange){0};
}

static void read_check(OptOptions *opt, const char *word) {
    if (strcmp(word, "verify-each") == 0)
        opt->model.verify_each = true;
    else if (strcmp(word, "check-each") == 0)
        opt->check_each = true;
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
