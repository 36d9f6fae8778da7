/* --bisect: finds the first pass, and the first rewrite in it, after which a check fails. Every
 * trial runs the beginning of the pipeline over the network anew, in a process of its own, so that
 * a crash is a failure like others.
 *
 * Both searches halve a range whose lower end was seen to pass and whose upper end was seen to
 * fail. So what they name passes without its last step, and fails with it, even if the check is
 * not monotonous. */
#include "driver/graph_command.h"
#include "driver/opt.h"
#include "driver/progress.h"
#include "driver/shell_word.h"
#include "ir/progress.h"

enum { TRIAL_PASSES = 0, TRIAL_FAILS = 1, TRIAL_IMPOSSIBLE = 2 };

typedef struct Trial {
    size_t steps;        /* of the pipeline, from its start */
    int64_t limit;       /* of rewrites in the last step */
    int64_t shown;       /* the rewrite to print, 0 for none */
    bool prints_reasons; /* whether the diagnostics are printed */
} Trial;

/* ---- the check ---- */

static int check_by_command(const OptRun *run) {
    Session *session = run->opt->model.session;
    const GraphCommand command = {.line = run->opt->bisect_command, .purpose = "bisect"};
    Text text = {0};
    graph_print(run->model.graph, &text);
    HeldSignals signals;
    signals_hold(&signals);
    GraphCommandEnd end = graph_command_run(&command, &text, &signals, session);
    signals_release(&signals);
    text_free(&text);
    if (end.ran && graph_command_is_impossible(&end))
        diagnostics_error(session->diagnostics, "it is run as: COMMAND FILE.rir",
            "the command '%s' cannot be run", command.line);
    if (!end.ran || graph_command_is_impossible(&end))
        return TRIAL_IMPOSSIBLE;
    return graph_command_status(&end) == 0 ? TRIAL_PASSES : TRIAL_FAILS;
}

static int check_by_proof(const OptRun *run, const Graph *graph) {
    Session *session = run->opt->model.session;
    GraphProofResult result = graph_proof_compare(run->proof, graph, session->arena);
    if (result.verdict == GRAPH_PROOF_UNKNOWN) {
        diagnostics_error(session->diagnostics, "without --check-each=exact there is a tolerance",
            "the weight '%s' is computed in a way that cannot be followed", result.what);
        return TRIAL_IMPOSSIBLE;
    }
    return opt_report_proof(&result, "", session->diagnostics) ? TRIAL_PASSES : TRIAL_FAILS;
}

static int check_by_interpreter(const OptRun *run) {
    Session *session = run->opt->model.session;
    const Graph *graph = run->model.graph;
    if (!graph_verify(graph, session->diagnostics))
        return TRIAL_FAILS;
    if (!graph_same_interface(run->original, graph)) {
        diagnostics_error(
            session->diagnostics, NULL, "the inputs or outputs of the graph were changed");
        return TRIAL_FAILS;
    }
    if (run->proof != NULL)
        return check_by_proof(run, graph);
    const GraphAnswers *answers =
        graph_answers(graph, (uint64_t)run->opt->check_seed, session->arena, session->diagnostics);
    if (answers == NULL)
        return TRIAL_FAILS;
    double difference = answers_difference(run->answers, answers);
    if (answers_agree(difference))
        return TRIAL_PASSES;
    diagnostics_error(session->diagnostics, NULL,
        "the largest difference is %.3g of the largest output", difference);
    return TRIAL_FAILS;
}

/* ---- one trial, in its own process ---- */

typedef struct RunningTrial {
    OptRun *run;
    const Trial *trial;
} RunningTrial;

