/* The task of a run that is shared out: see backends/program/parallel.h, whose terms these are.
 *
 *     work(crew, begin, end):
 *         me = join(crew), or return when all is done, or the loop stopped
 *         share_step(crew, me, step_0, ...) && share_step(crew, me, step_1, ...) && ...
 *         leave(crew, me)
 *
 * The crew is the context of the steps, the word that says who is present, that which says whether
 * the loop is stopped, and for each step, and one behind the last, the words `before`, slices of
 * the step before that are not done, and `taken`, with bits of slices and of slots. A thread has a
 * context of its own where there is scratch, for the slot that it holds. */
#include "backends/program/parallel.h"
#include "backends/emit/llvm/codegen.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"

enum {
    PRESENT_OFFSET = 64,
    STOPPED_OFFSET = 68,
    SHARES_OFFSET = 128,
    SHARE_BYTES = 8,
    TAKEN_OFFSET = 4
};

/* Parameters of share_step. */
enum {
    CREW,
    CONTEXT,
    ME,
    TASK,
    SHARE,
    SLICES,
    SLICE_ITEMS, /* whole ones */
    ITEM_PARTS,  /* of a slice, besides: in 2^-16 items */
    LEAST_PIECE,
    SLOTS, /* of scratch; 0: none is needed */
    SHARE_PARAMETERS
};

/* Divisions are multiplications by 2^16 / divisor, rounded up: for quotients of numbers below a
 * thousand by numbers up to 32 that is exact, and needs no function where the processor cannot
 * divide. */
enum { FRACTION_BITS = 16 };

static int reciprocal(int divisor) {
    return ((1 << FRACTION_BITS) + divisor - 1) / divisor;
}

typedef struct Crew {
    Codegen *codegen;
    const Program *program;
    LLVMBuilderRef builder;
    LLVMTypeRef step_type;
    LLVMValueRef function; /* that grows */
    LLVMValueRef share_step;
} Crew;

/* ---- short forms ---- */

static LLVMValueRef number(Crew *c, int64_t value) {
    return LLVMConstInt(c->codegen->i32, (unsigned long long)value, 1);
}

static LLVMBasicBlockRef new_block(Crew *c, const char *name) {
    return LLVMAppendBasicBlockInContext(c->codegen->context, c->function, name);
}

static void go_on_in(Crew *c, LLVMBasicBlockRef block) {
    LLVMPositionBuilderAtEnd(c->builder, block);
}

static void jump(Crew *c, LLVMBasicBlockRef block) {
    LLVMBuildBr(c->builder, block);
}

static void jump_if(Crew *c, LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b,
    LLVMBasicBlockRef yes, LLVMBasicBlockRef no) {
    LLVMBuildCondBr(c->builder, LLVMBuildICmp(c->builder, predicate, a, b, ""), yes, no);
}

static LLVMValueRef parameter(Crew *c, unsigned index) {
    return LLVMGetParam(c->function, index);
}

static LLVMValueRef address(Crew *c, LLVMValueRef base, int64_t bytes) {
    LLVMValueRef offset = LLVMConstInt(c->codegen->index, (unsigned long long)bytes, 0);
    return LLVMBuildGEP2(c->builder, c->codegen->i8, base, &offset, 1, "");
}

static LLVMValueRef atomic_load(Crew *c, LLVMValueRef word, LLVMAtomicOrdering ordering) {
    LLVMValueRef load = LLVMBuildLoad2(c->builder, c->codegen->i32, word, "");
    LLVMSetOrdering(load, ordering);
    LLVMSetAlignment(load, 4);
    return load;
}

static void atomic_store(Crew *c, LLVMValueRef value, LLVMValueRef word) {
    LLVMValueRef store = LLVMBuildStore(c->builder, value, word);
    LLVMSetOrdering(store, LLVMAtomicOrderingMonotonic);
    LLVMSetAlignment(store, 4);
}

