/* What the tests of decisions share. */
#ifndef RIFFLE_TESTS_UNIT_SCHEDULE_SUPPORT_H
#define RIFFLE_TESTS_UNIT_SCHEDULE_SUPPORT_H

#include "backends/backends.h"
#include "backends/program/compilation.h"
#include "tests/unit/ir_support.h"

static inline Compilation compilation_for(const char *target, const Fixture *fixture) {
    return (Compilation){.target = target_find(target, fixture->arena, fixture->diagnostics)};
}

static inline Fixture no_graph(void) {
    return (Fixture){.arena = arena_create(), .diagnostics = diagnostics_create()};
}

#endif
