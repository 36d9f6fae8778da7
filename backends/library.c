/* libNAME.a: one member with the code, one with the weights, and the symbols that a linker may ask
 * for. */
#include "backends/program.h"

static const char *symbol(const Program *program, const char *name) {
    return arena_format(program->arena, "%s_%s", program->name, name);
}

bool library_write(
    const Graph *graph, const Program *program, Text *out, Diagnostics *diagnostics) {
    (void)graph;
    enum { CODE, WEIGHTS, MEMBERS };
    ArchiveMember members[MEMBERS] = {
        [CODE] = {.name = "code.o"}, [WEIGHTS] = {.name = "weights.o"}};
    const char *symbols[] = {
        symbol(program, "run"), symbol(program, "run_parallel"), symbol(program, "weights")};
    const size_t member_of[] = {CODE, CODE, WEIGHTS};
    bool done = llvm_emit(program, EMIT_OBJECT, &members[CODE].contents, diagnostics) &&
                llvm_emit_weights(program, &members[WEIGHTS].contents, diagnostics);
    if (done)
        archive_write(members, MEMBERS, symbols, member_of, 3, out);
    for (int i = 0; i < MEMBERS; i++)
        text_free(&members[i].contents);
    return done;
}
