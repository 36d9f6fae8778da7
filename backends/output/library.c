/* libNAME.a: a member with the code (with levels, one more for each), one with the weights, and the
 * symbols that a linker may ask for. */
#include "backends/emit/emit.h"
#include "backends/output/c_objects.h"
#include "backends/output/output.h"
#include "backends/output/weights_object.h"
#include "backends/program/levels.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/program/support.h"
#include "backends/program/variants.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS_OF_NETWORK = 6 + 2 * (MOST_LEVELS + MOST_LIBRARY_VARIANTS) };

/* ---- members ---- */

static bool add_member(ArchiveMember *members, int *count, const char *name, bool emitted) {
    members[*count].name = name;
    (*count)++;
    return emitted;
}

/* Linked where a program calls it. */
static bool make_support(const Graph *graph, const Program *program, ArchiveMember *members,
    int *count, Diagnostics *diagnostics) {
    SupportFunctions functions = support_library_functions(graph, program, program->arena);
    Text *contents = &members[*count].contents;
    return functions.count == 0 ||
           add_member(members, count, "support.o",
               llvm_emit_support(program, &functions, contents, diagnostics));
}

static bool make_members(const Graph *graph, const Program *program, ArchiveMember *members,
    int *count, Diagnostics *diagnostics) {
    const ProgramLevels *levels = program->levels;
    const ProgramVariants *variants = program->variants;
    Text *contents = &members[0].contents;
    bool made = levels ? llvm_emit_dispatch(program, contents, diagnostics)
                       : llvm_emit(program, EMIT_OBJECT, contents, diagnostics);
    made = add_member(members, count, "code.o", made);
    for (int i = 1; made && variants && i < variants->count; i++) {
        contents = &members[*count].contents;
        made = add_member(members, count, arena_format(program->arena, "code_%d.o", i),
            llvm_emit(variants->programs[i], EMIT_OBJECT, contents, diagnostics));
    }
    for (int i = 0; made && levels && i < levels->count; i++) {
        const Program *level = levels->programs[i];
        contents = &members[*count].contents;
        made = add_member(members, count, arena_format(program->arena, "%s.o", level->level->word),
            llvm_emit(level, EMIT_OBJECT, contents, diagnostics));
    }
    made = made && make_support(graph, program, members, count, diagnostics);
    if (program->weights_file)
        return made;
    contents = &members[*count].contents;
    Splice *splice = &members[*count].splice;
    return made && add_member(members, count, "weights.o",
                       weights_object_write(program, contents, splice, diagnostics));
}

int library_members(
    const Graph *graph, const Program *program, ArchiveMember *members, Diagnostics *diagnostics) {
    int count = 0;
    for (int i = 0; i < MOST_LIBRARY_MEMBERS; i++)
        members[i] = (ArchiveMember){0};
    if (make_members(graph, program, members, &count, diagnostics))
        return count;
    for (int i = 0; i < count; i++)
        text_free(&members[i].contents);
    return 0;
}

/* ---- symbols ---- */

typedef struct SymbolIndex {
    const Program *program;
    const char **names;
    size_t *members, count;
} SymbolIndex;

static void add_symbol(SymbolIndex *index, size_t member, const char *name, const char *word) {
    const Program *program = index->program;
    const char *prefix = program->target->format == FORMAT_MACHO ? "_" : "";
    index->names[index->count] = arena_format(program->arena, "%s%s_%s", prefix, name, word);
    index->members[index->count++] = member;
}

static void add_runs(SymbolIndex *index, size_t member, const char *name, const char *level) {
    Arena *arena = index->program->arena;
    const char *between = *level != '\0' ? "_" : "";
    add_symbol(index, member, name, arena_format(arena, "run%s%s", between, level));
    add_symbol(index, member, name, arena_format(arena, "run_parallel%s%s", between, level));
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static SymbolIndex index_symbols(const Graph *graph, const Program *program, size_t member_count) {
    SupportFunctions functions = support_library_functions(graph, program, program->arena);
    size_t most = SYMBOLS_OF_NETWORK + (size_t)functions.count;
    SymbolIndex index = {.program = program,
        .names = ARENA_ARRAY(program->arena, const char *, most),
        .members = ARENA_ARRAY(program->arena, size_t, most)};
    const ProgramLevels *levels = program->levels;
    const ProgramVariants *variants = program->variants;
    const char *name = program_library_name(program);
    for (int i = 0; variants && i < variants->count; i++)
        add_runs(&index, (size_t)i, variants->programs[i]->name, "");
    if (!variants)
        add_runs(&index, 0, name, "");
    if (levels) {
        add_symbol(&index, 0, name, "level");
        add_runs(&index, 0, name, "level");
    }
    for (int i = 0; levels && i < levels->count; i++)
        add_runs(&index, 1 + (size_t)i, name, levels->programs[i]->level->word);
    /* With C all code is one object; the weights come last. */
    size_t code_count = member_count - (program->weights_file ? 0 : 1), before = index.count;
    for (int i = 0; i < functions.count; i++)
        add_symbol(&index, code_count - 1, functions.items[i].network, functions.items[i].word);
    /* As they stand in the object's own table where that is sorted. */
    qsort(index.names + before, index.count - before, sizeof *index.names, compare_names);
    if (!program->weights_file)
        add_symbol(&index, member_count - 1, name, "weights");
    return index;
}

bool library_write(const Graph *graph, const Program *program, Text *out, Splice *splice,
    Diagnostics *diagnostics) {
    ArchiveMember members[MOST_LIBRARY_MEMBERS] = {{.name = "code.o"}, {.name = "weights.o"}};
    int count = 0;
    if (program->backend != BACKEND_C)
        count = library_members(graph, program, members, diagnostics);
    else if (c_compile_objects(
                 graph, program, &members[0].contents, &members[1].splice, diagnostics))
        count = program->weights_file ? 1 : 2;
    if (count == 0) {
        text_free(&members[0].contents);
        text_free(&members[1].contents);
        return false;
    }
    SymbolIndex index = index_symbols(graph, program, (size_t)count);
    archive_write(program->target->format, members, (size_t)count, index.names, index.members,
        index.count, out, splice);
    for (int i = 0; i < count; i++)
        text_free(&members[i].contents);
    return true;
}