static void before_rewrite(void *context, const PassContext *pass, const Node *node) {
    const RunningTrial *running = context;
    OptRun *run = running->run;
    bool is_last = pass->step == &run->pipeline->steps[running->trial->steps - 1];
    run->progress->rewrites = is_last ? pass->rewrites : 0;
    if (!is_last || pass->rewrites != running->trial->shown)
        return;
    progress_hide();
    Text text = {0};
    if (node != NULL)
        node_print(pass->graph, node, &text);
    else
        text_append(&text, "  at no node of the graph\n");
    fwrite(text.data, 1, text.length, stdout);
    fflush(stdout); /* the rewrite may crash */
    text_free(&text);
}

static int run_trial(OptRun *run, void *context) {
    const Trial *trial = context;
    Session *session = run->opt->model.session;
    session->diagnostics = diagnostics_create(); /* what was noted before is not of this trial */
    RunningTrial running = {run, trial};
    Pipeline pipeline = {run->pipeline->steps, trial->steps};
    PipelineOptions options = {
        .rewriting = before_rewrite,
        .context = &running,
        .limited_step = trial->steps > 0 ? &pipeline.steps[trial->steps - 1] : NULL,
        .rewrite_limit = trial->limit,
    };
    int result = TRIAL_FAILS;
    if (pipeline_execute(&pipeline, run->model.graph, &options, session->diagnostics))
        result =
            run->opt->bisect_command != NULL ? check_by_command(run) : check_by_interpreter(run);
    progress_hide();
    if (trial->prints_reasons || result == TRIAL_IMPOSSIBLE)
        messages_print_between(session->messages, session->diagnostics, stderr);
    return result;
}

/* TRIAL_FAILS includes crashes. *rewrites is set to those of the last step. */
static int try_steps(OptRun *run, Trial trial, int64_t *rewrites) {
    OptOutcome outcome = opt_guard(run, run_trial, &trial);
    if (rewrites != NULL)
        *rewrites = run->progress->rewrites;
    if (!outcome.started)
        return TRIAL_IMPOSSIBLE;
    if (outcome.finished)
        return outcome.status;
    if (trial.prints_reasons)
        fprintf(stderr, "riffle: the pipeline %s\n",
            opt_outcome_text(&outcome, run->opt->model.session->arena));
    return TRIAL_FAILS;
}

/* ---- the search ---- */

typedef struct Search {
    OptRun *run;
    bool impossible; /* a check could not be made; it has been reported */
    int trials;
} Search;

static bool passes_check(Search *search, Trial trial, int64_t *rewrites) {
    progress_set(++search->trials);
    int result = try_steps(search->run, trial, rewrites);
    search->impossible = search->impossible || result == TRIAL_IMPOSSIBLE;
    return result == TRIAL_PASSES;
}

/* How many steps it takes to fail. */
static size_t find_step(Search *search) {
    size_t good = 0, bad = search->run->pipeline->count;
    while (bad - good > 1 && !search->impossible) {
        size_t middle = good + (bad - good) / 2;
        if (passes_check(search, (Trial){.steps = middle, .limit = INT64_MAX}, NULL))
            good = middle;
        else
            bad = middle;
    }
    return bad;
}

/* How many rewrites of that last step it takes; 0 when it fails without any. */
static int64_t find_rewrite(Search *search, size_t steps, int64_t rewrites) {
    int64_t good = 0, bad = rewrites;
    if (!passes_check(search, (Trial){.steps = steps, .limit = 0}, NULL))
        return 0;
    while (bad - good > 1 && !search->impossible) {
        int64_t middle = good + (bad - good) / 2;
        if (passes_check(search, (Trial){.steps = steps, .limit = middle}, NULL))
            good = middle;
        else
            bad = middle;
    }
    return bad;
}

