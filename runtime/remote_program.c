/* The program that `--runner` runs elsewhere: one network, without any library. riffle carries this
 * text in itself, and compiles and links it with the network's library. It reads a request from the
 * file that its first argument names, and writes an answer to that of the second, as
 * remote_protocol.h says.
 *
 * Each array lies between guards. Where no time is taken it ends where the memory ends, so that an
 * access behind it stops the program; else it is aligned as a caller's would be. */
#include "remote_protocol.h"
#include <stddef.h>
#include <stdint.h>

typedef void Task(void *context, size_t begin, size_t end);
typedef void ParallelFor(void *pool, Task *task, void *context, size_t count);

int NETWORK_RUN(const float *const *inputs, float *const *outputs, void *workspace);
int NETWORK_RUN_PARALLEL(const float *const *inputs, float *const *outputs, void *workspace,
    ParallelFor *parallel_for, void *pool);

enum { PAGE = 65536, MOST_ARRAYS = 4096, GUARD_LENGTH = 256, GUARD = 0xA5, NAN_BYTE = 0xFF };
enum { EXIT_GOOD = 0, EXIT_FAULT = 1 };

/* ---- system calls ---- */

enum { OPEN_READ = 0, OPEN_WRITE = 01 | 0100 | 01000 /* create, cut */, HERE = -100 };

#if defined(__aarch64__)
enum { CALL_OPEN = 56, CALL_CLOSE = 57, CALL_READ = 63, CALL_WRITE = 64, CALL_EXIT = 94 };
enum { CALL_CLOCK = 113, CALL_MMAP = 222, CALL_MPROTECT = 226 };

__asm__(
    ".globl _start\n_start:\n mov x0, sp\n mov x29, #0\n mov x30, #0\n bl start_here\n brk #1\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
        : "memory");
    return x0;
}
#elif defined(__arm__)
enum { CALL_OPEN = 322, CALL_CLOSE = 6, CALL_READ = 3, CALL_WRITE = 4, CALL_EXIT = 248 };
enum { CALL_CLOCK = 263, CALL_MMAP = 192, CALL_MPROTECT = 125 };

__asm__(".arm\n.globl _start\n_start:\n mov r0, sp\n bic sp, sp, #15\n bl start_here\n udf #0\n");

/* By hand: r7 may be the frame pointer. */
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
    register long r3 __asm__("r3") = d, r4 __asm__("r4") = e, r5 __asm__("r5") = f;
    register long ip __asm__("ip") = number;
    __asm__ volatile("push {r7}\n mov r7, ip\n svc #0\n pop {r7}"
        : "+r"(r0)
        : "r"(ip), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
        : "memory");
    return r0;
}
#elif defined(__x86_64__)
enum { CALL_OPEN = 257, CALL_CLOSE = 3, CALL_READ = 0, CALL_WRITE = 1, CALL_EXIT = 231 };
enum { CALL_CLOCK = 228, CALL_MMAP = 9, CALL_MPROTECT = 10 };

__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n xor %ebp, %ebp\n and $-16, %rsp\n"
        " call start_here\n ud2\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
        : "=a"(result)
        : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
        : "rcx", "r11", "memory");
    return result;
}
#else
#error "system calls of this architecture are not known"
#endif

static void say(const char *words) {
    size_t length = 0;
    while (words[length] != '\0')
        length++;
    (void)call(CALL_WRITE, 2, (long)words, (long)length, 0, 0, 0);
}

_Noreturn static void leave(int status) {
    for (;;)
        call(CALL_EXIT, status, 0, 0, 0, 0, 0);
}

_Noreturn static void give_up(const char *what) {
    say("the program that runs the network ");
    say(what);
    say("\n");
    leave(EXIT_FAULT);
}

static uint64_t nanoseconds_now(void) {
    enum { MONOTONIC = 1 };
    struct {
        long seconds, nanoseconds;
    } now;
    if (call(CALL_CLOCK, MONOTONIC, (long)&now, 0, 0, 0, 0) != 0)
        give_up("has no clock");
    return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

/* ---- what the code may ask for ---- */

typedef uint64_t __attribute__((may_alias, aligned(1))) Word;

/* A compiler that sees through it would make a call of memcpy of it. */
#define KEEP_LOOP __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    for (; size >= sizeof(Word); size -= sizeof(Word)) {
        *(Word *)(void *)out = *(const Word *)(const void *)in;
        out += sizeof(Word);
        in += sizeof(Word);
        KEEP_LOOP;
    }
    for (; size > 0; size--) {
        *out++ = *in++;
        KEEP_LOOP;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    if (out < in)
        return memcpy(to, from, size);
    while (size-- > 0) {
        out[size] = in[size];
        KEEP_LOOP;
    }
    return to;
}

