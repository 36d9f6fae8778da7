/* The files that riffle compile makes: which are wanted, what is in them, and writing them. */
#include "backends/emit/c/source.h"
#include "backends/emit/cuda/source.h"
#include "backends/output/program_draw.h"
#include "backends/output/weights_object.h"
#include "backends/schedule/schedule_text.h"
#include "driver/compile.h"
#include "driver/depfile.h"
#include "driver/graphviz.h"
#include "driver/output_files.h"
#include "ir/progress.h"
#include "ir/quote.h"

#include <string.h>

const OutputInfo compile_output_table[OUTPUT_COUNT] = {
    [OUTPUT_LIBRARY] = {NULL, "lib%s.a", FOR_ALL, .of_library = true},
    [OUTPUT_SHARED_LIBRARY] = {NULL, "lib%s.so", FOR_CPUS, .of_library = true},
    [OUTPUT_HEADER] = {NULL, "%s.h", FOR_ALL, .of_library = true},
    [OUTPUT_METADATA] = {NULL, "%s.json", FOR_ALL, .of_library = true},
    [OUTPUT_WEIGHTS_FILE] = {NULL, "%s.weights", FOR_CPUS, .of_library = true},
    [OUTPUT_LLVM_IR] = {"ll", "%s.ll", FOR_CPUS},
    [OUTPUT_ASSEMBLY] = {"s", "%s.s", FOR_CPUS},
    [OUTPUT_OBJECT] = {"o", "%s.o", FOR_CPUS},
    [OUTPUT_WEIGHTS_OBJECT] = {"o", "%s_weights.o", FOR_CPUS, .of_library = true,
        .of_levels = true},
    [OUTPUT_GRAPH] = {"rir", "%s.rir", FOR_ALL, .of_levels = true},
    [OUTPUT_SCHEDULE] = {"schedule", "%s.schedule", FOR_CPUS},
    [OUTPUT_KERNELS] = {"kernels", "%s.rkir", FOR_ALL},
    [OUTPUT_DRAWING] = {"dot", "%s.dot", FOR_ALL},
    [OUTPUT_PICTURE] = {"svg", "%s.svg", FOR_ALL},
    [OUTPUT_MATERIALS] = {"cyclonedx", "%s.cdx.json", FOR_ALL, .of_library = true,
        .of_levels = true},
    [OUTPUT_C_SOURCE] = {"c", "%s.c", FOR_CPUS},
    [OUTPUT_C_WEIGHTS] = {"c", "%s_weights.S", FOR_CPUS},
    [OUTPUT_C_WEIGHTS_BYTES] = {"c", "%s_weights.bin", FOR_CPUS},
    [OUTPUT_CUDA_SOURCE] = {"cu", "%s.cu", FOR_GPUS},
    [OUTPUT_PTX] = {"ptx", "%s.ptx", FOR_GPUS},
    [OUTPUT_CUBIN] = {"cubin", "%s.cubin", FOR_GPUS},
    [OUTPUT_FATBIN] = {"fatbin", "%s.fatbin", FOR_GPUS},
};

bool compile_is_for_gpu(const CompileOptions *options) {
    return strncmp(options->model.target, "cuda-", 5) == 0;
}

/* ---- making ---- */

static bool make_drawing(
    const CompileOptions *options, const CompiledModel *compiled, bool picture, Text *out) {
    Text drawing = {0};
    Session *session = options->session;
    int steps = program_draw(compiled->program, options->draw_only, &drawing);
    bool done = steps > 0 || options->draw_only == NULL;
    if (!done)
        diagnostics_error(session->diagnostics, "NAME.json has the paths of all steps",
            "--draw-only: no step has a path that begins with '%s'", options->draw_only);
    else if (picture)
        done = graphviz_render(&drawing, out, session);
    else
        text_append_bytes(out, drawing.data, drawing.length);
    text_free(&drawing);
    return done;
}

/* What is made in another way for a GPU; *done is left alone for what is not. */
static bool make_gpu_output(const CompileOptions *options, OutputKind kind,
    const CompiledModel *compiled, Output *output, bool *done) {
    Text *out = &output->text;
    const Graph *graph = compiled->model.graph;
    const Program *program = compiled->program;
    Diagnostics *diagnostics = options->session->diagnostics;
    *done = true;
    switch (kind) {
    case OUTPUT_LIBRARY:
        *done =
            cuda_library_write(graph, program, options->nvcc, out, &output->splice, diagnostics);
        return true;
    case OUTPUT_HEADER:
        cuda_header_write(graph, program, out);
        return true;
    case OUTPUT_CUDA_SOURCE:
        cuda_source_write(graph, program, out);
        return true;
    case OUTPUT_C_WEIGHTS:
        cuda_weights_write(graph, out);
        return true;
    default:
        return false;
    }
}

