#include "driver/layout_form.h"

#include <string.h>

static const LayoutFormInfo forms[LAYOUT_FORM_COUNT] = {
    [LAYOUT_FORM_ROUTED] = {"routed", {NULL}, false},
    [LAYOUT_FORM_MERGED] = {"merged", {"sink-route", "absorb-route", NULL}, true},
    [LAYOUT_FORM_AS_WRITTEN] = {"as-written", {"merge-layout", "sink-route", "absorb-route", NULL},
        true},
};

const LayoutFormInfo *layout_form_info(LayoutForm form) {
    return &forms[form];
}

bool layout_form_parse(Session *session, const char *name, LayoutForm *form) {
    const char *names[LAYOUT_FORM_COUNT];
    for (int i = 0; i < LAYOUT_FORM_COUNT; i++) {
        names[i] = forms[i].name;
        if (strcmp(names[i], name) == 0) {
            *form = (LayoutForm)i;
            return true;
        }
    }
    const char *near = closest_word(name, names, LAYOUT_FORM_COUNT);
    const char *hint =
        near != NULL ? arena_format(session->arena, "did you mean '%s'?", near) : NULL;
    diagnostics_error(session->diagnostics, hint,
        "'%s' is no value for --layout: give routed, merged or as-written", name);
    return false;
}

static bool leaves_out(const LayoutFormInfo *form, const char *pass) {
    for (int i = 0; form->left_out[i] != NULL; i++)
        if (strcmp(form->left_out[i], pass) == 0)
            return true;
    return false;
}

const char *layout_form_pipeline(
    LayoutForm form, const char *pipeline, const PassRegistry *registry, Arena *arena) {
    if (forms[form].left_out[0] == NULL)
        return pipeline;
    Diagnostics *mistakes = diagnostics_create(); /* whoever runs the pipeline reports them */
    Pipeline *parsed = pipeline_parse(pipeline, registry, arena, mistakes);
    diagnostics_destroy(mistakes);
    if (parsed == NULL)
        return pipeline;
    size_t kept = 0;
    for (size_t i = 0; i < parsed->count; i++)
        if (!leaves_out(&forms[form], parsed->steps[i].pass->name))
            parsed->steps[kept++] = parsed->steps[i];
    parsed->count = kept;
    Text text = {0};
    pipeline_print(parsed, 0, &text);
    const char *result = arena_copy_bytes(arena, text.data != NULL ? text.data : "", text.length);
    text_free(&text);
    return result;
}
