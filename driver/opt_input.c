/* What `riffle opt` works on: the network, the pipeline, and the steps that options name. */
#include "driver/opt.h"

#include <stdlib.h>
#include <string.h>

/* ---- names of steps: PASS, PASS#2 ---- */

typedef struct StepName {
    const Pass *pass;
    int occurrence; /* 0: all of them */
} StepName;

static bool read_step_name(
    const OptOptions *opt, const char *option, const char *text, StepName *name) {
    Session *session = opt->model.session;
    const char *hash = strchr(text, '#');
    size_t length = hash != NULL ? (size_t)(hash - text) : strlen(text);
    const char *pass = arena_copy_bytes(session->arena, text, length);
    name->pass = pass_registry_find(opt->model.registry, pass);
    name->occurrence = 0;
    if (name->pass == NULL) {
        diagnostics_error(session->diagnostics,
            pass_registry_hint(opt->model.registry, pass, session->arena), "%s: unknown pass '%s'",
            option, pass);
        return false;
    }
    if (hash == NULL)
        return true;
    char *end;
    long number = strtol(hash + 1, &end, 10);
    if (end != hash + 1 && *end == '\0' && number >= 1 && number <= 1000000) {
        name->occurrence = (int)number;
        return true;
    }
    diagnostics_error(session->diagnostics, "the second run is PASS#2",
        "%s: '%s' is no number of a run", option, hash + 1);
    return false;
}

static int count_occurrences(const Pipeline *pipeline, const Pass *pass) {
    int count = 0;
    for (size_t i = 0; i < pipeline->count; i++)
        count += pipeline->steps[i].pass == pass;
    return count;
}

static bool name_occurs(
    const OptRun *run, const char *option, const StepName *name, Diagnostics *diagnostics) {
    int count = count_occurrences(run->pipeline, name->pass);
    if (count > 0 && name->occurrence <= count)
        return true;
    if (count == 0)
        diagnostics_error(diagnostics, "--print-pipeline shows it",
            "%s: the pipeline does not run '%s'", option, name->pass->name);
    else
        diagnostics_error(diagnostics, NULL, "%s: the pipeline runs '%s' %d time%s", option,
            name->pass->name, count, count == 1 ? "" : "s");
    return false;
}

/* ---- lists of names ---- */

enum { MARK_BEFORE, MARK_AFTER };

static void mark(OptRun *run, int what, const StepName *name) {
    for (size_t i = 0; i < run->pipeline->count; i++) {
        const PipelineStep *step = &run->pipeline->steps[i];
        if (name != NULL && (step->pass != name->pass ||
                                (name->occurrence != 0 && name->occurrence != step->occurrence)))
            continue;
        if (what == MARK_BEFORE)
            run->steps[i].print_before = true;
        else
            run->steps[i].print_after = true;
    }
}

/* A list separated by commas; "all" stands for every step. */
static bool mark_list(OptRun *run, int what, const char *option, const char *list) {
    Session *session = run->opt->model.session;
    bool good = true;
    while (list != NULL) {
        size_t length = strcspn(list, ",");
        const char *word = arena_copy_bytes(session->arena, list, length);
        StepName name;
        if (strcmp(word, "all") == 0)
            mark(run, what, NULL);
        else if (read_step_name(run->opt, option, word, &name) &&
                 name_occurs(run, option, &name, session->diagnostics))
            mark(run, what, &name);
        else
            good = false;
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return good;
}

/* The index of one step; a name without a number is the first run. -1 after reporting. */
static int find_step(const OptRun *run, const char *option, const char *text) {
    StepName name;
    if (!read_step_name(run->opt, option, text, &name) ||
        !name_occurs(run, option, &name, run->opt->model.session->diagnostics))
        return -1;
    int occurrence = name.occurrence > 0 ? name.occurrence : 1;
    size_t i = 0;
    while (run->pipeline->steps[i].pass != name.pass ||
           run->pipeline->steps[i].occurrence != occurrence)
        i++;
    return (int)i;
}

static bool cut_pipeline(OptRun *run) {
    int last = find_step(run, "--stop-after", run->opt->stop_after);
    if (last >= 0)
        run->pipeline->count = (size_t)last + 1;
    return last >= 0;
}

static bool mark_drawn(OptRun *run) {
    int drawn = find_step(run, "--draw-pass", run->opt->draw_pass);
    if (drawn >= 0)
        run->steps[drawn].draw = true;
    return drawn >= 0;
}

/* ---- the network ---- */

Pipeline *opt_pipeline(OptOptions *opt, const SourceFile *ir_text) {
    const ModelOptions *model = &opt->model;
    Session *session = model->session;
    if (!model_passes_given(model) && ir_text != NULL) {
        SourceRange range = opt_reproducer_read(opt, ir_text);
        if (range.file != NULL)
            return pipeline_parse_range(
                range, model->registry, session->arena, session->diagnostics);
    }
    return pipeline_parse(
        model_pipeline(model), model->registry, session->arena, session->diagnostics);
}

static bool load_weights(OptRun *run) {
    OptOptions *opt = run->opt;
    bool given = opt->model.weights_file != NULL || opt->model.random_weights;
    bool checks = opt->check || opt->check_each || (opt->bisect && opt->bisect_command == NULL);
    if (checks && !given)
        opt->model.random_weights = true;
    return !(checks || given) || model_load_weights(&opt->model, &run->model);
}

bool opt_prepare(OptOptions *opt, OptRun *run) {
    Arena *arena = opt->model.session->arena;
    run->opt = opt;
    if (!model_read(&opt->model, &run->model))
        return false;
    run->pipeline = opt_pipeline(opt, run->model.ir_text);
    if (run->pipeline == NULL)
        return false;
    run->steps = ARENA_ARRAY(arena, OptStep, run->pipeline->count + 1);
    bool good = mark_list(run, MARK_BEFORE, "--print-before", opt->print_before);
    good = mark_list(run, MARK_AFTER, "--print-after", opt->print_after) && good;
    good = (opt->stop_after == NULL || cut_pipeline(run)) && good;
    good = (opt->draw_pass == NULL || mark_drawn(run)) && good;
    if (!good || !load_weights(run))
        return false;
    if (opt->check_exact && !opt_proof_begin(run))
        return false;
    run->original = graph_copy(run->model.graph, arena);
    return true;
}
