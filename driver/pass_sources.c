/* Passes from shared objects and from files of rules. */
#include "driver/pass_sources.h"
#include "frontend/frontend.h"
#include "passes/plugin.h"
#include "passes/rules/rules.h"

bool pass_source_load(int key, const char *path, PassRegistry *registry, Session *session) {
    if (key == OPTION_LOAD_PASS_PLUGIN)
        return pass_plugin_load(registry, path, session->arena, session->diagnostics);
    RuleList rules = {0};
    return rules_read(path, &rules, session->arena, session->diagnostics) &&
           rules_add(registry, &rules, session->arena, session->diagnostics);
}

const char *pass_source_note(int key, const char *path, const char *before, Arena *arena) {
    const char *option = key == OPTION_RULES ? "rules" : "load-pass-plugin";
    return arena_format(arena, "%s --%s=%s", before, option, path);
}