void *memset(void *to, int value, size_t size) {
    unsigned char *out = to;
    Word word = (unsigned char)value * UINT64_C(0x0101010101010101);
    for (; size >= sizeof word; size -= sizeof word) {
        *(Word *)(void *)out = word;
        out += sizeof word;
        KEEP_LOOP;
    }
    while (size-- > 0) {
        *out++ = (unsigned char)value;
        KEEP_LOOP;
    }
    return to;
}

#if defined(__arm__)
void __aeabi_memcpy(void *to, const void *from, size_t size);
void __aeabi_memmove(void *to, const void *from, size_t size);
void __aeabi_memset(void *to, size_t size, int value);
void __aeabi_memclr(void *to, size_t size);

void __aeabi_memcpy(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
}

void __aeabi_memmove(void *to, const void *from, size_t size) {
    memmove(to, from, size);
}

void __aeabi_memset(void *to, size_t size, int value) {
    memset(to, value, size);
}

void __aeabi_memclr(void *to, size_t size) {
    memset(to, 0, size);
}
#endif

/* ---- files ---- */

static long open_file(const char *path, int how) {
    return call(CALL_OPEN, HERE, (long)path, how, 0600, 0, 0);
}

static void read_all(long file, void *to, size_t size) {
    for (char *at = to; size > 0;) {
        long count = call(CALL_READ, file, (long)at, (long)size, 0, 0, 0);
        if (count <= 0)
            give_up("cannot read all of its request");
        at += count;
        size -= (size_t)count;
    }
}

static void write_all(long file, const void *from, size_t size) {
    for (const char *at = from; size > 0;) {
        long count = call(CALL_WRITE, file, (long)at, (long)size, 0, 0, 0);
        if (count <= 0)
            give_up("cannot write its answer: is there room for it?");
        at += count;
        size -= (size_t)count;
    }
}

/* ---- arrays ---- */

typedef struct Array {
    unsigned char *data;
    size_t size, behind; /* bytes of the guard behind it */
} Array;

