/* See variants.h. */
#include "driver/variants.h"
#include "ir/names.h"

#include <ctype.h>
#include <string.h>

/* ---- the option's text ---- */

/* Up to a comma that no bracket or quote holds. */
static size_t setting_length(const char *text) {
    int depth = 0;
    bool quoted = false;
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        char c = text[length];
        if (c == '"')
            quoted = !quoted;
        else if (c == '[')
            depth++;
        else if (c == ']')
            depth--;
        else if (c == ',' && depth == 0 && !quoted)
            break;
    }
    return length;
}

static bool report_form(const char *text, Session *session) {
    diagnostics_error(session->diagnostics,
        "write --variant 'size=[192, 320],batch=8', or --variant 'wide:size=[192, 320]'",
        "'%s' is no variant: give parameters of the spec with their values", text);
    return false;
}

static bool take_settings(NetworkVariant *variant, const char *text, Session *session) {
    size_t most = 1;
    for (const char *at = text; *at != '\0'; at++)
        most += *at == ',';
    variant->settings = ARENA_ARRAY(session->arena, Setting, most);
    for (const char *at = text;;) {
        size_t length = setting_length(at);
        const char *setting = arena_copy_bytes(session->arena, at, length);
        const char *equals = strchr(setting, '=');
        if (equals == NULL || equals == setting || equals[1] == '\0')
            return report_form(text, session);
        variant->settings[variant->setting_count++] = (Setting){
            arena_copy_bytes(session->arena, setting, (size_t)(equals - setting)), equals + 1};
        if (at[length] == '\0')
            return true;
        at += length + 1;
    }
}

/* Of the values: "192x320_8" for size=[192, 320],batch=8. */
static const char *name_of_values(const NetworkVariant *variant, Session *session) {
    Text name = {0};
    for (size_t i = 0; i < variant->setting_count; i++) {
        const char *between = i > 0 ? "_" : "";
        for (const char *at = variant->settings[i].value; *at != '\0'; at++) {
            if (isalnum((unsigned char)*at)) {
                text_append(&name, between);
                text_append_bytes(&name, at, 1);
                between = "";
            } else if (name.length > 0 && *between == '\0' && *at != ' ') {
                between = *at == ',' ? "x" : "_";
            }
        }
    }
    const char *copy = arena_copy_bytes(session->arena, name.data, name.length);
    text_free(&name);
    return copy;
}

bool variant_take(VariantList *list, const char *text, Session *session) {
    if (list->count == MOST_LIBRARY_VARIANTS) {
        diagnostics_error(
            session->diagnostics, NULL, "a library has at most %d variants", MOST_LIBRARY_VARIANTS);
        return false;
    }
    NetworkVariant *variant = &list->items[list->count];
    *variant = (NetworkVariant){0};
    const char *equals = strchr(text, '='), *colon = strchr(text, ':');
    bool named = colon != NULL && (equals == NULL || colon < equals);
    if (!take_settings(variant, named ? colon + 1 : text, session))
        return false;
    variant->name = named ? arena_copy_bytes(session->arena, text, (size_t)(colon - text))
                          : name_of_values(variant, session);
    if (!is_identifier(arena_format(session->arena, "_%s", variant->name))) {
        diagnostics_error(session->diagnostics,
            "give letters, digits and underscores: --variant 'wide:size=[192, 320]'",
            "'%s' cannot be part of a C identifier", variant->name);
        return false;
    }
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, variant->name) == 0) {
            diagnostics_error(session->diagnostics,
                "give each a name: --variant 'wide:size=[192, 320]'",
                "two variants are called '%s'", variant->name);
            return false;
        }
    list->count++;
    return true;
}

/* ---- compiling them ---- */

bool variants_fit(const VariantList *list, const ModelOptions *options) {
    const char *reason = strncmp(options->target, "cuda-", 5) == 0 ? "a GPU"
                         : model_levels(options) != NULL           ? "several targets"
                         : options->backend == BACKEND_C           ? "the C backend"
                                                                   : NULL;
    if (list->count == 0 || reason == NULL)
        return true;
    diagnostics_error(options->session->diagnostics,
        "give one processor's target, or compile each variant to a library of its own",
        "--variant is not for %s", reason);
    return false;
}

bool variant_options(
    const ModelOptions *options, const NetworkVariant *variant, ModelOptions *out) {
    Session *session = options->session;
    size_t count = options->setting_count;
    *out = *options;
    out->settings = ARENA_ARRAY(session->arena, Setting, count + variant->setting_count);
    if (count > 0)
        memcpy(out->settings, options->settings, count * sizeof *out->settings);
    for (size_t i = 0; i < variant->setting_count; i++) {
        const Setting *setting = &variant->settings[i];
        for (size_t j = 0; j < out->setting_count; j++)
            if (strcmp(out->settings[j].name, setting->name) == 0) {
                diagnostics_error(session->diagnostics, j < count ? "leave it out of --set" : NULL,
                    "the variant '%s' gives '%s' a value that it already has", variant->name,
                    setting->name);
                return false;
            }
        out->settings[out->setting_count++] = *setting;
    }
    out->name_ending = variant->name;
    out->shares_weights = true;
    return true;
}
