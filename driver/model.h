/* The network a command works on: the options that name it, and the road from its spec to a graph
 * with weights, through the passes, to a program. */
#ifndef RIFFLE_DRIVER_MODEL_H
#define RIFFLE_DRIVER_MODEL_H

#include "backends/backends.h"
#include "driver/calibration_method.h"
#include "driver/driver.h"
#include "driver/layout_form.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "runtime/riffle_runtime.h"

typedef enum Precision { PRECISION_FP32, PRECISION_INT8, PRECISION_BF16, PRECISION_FP16 } Precision;

typedef struct FileList {
    const char **paths;
    size_t count;
} FileList;

typedef struct ModelOptions {
    Session *session;
    const char *spec; /* .rfl, .json or .rir */
    Setting *settings;
    size_t setting_count;
    const char *name;         /* NULL: the network's own */
    const char *name_ending;  /* behind that and an underscore; NULL: nothing */
    bool shares_weights;      /* packed as other programs for the target pack them, to be joined */
    const char *weights_file; /* NULL when not given */
    const char *weights_prefix; /* NULL when not given */
    const char *weights_names;  /* NULL when not given */
    bool random_weights;
    int64_t seed;
    const char *target;      /* name */
    const char *processor;   /* of the target; NULL: the one it stands for */
    const char *tuning_file; /* NULL when not given */
    const char *pipeline;    /* NULL: that of the level */
    int64_t level;
    bool level_given; /* -O was on the command line */
    bool verify_each;
    LayoutForm layout;
    LowerChains chains;
    LowerWinograd winograd;
    Precision precision;
    FileList calibration;    /* files of inputs */
    bool random_calibration; /* made up ones, too */
    CalibrationMethod calibration_method;
    bool calibration_method_given, equalize;
    const char *precision_options; /* of the pass that makes the precision; NULL for none */
    const char *precision_map;     /* which layers stay float; NULL when not given */
    Backend backend;
    const char *c_compiler; /* NULL: what the environment has */
    Runner runner;          /* without a command, code runs in this process */
    PassRegistry *registry; /* what pipelines are made of */
    const char *plugins;    /* the options that loaded some of it, for hints: "" for none */
    bool spec_optional;     /* no error when there is no SPEC */
    bool stdin_is_ir;       /* the SPEC "-" is a .rir file, not a spec */
} ModelOptions;

ModelOptions model_options(Session *session, const char *target);

/* Option groups for the children of a command's argp; the input of each is the ModelOptions. The
 * first also takes the operand SPEC. That of the processor is a part of that of the target. */
extern const struct argp spec_argp, weights_argp, passes_argp, target_argp, backend_argp,
    runner_argp, processor_argp;
/* Gives the first `count` children of the parser the options as input (on ARGP_KEY_INIT). */
void model_options_init(struct argp_state *state, ModelOptions *options, int count);

/* Whether -O or --passes was on the command line. */
bool model_passes_given(const ModelOptions *options);

typedef struct Model {
    Graph *graph;
    WeightFile *weight_file;
    const SourceFile *ir_text; /* of a .rir file, NULL for a spec */
} Model;

/* Reads the spec and builds its graph, without weights. */
bool model_read(const ModelOptions *options, Model *model);
/* Gives the graph its weights from the options; having neither is an error. */
bool model_load_weights(const ModelOptions *options, Model *model);
/* What will run: that of the level or the user's, less what the form of layout ops leaves out, and
 * the pass that makes the precision, which calibration comes before. */
const char *model_pipeline(const ModelOptions *options);
/* Runs what comes before that pass and calibration. */
bool model_run_float_passes(const ModelOptions *options, Model *model);
/* Runs all that. */
bool model_run_passes(const ModelOptions *options, Model *model);
void model_close(Model *model); /* a zeroed model is allowed */

/* A model on its way through all phases, and the time each took. */
typedef struct CompiledModel {
    Model model;
    Graph *as_written; /* with weights, before the passes */
    const Target *target;
    Tuning *tuning;             /* that of --tuning, or NULL */
    const TargetLevels *levels; /* NULL for one target; else that is of the level that runs here */
    Program *program;
    double read_seconds, weights_seconds, passes_seconds, lower_seconds;
} CompiledModel;

/* The row of several targets that the options name; NULL: they name one. */
const TargetLevels *model_levels(const ModelOptions *options);
/* The one target that the options name. NULL after reporting. */
const Target *model_target(const ModelOptions *options);
/* Reads the file of --tuning, if there is one; else *tuning is NULL. False after reporting. */
bool model_tuning(const ModelOptions *options, const Target *target, Tuning **tuning);
/* Lowers a graph in the form that the options ask for. NULL after reporting. */
Program *model_lower(
    const ModelOptions *options, const Graph *graph, const Target *target, Tuning *tuning);
/* One of several targets alone, as a library for all of them has it. */
Program *model_lower_level(
    const ModelOptions *options, const Graph *graph, const TargetLevels *levels, int level);
/* That of --runner, or NULL. */
const Runner *model_runner(const ModelOptions *options);
/* What shares the runs of a model out to so many threads: *pool for what runs here, NULL for one
 * thread and for what runs elsewhere, whose threads are there. False after reporting. */
bool model_pool(const ModelOptions *options, int64_t threads, riffle_pool **pool);
/* Reports and returns false when this riffle was built without the backend. */
bool backend_available(const ModelOptions *options);
/* From the spec to the program; `for_this_machine` also asks that the code can be made and runs
 * here, or by the runner. False after reporting; close it in any case. */
bool model_compile(const ModelOptions *options, bool for_this_machine, CompiledModel *compiled);
void compiled_model_close(CompiledModel *compiled); /* a zeroed one is allowed */

int64_t graph_macs(const Graph *graph);

#endif
