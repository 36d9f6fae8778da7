/* Passes run in a process of their own, so that one that crashes leaves a message and a reproducer.
 * This process keeps the network as it was: it can run the passes before the fatal one again. */
#include "driver/opt.h"
#include "driver/progress.h"
#include "ir/ending.h"
#include "ir/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

OptProgress *opt_progress_create(void) {
    void *memory =
        mmap(NULL, sizeof(OptProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void opt_start_clock(const OptRun *run) {
    alarm((unsigned)run->opt->timeout);
}

void opt_stop_clock(void) {
    alarm(0);
}

static void finish(void *progress) {
    ((OptProgress *)progress)->finished = true;
}

OptOutcome opt_guard(OptRun *run, OptFunction *function, void *context) {
    *run->progress = (OptProgress){.running = -1};
    fflush(NULL);
    progress_pause();
    HeldSignals signals;
    signals_hold(&signals);
    pid_t child = fork();
    if (child <= 0)
        signals_release(&signals);
    if (child < 0) {
        progress_resume(false);
        diagnostics_error(run->opt->model.session->diagnostics, NULL, "cannot start a process: %s",
            strerror(errno));
        return (OptOutcome){0};
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody waits for the result any more */
        Ending ending;                    /* with a message that tells all */
        ending_expect(&ending, finish, run->progress);
        progress_take_over();
        opt_start_clock(run);
        int status = function(run, context);
        progress_finish();
        run->progress->finished = true;
        fflush(NULL);
        _exit(status);
    }
    int status = signals_wait(&signals, child); /* so that it can take away what it has begun */
    signals_release(&signals);
    bool finished = run->progress->finished && WIFEXITED(status);
    progress_resume(!finished);
    return (OptOutcome){
        .started = true,
        .finished = finished,
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
    };
}

const char *opt_outcome_text(const OptOutcome *outcome, Arena *arena) {
    if (outcome->signal == SIGALRM)
        return "took longer than --timeout allows";
    if (outcome->signal != 0)
        return arena_format(arena, "crashed: %s", strsignal(outcome->signal));
    return arena_format(arena, "ended the process with status %d", outcome->status);
}

static int run_here(OptRun *run, void *context) {
    (void)context;
    bool succeeded = opt_run(run);
    return opt_finish(run, succeeded ? EXIT_DONE : EXIT_FAILED);
}

/* Runs the steps before `*context` and writes the graph that they leave, and the rest. */
static int write_reproducer(OptRun *run, void *context) {
    size_t first = *(const size_t *)context;
    Session *session = run->opt->model.session;
    Pipeline before = {run->pipeline->steps, first};
    if (pipeline_execute(&before, run->model.graph, NULL, session->diagnostics))
        opt_reproducer_write(run, run->model.graph, first);
    return opt_finish(run, EXIT_DONE);
}

static int report_crash(OptRun *run, const OptOutcome *outcome, int step) {
    Session *session = run->opt->model.session;
    if (!weights_check(run->model.weight_file, session->diagnostics))
        return opt_finish(run, EXIT_FAILED); /* no pass is to blame */
    const char *what = opt_outcome_text(outcome, session->arena);
    if (step < 0) {
        diagnostics_error(
            session->diagnostics, "this is a fault of riffle, please report it", "riffle %s", what);
        return opt_finish(run, EXIT_FAILED);
    }
    Text name = {0};
    pipeline_step_name(&run->pipeline->steps[step], &name);
    diagnostics_error(session->diagnostics, "--no-fork lets a debugger see it", "the pass '%s' %s",
        name.data, what);
    text_free(&name);
    size_t first = (size_t)step;
    /* The other process prints the message above, too, and the note. */
    OptOutcome second = opt_guard(run, write_reproducer, &first);
    if (!second.finished)
        return opt_finish(run, EXIT_FAILED);
    opt_discard(run);
    return EXIT_FAILED;
}

int opt_run_guarded(OptRun *run) {
    if (run->opt->no_fork)
        return run_here(run, NULL);
    OptOutcome outcome = opt_guard(run, run_here, NULL);
    if (!outcome.started)
        return opt_finish(run, EXIT_FAILED);
    if (!outcome.finished && outcome.signal != SIGPIPE)
        return report_crash(run, &outcome, run->progress->running);
    opt_discard(run);
    if (outcome.signal == SIGPIPE) /* nobody reads any more: no fault, and nothing to say */
        raise(SIGPIPE);
    return outcome.status;
}