static LLVMValueRef change(Crew *c, LLVMAtomicRMWBinOp operation, LLVMValueRef word,
    LLVMValueRef operand, LLVMAtomicOrdering ordering) {
    return LLVMBuildAtomicRMW(c->builder, operation, word, operand, ordering, 0);
}

static LLVMValueRef smaller_or_larger(
    Crew *c, LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(c->builder, LLVMBuildICmp(c->builder, predicate, a, b, ""), a, b, "");
}

static LLVMValueRef zeros(Crew *c, const char *intrinsic, LLVMValueRef word) {
    LLVMTypeRef bit = LLVMInt1TypeInContext(c->codegen->context);
    LLVMValueRef arguments[] = {word, LLVMConstNull(bit)};
    return codegen_intrinsic(c->codegen, intrinsic, c->codegen->i32, arguments, 2);
}

/* `count` bits from the lowest on; fewer than 32. */
static LLVMValueRef low_bits(Crew *c, LLVMValueRef count) {
    return LLVMBuildSub(
        c->builder, LLVMBuildShl(c->builder, number(c, 1), count, ""), number(c, 1), "");
}

/* A variable of a loop: a stack slot, which the optimiser makes a value if it is in the first
 * block. */
static LLVMValueRef variable(Crew *c, LLVMValueRef value) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(c->builder);
    LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(c->function);
    LLVMPositionBuilder(c->builder, entry, LLVMGetFirstInstruction(entry));
    LLVMValueRef slot = LLVMBuildAlloca(c->builder, LLVMTypeOf(value), "");
    LLVMPositionBuilderAtEnd(c->builder, here);
    LLVMBuildStore(c->builder, value, slot);
    return slot;
}

static LLVMValueRef value_of(Crew *c, LLVMValueRef slot) {
    return LLVMBuildLoad2(c->builder, c->codegen->i32, slot, "");
}

static LLVMValueRef add_function(
    Crew *c, const char *name, LLVMTypeRef result, LLVMTypeRef *types, unsigned count) {
    c->function =
        LLVMAddFunction(c->codegen->module, name, LLVMFunctionType(result, types, count, 0));
    LLVMSetLinkage(c->function, LLVMInternalLinkage);
    codegen_mark(c->codegen, c->function, LLVMAttributeFunctionIndex, "nounwind");
    go_on_in(c, new_block(c, "entry"));
    return c->function;
}

/* Lets the other thread of the core work, or at least says that this one waits. */
static void emit_pause(Crew *c) {
    LLVMValueRef yield = number(c, 1);
    switch (c->codegen->target->architecture) {
    case ARCHITECTURE_X86_64:
        codegen_intrinsic(c->codegen, "llvm.x86.sse2.pause", NULL, NULL, 0);
        break;
    case ARCHITECTURE_AARCH64:
        codegen_intrinsic(c->codegen, "llvm.aarch64.hint", NULL, &yield, 1);
        break;
    case ARCHITECTURE_ARM:
        codegen_intrinsic(c->codegen, "llvm.arm.hint", NULL, &yield, 1);
        break;
    case ARCHITECTURE_ANY:
    case ARCHITECTURE_WASM32:
    case ARCHITECTURE_NVPTX:
    case ARCHITECTURE_COUNT:
        break;
    }
}

/* ---- the shares of one step ---- */

static void return_false(Crew *c) {
    LLVMBuildRet(c->builder, LLVMConstNull(LLVMInt1TypeInContext(c->codegen->context)));
}

/* Goes on when the step before is done. Stops the loop when that takes too long, and returns false;
 * also when somebody else has stopped it. */
