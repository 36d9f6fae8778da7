/* labels = "imagenet.txt": the names of classes, one a line of a file beside the spec. */
#include "ir/labels.h"
#include "frontend/evaluate.h"
#include "frontend/syntax.h"
#include "ir/quote.h"
#include "ir/source_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is no UTF-8 would be told wrongly by whoever prints it, and a NUL ends a name in C. */
static bool check_text(Evaluator *evaluator, const SourceFile *file) {
    for (size_t i = 0; i < file->length;) {
        size_t size = utf8_sequence(file->text + i, file->length - i, NULL);
        if (size == 0 || file->text[i] == '\0') {
            complain(evaluator, (SourceRange){file, (uint32_t)i, (uint32_t)i + 1},
                size == 0 ? "save the file as UTF-8" : NULL,
                size == 0 ? "this byte is no UTF-8" : "a label holds no NUL");
            return false;
        }
        i += size;
    }
    return true;
}

static const SourceFile *read_file(
    Evaluator *evaluator, const SpecStatement *statement, const char *name) {
    static const WantedFile wanted = {"a list of labels", {FILE_KIND_UNKNOWN}};
    SourceRange where = statement->value->where;
    const char *path = path_beside(evaluator->arena, evaluator->spec->file, name);
    if (access(path, R_OK) != 0) { /* said where the name stands, too */
        complain(evaluator, where, "the name is relative to the spec", "cannot open '%s': %s", path,
            strerror(errno));
        return NULL;
    }
    const SourceFile *file = source_file_read_text(
        path, LARGEST_LABELS, &wanted, evaluator->arena, evaluator->diagnostics);
    if (!file) {
        evaluator->failed = true;
        diagnostics_report(
            evaluator->diagnostics, SEVERITY_NOTE, where, NULL, "the labels are named here");
    }
    return file;
}

void declare_labels(Evaluator *evaluator, const SpecStatement *statement) {
    if (!check_place(evaluator, statement)) {
        return;
    }
    if (evaluator->graph->labels) {
        complain(evaluator, statement->where, NULL, "the network has labels already");
        return;
    }
    Datum name = evaluate(evaluator, statement->value);
    if (name.kind == DATUM_UNKNOWN) {
        return;
    }
    if (name.kind != DATUM_STRING || !*name.string || strcmp(name.string, "-") == 0) {
        complain(evaluator, statement->value->where, "as in labels = \"imagenet.txt\"",
            "labels are the name of a file, not %s", datum_spelling(name, evaluator->arena));
        return;
    }
    const SourceFile *file = read_file(evaluator, statement, name.string);
    if (!file || !check_text(evaluator, file)) {
        return;
    }
    GraphLabels labels = {.where = statement->value->where};
    labels.names = labels_of_lines(file, evaluator->arena, &labels.count);
    graph_set_labels(evaluator->graph, &labels);
}
