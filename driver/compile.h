/* What riffle compile is asked for, what it makes of it, and the files. */
#ifndef RIFFLE_DRIVER_COMPILE_H
#define RIFFLE_DRIVER_COMPILE_H

#include "backends/backends.h"
#include "backends/program/program.h"
#include "driver/model.h"
#include "driver/provenance.h"
#include "driver/variants.h"

typedef enum OutputKind {
    OUTPUT_LIBRARY,
    OUTPUT_SHARED_LIBRARY, /* made of the one before */
    OUTPUT_HEADER,
    OUTPUT_METADATA,
    OUTPUT_WEIGHTS_FILE,
    OUTPUT_LLVM_IR,
    OUTPUT_ASSEMBLY,
    OUTPUT_OBJECT,
    OUTPUT_WEIGHTS_OBJECT,
    OUTPUT_GRAPH,
    OUTPUT_SCHEDULE,
    OUTPUT_KERNELS,
    OUTPUT_DRAWING,
    OUTPUT_PICTURE,
    OUTPUT_MATERIALS,
    OUTPUT_C_SOURCE,
    OUTPUT_C_WEIGHTS,
    OUTPUT_C_WEIGHTS_BYTES,
    OUTPUT_CUDA_SOURCE,
    OUTPUT_PTX,
    OUTPUT_CUBIN,
    OUTPUT_FATBIN,
    OUTPUT_COUNT
} OutputKind;

/* What an output is made for. */
typedef enum OutputMachines { FOR_CPUS, FOR_GPUS, FOR_ALL } OutputMachines;

typedef struct OutputInfo {
    const char *emit_word; /* of --emit; NULL: written always */
    const char *format;    /* of the file's name; %s is the network's */
    OutputMachines machines;
    bool of_library; /* there is one for all variants */
    bool of_levels;  /* there is one for all levels of a target */
} OutputInfo;

/* What is written to a file. */
typedef struct Output {
    Text text;
    Splice splice;
} Output;

typedef struct CompileOptions {
    ModelOptions model;
    Session *session;
    const char *directory;
    const char *depfile;   /* NULL: none */
    const char *draw_only; /* NULL: all */
    const char *nvcc;      /* NULL when there is none */
    bool wanted[OUTPUT_COUNT];
    bool weights_apart, shared;
    const char *linker; /* that --linker names; NULL: whichever is there */
    VariantList variants;
} CompileOptions;

/* What becomes one library: the network, or its variants. */
typedef struct CompiledLibrary {
    CompiledModel models[MOST_LIBRARY_VARIANTS];
    LibraryPart parts[MOST_LIBRARY_VARIANTS]; /* the same */
    int count;
    const char *name;
    Provenance provenance;
    Output outputs[MOST_LIBRARY_VARIANTS][OUTPUT_COUNT]; /* of the whole: in the first row */
} CompiledLibrary;

/* One row for each kind. */
extern const OutputInfo compile_output_table[OUTPUT_COUNT];

bool compile_is_for_gpu(const CompileOptions *options);

/* Whether a file of that kind is written. The C backend makes a library when a compiler was named;
 * its source is always wanted. */
bool compile_wants(const CompileOptions *options, OutputKind kind);

/* Whether what is asked for goes together, before anything is made; else says what does not
 * (compile_checks.c). */
bool compile_options_fit(const CompileOptions *options);

/* Makes the contents of all files that are wanted, and writes them; nothing is left behind where
 * one fails. */
bool compile_outputs_make(const CompileOptions *options, CompiledLibrary *library);
bool compile_outputs_write(const CompileOptions *options, const CompiledLibrary *library);
void compiled_library_close(CompiledLibrary *library);

#endif