static void emit_wait(Crew *c) {
    LLVMValueRef look = variable(c, number(c, 0));
    LLVMBasicBlockRef see = new_block(c, "look"), wait = new_block(c, "wait");
    LLVMBasicBlockRef late = new_block(c, "late"), ready = new_block(c, "ready");
    LLVMBasicBlockRef stop = new_block(c, "stop"), go = new_block(c, "go");
    LLVMValueRef stopped = address(c, parameter(c, CREW), STOPPED_OFFSET);
    jump(c, see);
    go_on_in(c, see);
    LLVMValueRef before = atomic_load(c, parameter(c, SHARE), LLVMAtomicOrderingAcquire);
    jump_if(c, LLVMIntEQ, before, number(c, 0), ready, wait);
    go_on_in(c, wait);
    emit_pause(c);
    LLVMValueRef next = LLVMBuildAdd(c->builder, value_of(c, look), number(c, 1), "");
    LLVMBuildStore(c->builder, next, look);
    jump_if(c, LLVMIntULT, next, number(c, parallel_looks(c->codegen->target)), see, late);
    go_on_in(c, late);
    atomic_store(c, number(c, 1), stopped);
    jump(c, stop);
    go_on_in(c, stop);
    return_false(c);
    go_on_in(c, ready);
    LLVMValueRef over = atomic_load(c, stopped, LLVMAtomicOrderingMonotonic);
    jump_if(c, LLVMIntEQ, over, number(c, 0), go, stop);
    go_on_in(c, go);
}

static LLVMValueRef whole_part(Crew *c, LLVMValueRef fraction) {
    return LLVMBuildLShr(c->builder, fraction, number(c, FRACTION_BITS), "");
}

/* The items before a slice: all of them, times the slice, by the number of slices. */
static LLVMValueRef items_before(Crew *c, LLVMValueRef slice) {
    LLVMTypeRef index = c->codegen->index;
    LLVMValueRef wide = LLVMBuildZExtOrBitCast(c->builder, slice, index, "");
    LLVMValueRef parts = LLVMBuildMul(c->builder, parameter(c, ITEM_PARTS), slice, "");
    return LLVMBuildAdd(c->builder, LLVMBuildMul(c->builder, parameter(c, SLICE_ITEMS), wide, ""),
        LLVMBuildZExtOrBitCast(c->builder, whole_part(c, parts), index, ""), "");
}

/* Does the slices whose bits are in `got`, neighbours in one call. */
static void emit_do_slices(Crew *c, LLVMValueRef got, LLVMBasicBlockRef after) {
    LLVMBasicBlockRef some = new_block(c, "some"), run = new_block(c, "run");
    jump(c, some);
    go_on_in(c, some);
    jump_if(c, LLVMIntEQ, value_of(c, got), number(c, 0), after, run);
    go_on_in(c, run);
    LLVMValueRef bits = value_of(c, got), first = zeros(c, "llvm.cttz", bits);
    LLVMValueRef rest = LLVMBuildLShr(c->builder, bits, first, "");
    LLVMValueRef count = zeros(c, "llvm.cttz", LLVMBuildNot(c->builder, rest, ""));
    LLVMValueRef end = LLVMBuildAdd(c->builder, first, count, "");
    LLVMValueRef arguments[] = {
        parameter(c, CONTEXT), items_before(c, first), items_before(c, end)};
    LLVMBuildCall2(c->builder, c->step_type, parameter(c, TASK), arguments, 3, "");
    LLVMValueRef next = address(c, parameter(c, SHARE), SHARE_BYTES);
    change(c, LLVMAtomicRMWBinOpSub, next, count, LLVMAtomicOrderingRelease);
    LLVMValueRef done = LLVMBuildShl(c->builder, low_bits(c, count), first, "");
    LLVMBuildStore(
        c->builder, LLVMBuildAnd(c->builder, bits, LLVMBuildNot(c->builder, done, ""), ""), got);
    jump(c, some);
}