static bool make_output(const CompileOptions *options, OutputKind kind,
    const CompiledModel *compiled, const Provenance *provenance, Output *output) {
    Diagnostics *diagnostics = options->session->diagnostics;
    const Graph *graph = compiled->model.graph;
    const RestingBytes *weights = program_weights(compiled->program);
    Text *out = &output->text;
    bool done = true;
    if (compile_is_for_gpu(options) && make_gpu_output(options, kind, compiled, output, &done))
        return done;
    switch (kind) {
    case OUTPUT_LIBRARY:
        return library_write(graph, compiled->program, out, &output->splice, diagnostics);
    case OUTPUT_HEADER:
        header_write(graph, compiled->program, out);
        return true;
    case OUTPUT_METADATA:
        metadata_write(graph, compiled->program, provenance, out);
        return true;
    case OUTPUT_WEIGHTS_FILE:
        text_append_bytes(
            out, compiled->program->weights_file, sizeof *compiled->program->weights_file);
        output->splice = (Splice){.at = out->length,
            .bytes = weights->data,
            .length = weights->length,
            .rests = weights->rests};
        return true;
    case OUTPUT_LLVM_IR:
        return llvm_emit(compiled->program, EMIT_LLVM_IR, out, diagnostics);
    case OUTPUT_ASSEMBLY:
        return llvm_emit(compiled->program, EMIT_ASSEMBLY, out, diagnostics);
    case OUTPUT_OBJECT:
        return llvm_emit(compiled->program, EMIT_OBJECT, out, diagnostics);
    case OUTPUT_WEIGHTS_OBJECT:
        return weights_object_write(compiled->program, out, &output->splice, diagnostics);
    case OUTPUT_GRAPH:
        graph_print(graph, out);
        return true;
    case OUTPUT_SCHEDULE:
        schedule_print(compiled->program, out);
        return true;
    case OUTPUT_KERNELS:
        program_print(compiled->program, out);
        return true;
    case OUTPUT_DRAWING:
    case OUTPUT_PICTURE:
        return make_drawing(options, compiled, kind == OUTPUT_PICTURE, out);
    case OUTPUT_C_SOURCE:
        return c_source_write(graph, compiled->program, out, diagnostics);
    case OUTPUT_C_WEIGHTS:
        c_weights_write(compiled->program, out);
        return true;
    case OUTPUT_C_WEIGHTS_BYTES:
        output->splice =
            (Splice){.bytes = weights->data, .length = weights->length, .rests = weights->rests};
        return true;
    case OUTPUT_PTX:
        return llvm_emit(compiled->program, EMIT_ASSEMBLY, out, diagnostics);
    case OUTPUT_CUBIN:
    case OUTPUT_FATBIN:
        return cuda_binary_write(graph, compiled->program, options->nvcc,
            compile_output_table[kind].emit_word, out, diagnostics);
    case OUTPUT_SHARED_LIBRARY:
    case OUTPUT_MATERIALS:
    case OUTPUT_CUDA_SOURCE:
    case OUTPUT_COUNT:
        break;
    }
    return false;
}

bool compile_wants(const CompileOptions *options, OutputKind kind) {
    if (kind == OUTPUT_WEIGHTS_FILE)
        return options->weights_apart;
    if (kind == OUTPUT_SHARED_LIBRARY)
        return options->shared;
    if (compile_is_for_gpu(options))
        return kind == OUTPUT_LIBRARY ? options->nvcc != NULL
               : kind == OUTPUT_CUDA_SOURCE || kind == OUTPUT_C_WEIGHTS ||
                       kind == OUTPUT_C_WEIGHTS_BYTES
                   ? true
                   : compile_output_table[kind].emit_word == NULL || options->wanted[kind];
    bool from_c = options->model.backend == BACKEND_C;
    switch (kind) {
    case OUTPUT_WEIGHTS_OBJECT:
        return options->wanted[kind] && !options->weights_apart;
    case OUTPUT_LIBRARY:
        return !from_c || options->model.c_compiler != NULL;
    case OUTPUT_C_WEIGHTS:
    case OUTPUT_C_WEIGHTS_BYTES:
        return !options->weights_apart && (from_c || options->wanted[kind]);
    case OUTPUT_C_SOURCE:
        return from_c || options->wanted[kind];
    default:
        return compile_output_table[kind].emit_word == NULL || options->wanted[kind];
    }
}

