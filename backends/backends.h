/* From graph to machine code: targets, lowering to kernels, code generation, and the files that
 * come out. */
#ifndef RIFFLE_BACKENDS_BACKENDS_H
#define RIFFLE_BACKENDS_BACKENDS_H

#include "ir/graph.h"
#include "runtime/riffle_runtime.h"

/* ---- targets (target.c; table in targets.def) ---- */

typedef enum Architecture {
#define ARCHITECTURE(identifier, name, pointer_bytes) ARCHITECTURE_##identifier,
#include "backends/target/targets.def"
#undef ARCHITECTURE
    ARCHITECTURE_COUNT
} Architecture;

typedef enum ObjectFormat { FORMAT_ELF, FORMAT_COFF, FORMAT_MACHO, FORMAT_WASM } ObjectFormat;

/* What the lowering for a GPU asks. */
typedef struct GpuTarget {
    int compute_capability; /* 90 for 9.0 */
    int multiprocessors;    /* of the largest common part */
    int64_t shared_bytes;   /* that a block can have */
    int64_t tile_bytes;     /* that a block should have, so that another one fits beside it */
} GpuTarget;

/* Whether a processor multiplies pairs of bf16, and if so, more numbers in a time than of f32. */
typedef enum Bf16Products { BF16_NONE, BF16_SLOW, BF16_FAST } Bf16Products;

/* A processor on a platform. */
typedef struct Target {
    const char *name; /* as the user gave it: "x86-64-v3", "znver4", "native" */
    Architecture architecture;
    const char *triple; /* LLVM target triple; it decides the ABI, too */
    ObjectFormat format;
    const char *cpu;             /* LLVM CPU name */
    const char *features;        /* LLVM feature string, "" for the CPU's own */
    int lanes;                   /* f32 lanes of the widest vector */
    int registers;               /* vector registers */
    int multiply_adds_per_cycle; /* of full vectors; half vectors: at least 2 */
    int loads_per_cycle;         /* of at most 8 lanes; wider ones take two */
    int instructions_per_cycle;
    bool masks;             /* masked stores are cheap */
    bool memory_broadcast;  /* a multiply-add can broadcast a float from memory */
    bool lane_multiply_add; /* a multiply-add can broadcast a lane of a register */
    bool fused_multiply_add;
    int64_t l1_bytes, l2_bytes;
    const char *summary;
    bool dot_products;    /* of bytes: x86-64 with VNNI */
    Bf16Products bf16;    /* of pairs of bf16: x86-64 with AVX512-BF16 */
    const GpuTarget *gpu; /* NULL for a CPU */
    int weight_block; /* output channels that packed weights keep together; 0: those of a tile */
    struct Tuning *tuning; /* choices that were measured (tuning.h); NULL: all are the model's */
} Target;

typedef struct Tuning Tuning;

/* Whose object files and calls these are. */
typedef struct Platform {
    const char *name, *triple; /* both without the API level */
    Architecture architecture;
    const char *target;   /* the class of processors that it is for when none is named */
    int lowest_api_level; /* 0: the platform has none */
    ObjectFormat format;
    const char *summary;
} Platform;

/* The rows of targets.def; *count is set. */
const Target *target_table(size_t *count);
const Platform *platform_table(size_t *count);
/* The rows of gpus.def: targets like others, but only `riffle compile` takes them. */
const Target *gpu_target_table(size_t *count);
/* The name of an architecture, and the bytes of a pointer on it. */
const char *architecture_name(Architecture architecture);
int architecture_pointer_bytes(Architecture architecture);
/* The processors that multiply pairs of bf16, joined by commas (bf16.def). */
const char *target_names_with_bf16(Arena *arena);
/* The processor names that target_find also takes (cpus.def), of one architecture; *count is set.
 */
const char *const *target_processor_names(Architecture architecture, Arena *arena, size_t *count);
/* A class of processors, a processor, a platform (with its API level, if it has one), or "native"
 * (this machine). NULL after reporting an error with the nearest known name. */
const Target *target_find(const char *name, Arena *arena, Diagnostics *diagnostics);
/* The same, of a platform, for the named processor or class of them; NULL: as target_find. */
const Target *target_find_processor(
    const char *name, const char *processor, Arena *arena, Diagnostics *diagnostics);
/* Whether code for the target runs on this machine. */
bool target_runs_here(const Target *target);

/* ---- several targets in one library (levels.c; table in levels.def) ---- */

enum { MOST_LEVELS = 4 };

typedef struct TargetLevel {
    const char *target;                     /* name; NULL behind the last level */
    int number;                             /* in the enum of the header */
    const char *word;                       /* in symbols: "x86_64_v3" */
    uint32_t leaf_1, leaf_80000001, leaf_7; /* of cpuid: bits of ecx, ecx and ebx */
    uint32_t kept_state;                    /* of xcr0 */
} TargetLevel;

