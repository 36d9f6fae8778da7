/* What is told of the passes of riffle opt: where they all but rewrote, and what they changed. */
#include "driver/line_diff.h"
#include "driver/opt.h"
#include "ir/name_map.h"

#include <string.h>

static void add_note(Diagnostics *diagnostics, SourceRange rule) {
    if (rule.file != NULL)
        diagnostics_report(
            diagnostics, SEVERITY_NOTE, rule, NULL, "the condition of the rule is here");
}

void opt_remark(void *context, const PassContext *pass, const Node *node, SourceRange rule,
    const char *condition) {
    OptRun *run = context;
    Text text = {0};
    pipeline_step_name(pass->step, &text);
    text_append(
        &text, rule.file != NULL ? " does not apply: this does not hold: " : " does not apply: ");
    text_append(&text, condition);
    text_append(&text, ", at");
    node_print(pass->graph, node, &text);
    while (text.length > 0 && text.data[text.length - 1] == '\n')
        text.data[--text.length] = '\0';
    if (name_map_find(run->remarks, text.data) == NULL) {
        Diagnostics *diagnostics = pass->diagnostics;
        name_map_put(run->remarks, arena_copy_string(run->before_arena, text.data), run);
        diagnostics_report(diagnostics, SEVERITY_REMARK, node->where, NULL, "%s", text.data);
        add_note(diagnostics, rule);
    }
    text_free(&text);
}

void opt_print_changed(const OptRun *run, const PipelineStep *step, const Graph *graph) {
    Text before = {0}, after = {0}, text = {0};
    graph_print(run->before, &before);
    graph_print(graph, &after);
    bool same = text_equal(&before, &after);
    text_append(&text, same ? "# unchanged by " : "# changed by ");
    pipeline_step_name(step, &text);
    text_append(&text, "\n");
    if (!same && run->opt->print_changed == CHANGED_DIFF)
        line_diff_print(before.data, after.data, &text);
    else if (!same)
        text_append_bytes(&text, after.data, after.length);
    fwrite(text.data, 1, text.length, stderr);
    text_free(&before);
    text_free(&after);
    text_free(&text);
}