/* Takes slices begin..end-1, those that nobody has, and does them. */
static void emit_take(Crew *c, LLVMValueRef begin, LLVMValueRef end, LLVMBasicBlockRef after) {
    LLVMValueRef taken = address(c, parameter(c, SHARE), TAKEN_OFFSET);
    LLVMBasicBlockRef take = new_block(c, "take");
    LLVMValueRef wanted =
        LLVMBuildShl(c->builder, low_bits(c, LLVMBuildSub(c->builder, end, begin, "")), begin, "");
    LLVMValueRef seen = atomic_load(c, taken, LLVMAtomicOrderingMonotonic);
    LLVMValueRef left = LLVMBuildAnd(c->builder, wanted, LLVMBuildNot(c->builder, seen, ""), "");
    LLVMValueRef got = variable(c, number(c, 0));
    jump_if(c, LLVMIntEQ, left, number(c, 0), after, take);
    go_on_in(c, take);
    LLVMValueRef others =
        change(c, LLVMAtomicRMWBinOpOr, taken, wanted, LLVMAtomicOrderingMonotonic);
    LLVMBuildStore(c->builder,
        LLVMBuildAnd(c->builder, wanted, LLVMBuildNot(c->builder, others, ""), ""), got);
    emit_do_slices(c, got, after);
}

/* The reciprocal of a number of threads. */
static LLVMValueRef reciprocal_of(Crew *c, LLVMValueRef threads) {
    LLVMTypeRef i32 = c->codegen->i32;
    LLVMValueRef numbers[MOST_CREW + 1] = {number(c, 0)};
    for (int i = 1; i <= MOST_CREW; i++)
        numbers[i] = number(c, reciprocal(i));
    LLVMTypeRef type = LLVMArrayType2(i32, MOST_CREW + 1);
    LLVMValueRef table = LLVMAddGlobal(c->codegen->module, type, "reciprocals");
    LLVMSetInitializer(table, LLVMConstArray2(i32, numbers, MOST_CREW + 1));
    LLVMSetGlobalConstant(table, 1);
    LLVMSetLinkage(table, LLVMInternalLinkage);
    LLVMValueRef index = LLVMBuildZExtOrBitCast(c->builder, threads, c->codegen->index, "");
    return LLVMBuildLoad2(
        c->builder, i32, LLVMBuildGEP2(c->builder, i32, table, &index, 1, ""), "");
}

/* The first slice of an owner's part. */
static LLVMValueRef part_begin(Crew *c, LLVMValueRef owner, LLVMValueRef threads_reciprocal) {
    LLVMValueRef slices = LLVMBuildMul(c->builder, owner, parameter(c, SLICES), "");
    return whole_part(c, LLVMBuildMul(c->builder, slices, threads_reciprocal, ""));
}

/* The part of an owner, piece by piece. */
static void emit_part(
    Crew *c, LLVMValueRef owner, LLVMValueRef threads_reciprocal, LLVMBasicBlockRef after) {
    LLVMBuilderRef builder = c->builder;
    LLVMValueRef next_owner = LLVMBuildAdd(builder, owner, number(c, 1), "");
    LLVMValueRef begin = part_begin(c, owner, threads_reciprocal);
    LLVMValueRef end = part_begin(c, next_owner, threads_reciprocal);
    LLVMValueRef size = LLVMBuildSub(builder, end, begin, "");
    LLVMValueRef piece =
        LLVMBuildUDiv(builder, LLVMBuildAdd(builder, size, number(c, PIECES_OF_PART - 1), ""),
            number(c, PIECES_OF_PART), "");
    piece = smaller_or_larger(c, LLVMIntUGT, piece, parameter(c, LEAST_PIECE));
    LLVMValueRef at = variable(c, begin);
    LLVMBasicBlockRef more = new_block(c, "more"), one = new_block(c, "piece");
    jump(c, more);
    go_on_in(c, more);
    LLVMValueRef first = value_of(c, at);
    jump_if(c, LLVMIntULT, first, end, one, after);
    go_on_in(c, one);
    LLVMValueRef last =
        smaller_or_larger(c, LLVMIntULT, LLVMBuildAdd(builder, first, piece, ""), end);
    LLVMBuildStore(builder, last, at);
    emit_take(c, first, last, more);
}

/* Takes a slot of the scratch, if there is any, and notes its bit in `held`. Who finds none that is
 * free goes to `after`: those who hold them do all of the step. */
