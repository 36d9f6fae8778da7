/* NAME.cu: the kernels as device functions, the global function that calls them, and the host
 * functions of the header. */
#include "backends/emit/cuda/source.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/text.h"

#include <string.h>

enum { PART_ALIGNMENT = 256 };

static void write_constants(const Program *program, Text *out) {
    int64_t most = 0;
    text_format(
        out, "enum {\n    PHASES = %d,\n    THREADS = %d,\n", program->phase_count, CUDA_THREADS);
    for (int phase = 0; phase < program->phase_count; phase++) {
        int64_t items = cuda_phase_items(program, phase);
        most = items > most ? items : most;
    }
    text_format(out, "    MOST_ITEMS = %lld, /* of a phase */\n", (long long)most);
    text_format(out, "    COMPUTE_CAPABILITY = %d,\n", program->target->gpu->compute_capability);
    text_format(out, "    SHARED_BYTES = %lld,\n", (long long)cuda_shared_bytes(program));
    int64_t workspace =
        (program->workspace_bytes + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
    int64_t counters = program->phase_count * (int64_t)sizeof(uint32_t);
    text_format(out, "    BARRIER_BYTES = %lld\n};\n",
        (long long)(counters + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT);
    text_format(out, "static const size_t workspace_bytes = %lldu;\n", (long long)workspace);
    text_format(out, "static const size_t weight_bytes = %zuu;\n\n", program->weights.length);
    text_append(out, "/* Blocks that have something to do in each phase. */\n"
                     "static const int phase_items[PHASES] = {");
    for (int phase = 0; phase < program->phase_count; phase++)
        text_format(out, "%s%lld",
            phase == 0        ? ""
            : phase % 12 == 0 ? ",\n    "
                              : ", ",
            (long long)cuda_phase_items(program, phase));
    text_append(out, "};\n\n");
}

/* `version` as CUDART_VERSION has it: 12080 for 12.8. */
static void write_least_version(int version, Text *out) {
    text_format(out,
        "#if CUDART_VERSION < %d\n"
        "#error \"this file needs CUDA %d.%d or newer\"\n"
        "#endif\n\n",
        version, version / 1000, version % 1000 / 10);
}

static void write_parameters(const Graph *graph, const char *name, bool names_only, Text *out) {
    if (cuda_takes_pointers(graph))
        text_append(out, names_only ? "input, output" : "const float *input, float *output");
    else if (names_only)
        text_append(out, "inputs, outputs");
    else
        text_format(out, "const struct %s_inputs *inputs,\n    const struct %s_outputs *outputs",
            name, name);
}

/* 0, or no less than a row and no more than kernels can count. */
static void write_row_checks(const Graph *graph, const Names *names, Text *out) {
    for (int i = 0; i < graph->input_count; i++) {
        const TensorType *type = &graph->inputs[i].value->type;
        if (cuda_input_is_of_bytes(graph, i))
            text_format(out,
                "    if (inputs->row_bytes.%s != 0 &&\n"
                "        (inputs->row_bytes.%s < %lld || inputs->row_bytes.%s > %lld))\n"
                "        return %s_ERROR_ROW_BYTES;\n",
                names->inputs[i], names->inputs[i], (long long)(type->dims[1] * type->dims[3]),
                names->inputs[i], (long long)cuda_most_row_bytes(type), names->upper);
    }
}

static void write_run(const Graph *graph, const Names *names, Text *out) {
    const char *name = names->name, *upper = names->upper;
    bool pointers = cuda_takes_pointers(graph);
    text_format(out, "extern \"C\" int %s_run(\n    struct %s_model *model, ", name, name);
    write_parameters(graph, name, false, out);
    text_append(out, ", void *stream)\n{\n");
    text_format(out, "    if (model == NULL || %s == NULL || %s == NULL",
        pointers ? "input" : "inputs", pointers ? "output" : "outputs");
    for (int i = 0; i < graph->input_count && !pointers; i++)
        text_format(out, " ||\n        inputs->%s == NULL", names->inputs[i]);
    for (int i = 0; i < graph->output_count && !pointers; i++)
        text_format(out, " ||\n        outputs->%s == NULL", names->outputs[i]);
    text_format(out, ")\n        return %s_ERROR_NULL_POINTER;\n", upper);
    write_row_checks(graph, names, out);
    text_format(out,
        "    int device = -1;\n"
        "    cudaError_t error = cudaGetDevice(&device);\n"
        "    if (error != cudaSuccess)\n"
        "        return failed(model, error, %s_ERROR_CUDA);\n"
        "    if (device != model->device)\n"
        "        return %s_ERROR_WRONG_DEVICE;\n"
        "    struct Pointers p;\n"
        "    p.arrived = (unsigned *)model->memory;\n"
        "    p.workspace = (float *)(model->memory + BARRIER_BYTES);\n"
        "    p.weights = (const float *)(model->memory + BARRIER_BYTES + workspace_bytes);\n"
        "#ifdef %s_STAMPS\n"
        "    p.stamps = model->stamps;\n"
        "    p.stamp_blocks = (unsigned)model->grid;\n"
        "#endif\n",
        upper, upper, upper);
    for (int i = 0; i < graph->input_count; i++)
        text_format(out, "    p.input%d = %s%s;\n", i, pointers ? "input" : "inputs->",
            pointers ? "" : names->inputs[i]);
    for (int i = 0; i < graph->input_count; i++)
        if (cuda_input_is_of_bytes(graph, i))
            text_format(out, "    p.row_bytes%d = inputs->row_bytes.%s;\n", i, names->inputs[i]);
    for (int i = 0; i < graph->output_count; i++)
        text_format(out, "    p.output%d = %s%s;\n", i, pointers ? "output" : "outputs->",
            pointers ? "" : names->outputs[i]);
    text_append(out, "    return start(model, p, (cudaStream_t)stream);\n}\n\n");
}

static void write_capture(const Graph *graph, const Names *names, Text *out) {
    const char *name = names->name, *upper = names->upper;
    text_format(out, "extern \"C\" int %s_capture(\n    struct %s_model *model, ", name, name);
    write_parameters(graph, name, false, out);
    text_format(out,
        ",\n    struct %s_graph **result)\n"
        "{\n"
        "    if (result != NULL)\n"
        "        *result = NULL;\n"
        "    if (model == NULL || result == NULL)\n"
        "        return %s_ERROR_NULL_POINTER;\n"
        "    struct %s_graph *graph = (struct %s_graph *)calloc(1, sizeof *graph);\n"
        "    if (graph == NULL)\n"
        "        return %s_ERROR_NO_MEMORY;\n"
        "    cudaStream_t stream = NULL;\n"
        "    cudaGraph_t captured = NULL;\n"
        "    int status = failed(model,\n"
        "        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), %s_ERROR_CUDA);\n"
        "    if (status == %s_OK)\n"
        "        status = failed(model,\n"
        "            cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "
        "%s_ERROR_CUDA);\n"
        "    if (status == %s_OK) {\n"
        "        status = %s_run(model, ",
        name, upper, name, name, upper, upper, upper, upper, upper, name);
    write_parameters(graph, name, true, out);
    text_format(out,
        ", stream);\n"
        "        int ended = failed(model, cudaStreamEndCapture(stream, &captured), "
        "%s_ERROR_CUDA);\n"
        "        status = status == %s_OK ? ended : status;\n"
        "    }\n"
        "    graph->model = model;\n"
        "    if (status == %s_OK)\n"
        "        status = failed(model,\n"
        "            cudaGraphInstantiateWithFlags(&graph->executable, captured, 0),\n"
        "            %s_ERROR_CUDA);\n"
        "    if (captured != NULL)\n"
        "        (void)cudaGraphDestroy(captured);\n"
        "    if (stream != NULL)\n"
        "        (void)cudaStreamDestroy(stream);\n"
        "    if (status != %s_OK) {\n"
        "        free(graph);\n"
        "        return status;\n"
        "    }\n"
        "    *result = graph;\n"
        "    return %s_OK;\n"
        "}\n\n",
        upper, upper, upper, upper, upper, upper);
}

void cuda_source_write(const Graph *graph, const Program *program, Text *out) {
    Arena *scratch = arena_create();
    Names names = cuda_names(graph, scratch);
    text_format(out,
        "/* The network %s for %s (%s). Compile with\n"
        " *     nvcc -O3 -arch=%s -c %s.cu\n"
        " * and link with %s_weights.S. The functions are documented in %s.h. */\n"
        "#include \"%s.h\"\n\n#include <cuda_runtime.h>\n#include <math.h>\n#include "
        "<stdlib.h>\n\n",
        graph->name, program->target->name, program->target->summary, program->target->cpu,
        graph->name, graph->name, graph->name, graph->name);
    write_least_version(program->target->gpu->cuda_version, out);
    text_format(out,
        "#ifdef %s_NVTX /* ranges for Nsight */\n#include <nvtx3/nvToolsExt.h>\n#endif\n\n",
        names.upper);
    text_format(out, "extern \"C\" const unsigned char %s_weights[];\n\n", names.name);
    Text kernels = {0};
    for (int i = 0; i < program->kernel_count; i++)
        cuda_kernel_write(program, i, scratch, &kernels);
    cuda_prelude_write(kernels.data, out);
    text_append_bytes(out, kernels.data, kernels.length);
    text_free(&kernels);
    cuda_network_write(program, &names, out);
    write_constants(program, out);
    cuda_model_write(&names, out);
    write_run(graph, &names, out);
    write_capture(graph, &names, out);
    cuda_graph_write(&names, out);
    arena_destroy(scratch);
}

void cuda_weights_write(const Graph *graph, Text *out) {
    text_format(out,
        "/* The packed weights of %s, from the file beside this one. */\n"
        "        .section .rodata.%s_cuda_weights, \"a\"\n"
        "        .globl %s_cuda_weights\n"
        "        .hidden %s_cuda_weights\n"
        "        .balign 64\n"
        "%s_cuda_weights:\n"
        "        .incbin \"%s_weights.bin\"\n"
        "        .section .note.GNU-stack, \"\"\n",
        graph->name, graph->name, graph->name, graph->name, graph->name, graph->name);
}
