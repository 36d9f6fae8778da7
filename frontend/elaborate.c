/* From a spec and its settings to a graph. */
#include "frontend/evaluate.h"
#include "ir/names.h"

#include <string.h>

/* ---- the spec as a whole ---- */

static void find_network(Evaluator *evaluator) {
    const Spec *spec = evaluator->spec;
    for (int i = 0; i < spec->count; i++) {
        const Item *item = spec->items[i];
        if (item->kind != ITEM_NETWORK) {
            continue;
        }
        if (evaluator->network) {
            complain(evaluator, item->name_where, NULL,
                "a spec has one network, and this is '%s' beside '%s'", item->name,
                evaluator->network->name);
        } else {
            evaluator->network = item;
        }
    }
    if (!evaluator->network) {
        complain(evaluator, (SourceRange){spec->file, 0, 0},
            "it begins with: network name(parameters) {", "the spec has no network");
    }
}

/* ---- settings ---- */

static const Setting *find_setting(
    const Setting *settings, size_t setting_count, const char *name) {
    for (size_t i = 0; i < setting_count; i++) {
        if (strcmp(settings[i].name, name) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

static SourceFile *setting_file(Evaluator *evaluator, const Setting *setting) {
    SourceFile *file = ARENA_NEW(evaluator->arena, SourceFile);
    file->name = arena_format(evaluator->arena, "--set %s", setting->name);
    file->text = arena_copy_string(evaluator->arena, setting->value);
    file->length = strlen(file->text);
    return file;
}

static void check_settings(Evaluator *evaluator, const Setting *settings, size_t setting_count) {
    const SpecExpressionList *parameters = &evaluator->network->parameters;
    const char **names = ARENA_ARRAY(evaluator->arena, const char *, parameters->count + 1);
    NameMap *by_name = name_map_create(evaluator->arena);
    Text list = {0};
    for (int i = 0; i < parameters->count; i++) {
        names[i] = parameters->items[i]->name;
        name_map_put(by_name, names[i], parameters->items[i]);
        text_format(&list, i > 0 ? ", %s" : "%s", names[i]);
    }
    for (size_t i = 0; i < setting_count; i++) {
        const char *name = settings[i].name;
        SourceFile *file = setting_file(evaluator, &settings[i]);
        SourceRange where = {file, 0, (uint32_t)file->length};
        if (!name_map_find(by_name, name)) {
            const char *nearest = closest_word(name, names, (size_t)parameters->count);
            const char *hint = nearest
                                   ? arena_format(evaluator->arena, "did you mean '%s'?", nearest)
                               : list.data ? arena_format(evaluator->arena, "it has %s", list.data)
                                           : NULL;
            complain(evaluator, where, hint, "the network '%s' has no parameter '%s'",
                evaluator->network->name, name);
        } else if (find_setting(settings, i, name)) {
            complain(evaluator, where, NULL, "the parameter '%s' is set twice", name);
        }
    }
    text_free(&list);
}

/* A setting has the kind of the parameter's default; a whole number becomes a number where the
 * default is one, so that width=1 is width=1.0. */
static Datum convert_setting(
    Evaluator *evaluator, const char *name, Datum standard, Datum value, SourceRange where) {
    int64_t whole;
    if (value.kind == DATUM_UNKNOWN || standard.kind == DATUM_UNKNOWN ||
        value.kind == standard.kind) {
        return value;
    }
    if (standard.kind == DATUM_NUMBER && value.kind == DATUM_INTEGER) {
        return datum_number((double)value.integer);
    }
    if (standard.kind == DATUM_INTEGER && datum_to_integer(value, &whole)) {
        return datum_integer(whole);
    }
    static const char *const kinds[] = {"", "a whole number", "a number", "true or false",
        "a string", "a list", "a table", "a tensor", "a function"};
    const char *hint = NULL;
    if (standard.kind == DATUM_LIST || standard.kind == DATUM_STRING) {
        hint = arena_format(evaluator->arena, "as in --set '%s=%s'", name,
            datum_spelling(standard, evaluator->arena));
    }
    return complain(evaluator, where, hint, "the parameter '%s' is %s, not %s", name,
        kinds[standard.kind], datum_spelling(value, evaluator->arena));
}

static Datum evaluate_setting(Evaluator *evaluator, const Setting *setting, Datum standard) {
    SourceFile *file = setting_file(evaluator, setting);
    SourceRange where = {file, 0, (uint32_t)file->length};
    if (standard.kind == DATUM_STRING && is_name(setting->value)) {
        return datum_string(file->text);
    }
    SpecExpression *expression = expression_parse(file, evaluator->arena, evaluator->diagnostics);
    if (!expression) {
        evaluator->failed = true;
        return datum_unknown;
    }
    Datum value = evaluate(evaluator, expression);
    return convert_setting(evaluator, setting->name, standard, value, where);
}

static void bind_network_parameters(
    Evaluator *evaluator, const Setting *settings, size_t setting_count) {
    const SpecExpressionList *parameters = &evaluator->network->parameters;
    for (int i = 0; i < parameters->count; i++) {
        const SpecExpression *parameter = parameters->items[i];
        const Setting *setting = find_setting(settings, setting_count, parameter->name);
        Datum value = datum_unknown;
        if (parameter->right) {
            value = evaluate(evaluator, parameter->right);
        } else if (!setting) {
            complain(evaluator, parameter->where,
                arena_format(evaluator->arena, "give it with --set %s=VALUE", parameter->name),
                "the parameter '%s' has no default and is not set", parameter->name);
        }
        if (setting) {
            value = evaluate_setting(evaluator, setting, value);
        }
        define(evaluator, parameter->name, value);
    }
}

/* ---- the network ---- */

/* What is no letter, digit or '_' becomes '_': shufflenet_v2_x1.0 is shufflenet_v2_x1_0. */
static const char *make_identifier(Evaluator *evaluator, const char *text) {
    bool digit = is_digit(text[0]);
    char *name = arena_format(evaluator->graph->arena, "%s%s", digit ? "_" : "", text);
    for (char *c = name; *c; c++) {
        if (!is_letter(*c) && !is_digit(*c)) {
            *c = '_';
        }
    }
    return name;
}

static void name_graph(Evaluator *evaluator) {
    const Item *network = evaluator->network;
    const char *name = network->text ? evaluate_template(evaluator, network->text) : network->name;
    if (!name) {
        return;
    }
    if (!*name || strlen(name) > 200) {
        complain(evaluator, network->text ? network->text->where : network->name_where, NULL,
            "the name of a library has 1 to 200 letters");
        return;
    }
    evaluator->graph->name = make_identifier(evaluator, name);
}

bool evaluator_run(Evaluator *evaluator, const Setting *settings, size_t setting_count) {
    Scope scope = {0};
    Prefix prefix = {.text = ""};
    Frame frame = {0};
    evaluator->scope = &scope;
    evaluator->prefix = &prefix;
    evaluator->frame = &frame;
    collect_units(evaluator, evaluator->spec);
    find_network(evaluator);
    if (!evaluator->network) {
        return false;
    }
    check_settings(evaluator, settings, setting_count);
    bind_network_parameters(evaluator, settings, setting_count);
    name_graph(evaluator);
    run_block(evaluator, evaluator->network->block);
    if (!evaluator->failed && evaluator->graph->output_count == 0) {
        complain(evaluator, evaluator->network->name_where, "it ends with: output name = ...",
            "the network '%s' has no output", evaluator->network->name);
    }
    return !evaluator->failed;
}

Evaluator *evaluator_create(const Spec *spec, Arena *arena, Diagnostics *diagnostics) {
    Evaluator *evaluator = ARENA_NEW(arena, Evaluator);
    evaluator->spec = spec;
    evaluator->graph = graph_create(arena, "network");
    evaluator->arena = arena;
    evaluator->diagnostics = diagnostics;
    evaluator->units_by_name = name_map_create(arena);
    evaluator->interface_names = name_map_create(arena);
    return evaluator;
}

Graph *spec_elaborate(const Spec *spec, const Setting *settings, size_t setting_count, Arena *arena,
    Diagnostics *diagnostics) {
    Evaluator *evaluator = evaluator_create(spec, arena, diagnostics);
    if (!evaluator_run(evaluator, settings, setting_count)) {
        return NULL;
    }
    return graph_verify(evaluator->graph, diagnostics) ? evaluator->graph : NULL;
}
