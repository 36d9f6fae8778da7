/* How much stack the functions of a module take: the frames that LLVM laid out, added up along the
 * calls.
 *
 * LLVM tells the size of a frame to who asks by the attribute "warn-stack-size", on every target
 * and for every object format, as the diagnostic stack frame size (1234) exceeds limit (0) in
 * function 'NAME' It counts variables, spills and saved registers. What it does not count is added
 * here: the return address, room to align the frame, and arguments that are pushed for a call. */
#include "backends/emit/llvm/codegen.h"
#include "ir/ending.h"
#include <stdlib.h>
#include <string.h>

enum {
    RETURN_BYTES = 16,    /* the return address, and a saved frame pointer */
    ALIGNMENT_BYTES = 64, /* of the frames with vectors in them */
    ARGUMENT_BYTES = 8,   /* of each argument, where none is in a register */
    RED_ZONE_BYTES = 128  /* that a function without calls uses below its frame */
};

static StackFrame *frame_named(StackFrames *frames, const char *name, size_t length) {
    for (int i = 0; i < frames->count; i++) {
        size_t own = 0;
        const char *text = LLVMGetValueName2(frames->rows[i].function, &own);
        if (own == length && memcmp(text, name, length) == 0)
            return &frames->rows[i];
    }
    return NULL;
}

static void note_frame(LLVMDiagnosticInfoRef info, void *context) {
    static const char begin[] = "stack frame size (", middle[] = "in function '";
    StackFrames *frames = context;
    char *text = LLVMGetDiagInfoDescription(info);
    const char *size = strstr(text, begin), *name = size ? strstr(size, middle) : NULL;
    if (name) {
        name += sizeof middle - 1;
        const char *end = strrchr(name, '\'');
        StackFrame *frame = end ? frame_named(frames, name, (size_t)(end - name)) : NULL;
        if (frame)
            frame->bytes = strtoll(size + sizeof begin - 1, NULL, 10);
        frames->good = frames->good && frame != NULL;
    } else if (LLVMGetDiagInfoSeverity(info) == LLVMDSError) {
        frames->good = false;
    }
    LLVMDisposeMessage(text);
}

void codegen_ask_frames(LLVMContextRef context, LLVMModuleRef module, StackFrames *frames) {
    Codegen codegen = {.context = context};
    size_t count = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        count += !LLVMIsDeclaration(f);
    *frames = (StackFrames){.rows = calloc(count + 1, sizeof *frames->rows)};
    if (frames->rows == NULL)
        out_of_memory();
    frames->good = true;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f))
            continue;
        codegen_attribute(&codegen, f, "warn-stack-size", "0");
        frames->rows[frames->count++].function = f;
    }
    LLVMContextSetDiagnosticHandler(context, note_frame, frames);
}

void codegen_free_frames(StackFrames *frames) {
    free(frames->rows);
}

static StackFrame *frame_of(const StackFrames *frames, LLVMValueRef function) {
    for (int i = 0; i < frames->count; i++)
        if (frames->rows[i].function == function)
            return &frames->rows[i];
    return NULL;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t path_of(const StackFrames *frames, LLVMValueRef function);

/* The callee, and on top of it the largest function that it is given to call. */
static int64_t path_of_call(const StackFrames *frames, LLVMValueRef call) {
    int64_t callee = path_of(frames, LLVMGetCalledValue(call)), given = 0;
    int count = (int)LLVMGetNumArgOperands(call);
    for (int i = 0; i < count; i++)
        given = larger(given, path_of(frames, LLVMGetOperand(call, (unsigned)i)));
    bool pushes = !LLVMIsAFunction(LLVMGetCalledValue(call)) || callee > 0;
    return callee + given + (pushes ? (int64_t)ARGUMENT_BYTES * (count + 1) : 0);
}

/* The most stack from a call of the function on; no function of ours calls itself. */
static int64_t path_of(const StackFrames *frames, LLVMValueRef function) {
    StackFrame *frame = LLVMIsAFunction(function) ? frame_of(frames, function) : NULL;
    if (!frame)
        return 0; /* not a function, or not ours */
    if (frame->path > 0)
        return frame->path;
    int64_t most = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;
        block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
            if (LLVMIsACallInst(i))
                most = larger(most, path_of_call(frames, i));
    frame->path = frame->bytes + RETURN_BYTES + ALIGNMENT_BYTES + most;
    return frame->path;
}

int64_t codegen_stack_bytes(const StackFrames *frames) {
    int64_t most = 0;
    for (int i = 0; i < frames->count; i++)
        most = larger(most, path_of(frames, frames->rows[i].function));
    return most + RED_ZONE_BYTES;
}
