/* Whether what riffle compile is asked for goes together. */
#include "driver/compile.h"

#include <string.h>

/* Whether each --emit is of something that the target has. */
static bool emits_fit_target(const CompileOptions *options) {
    bool fit = true, gpu = compile_is_for_gpu(options);
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        OutputMachines machines = compile_output_table[kind].machines;
        bool fits = machines == FOR_ALL || (machines == FOR_GPUS) == gpu;
        bool first = kind == 0 || compile_output_table[kind - 1].emit_word == NULL ||
                     strcmp(compile_output_table[kind].emit_word,
                         compile_output_table[kind - 1].emit_word) != 0;
        if (!options->wanted[kind] || fits || !first)
            continue;
        diagnostics_error(options->session->diagnostics,
            gpu ? "NAME.cu is always written; --emit ptx writes what LLVM makes of the kernels"
                : "give one: --target cuda-sm_90",
            gpu ? "'--emit %s' is not for a GPU" : "'--emit %s' is for a GPU",
            compile_output_table[kind].emit_word);
        fit = false;
    }
    return fit;
}

/* Whether nvcc is there for what it alone makes. */
static bool check_nvcc(const CompileOptions *options) {
    for (int kind = OUTPUT_CUBIN; kind <= OUTPUT_FATBIN; kind++) {
        if (!options->wanted[kind] || options->nvcc != NULL)
            continue;
        diagnostics_error(options->session->diagnostics,
            "name one by the environment variable NVCC; '--emit ptx' needs none",
            "'--emit %s' is made by nvcc, and there is none", compile_output_table[kind].emit_word);
        return false;
    }
    return true;
}

/* Whether what LLVM alone can write is asked of LLVM. */
static bool check_backend(const CompileOptions *options) {
    static const OutputKind by_llvm[] = {OUTPUT_LLVM_IR, OUTPUT_ASSEMBLY, OUTPUT_OBJECT};
    for (size_t i = 0; i < sizeof by_llvm / sizeof *by_llvm; i++) {
        if (options->model.backend != BACKEND_C || !options->wanted[by_llvm[i]])
            continue;
        diagnostics_error(options->session->diagnostics,
            "leave out --backend c; '--emit c' writes the C source beside other files",
            "'--emit %s' is made by the LLVM backend", compile_output_table[by_llvm[i]].emit_word);
        return false;
    }
    return backend_available(&options->model);
}

/* Whether each --emit is of something that there is one of. */
static bool emits_fit_levels(const CompileOptions *options) {
    const TargetLevels *levels = model_levels(&options->model);
    bool fit = true;
    for (int kind = 0; levels != NULL && kind < OUTPUT_COUNT; kind++) {
        const char *word = compile_output_table[kind].emit_word;
        if (!options->wanted[kind] || compile_output_table[kind].of_levels)
            continue;
        diagnostics_error(options->session->diagnostics,
            arena_format(options->session->arena, "give one of them: --%s %s",
                options->model.processor ? "cpu" : "target", target_levels_example(levels)),
            "--emit %s is of one processor's code, and '%s' is several", word, levels->name);
        fit = false;
    }
    return fit;
}

static bool weights_fit_target(const CompileOptions *options) {
    bool fit = !options->weights_apart || !compile_is_for_gpu(options);
    if (!fit)
        diagnostics_error(options->session->diagnostics,
            "leave it out: the library copies its weights to the GPU when it is made ready",
            "--weights-file is not for a GPU");
    return fit;
}

/* Whether what --shared asks for can be made of the outputs. */
static bool shared_fits(const CompileOptions *options) {
    Diagnostics *diagnostics = options->session->diagnostics;
    if (options->linker != NULL && !options->shared) {
        diagnostics_error(diagnostics, "--shared makes libNAME.so",
            "--linker is for a shared library, and none is made");
        return false;
    }
    if (options->shared && compile_is_for_gpu(options)) {
        diagnostics_error(diagnostics, "leave it out, and link libNAME.a with CUDA's libraries",
            "--shared is not for a GPU");
        return false;
    }
    if (options->shared && !compile_wants(options, OUTPUT_LIBRARY)) {
        diagnostics_error(diagnostics, "name a C compiler, as in --cc cc",
            "--shared links libNAME.a, which --backend c makes only with a C compiler");
        return false;
    }
    return true;
}

bool compile_options_fit(const CompileOptions *options) {
    return weights_fit_target(options) && shared_fits(options) &&
           variants_fit(&options->variants, &options->model) && emits_fit_target(options) &&
           check_nvcc(options) && check_backend(options) && emits_fit_levels(options);
}
