/* Runs a program in this process: compiled by the system's C compiler to a shared object, which is
 * loaded and then removed. */
#include "backends/output/c_objects.h"
#include "backends/output/elf.h"
#include "backends/output/work_folder.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/loaded.h"
#include "backends/run/model.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/text.h"
#include <dlfcn.h>
#include <stdlib.h>

static void unload(void *handle) {
    dlclose(handle);
}

static bool look_up(Build *build, LoadedModel *model) {
    const char *name = build->program->name;
    void *run = dlsym(model->handle, arena_format(build->arena, "%s_run", name));
    void *parallel = dlsym(model->handle, arena_format(build->arena, "%s_run_parallel", name));
    if (!run || !parallel) {
        diagnostics_error(build->diagnostics, NULL, "cannot link the model: %s", dlerror());
        return false;
    }
    model->run = (RunFunction *)run;
    model->run_parallel = (RunParallelFunction *)parallel;
    return true;
}

static LoadedModel *load_shared(Build *build) {
    Text file = {0};
    const char *path = work_folder_path(&build->folder, "model.so");
    LoadedModel *model = calloc(1, sizeof *model);
    if (model == NULL)
        out_of_memory();
    if (!work_folder_read(&build->folder, "model.so", &file)) {
        free(model);
        return NULL;
    }
    model->code_bytes = elf_instruction_bytes(&file);
    text_free(&file);
    model->unload = unload;
    model->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!model->handle)
        diagnostics_error(build->diagnostics, NULL, "cannot load the model: %s", dlerror());
    else if (look_up(build, model))
        return model;
    else
        dlclose(model->handle);
    free(model);
    return NULL;
}

LoadedModel *c_load(const Program *program, Diagnostics *diagnostics) {
    Build build = {.program = program, .diagnostics = diagnostics};
    LoadedModel *model = NULL;
    if (build_begin(&build) && build_run(&build, (const char *const[]){"-shared", "-o", "model.so",
                                                     build.source, build.weights, "-lm", NULL}))
        model = load_shared(&build);
    build_end(&build);
    return model;
}