static void emit_take_slot(Crew *c, LLVMValueRef held, LLVMBasicBlockRef after) {
    LLVMValueRef taken = address(c, parameter(c, SHARE), TAKEN_OFFSET);
    LLVMBasicBlockRef look = new_block(c, "look"), take = new_block(c, "take");
    LLVMBasicBlockRef taking = new_block(c, "hold"), go = new_block(c, "go");
    jump_if(c, LLVMIntEQ, parameter(c, SLOTS), number(c, 0), go, look);
    go_on_in(c, look);
    LLVMValueRef seen = atomic_load(c, taken, LLVMAtomicOrderingMonotonic);
    LLVMValueRef all =
        LLVMBuildShl(c->builder, low_bits(c, parameter(c, SLOTS)), number(c, MOST_SLICES), "");
    LLVMValueRef left = LLVMBuildAnd(c->builder, all, LLVMBuildNot(c->builder, seen, ""), "");
    LLVMValueRef bit = LLVMBuildAnd(c->builder, left, LLVMBuildNeg(c->builder, left, ""), "");
    jump_if(c, LLVMIntEQ, left, number(c, 0), after, take);
    go_on_in(c, take);
    LLVMValueRef exchange =
        LLVMBuildAtomicCmpXchg(c->builder, taken, seen, LLVMBuildOr(c->builder, seen, bit, ""),
            LLVMAtomicOrderingAcquire, LLVMAtomicOrderingMonotonic, 0);
    LLVMBuildCondBr(c->builder, LLVMBuildExtractValue(c->builder, exchange, 1, ""), taking, look);
    go_on_in(c, taking);
    LLVMValueRef slot =
        LLVMBuildSub(c->builder, zeros(c, "llvm.cttz", bit), number(c, MOST_SLICES), "");
    codegen_set_slot(c->codegen, parameter(c, CONTEXT),
        LLVMBuildZExtOrBitCast(c->builder, slot, c->codegen->index, ""));
    LLVMBuildStore(c->builder, bit, held);
    jump(c, go);
    go_on_in(c, go);
}

static void emit_give_slot(Crew *c, LLVMValueRef held) {
    LLVMValueRef taken = address(c, parameter(c, SHARE), TAKEN_OFFSET);
    LLVMBasicBlockRef give = new_block(c, "give"), given = new_block(c, "given");
    jump_if(c, LLVMIntEQ, value_of(c, held), number(c, 0), given, give);
    go_on_in(c, give);
    change(c, LLVMAtomicRMWBinOpAnd, taken, LLVMBuildNot(c->builder, value_of(c, held), ""),
        LLVMAtomicOrderingRelease);
    jump(c, given);
    go_on_in(c, given);
}

/* bool share_step(crew, context, me, task, share, slices, slice_items, item_parts, least_piece,
 * slots): false when the step before takes too long. */
static void emit_share_step(Crew *c) {
    LLVMTypeRef i32 = c->codegen->i32, pointer = c->codegen->pointer;
    LLVMTypeRef bit = LLVMInt1TypeInContext(c->codegen->context);
    LLVMTypeRef types[SHARE_PARAMETERS] = {
        pointer, pointer, i32, pointer, pointer, i32, c->codegen->index, i32, i32, i32};
    c->share_step = add_function(c, "share_step", bit, types, SHARE_PARAMETERS);
    codegen_mark(c->codegen, c->function, LLVMAttributeFunctionIndex, "noinline");
    bool scratch = program_has_scratch(c->program);
    LLVMValueRef helped = variable(c, number(c, 0)), held = variable(c, number(c, 0));
    LLVMBasicBlockRef finished = new_block(c, "finished"), done = new_block(c, "done");
    emit_wait(c);
    if (scratch)
        emit_take_slot(c, held, done);
    LLVMValueRef present =
        atomic_load(c, address(c, parameter(c, CREW), PRESENT_OFFSET), LLVMAtomicOrderingMonotonic);
    LLVMValueRef threads =
        LLVMBuildSub(c->builder, number(c, 32), zeros(c, "llvm.ctlz", present), "");
    /* The others may only be on their way. */
    threads = smaller_or_larger(c, LLVMIntUGT, threads, number(c, 2));
    LLVMValueRef threads_reciprocal = reciprocal_of(c, threads);
    LLVMBasicBlockRef parts = new_block(c, "parts"), part = new_block(c, "part");
    jump(c, parts);
    go_on_in(c, parts);
    LLVMValueRef which = value_of(c, helped);
    jump_if(c, LLVMIntULT, which, threads, part, finished);
    go_on_in(c, part);
    LLVMBuildStore(c->builder, LLVMBuildAdd(c->builder, which, number(c, 1), ""), helped);
    LLVMValueRef owner = LLVMBuildAdd(c->builder, parameter(c, ME), which, "");
    LLVMValueRef wrapped = LLVMBuildSub(c->builder, owner, threads, "");
    owner = smaller_or_larger(c, LLVMIntULT, owner, wrapped); /* below 0 is large */
    emit_part(c, owner, threads_reciprocal, parts);
    go_on_in(c, finished);
    if (scratch)
        emit_give_slot(c, held);
    jump(c, done);
    go_on_in(c, done);
    LLVMBuildRet(c->builder, LLVMConstInt(bit, 1, 0));
}

