/* The parts of `riffle opt`. */
#ifndef RIFFLE_DRIVER_OPT_H
#define RIFFLE_DRIVER_OPT_H

#include "driver/ablate.h"

typedef enum ReportForm { REPORT_NONE, REPORT_TEXT, REPORT_JSON } ReportForm;

typedef enum PrintChanged { CHANGED_NOT, CHANGED_GRAPH, CHANGED_DIFF } PrintChanged;

typedef struct OptOptions {
    ModelOptions model;
    const char *output;                     /* NULL: standard output */
    const char *print_before, *print_after; /* NULL, or names of steps */
    const char *stop_after;                 /* NULL, or the name of a step */
    bool check, check_each, check_exact;    /* the last: each step is proved */
    int64_t check_seed;
    ReportForm stats, times;
    bool print_pipeline, print_rewrites, remarks;
    PrintChanged print_changed;
    bool bisect;
    const char *bisect_command; /* NULL: the verifier and the interpreter */
    const char *reproducer;     /* NULL: NAME.reproducer.rir */
    bool no_fork;
    int64_t timeout;    /* seconds that a step, or a trial of --bisect, may take; 0: any */
    int64_t test_rules; /* on so many graphs; 0: not at all */
    AblationUnit ablate;
    const char *dot_file, *svg_file; /* NULL: no picture */
    const char *draw_pass;           /* NULL: the graph after the pipeline */
    const char *draw_only;           /* NULL, or what paths begin with */
} OptOptions;

/* What is known of a step of the pipeline before it runs, and after. */
typedef struct OptStep {
    bool print_before, print_after, draw;
    double difference; /* of --check-each */
} OptStep;

/* How far a run has come, in memory that a forked process shares with the one that waits for it. */
typedef struct OptProgress {
    int running; /* index of the step that runs, or is checked; -1 for none */
    int64_t rewrites;
    bool finished;
} OptProgress;

/* The network and what will run over it. */
typedef struct OptRun {
    OptOptions *opt;
    Model model;
    Graph *original;                   /* a copy of the graph before any pass */
    Graph *drawn_before, *drawn_after; /* copies, for --draw-pass */
    Pipeline *pipeline;
    OptStep *steps;
    OptProgress *progress;
    /* while a step runs: */
    Arena *before_arena;
    const Graph *before;     /* a copy of the graph before the step */
    struct NameMap *remarks; /* what was remarked in it */
    Arena *answers_arena;
    const GraphAnswers *answers; /* of that graph, for --check-each */
    GraphProof *proof;           /* for --check-each=exact, or NULL */
} OptRun;

/* ---- the network and the pipeline (opt_input.c) ---- */

/* The pipeline that the command line asks for alone, or that the head of a reproducer asks for when
 * the command line does not. NULL after reporting its mistakes. */
Pipeline *opt_pipeline(OptOptions *opt, const SourceFile *ir_text);
/* Reads the network, its weights where a check or the user asks for them, and the pipeline, cut
 * after --stop-after. False after reporting. */
bool opt_prepare(OptOptions *opt, OptRun *run);

/* ---- running (opt_run.c) ---- */

/* Runs the pipeline and all checks, prints what was asked for and writes the result. False after
 * reporting; a reproducer is left then. */
bool opt_run(OptRun *run);
/* The IR of `graph`, "-" and NULL are standard output. */
bool opt_write_graph(const OptRun *run, const char *path, const Graph *graph);

/* ---- checks (opt_check.c) ---- */

/* Draws what the network's weights are for --check-each=exact. False after reporting. */
bool opt_proof_begin(OptRun *run);
/* Holds the graph after the step against that before, in the way of --check-each. */
bool opt_check_step(
    OptRun *run, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics);
/* Whether a graph was proved; else reports, with `after`, " after the pass 'x'", in what is said.
 * Nothing is said where the verdict is UNKNOWN. */
bool opt_report_proof(const GraphProofResult *result, const char *after, Diagnostics *diagnostics);

/* ---- remarks (opt_remarks.c) ---- */

/* Reports a place where a pass all but rewrote, with the condition that did not hold, once. */
MissObserver opt_remark;
/* The graph after a step that changed it, or the lines that are others than before. */
void opt_print_changed(const OptRun *run, const PipelineStep *step, const Graph *graph);

/* ---- pictures (opt_draw.c) ---- */

bool opt_draws(const OptOptions *opt);
/* Writes the pictures that were asked for. False after reporting. */
bool opt_draw(const OptRun *run);

/* The end of a process: closes the network and finishes the session, or releases it without a word
 * where another process has printed what there was to say. */
int opt_finish(OptRun *run, int status);
void opt_discard(OptRun *run);

/* ---- other processes (opt_guard.c) ---- */

typedef struct OptOutcome {
    bool started;  /* false after reporting that there is no process to be had */
    bool finished; /* false: it crashed, or ended without returning */
    int status;    /* what the function returned, or the exit status */
    int signal;    /* that killed it, 0 for none */
} OptOutcome;

/* Calls the function in a process of its own, so that whatever a pass does, this one goes on. */
typedef int OptFunction(OptRun *run, void *context);
OptOutcome opt_guard(OptRun *run, OptFunction *function, void *context);
/* Runs the pipeline as opt_run, in a process of its own, and reports a crash. Returns an exit
 * status; the other process has printed its diagnostics. */
int opt_run_guarded(OptRun *run);
/* From now on this process has the seconds of --timeout; 0 means that it has all. */
void opt_start_clock(const OptRun *run);
void opt_stop_clock(void);
OptProgress *opt_progress_create(void); /* NULL when there is no memory to share */
/* "crashed (Segmentation fault)" */
const char *opt_outcome_text(const OptOutcome *outcome, Arena *arena);

/* ---- reproducers (opt_reproducer.c) ---- */

/* Writes `graph` and the pipeline from `first` on to the reproducer and adds a note that says so.
 */
void opt_reproducer_write(const OptRun *run, const Graph *graph, size_t first);
/* Reads the head of a reproducer: the pipeline's range, or a range without file when there is none.
 * Checks that it asks for are switched on. */
SourceRange opt_reproducer_read(OptOptions *opt, const SourceFile *text);
/* The pipeline at the head of a reproducer; "" of another file, and of none (NULL). */
const char *opt_reproducer_pipeline(const SourceFile *text, Arena *arena);
/* The head of that reproducer with another pipeline; nothing for other files. */
void opt_reproducer_print_head(const SourceFile *text, const char *pipeline, Text *head);
/* Where opt_reproducer_write writes. */
const char *opt_reproducer_path(const OptRun *run);

/* ---- reports (opt_report.c) ---- */

void opt_report(const OptRun *run, const PipelineOptions *pipeline);

/* ---- rules (opt_rules.c) ---- */

/* Tries all rules that there are on random graphs; returns the exit status, with the session
 * finished. */
int opt_test_rules(OptOptions *opt);

/* ---- bisection (opt_bisect.c) ---- */

/* Prints what it finds; returns the exit status, with the session finished. */
int opt_bisect(OptRun *run);

/* ---- the command (command_opt.c) ---- */

/* command_opt with options that were begun, so that their registry may hold further passes. */
int opt_command(OptOptions *opt, int argc, char **argv);

#endif
