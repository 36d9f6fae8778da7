/* Loading shared objects with passes, and running those. */
#include "passes/plugin.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY "riffle_pass_plugin_entry"

/* ---- running ---- */

void plugin_misuse(riffle_graph *graph, const char *format, ...) {
    PluginRun *run = plugin_run(graph);
    if (run->failed)
        return;
    run->failed = true;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    diagnostics_error(run->context->diagnostics, "riffle/pass.h says what may be asked and done",
        "the pass '%s' of the plugin '%s': %s", run->pass->pass.name, run->pass->plugin, message);
}

static bool run_plugin_pass(PassContext *context) {
    const PluginPass *pass = context->step->pass->data;
    PluginRun run = {.context = context, .pass = pass};
    run.functions.data = pass->description->data;
    plugin_add_questions(&run.functions);
    plugin_add_changes(&run.functions);
    size_t errors_before = diagnostics_error_count(context->diagnostics);
    bool succeeded = pass->description->run(&run.functions);
    bool reported = diagnostics_error_count(context->diagnostics) > errors_before;
    if (!succeeded && !reported)
        diagnostics_error(context->diagnostics, NULL,
            "the pass '%s' of the plugin '%s' failed and did not say why", pass->pass.name,
            pass->plugin);
    if (!succeeded || run.failed || reported)
        return false;
    if (graph_verify(context->graph, context->diagnostics))
        return true;
    diagnostics_error(context->diagnostics, "this is a fault of the plugin",
        "the graph is faulty after the pass '%s' of the plugin '%s'", pass->pass.name,
        pass->plugin);
    return false;
}

/* ---- loading ---- */

typedef struct Loader {
    PassRegistry *registry;
    const char *path;
    Arena *arena;
    Diagnostics *diagnostics;
} Loader;

/* What dlopen says, without the path that it begins with. */
static const char *loading_error(const char *path) {
    const char *message = dlerror();
    size_t length = strlen(path);
    if (message == NULL)
        return "it cannot be loaded";
    if (strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        return message + length + 2;
    return message;
}

typedef const riffle_pass_plugin *EntryFunction(void);

/* NULL after reporting. */
static EntryFunction *find_entry(const Loader *loader) {
    /* A name without a folder would be looked for among the system's libraries. */
    const char *file = strchr(loader->path, '/') != NULL
                           ? loader->path
                           : arena_format(loader->arena, "./%s", loader->path);
    struct stat status;
    if (stat(file, &status) == 0 && !S_ISREG(status.st_mode)) { /* dlopen would wait for a pipe */
        diagnostics_error(
            loader->diagnostics, NULL, "the pass plugin '%s' is no regular file", loader->path);
        return NULL;
    }
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        diagnostics_error(loader->diagnostics, NULL, "cannot load the pass plugin '%s': %s",
            loader->path, loading_error(file));
        return NULL;
    }
    diagnostics_note_input(loader->diagnostics, file);
    void *symbol = dlsym(object, ENTRY);
    if (symbol == NULL) {
        diagnostics_error(loader->diagnostics,
            "a pass plugin exports the function " ENTRY ", see riffle/pass.h",
            "'%s' is no pass plugin: it does not export " ENTRY, loader->path);
        dlclose(object);
        return NULL;
    }
    EntryFunction *entry;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from an object to a function */
    return entry;
}

static bool check_plugin(const Loader *loader, const riffle_pass_plugin *plugin) {
    if (plugin == NULL) {
        diagnostics_error(loader->diagnostics, NULL,
            "the pass plugin '%s' describes no passes: " ENTRY " returned NULL", loader->path);
        return false;
    }
    if (plugin->abi_major != RIFFLE_PASS_ABI_MAJOR || plugin->abi_minor > RIFFLE_PASS_ABI_MINOR) {
        diagnostics_error(loader->diagnostics, "build it again with the header of this riffle",
            "the pass plugin '%s' was built for version %u.%u of riffle/pass.h, this riffle has "
            "%d.%d",
            loader->path, plugin->abi_major, plugin->abi_minor, RIFFLE_PASS_ABI_MAJOR,
            RIFFLE_PASS_ABI_MINOR);
        return false;
    }
    if (plugin->pass_count > 0 && plugin->passes != NULL)
        return true;
    diagnostics_error(
        loader->diagnostics, NULL, "the pass plugin '%s' has no passes", loader->path);
    return false;
}