/* ---- the task ---- */

static LLVMValueRef share_address(Crew *c, LLVMValueRef crew, int step) {
    return address(c, crew, SHARES_OFFSET + (int64_t)SHARE_BYTES * step);
}

/* Takes the lowest bit of `present` that is free; the bit. */
static LLVMValueRef emit_join(Crew *c, LLVMValueRef present, LLVMBasicBlockRef stop) {
    LLVMValueRef mine = variable(c, number(c, 0));
    LLVMBasicBlockRef look = new_block(c, "look"), join = new_block(c, "join");
    LLVMBasicBlockRef joined = new_block(c, "joined");
    jump(c, look);
    go_on_in(c, look);
    LLVMValueRef others = atomic_load(c, present, LLVMAtomicOrderingMonotonic);
    LLVMValueRef free_bits = LLVMBuildNot(c->builder, others, "");
    LLVMBuildStore(c->builder,
        LLVMBuildAnd(c->builder, free_bits, LLVMBuildNeg(c->builder, free_bits, ""), ""), mine);
    jump_if(c, LLVMIntEQ, free_bits, number(c, 0), stop, join);
    go_on_in(c, join);
    LLVMValueRef with_me = LLVMBuildOr(c->builder, others, value_of(c, mine), "");
    LLVMValueRef exchange = LLVMBuildAtomicCmpXchg(c->builder, present, others, with_me,
        LLVMAtomicOrderingMonotonic, LLVMAtomicOrderingMonotonic, 0);
    LLVMBuildCondBr(c->builder, LLVMBuildExtractValue(c->builder, exchange, 1, ""), joined, look);
    go_on_in(c, joined);
    return value_of(c, mine);
}

static void emit_steps(
    Crew *c, LLVMValueRef crew, LLVMValueRef me, const LLVMValueRef *steps, LLVMBasicBlockRef end) {
    LLVMValueRef mine =
        program_has_scratch(c->program) ? codegen_context_copy(c->codegen, crew) : crew;
    for (int i = 0; i < c->program->step_count; i++) {
        StepShares shares = step_shares(c->program, i);
        int64_t items = c->program->kernels[c->program->steps[i].kernel]->extent;
        unsigned long long each = (unsigned long long)(items / shares.slices);
        int rest = (int)(items % shares.slices);
        LLVMValueRef arguments[SHARE_PARAMETERS] = {crew, mine, me, steps[i],
            share_address(c, crew, i), number(c, shares.slices),
            LLVMConstInt(c->codegen->index, each, 0), number(c, rest * reciprocal(shares.slices)),
            number(c, shares.least_piece), number(c, step_scratch_slots(c->program, i))};
        LLVMValueRef good = LLVMBuildCall2(c->builder, LLVMGlobalGetValueType(c->share_step),
            c->share_step, arguments, SHARE_PARAMETERS, "");
        LLVMBasicBlockRef next = new_block(c, "next");
        LLVMBuildCondBr(c->builder, good, next, end);
        go_on_in(c, next);
    }
    jump(c, end);
}