/* The whole pipeline must fail, and the network as it is must not. */
static bool has_range(Search *search) {
    OptRun *run = search->run;
    Diagnostics *diagnostics = run->opt->model.session->diagnostics;
    if (!passes_check(search, (Trial){.limit = INT64_MAX, .prints_reasons = true}, NULL)) {
        if (!search->impossible)
            diagnostics_error(diagnostics, NULL, "the check fails before any pass has run");
        return false;
    }
    Trial all = {.steps = run->pipeline->count, .limit = INT64_MAX};
    if (passes_check(search, all, NULL)) {
        diagnostics_error(diagnostics, "there is nothing to look for",
            "the check does not fail after the pipeline");
        return false;
    }
    return !search->impossible;
}

static const char trial_work[] = "looking for the first pass that fails, trial";

/* After how many steps the check first fails; 0 after reporting why that cannot be said. */
static size_t find_failing_step(Search *search) {
    int work = progress_begin(trial_work, 0);
    size_t steps = has_range(search) ? find_step(search) : 0;
    progress_end(work);
    return search->impossible ? 0 : steps;
}

static void print_result(Search *search, size_t steps) {
    OptRun *run = search->run;
    const PipelineStep *step = &run->pipeline->steps[steps - 1];
    Text name = {0};
    pipeline_step_name(step, &name);
    printf("first pass that fails: %s, %zu of %zu\n", name.data, steps, run->pipeline->count);
    text_free(&name);
    int64_t rewrites = 0, first = 0;
    int work = progress_begin(trial_work, 0);
    passes_check(search, (Trial){.steps = steps, .limit = INT64_MAX}, &rewrites);
    if (rewrites > 0)
        first = find_rewrite(search, steps, rewrites);
    progress_end(work);
    if (first == 0)
        printf("it fails without any rewrite that it counts\n");
    else
        printf(
            "first rewrite that fails: %lld of %lld, at\n", (long long)first, (long long)rewrites);
    Trial last = {.steps = steps, .limit = first, .shown = first, .prints_reasons = true};
    passes_check(search, last, NULL);
    printf("trials: %d\n", search->trials);
}

/* How to go on. The test is of the pipeline at the head of the reproducer, which checks as
 * --bisect does without a command. */
static void print_reduction(const OptRun *run) {
    const char *path = opt_reproducer_path(run);
    Text test = {0}, line = {0};
    text_format(&test, "! riffle opt --reproducer=/dev/null%s", run->opt->model.plugins);
    if (run->opt->timeout > 0)
        text_format(&test, " --timeout=%lld", (long long)run->opt->timeout);
    shell_word_append(&line, path);
    text_append(&line, " \\\n    --test=");
    shell_word_append(&line, test.data);
    printf("to make it small: riffle reduce %s\n", line.data);
    text_free(&test);
    text_free(&line);
}

/* The graph before the step, and the step alone. */
static int write_reproducer(OptRun *run, void *context) {
    size_t steps = *(const size_t *)context;
    Session *session = run->opt->model.session;
    Pipeline before = {run->pipeline->steps, steps - 1};
    if (pipeline_execute(&before, run->model.graph, NULL, session->diagnostics)) {
        run->pipeline->count = steps;
        opt_reproducer_write(run, run->model.graph, steps - 1);
    }
    return opt_finish(run, EXIT_DONE);
}

int opt_bisect(OptRun *run) {
    Session *session = run->opt->model.session;
    Search search = {.run = run};
    if (run->opt->bisect_command == NULL && run->proof == NULL) {
        run->answers = graph_answers(
            run->original, (uint64_t)run->opt->check_seed, session->arena, session->diagnostics);
        if (run->answers == NULL)
            return opt_finish(run, EXIT_FAILED);
    }
    size_t steps = find_failing_step(&search);
    if (steps == 0)
        return opt_finish(run, EXIT_FAILED);
    print_result(&search, steps);
    run->opt->check_each = run->opt->bisect_command == NULL;
    OptOutcome outcome = opt_guard(run, write_reproducer, &steps);
    if (run->opt->check_each && outcome.finished && outcome.status == EXIT_DONE)
        print_reduction(run);
    opt_discard(run);
    return EXIT_FAILED; /* it found what fails */
}
