/* Rules: what is taken becomes passes, which may change a graph, or refuse to, but not break it. */
#include "frontend/frontend.h"
#include "ir/source_file.h"
#include "passes/rules/rules.h"
#include "tests/fuzz/work.h"

#include <string.h>

/* Something for most patterns. */
static const char network[] = "network small { input x: f32[1, 4, 6, 5] input z: f32[1, 4, 6, 5]\n"
                              "a = x |> pad(1) |> conv(4, 3, padding = 0) |> relu |> relu6 |> "
                              "conv(4, 1) |> batch_norm |> relu\n"
                              "b = z |> flatten |> linear(4) |> bias |> batch_norm\n"
                              "c = x |> shuffle(2) |> shuffle(2) |> bias |> clip(0, 6)\n"
                              "output y = ((a |> conv(4, 1, bias = true)) + c) |> max_pool(1)\n"
                              "output q = b |> softmax }\n";

/* These make weights as large as a number of the file says. */
static bool makes_large(const Text *file) {
    static const char *const functions[] = {"identity", "filled", "pad", "concat"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (memmem(file->data, file->length, functions[i], strlen(functions[i])) != NULL)
            return true;
    return false;
}

static void run_rules(const PassRegistry *registry, Work *work) {
    size_t own;
    pass_table(&own);
    for (size_t i = own; i < pass_registry_count(registry); i++) {
        SourceFile file = {"small.rfl", network, sizeof network - 1};
        Diagnostics *diagnostics = diagnostics_create();
        Spec *spec = spec_parse(&file, work->arena, diagnostics);
        Graph *graph =
            spec == NULL ? NULL : spec_elaborate(spec, NULL, 0, work->arena, diagnostics);
        if (graph == NULL)
            work_fail(work, "the network for rules cannot be read");
        weights_randomize(graph, 1);
        PipelineOptions options = {.registry = registry};
        bool done = pipeline_run(graph, pass_registry_at(registry, i)->name, &options, diagnostics);
        if (done && !graph_verify(graph, diagnostics))
            work_fail(work, "a rule breaks a valid graph");
        if (!done && diagnostics_error_count(diagnostics) == 0)
            work_fail(work, "a rule failed in silence");
        diagnostics_destroy(diagnostics);
    }
}

bool try_rules(const Text *text) {
    Work work = work_begin();
    SourceFile file = {"rules.rfl", text->data, text->length};
    PassRegistry *registry = pass_registry_create(work.arena);
    RuleList rules = {0};
    Spec *spec = spec_parse(&file, work.arena, work.diagnostics);
    bool taken = spec != NULL && spec_rules(spec, &rules, work.arena, work.diagnostics) &&
                 rules_add(registry, &rules, work.arena, work.diagnostics);
    if (work_check(&work, taken) && !makes_large(text))
        run_rules(registry, &work);
    work_end(&work);
    return taken;
}

int rules_seeds(const char *examples, Text *seeds, int most) {
    static const char *const names[] = {"first", "merge_branches", "siblings", "passes"};
    int count = 0;
    Work work = work_begin();
    for (size_t i = 0; i < sizeof names / sizeof *names && count < most; i++) {
        const char *path = arena_format(work.arena, "%s/rules/%s.rfl", examples, names[i]);
        SourceFile *file = source_file_read(path, 1 << 20, NULL, work.arena, work.diagnostics);
        if (file == NULL)
            work_fail(&work, "an example is missing");
        text_append_bytes(&seeds[count++], file->text, file->length);
    }
    work_end(&work);
    return count;
}
