/* What code can be made for: processors, platforms and GPUs (tables in *.def). */
#ifndef RIFFLE_BACKENDS_TARGET_TARGET_H
#define RIFFLE_BACKENDS_TARGET_TARGET_H

#include "ir/arena.h"
#include "ir/diagnostics.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    int cuda_version;       /* the first whose nvcc makes code for it: 12080 for 12.8 */
} GpuTarget;

/* How a processor multiplies bytes and adds them up, with four products in a lane of 32 bits: not
 * in code that is made here; as pairs of numbers of 16 bits, when they were widened; of signed
 * bytes, which become 16 bits and then 32; of signed bytes all four at once; of bytes and signed
 * bytes all four at once. */
typedef enum ByteProducts {
    BYTES_NONE,
    BYTES_IN_PAIRS,
    BYTES_IN_STEPS,
    BYTES_IN_SIGNED_QUADS,
    BYTES_IN_QUADS
} ByteProducts;

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
    ByteProducts bytes;
    int64_t l1_bytes, l2_bytes;
    const char *summary;
    Bf16Products bf16;
    bool f16;             /* it computes with vectors of fp16: twice as many lanes as of f32 */
    const GpuTarget *gpu; /* NULL for a CPU */
    int lane_registers; /* the first ones, of which alone a multiply-add takes a lane; 0: of any */
} Target;

/* A processor by the name that LLVM has for it, and what it has besides its class. */
typedef struct Processor {
    const char *name, *class_name;
    int l1_kib, l2_kib; /* 0: as its class */
    ByteProducts bytes; /* NONE: as its class */
    Bf16Products bf16;
    bool f16;
} Processor;

/* Whose object files and calls these are. */
typedef struct Platform {
    const char *name, *triple; /* both without the API level */
    Architecture architecture;
    const char *target;   /* the class of processors that it is for when none is named */
    int lowest_api_level; /* 0: the platform has none */
    ObjectFormat format;
    const char *summary;
} Platform;

/* The rows of targets.def and of cpus.def; *count is set. */
const Target *target_table(size_t *count);
const Platform *platform_table(size_t *count);
const Processor *processor_table(size_t *count);

/* The class of that name; NULL: there is none. */
const Target *target_class(const char *name);

/* The rows of gpus.def: targets like others, but only `riffle compile` takes them. */
const Target *gpu_target_table(size_t *count);

/* The name of an architecture, and the bytes of a pointer on it. */
const char *architecture_name(Architecture architecture);
int architecture_pointer_bytes(Architecture architecture);

/* Whether it takes numbers of fp16 from memory and back, also where it computes with them as f32.
 */
static inline bool target_stores_f16(const Target *target) {
    return target->f16 || target->architecture == ARCHITECTURE_AARCH64 ||
           (target->architecture == ARCHITECTURE_X86_64 && target->fused_multiply_add);
}

/* The processors that multiply pairs of bf16, joined by commas; and those that compute with fp16.
 */
const char *target_names_with_bf16(Arena *arena);
const char *target_names_with_f16(Arena *arena);

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

/* The best class that this machine belongs to, with what else it can do and its caches; NULL: no
 * code is made for it.
 */
const Target *target_native(Arena *arena);

#endif
