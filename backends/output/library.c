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
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"

enum { MOST_SYMBOLS = 6 + 2 * MOST_LEVELS };

/* ---- members ---- */

static bool add_member(ArchiveMember *members, int *count, const char *name, bool emitted) {
    members[*count].name = name;
    (*count)++;
    return emitted;
}

static bool make_members(
    const Program *program, ArchiveMember *members, int *count, Diagnostics *diagnostics) {
    const ProgramLevels *levels = program->levels;
    Text *contents = &members[0].contents;
    bool made = levels ? llvm_emit_dispatch(program, contents, diagnostics)
                       : llvm_emit(program, EMIT_OBJECT, contents, diagnostics);
    made = add_member(members, count, "code.o", made);
    for (int i = 0; made && levels && i < levels->count; i++) {
        const Program *level = levels->programs[i];
        contents = &members[*count].contents;
        made = add_member(members, count, arena_format(program->arena, "%s.o", level->level->word),
            llvm_emit(level, EMIT_OBJECT, contents, diagnostics));
    }
    if (program->weights_file)
        return made;
    contents = &members[*count].contents;
    Splice *splice = &members[*count].splice;
    return made && add_member(members, count, "weights.o",
                       weights_object_write(program, contents, splice, diagnostics));
}

int library_members(const Program *program, ArchiveMember *members, Diagnostics *diagnostics) {
    int count = 0;
    for (int i = 0; i < MOST_LIBRARY_MEMBERS; i++)
        members[i] = (ArchiveMember){0};
    if (make_members(program, members, &count, diagnostics))
        return count;
    for (int i = 0; i < count; i++)
        text_free(&members[i].contents);
    return 0;
}

/* ---- symbols ---- */

typedef struct SymbolIndex {
    const Program *program;
    const char *names[MOST_SYMBOLS];
    size_t members[MOST_SYMBOLS], count;
} SymbolIndex;

static void add_symbol(SymbolIndex *index, size_t member, const char *word, const char *level) {
    const Program *program = index->program;
    const char *prefix = program->target->format == FORMAT_MACHO ? "_" : "";
    index->names[index->count] = arena_format(program->arena, "%s%s_%s%s%s", prefix, program->name,
        word, level ? "_" : "", level ? level : "");
    index->members[index->count++] = member;
}

static SymbolIndex index_symbols(const Program *program, size_t member_count) {
    SymbolIndex index = {.program = program};
    const ProgramLevels *levels = program->levels;
    add_symbol(&index, 0, "run", NULL);
    add_symbol(&index, 0, "run_parallel", NULL);
    if (levels) {
        add_symbol(&index, 0, "level", NULL);
        add_symbol(&index, 0, "run_level", NULL);
        add_symbol(&index, 0, "run_parallel_level", NULL);
    }
    for (int i = 0; levels && i < levels->count; i++) {
        add_symbol(&index, 1 + (size_t)i, "run", levels->programs[i]->level->word);
        add_symbol(&index, 1 + (size_t)i, "run_parallel", levels->programs[i]->level->word);
    }
    if (!program->weights_file)
        add_symbol(&index, member_count - 1, "weights", NULL);
    return index;
}

bool library_write(const Graph *graph, const Program *program, Text *out, Splice *splice,
    Diagnostics *diagnostics) {
    ArchiveMember members[MOST_LIBRARY_MEMBERS] = {{.name = "code.o"}, {.name = "weights.o"}};
    int count = 0;
    if (program->backend != BACKEND_C)
        count = library_members(program, members, diagnostics);
    else if (c_compile_objects(
                 graph, program, &members[0].contents, &members[1].splice, diagnostics))
        count = program->weights_file ? 1 : 2;
    if (count == 0) {
        text_free(&members[0].contents);
        text_free(&members[1].contents);
        return false;
    }
    SymbolIndex index = index_symbols(program, (size_t)count);
    archive_write(program->target->format, members, (size_t)count, index.names, index.members,
        index.count, out, splice);
    for (int i = 0; i < count; i++)
        text_free(&members[i].contents);
    return true;
}
