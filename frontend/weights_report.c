/* What does not fit between a graph and a file of weights, in groups: a file of another network
 * would else give an error for each of its tensors. */
#include "frontend/weights_loader.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef enum Group { GROUP_MISSING, GROUP_UNFIT, GROUP_SURPLUS, GROUP_COUNT } Group;

typedef struct Report {
    WeightLoader *loader;
    size_t errors[GROUP_COUNT]; /* that there are */
    size_t shares[GROUP_COUNT]; /* that may be reported */
    size_t left_out[GROUP_COUNT];
    bool takes_prefix; /* --weights-prefix is all that it needs */
} Report;

/* ---- single faults ---- */

static void report_missing(const WeightLoader *loader, const Weight *weight) {
    const char *hint = NULL;
    if (loader->spare_count <= MOST_HINT_CANDIDATES) {
        const char *closest = closest_word(weight->path, loader->spare_names, loader->spare_count);
        if (closest != NULL)
            hint = arena_format(loader->scratch, "did you mean '%s'?", closest);
    }
    diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, hint,
        "weight '%s' of shape %s is missing from %s", weight->path,
        shape_text(loader->scratch, weight->type.rank, weight->type.dims), loader->file->path);
}

static void report_misshapen(
    const WeightLoader *loader, const Weight *weight, const FileTensor *tensor) {
    if (!weight_has_shape(weight, tensor))
        diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, NULL,
            "weight '%s' has shape %s in the network but %s in %s", weight->path,
            shape_text(loader->scratch, weight->type.rank, weight->type.dims),
            shape_text(loader->scratch, tensor->rank, tensor->dims), loader->file->path);
    if (tensor->type == FILE_OTHER)
        diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where,
            loader->file->format->convert_hint, "weight '%s' has the type %s in %s", weight->path,
            tensor->type_name, loader->file->path);
}

static void report_not_finite(const WeightLoader *loader, const Weight *weight) {
    size_t nan_count = 0, infinite_count = 0, first = 0;
    size_t count = (size_t)tensor_elements(&weight->type);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(weight->data[i]))
            continue;
        if (nan_count + infinite_count == 0)
            first = i;
        if (isnan(weight->data[i]))
            nan_count++;
        else
            infinite_count++;
    }
    int64_t index[MAX_RANK];
    for (int i = weight->type.rank - 1; i >= 0; i--) {
        index[i] = (int64_t)(first % (size_t)weight->type.dims[i]);
        first /= (size_t)weight->type.dims[i];
    }
    diagnostics_report(loader->diagnostics, SEVERITY_ERROR, weight->where, NULL,
        "weight '%s' holds %zu NaN and %zu infinite numbers in %s%s, the first at %s", weight->path,
        nan_count, infinite_count, loader->file->path,
        tensor_file_find(loader->file, weight->path)->type == FILE_F64 ? ", as float32" : "",
        shape_text(loader->scratch, weight->type.rank, index));
}

static void report_surplus(const WeightLoader *loader, const FileTensor *tensor) {
    const char *shape = !tensor->sound
                            ? ""
                            : arena_format(loader->scratch, " of shape %s",
                                  shape_text(loader->scratch, tensor->rank, tensor->dims));
    diagnostics_error(loader->diagnostics, NULL, "%s: tensor '%s'%s is used by no layer of '%s'",
        loader->file->path, tensor->name, shape, loader->graph->name);
}

/* ---- groups ---- */

/* What --weights-prefix puts aside is no fault where that is said to help. */
static bool is_surplus(const Report *report, const FileTensor *tensor) {
    const char *prefix = report->loader->file_prefix;
    return !tensor->used &&
           !(report->takes_prefix && strncmp(tensor->key, prefix, strlen(prefix)) != 0);
}

static size_t fault_errors(
    const WeightLoader *loader, const Weight *weight, WeightFault fault, Group *group) {
    *group = fault == WEIGHT_MISSING ? GROUP_MISSING : GROUP_UNFIT;
    if (fault == WEIGHT_MISSING || fault == WEIGHT_NOT_FINITE)
        return 1;
    if (fault != WEIGHT_MISSHAPEN)
        return 0;
    const FileTensor *tensor = tensor_file_find(loader->file, weight->path);
    return (size_t)!weight_has_shape(weight, tensor) + (tensor->type == FILE_OTHER);
}

static void count_errors(Report *report) {
    const WeightLoader *loader = report->loader;
    const Weight *weight = loader->graph->first_weight;
    for (size_t i = 0; weight != NULL; weight = weight->next, i++) {
        Group group;
        size_t errors = fault_errors(loader, weight, loader->faults[i], &group);
        report->errors[group] += errors;
    }
    for (size_t i = 0; i < loader->file->tensor_count; i++)
        report->errors[GROUP_SURPLUS] += is_surplus(report, &loader->file->tensors[i]);
}

/* One for each group in turn, while there are any. */
static void share_out(Report *report) {
    size_t left = MOST_WEIGHT_ERRORS;
    for (bool gave = true; gave && left > 0;) {
        gave = false;
        for (int group = 0; group < GROUP_COUNT && left > 0; group++) {
            if (report->shares[group] == report->errors[group])
                continue;
            report->shares[group]++;
            left--;
            gave = true;
        }
    }
}

static bool may_report(Report *report, Group group, size_t errors) {
    if (report->left_out[group] > 0 || errors > report->shares[group]) {
        report->left_out[group]++;
        return false;
    }
    report->shares[group] -= errors;
    return true;
}