LLVMValueRef codegen_parallel_task(
    Codegen *codegen, const Program *program, const LLVMValueRef *steps) {
    Crew crew = {.codegen = codegen, .program = program, .builder = codegen->builder};
    Crew *c = &crew;
    LLVMTypeRef types[3] = {codegen->pointer, codegen->index, codegen->index};
    c->step_type = LLVMFunctionType(codegen->void_type, types, 3, 0);
    emit_share_step(c);
    LLVMValueRef task = add_function(c, "work", codegen->void_type, types, 3);
    LLVMValueRef context = LLVMGetParam(task, 0), present = address(c, context, PRESENT_OFFSET);
    LLVMBasicBlockRef stop = new_block(c, "stop"), leave = new_block(c, "leave");
    LLVMBasicBlockRef enter = new_block(c, "enter");
    LLVMValueRef last =
        atomic_load(c, share_address(c, context, program->step_count), LLVMAtomicOrderingMonotonic);
    LLVMValueRef stopped =
        atomic_load(c, address(c, context, STOPPED_OFFSET), LLVMAtomicOrderingMonotonic);
    LLVMValueRef over = LLVMBuildSelect(c->builder,
        LLVMBuildICmp(c->builder, LLVMIntEQ, last, number(c, 0), ""), number(c, 1), stopped, "");
    jump_if(c, LLVMIntNE, over, number(c, 0), stop, enter);
    go_on_in(c, enter);
    LLVMValueRef bit = emit_join(c, present, stop);
    emit_steps(c, context, zeros(c, "llvm.cttz", bit), steps, leave);
    go_on_in(c, leave);
    LLVMValueRef others = LLVMBuildNot(c->builder, bit, "");
    change(c, LLVMAtomicRMWBinOpAnd, present, others, LLVMAtomicOrderingMonotonic);
    jump(c, stop);
    go_on_in(c, stop);
    LLVMBuildRetVoid(c->builder);
    return task;
}

LLVMValueRef codegen_parallel_frame(Codegen *codegen, const Program *program) {
    int64_t bytes = SHARES_OFFSET + (int64_t)SHARE_BYTES * (program->step_count + 1);
    LLVMTypeRef type = LLVMArrayType2(codegen->i8, (unsigned long long)bytes);
    LLVMValueRef frame = LLVMBuildAlloca(codegen->builder, type, "crew");
    LLVMSetAlignment(frame, 64);
    return frame;
}

void codegen_parallel_start(Codegen *codegen, const Program *program, LLVMValueRef frame) {
    Crew crew = {.codegen = codegen, .program = program, .builder = codegen->builder};
    LLVMValueRef zero = number(&crew, 0);
    LLVMBuildStore(codegen->builder, zero, address(&crew, frame, PRESENT_OFFSET));
    for (int i = 0; i <= program->step_count; i++) {
        LLVMValueRef share = share_address(&crew, frame, i);
        int before = i > 0 ? step_shares(program, i - 1).slices : 0;
        LLVMBuildStore(codegen->builder, number(&crew, before), share);
        LLVMBuildStore(codegen->builder, zero, address(&crew, share, TAKEN_OFFSET));
    }
}

void codegen_parallel_resume(Codegen *codegen, LLVMValueRef frame) {
    Crew crew = {.codegen = codegen, .builder = codegen->builder};
    atomic_store(&crew, number(&crew, 0), address(&crew, frame, STOPPED_OFFSET));
}

LLVMValueRef codegen_parallel_is_done(
    Codegen *codegen, const Program *program, LLVMValueRef frame) {
    Crew crew = {.codegen = codegen, .program = program, .builder = codegen->builder};
    LLVMValueRef left = atomic_load(
        &crew, share_address(&crew, frame, program->step_count), LLVMAtomicOrderingAcquire);
    return LLVMBuildIsNull(codegen->builder, left, "");
}