typedef struct TargetLevels {
    const char *name, *triple;
    const char *base; /* the target of code that runs before the processor is known */
    const char *summary;
    TargetLevel levels[MOST_LEVELS]; /* from the lowest on */
} TargetLevels;

const TargetLevels *target_levels_table(size_t *count);
/* NULL when the name is that of no row. */
const TargetLevels *target_levels_find(const char *name);
int target_levels_count(const TargetLevels *levels);

/* ---- lowering (lower.c) ---- */

/* Kernels, their order, buffers and packed weights: everything that the printers need. */
typedef struct Program Program;

/* Whether no size is beyond what code can be made for in bounded time and memory; reports each node
 * that is. To be asked before weights are made and passes run: those take memory, too. */
bool graph_within_limits(const Graph *graph, Diagnostics *diagnostics);

typedef enum LowerChains { CHAINS_BY_COST, CHAINS_NEVER, CHAINS_ALWAYS } LowerChains;

/* Winograd's algorithm for dense 3x3 convolutions: faster, and a little less exact. */
typedef enum LowerWinograd { WINOGRAD_BY_COST, WINOGRAD_NEVER, WINOGRAD_ALWAYS } LowerWinograd;

/* How the values of both are spelled: "by-cost"; NULL behind the last. */
const char *lower_when_name(int when);

typedef struct LowerOptions {
    bool copy_layout;   /* each layout op moves all its numbers, as in an engine that runs op by op:
                           no views, and no producer that writes to where its reader looks */
    LowerChains chains; /* which layers share a kernel, row by row; answers are the same */
    int64_t ring_bytes; /* most that a chain may keep on the stack; 0: 96 KiB */
    LowerWinograd winograd; /* which convolutions it computes; GPU: none, always */
} LowerOptions;

/* The graph must have passed the pipeline (no batch_norm) and have weight data. NULL after errors.
 */
Program *program_lower(
    const Graph *graph, const Target *target, Arena *arena, Diagnostics *diagnostics);
Program *program_lower_with(const Graph *graph, const Target *target, const LowerOptions *options,
    Arena *arena, Diagnostics *diagnostics);
/* The same for each level: the program of the highest that runs here (or else of the lowest), from
 * which the writers and jit_load find the others. Sums are taken in the same order as elsewhere,
 * but tiles may be others than for the target alone. */
Program *program_lower_levels(const Graph *graph, const TargetLevels *levels,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics);
/* Releases the packed weights (of all levels); the rest belongs to the arena. NULL is allowed. */
void program_destroy(Program *program);
const Target *program_target(const Program *program);
/* Kernel IR as text. */
void program_print(const Program *program, Text *text);

typedef struct ProgramSummary {
    int64_t workspace_bytes;             /* the library's workspace */
    int64_t workspace_lower_bound_bytes; /* buffers alive at the worst step */
    int64_t live_bytes;                  /* the same without room for channels not yet written */
    int64_t weight_bytes;                /* packed */
    int64_t stack_bytes;                 /* what a thread needs: NAME_STACK_BYTES */
    int64_t unoptimized_stack_bytes;     /* if compiled from C at -O0; 0: machine code was made */
    int kernel_count;                    /* distinct kernels */
    int step_count;                      /* kernel calls of one run */
    int64_t macs;
    int64_t bytes_moved;  /* distinct numbers read and written by each step */
    int64_t layout_bytes; /* by copying alone: ir/kernel_count.h says what that is */
} ProgramSummary;
ProgramSummary program_summary(const Program *program);
/* Whether the packed weights are the same bytes. */
bool program_weights_equal(const Program *a, const Program *b);

/* What a step does to memory: see ir/kernel_count.h. */
typedef struct StepCount {
    int64_t bytes_read, bytes_written; /* of distinct numbers */
    int64_t layout_bytes; /* read and written by copying alone: all of a kernel that only moves
                             data, else twice what it stores as it was loaded */
    int64_t loaded_bytes, stored_bytes; /* by all accesses */
    int64_t multiply_adds_issued, multiply_adds_useful;
    bool only_moves; /* a copy: nothing that it stores was computed */
} StepCount;

typedef struct StepSummary {
    const Node *node; /* of the lowered graph; NULL for a copy to an output */
    const char *path; /* of the node in the spec; may be "" */
    const char *label, *op;
    const char *reason; /* why it must copy; NULL when it does more than that */
    int op_count;       /* ops that it computes, more than one in a chain */
    int64_t macs;
    StepCount count;
} StepSummary;
/* Step `index` of the summary's step_count. */
StepSummary program_step(const Program *program, int index);

/* ---- code generation ---- */