static void report_weights(Report *report, Group wanted) {
    const WeightLoader *loader = report->loader;
    const Weight *weight = loader->graph->first_weight;
    for (size_t i = 0; weight != NULL; weight = weight->next, i++) {
        Group group;
        WeightFault fault = loader->faults[i];
        size_t errors = fault_errors(loader, weight, fault, &group);
        if (errors == 0 || group != wanted || !may_report(report, group, errors))
            continue;
        if (fault == WEIGHT_MISSING)
            report_missing(loader, weight);
        else if (fault == WEIGHT_NOT_FINITE)
            report_not_finite(loader, weight);
        else
            report_misshapen(loader, weight, tensor_file_find(loader->file, weight->path));
    }
}

static void report_left_out(
    const Report *report, Group group, const char *one, const char *many, const char *what) {
    size_t count = report->left_out[group];
    if (count > 0)
        diagnostics_report(report->loader->diagnostics, SEVERITY_NOTE, (SourceRange){0}, NULL,
            "%zu more %s %s", count, count == 1 ? one : many, what);
}

/* ---- all of the file ---- */

/* Whether no tensor of the file has the name of a weight. */
static bool none_fits(const WeightLoader *loader) {
    for (size_t i = 0; i < loader->weight_count; i++)
        if (loader->faults[i] != WEIGHT_RENAMED && loader->faults[i] != WEIGHT_MISSING)
            return false;
    return true;
}

/* How to have the prefix taken off. NULL where it cannot be written on a command line. */
static const char *option_hint(const WeightLoader *loader) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
    const char *prefix =
        arena_format(loader->scratch, "%s%s", loader->given_prefix, loader->file_prefix);
    for (const char *at = prefix; *at != '\0'; at++)
        if (*at < ' ' || *at > '~' || *at == '\'')
            return NULL;
    const char *quote = prefix[strspn(prefix, plain)] == '\0' ? "" : "'";
    return arena_format(
        loader->scratch, "--weights-prefix=%s%s%s takes it off", quote, prefix, quote);
}

/* How to write the file with the network's names, in Python, since that is where such files come
 * from. NULL where other names must stay as they are, or where Python would read it otherwise. */
static const char *python_hint(const WeightLoader *loader) {
    if (loader->file_prefix == NULL && !none_fits(loader))
        return NULL;
    const char *prefix = loader->file_prefix != NULL ? loader->file_prefix : loader->graph_prefix;
    if (prefix[strcspn(prefix, "\"\\")] != '\0' ||
        loader->file->path[strcspn(loader->file->path, "\"\\")] != '\0')
        return NULL;
    Arena *arena = loader->scratch;
    const char *name = loader->file_prefix != NULL
                           ? arena_format(arena, "name.removeprefix(\"%s\")", prefix)
                           : arena_format(arena, "\"%s\" + name", prefix);
    const WeightFormat *format = loader->file->format;
    return arena_format(arena,
        "in Python, %s({%s: tensor for name, tensor in %s(\"%s\").items()}, \"%s\") writes it so%s",
        format->save, name, format->load, loader->file->path, format->example, format->origin);
}

static void report_prefix(const Report *report) {
    const WeightLoader *loader = report->loader;
    Arena *arena = loader->scratch;
    const Weight *first = NULL;
    size_t count = 0, i = 0;
    for (const Weight *weight = loader->graph->first_weight; weight; weight = weight->next, i++) {
        if (loader->faults[i] != WEIGHT_RENAMED)
            continue;
        first = count++ == 0 ? weight : first;
    }
    bool of_file = loader->file_prefix != NULL;
    const char *prefix = of_file ? loader->file_prefix : loader->graph_prefix;
    const char *renamed =
        of_file ? arena_format(arena, "%s%s", prefix, first->path) : first->path + strlen(prefix);
    const char *which =
        count == loader->weight_count
            ? arena_format(arena, "all %zu weights of the network", count)
            : arena_format(arena, "%zu of the network's %zu weights", count, loader->weight_count);
    diagnostics_error(loader->diagnostics,
        report->takes_prefix ? option_hint(loader) : python_hint(loader),
        "%s: the file has %s %s '%s' before their names: '%s' is '%s'", loader->file->path, which,
        of_file ? "with" : "without", prefix, renamed, first->path);
}

/* Not one name in common. */
static void report_stranger(const WeightLoader *loader) {
    for (size_t i = 0; i < loader->weight_count; i++)
        if (loader->faults[i] != WEIGHT_MISSING)
            return;
    if (loader->weight_count > 1 && loader->file->tensor_count > 0)
        diagnostics_report(loader->diagnostics, SEVERITY_NOTE, (SourceRange){0}, NULL,
            "%s has none of the %zu weights of '%s': it may be of another network",
            loader->file->path, loader->weight_count, loader->graph->name);
}

void weights_report(WeightLoader *loader) {
    Report report = {
        .loader = loader, .takes_prefix = loader->file_prefix != NULL && none_fits(loader)};
    count_errors(&report);
    share_out(&report);
    if (loader->file_prefix != NULL || loader->graph_prefix != NULL)
        report_prefix(&report);
    report_weights(&report, GROUP_MISSING);
    report_left_out(&report, GROUP_MISSING, "weight is", "weights are", "missing");
    report_weights(&report, GROUP_UNFIT);
    report_left_out(&report, GROUP_UNFIT, "weight does", "weights do", "not fit");
    for (size_t i = 0; i < loader->file->tensor_count; i++) {
        const FileTensor *tensor = &loader->file->tensors[i];
        if (is_surplus(&report, tensor) && may_report(&report, GROUP_SURPLUS, 1))
            report_surplus(loader, tensor);
    }
    report_left_out(&report, GROUP_SURPLUS, "tensor is", "tensors are", "used by no layer");
    report_stranger(loader);
}