/* Reports each field that is NULL. */
static bool check_pass(const Loader *loader, const riffle_pass *pass, size_t index) {
    if (pass->name == NULL) {
        diagnostics_error(loader->diagnostics, NULL,
            "the pass plugin '%s': pass %zu of its list has no name", loader->path, index + 1);
        return false;
    }
    const struct {
        const char *name;
        bool present;
    } fields[] = {
        {"summary", pass->summary != NULL},
        {"statistic", pass->statistic != NULL},
        {"run", pass->run != NULL},
        {"options", pass->options != NULL || pass->option_count == 0},
    };
    bool complete = true;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].present)
            continue;
        diagnostics_error(loader->diagnostics, NULL,
            "the pass plugin '%s': '%s' of the pass '%s' is NULL", loader->path, fields[i].name,
            pass->name);
        complete = false;
    }
    return complete;
}

enum { MOST_OPTIONS = 64 };

static bool copy_option(
    const Loader *loader, const riffle_pass *pass, size_t index, PassOption *copy) {
    static const PassOptionKind kinds[] = {
        [RIFFLE_OPTION_INTEGER] = PASS_OPTION_INTEGER,
        [RIFFLE_OPTION_NUMBER] = PASS_OPTION_NUMBER,
        [RIFFLE_OPTION_FLAG] = PASS_OPTION_FLAG,
    };
    const riffle_pass_option *option = &pass->options[index];
    bool complete = option->name != NULL && option->default_text != NULL && option->meaning != NULL;
    if (!complete || (size_t)option->kind >= sizeof kinds / sizeof kinds[0]) {
        diagnostics_error(loader->diagnostics, "it needs a name, a kind, a default and a meaning",
            "the pass plugin '%s': option %zu of the pass '%s' is not complete", loader->path,
            index + 1, pass->name);
        return false;
    }
    *copy = (PassOption){option->name, kinds[option->kind], option->default_text, option->least,
        option->most, option->meaning};
    return true;
}

static bool add_pass(const Loader *loader, const riffle_pass *description) {
    if (description->option_count > MOST_OPTIONS) {
        diagnostics_error(loader->diagnostics, NULL,
            "the pass plugin '%s': the pass '%s' has %zu options, %d are allowed", loader->path,
            description->name, description->option_count, MOST_OPTIONS);
        return false;
    }
    PassOption *options = ARENA_ARRAY(loader->arena, PassOption, description->option_count);
    for (size_t i = 0; i < description->option_count; i++) {
        if (!copy_option(loader, description, i, &options[i]))
            return false;
    }
    PluginPass *pass = ARENA_NEW(loader->arena, PluginPass);
    pass->description = description;
    pass->plugin = arena_copy_string(loader->arena, loader->path);
    pass->pass = (Pass){
        .name = description->name,
        .summary = description->summary,
        .statistic = description->statistic,
        .run = run_plugin_pass,
        .options = options,
        .option_count = (int)description->option_count,
        .data = pass,
    };
    if (pass_registry_add(loader->registry, &pass->pass, loader->diagnostics))
        return true;
    diagnostics_report(loader->diagnostics, SEVERITY_NOTE, (SourceRange){0}, NULL,
        "in the pass plugin '%s'", loader->path);
    return false;
}

bool pass_plugin_load(
    PassRegistry *registry, const char *path, Arena *arena, Diagnostics *diagnostics) {
    Loader loader = {registry, path, arena, diagnostics};
    EntryFunction *entry = find_entry(&loader);
    const riffle_pass_plugin *plugin = entry == NULL ? NULL : entry();
    if (entry == NULL || !check_plugin(&loader, plugin))
        return false;
    bool good = true;
    for (size_t i = 0; i < plugin->pass_count; i++) {
        const riffle_pass *pass = &plugin->passes[i];
        good = check_pass(&loader, pass, i) && add_pass(&loader, pass) && good;
    }
    return good;
}