static unsigned char *get_pages(size_t size) {
    enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
    long base = call(CALL_MMAP, 0, (long)size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
    if (base < 0 && base > -4096)
        give_up("has not enough memory");
    return (unsigned char *)base;
}

static Array array_create(uint64_t bytes, int aligned) {
    if (bytes > SIZE_MAX / 2)
        give_up("has not enough memory");
    size_t size = (size_t)bytes, behind = aligned ? GUARD_LENGTH + (64 - size % 64) % 64 : 0;
    size_t pages = (size + behind + GUARD_LENGTH + PAGE - 1) / PAGE * PAGE;
    unsigned char *memory = get_pages(pages + PAGE);
    if (call(CALL_MPROTECT, (long)(memory + pages), PAGE, 0, 0, 0, 0) != 0)
        give_up("cannot protect its memory");
    Array array = {memory + pages - behind - size, size, behind};
    memset(array.data - GUARD_LENGTH, GUARD, GUARD_LENGTH);
    memset(array.data + size, GUARD, behind);
    return array;
}

static int guards_hold(const Array *array) {
    for (size_t i = 1; i <= GUARD_LENGTH; i++)
        if (array->data[-(ptrdiff_t)i] != GUARD)
            return 0;
    for (size_t i = 0; i < array->behind; i++)
        if (array->data[array->size + i] != GUARD)
            return 0;
    return 1;
}

/* Changes when a byte does. */
static uint64_t digest(const Array *array) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < array->size; i++)
        sum = (sum ^ array->data[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* ---- the work ---- */

typedef struct RemoteWork {
    uint64_t request[REQUEST_NUMBERS], answer[ANSWER_NUMBERS];
    Array arrays[MOST_ARRAYS + 1]; /* inputs, outputs, workspace */
    uint64_t digests[MOST_ARRAYS];
    const float *inputs[MOST_ARRAYS];
    float *outputs[MOST_ARRAYS];
    void *workspace;
    uint64_t *times; /* NULL: none are taken */
    uint64_t *step;  /* where the time of the next step goes; NULL: none is taken */
    uint64_t last;   /* when the one before it ended */
} RemoteWork;

static RemoteWork work; /* zeros */

static void create_arrays(long file) {
    uint64_t inputs = work.request[REQUEST_INPUTS], outputs = work.request[REQUEST_OUTPUTS];
    uint64_t sizes[MOST_ARRAYS];
    int aligned = work.request[REQUEST_SAMPLES] > 0;
    if (inputs > MOST_ARRAYS || outputs > MOST_ARRAYS - inputs)
        give_up("is asked for more inputs and outputs than it can have");
    size_t count = (size_t)(inputs + outputs);
    read_all(file, sizes, count * sizeof *sizes);
    for (size_t i = 0; i < count; i++) {
        Array array = work.arrays[i] = array_create(sizes[i], aligned);
        if (i < inputs) {
            if (work.request[REQUEST_MADE_UP] == 0)
                read_all(file, array.data, array.size);
            else
                memset(array.data, 1, array.size);
            work.inputs[i] = (const float *)(const void *)array.data;
            work.digests[i] = digest(&array);
        } else {
            memset(array.data, NAN_BYTE, array.size);
            work.outputs[i - inputs] = (float *)(void *)array.data;
        }
    }
    Array workspace = array_create((work.request[REQUEST_WORKSPACE] + 63) / 64 * 64, aligned);
    memset(workspace.data, NAN_BYTE, workspace.size);
    work.workspace = workspace.data;
    work.arrays[count] = workspace;
}

static void timed_step(void *pool, Task *task, void *context, size_t count) {
    (void)pool;
    task(context, 0, count);
    uint64_t now = nanoseconds_now();
    if (work.step != NULL)
        *work.step++ = now - work.last;
    work.last = now;
}

static int run_once(void) {
    if (work.request[REQUEST_STEPS] == 0)
        return NETWORK_RUN(work.inputs, work.outputs, work.workspace);
    work.last = nanoseconds_now();
    return NETWORK_RUN_PARALLEL(work.inputs, work.outputs, work.workspace, timed_step, NULL);
}

static int run_times(uint64_t times) {
    int status = 0;
    for (uint64_t i = 0; i < times && status == 0; i++)
        status = run_once();
    return status;
}

static int take_samples(void) {
    uint64_t most = work.request[REQUEST_SAMPLES], steps = work.request[REQUEST_STEPS];
    uint64_t numbers = most * (steps == 0 ? 1 : steps);
    work.times = (uint64_t *)(void *)get_pages((size_t)numbers * sizeof *work.times);
    int status = run_times(work.request[REQUEST_WARM_UP]);
    uint64_t start = nanoseconds_now(), now = start, taken = 0;
    while (status == 0 && taken < most &&
           (taken == 0 || now - start < work.request[REQUEST_NANOSECONDS])) {
        uint64_t before = now;
        work.step = steps == 0 ? NULL : work.times + taken * steps;
        status = run_times(work.request[REQUEST_RUNS]);
        now = nanoseconds_now();
        if (steps == 0)
            work.times[taken] = now - before;
        taken++;
    }
    work.answer[ANSWER_SAMPLES] = taken;
    return status;
}

static void find_fault(void) {
    size_t inputs = (size_t)work.request[REQUEST_INPUTS];
    size_t count = inputs + (size_t)work.request[REQUEST_OUTPUTS];
    for (size_t i = 0; i <= count; i++) {
        int fault = !guards_hold(&work.arrays[i])                              ? FAULT_GUARD
                    : i < inputs && digest(&work.arrays[i]) != work.digests[i] ? FAULT_INPUT
                                                                               : FAULT_NONE;
        if (fault == FAULT_NONE)
            continue;
        work.answer[ANSWER_FAULT] = (uint64_t)fault;
        work.answer[ANSWER_ARRAY] = i;
        return;
    }
}

static void write_answer(const char *path) {
    const uint64_t end = ANSWER_END;
    long file = open_file(path, OPEN_WRITE);
    if (file < 0)
        give_up("cannot make the file of its answer");
    uint64_t steps = work.request[REQUEST_STEPS], inputs = work.request[REQUEST_INPUTS];
    uint64_t times = work.answer[ANSWER_SAMPLES] * (steps == 0 ? 1 : steps);
    write_all(file, work.answer, sizeof work.answer);
    write_all(file, work.times, (size_t)times * sizeof *work.times);
    for (uint64_t i = 0; i < work.request[REQUEST_OUTPUTS]; i++)
        write_all(file, work.arrays[inputs + i].data, work.arrays[inputs + i].size);
    write_all(file, &end, sizeof end);
    if (call(CALL_CLOSE, file, 0, 0, 0, 0, 0) != 0)
        give_up("cannot write its answer: is there room for it?");
}

/* What the system leaves on the stack: the number of arguments, and where they are. */
__attribute__((used)) _Noreturn void start_here(const long *stack);

void start_here(const long *stack) {
    if (stack[0] != 3)
        give_up("takes two arguments: the request's file and the answer's");
    const char *const *arguments = (const char *const *)(const void *)(stack + 1);
    long file = open_file(arguments[1], OPEN_READ);
    if (file < 0)
        give_up("cannot open its request");
    read_all(file, work.request, sizeof work.request);
    create_arrays(file);
    int status = work.request[REQUEST_SAMPLES] > 0 ? take_samples() : run_once();
    work.answer[ANSWER_STATUS] = (uint64_t)(int64_t)status;
    find_fault();
    write_answer(arguments[2]);
    leave(EXIT_GOOD);
}
