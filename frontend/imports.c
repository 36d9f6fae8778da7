/* The units that a spec can call: its own and those of the files it imports, directly or through
 * others. A file counts once, however many import it, so circles are harmless. */
#include "frontend/evaluate.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const Item *find_unit(const Evaluator *evaluator, const char *name) {
    return name_map_find(evaluator->units_by_name, name);
}

static void check_parameters(Evaluator *evaluator, const Item *item) {
    NameMap *known = name_map_create(evaluator->arena);
    for (int i = 0; i < item->parameters.count; i++) {
        SpecExpression *parameter = item->parameters.items[i];
        if (name_map_find(known, parameter->name)) {
            complain(evaluator, parameter->name_where, NULL,
                "the parameter '%s' stands twice in '%s'", parameter->name, item->name);
        }
        name_map_put(known, parameter->name, parameter);
    }
}

static void add_unit(Evaluator *evaluator, Item *unit) {
    const Item *known = find_unit(evaluator, unit->name);
    if (known) {
        complain(evaluator, unit->name_where, NULL, "there is a unit '%s' already", unit->name);
        diagnostics_report(
            evaluator->diagnostics, SEVERITY_NOTE, known->name_where, NULL, "it is here");
        return;
    }
    if (is_function(evaluator, unit->name)) {
        complain(evaluator, unit->name_where, NULL, "'%s' is the name of a built-in function",
            unit->name);
        return;
    }
    ARENA_GROW(
        evaluator->arena, evaluator->units, evaluator->unit_count, evaluator->unit_capacity, 16);
    evaluator->units[evaluator->unit_count++] = unit;
    name_map_put(evaluator->units_by_name, unit->name, unit);
}

/* ---- imports ---- */

const char *path_beside(Arena *arena, const SourceFile *file, const char *name) {
    const char *slash = strrchr(file->name, '/');
    if (name[0] == '/' || !slash) {
        return name;
    }
    return arena_format(arena, "%.*s/%s", (int)(slash - file->name), file->name, name);
}

const char *import_path(Arena *arena, const SourceFile *importer, const Item *item) {
    bool literal = item->text->count == 1 && item->text->parts[0].text;
    const char *text = literal ? item->text->parts[0].text : "-";
    if (strcmp(text, "-") == 0) {
        return NULL;
    }
    return path_beside(arena, importer, text);
}

/* False when the file was imported before. A file that is not there is left to the reader to
 * report. */
static bool note_file(Evaluator *evaluator, const char *path) {
    char *real = realpath(path, NULL);
    const char *name = arena_copy_string(evaluator->arena, real ? real : path);
    free(real);
    for (const struct ImportedFile *file = evaluator->files; file; file = file->next) {
        if (strcmp(file->path, name) == 0) {
            return false;
        }
    }
    struct ImportedFile *file = ARENA_NEW(evaluator->arena, struct ImportedFile);
    *file = (struct ImportedFile){name, evaluator->files};
    evaluator->files = file;
    return true;
}

static void import_file(Evaluator *evaluator, const SourceFile *importer, const Item *item) {
    const char *path = import_path(evaluator->arena, importer, item);
    if (!path) {
        complain(evaluator, item->where, "as in import \"units.rfl\"",
            "'import' takes the name of a file");
        return;
    }
    if (!note_file(evaluator, path)) {
        return;
    }
    if (++evaluator->import_count > IMPORT_LIMIT) {
        complain(evaluator, item->where, NULL, "a spec imports at most %d files", IMPORT_LIMIT);
        return;
    }
    if (access(path, R_OK) !=
        0) { /* said where the import stands, not only that a file is missing */
        complain(evaluator, item->where, "the name is relative to the file that imports it",
            "cannot open '%s': %s", path, strerror(errno));
        return;
    }
    const Spec *spec = spec_read(path, evaluator->arena, evaluator->diagnostics);
    if (!spec) {
        evaluator->failed = true;
        diagnostics_report(
            evaluator->diagnostics, SEVERITY_NOTE, item->where, NULL, "imported here");
        return;
    }
    collect_units(evaluator, spec);
}

void collect_units(Evaluator *evaluator, const Spec *spec) {
    bool imported = spec != evaluator->spec;
    if (!imported) {
        note_file(evaluator, spec->file->name);
    }
    for (int i = 0; i < spec->count; i++) {
        Item *item = spec->items[i];
        switch (item->kind) {
        case ITEM_UNIT:
            check_parameters(evaluator, item);
            add_unit(evaluator, item);
            break;
        case ITEM_NETWORK: /* that of an imported file is not used */
            if (!imported) {
                check_parameters(evaluator, item);
            }
            break;
        case ITEM_IMPORT:
            import_file(evaluator, spec->file, item);
            break;
        case ITEM_REWRITE: /* for passes: rules.c */
        case ITEM_KIND_COUNT:
            break;
        }
    }
}