static bool has_output(const CompileOptions *options, int part, OutputKind kind) {
    return compile_wants(options, kind) && (part == 0 || !compile_output_table[kind].of_library);
}

static bool make_shared_library(const CompileOptions *options, CompiledLibrary *library) {
    Output *outputs = library->outputs[0];
    return shared_library_write(library->models[0].program, options->linker,
        &outputs[OUTPUT_LIBRARY].text, &outputs[OUTPUT_LIBRARY].splice,
        &outputs[OUTPUT_SHARED_LIBRARY].splice, options->session->diagnostics);
}

/* One that is made of other outputs, or of all parts. */
static bool make_output_of_library(const CompileOptions *options, OutputKind kind,
    CompiledLibrary *library, Text *out, bool *done) {
    const Provenance *provenance = &library->provenance;
    if (kind == OUTPUT_SHARED_LIBRARY)
        *done = make_shared_library(options, library);
    else if (kind == OUTPUT_MATERIALS)
        cyclonedx_write(library->name, provenance, out);
    else if (kind == OUTPUT_HEADER && library->count > 1)
        header_write_variants(library->parts, library->count, out);
    else if (kind == OUTPUT_METADATA && library->count > 1)
        metadata_write_variants(library->parts, library->count, provenance, out);
    else
        return false;
    return true;
}

bool compile_outputs_make(const CompileOptions *options, CompiledLibrary *library) {
    for (int part = 0; part < library->count; part++)
        for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
            Output *output = &library->outputs[part][kind];
            bool done = true;
            if (!has_output(options, part, (OutputKind)kind))
                continue;
            if (!make_output_of_library(options, (OutputKind)kind, library, &output->text, &done))
                done = make_output(options, (OutputKind)kind, &library->models[part],
                    &library->provenance, output);
            if (!done)
                return false;
        }
    return true;
}

/* ---- writing ---- */

static char *file_name(const CompileOptions *options, OutputKind kind, const char *name) {
    char name_of_file[512];
    snprintf(name_of_file, sizeof name_of_file, compile_output_table[kind].format, name);
    return arena_copy_string(options->session->arena, name_of_file);
}

bool compile_outputs_write(const CompileOptions *options, const CompiledLibrary *library) {
    Session *session = options->session;
    if (strlen(library->parts[0].graph->name) > 200) {
        diagnostics_error(session->diagnostics, "give a shorter one with --name",
            "the network's name is too long for a file");
        return false;
    }
    OutputFiles files = {.session = session};
    int work = progress_begin("writing files", 0);
    for (int part = 0; part < library->count; part++)
        for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
            const Output *output = &library->outputs[part][kind];
            const char *name = compile_output_table[kind].of_library
                                   ? library->name
                                   : library->parts[part].graph->name;
            if (has_output(options, part, (OutputKind)kind))
                *output_files_add_spliced(&files, file_name(options, (OutputKind)kind, name),
                    output->splice) = output->text;
        }
    Text rule = {0};
    bool written = true;
    if (options->depfile != NULL) {
        const char *target = output_file_path(&files.items[0], options->directory, session->arena);
        written = depfile_write(target, session, &rule);
        *output_files_add_outside(&files, options->depfile) = rule;
    }
    written = written && output_files_write(&files, options->directory);
    text_free(&rule);
    progress_end(work);
    if (!written)
        return false;
    for (size_t i = 0; i < files.count && session->messages.verbose; i++)
        printf("%-40s %10zu bytes\n",
            quote_copy(session->arena,
                output_file_path(&files.items[i], options->directory, session->arena)),
            files.items[i].contents.length + files.items[i].splice.length);
    return true;
}

void compiled_library_close(CompiledLibrary *library) {
    for (int i = 0; i < library->count; i++) {
        for (int kind = 0; kind < OUTPUT_COUNT; kind++)
            text_free(&library->outputs[i][kind].text);
        compiled_model_close(&library->models[i]);
    }
}