/* What spells the kernels. */
typedef enum Backend {
    BACKEND_DEFAULT, /* LLVM where it is built in, else C */
    BACKEND_LLVM,
    BACKEND_C
} Backend;

Backend backend_default(void); /* one of the others */
/* The backend that jit_load and library_write use for the program, and the C compiler of BACKEND_C:
 * a command with its first arguments, or NULL for that of the environment variable CC, cc, gcc or
 * clang. */
void program_set_backend(Program *program, Backend backend, const char *c_compiler);

/* How NAME_run_parallel uses the caller's parallel_for: see parallel.h. */
typedef enum ParallelLoops {
    LOOP_PER_RUN, /* once */
    LOOP_PER_STEP /* once a step, with its items: for who looks at steps, or cuts them */
} ParallelLoops;

/* Of all levels. LOOP_PER_RUN is the default. */
void program_set_loops(Program *program, ParallelLoops loops);

/* llvm/ */

bool llvm_is_built_in(void);
const char *llvm_version(void); /* "22.1.8"; "" without LLVM */

typedef enum EmitKind { EMIT_LLVM_IR, EMIT_ASSEMBLY, EMIT_OBJECT } EmitKind;

/* The code of the program. The weights are an external hidden symbol in it. */
bool llvm_emit(const Program *program, EmitKind kind, Text *out, Diagnostics *diagnostics);
/* An object file with that many zeros in place of the packed weights. */
bool llvm_emit_blank_weights(
    const Program *program, size_t length, Text *out, Diagnostics *diagnostics);
/* The object with the public functions of a program with levels: they ask the processor, and call
 * those of its level. */
bool llvm_emit_dispatch(const Program *program, Text *out, Diagnostics *diagnostics);

/* ---- running in this process (loaded.c, llvm/jit.c, c/load.c): loads the very code that would go
 * to the archive ---- */

typedef struct LoadedModel LoadedModel;

LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics);
void jit_unload(LoadedModel *model); /* NULL is allowed */
/* Bytes of instructions; -1 when the object is not ELF. */
int64_t jit_code_bytes(const LoadedModel *model);
/* inputs[i] and outputs[i] as in the graph; workspace of workspace_bytes, aligned to 64. Returns
 * the library's error code, 0 for success. */
int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace);
int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool);

/* ---- files (archive.c, header.c, metadata.c) ---- */

typedef struct ArchiveMember {
    const char *name; /* at most 15 bytes */
    Text contents;
    Splice splice; /* in the contents */
} ArchiveMember;

/* The object files of a library: code, in one or several, and weights. Returns how many, 0 after
 * errors; the caller frees their contents. */
enum { MOST_LIBRARY_MEMBERS = MOST_LEVELS + 2 };
int library_members(const Program *program, ArchiveMember *members, Diagnostics *diagnostics);

/* An archive with a symbol index, in the form that the linkers of the object format read; dates and
 * owners zero. `symbols[i]` are the global symbol names that member_of[i] defines.
 * One member may have a splice, which becomes that of the archive. */
void archive_write(ObjectFormat format, const ArchiveMember *members, size_t member_count,
    const char *const *symbols, const size_t *member_of, size_t symbol_count, Text *out,
    Splice *splice);

/* NAME.h: C99 and C++, self-contained. */
void header_write(const Graph *graph, const Program *program, Text *out);
/* The members of the structs that it declares, in order, one for each input or output. */
const char **header_members(const Graph *graph, bool of_outputs, Arena *arena);
/* NAME.json. `pipeline` is the pass pipeline that made the graph. */
void metadata_write(const Graph *graph, const Program *program, const char *pipeline, Text *out);
/* libNAME.a as bytes; the splice lives as long as the program. */
bool library_write(const Graph *graph, const Program *program, Text *out, Splice *splice,
    Diagnostics *diagnostics);

/* ---- measuring (peak.c, bandwidth.c) ---- */

/* Code for the target that does nothing but multiply-adds of fp32. NULL after reporting. */
typedef struct PeakProbe PeakProbe;
PeakProbe *peak_probe_create(const Target *target, Diagnostics *diagnostics);
void peak_probe_destroy(PeakProbe *probe);                /* NULL is allowed */
int64_t peak_probe_multiply_adds(const PeakProbe *probe); /* of a run, lane by lane */
void peak_probe_run(const PeakProbe *probe); /* tens of microseconds; on any threads at once */

/* Runs it on `threads` threads for about `seconds`: GFLOP/s of the best run of each, added up. */
double peak_gflops(const PeakProbe *probe, int threads, double seconds);

/* Measures what one thread reads from memory, in GB/s (10^9 bytes): the best of several sweeps over
 * an array that no cache holds. 0 after reporting that there is no room for it. */
double memory_gbytes(const Target *target, double seconds, Diagnostics *diagnostics);

#endif
