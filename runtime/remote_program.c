/* The program that `--runner` runs elsewhere: one network, without any library. riffle carries this
 * text in itself, and compiles and links it with the network's library. It reads a request from the
 * file that its first argument names, and writes an answer to that of the second, as
 * remote_protocol.h says.
 *
 * Each array lies between guards. Where no time is taken it ends where the memory ends, so that an
 * access behind it stops the program; else it is aligned as a caller's would be. */
#include "remote_protocol.h"
#include "remote_system.h"
#include <stddef.h>
#include <stdint.h>

typedef void Task(void *context, size_t begin, size_t end);
typedef void ParallelFor(void *pool, Task *task, void *context, size_t count);

int NETWORK_RUN(const float *const *inputs, float *const *outputs, void *workspace);
int NETWORK_RUN_PARALLEL(const float *const *inputs, float *const *outputs, void *workspace,
    ParallelFor *parallel_for, void *pool);

enum { PAGE = 65536, MOST_ARRAYS = 4096, GUARD_LENGTH = 256, GUARD = 0xA5, NAN_BYTE = 0xFF };
enum { EXIT_GOOD = 0, EXIT_FAULT = 1 };

static void say(const char *words) {
    size_t length = 0;
    while (words[length] != '\0')
        length++;
    (void)system_call(CALL_WRITE, 2, (long)words, (long)length, 0, 0, 0);
}

_Noreturn static void leave(int status) {
    for (;;)
        system_call(CALL_EXIT, status, 0, 0, 0, 0, 0);
}

_Noreturn static void give_up(const char *what) {
    say("the program that runs the network ");
    say(what);
    say("\n");
    leave(EXIT_FAULT);
}

static uint64_t nanoseconds_now(void) {
    struct {
        long seconds, nanoseconds;
    } now;
    if (system_call(CALL_CLOCK, MONOTONIC_CLOCK, (long)&now, 0, 0, 0, 0) != 0)
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

/* What the system says of the processor: pairs of numbers up to one whose first is 0. */
static const unsigned long *auxiliary;

/* A library with code for several processors asks it. */
unsigned long getauxval(unsigned long type);
unsigned long getauxval(unsigned long type) {
    for (const unsigned long *pair = auxiliary; pair[0] != 0; pair += 2)
        if (pair[0] == type)
            return pair[1];
    return 0;
}

#if defined(__arm__)
unsigned __aeabi_uidiv(unsigned number, unsigned divisor);
void __aeabi_memcpy(void *to, const void *from, size_t size);
void __aeabi_memmove(void *to, const void *from, size_t size);
void __aeabi_memset(void *to, size_t size, int value);
void __aeabi_memclr(void *to, size_t size);

/* Not every ARM divides; the divisor is not 0. */
unsigned __aeabi_uidiv(unsigned number, unsigned divisor) {
    unsigned quotient = 0, rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        int carries = rest >> 31 != 0;
        rest = rest << 1 | (number >> bit & 1);
        if (carries || rest >= divisor) {
            rest -= divisor;
            quotient |= 1u << bit;
        }
    }
    return quotient;
}

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
    return system_call(CALL_OPEN, HERE, (long)path, how, 0600, 0, 0);
}

static void read_all(long file, void *to, size_t size) {
    for (char *at = to; size > 0;) {
        long count = system_call(CALL_READ, file, (long)at, (long)size, 0, 0, 0);
        if (count <= 0)
            give_up("cannot read all of its request");
        at += count;
        size -= (size_t)count;
    }
}

static void write_all(long file, const void *from, size_t size) {
    for (const char *at = from; size > 0;) {
        long count = system_call(CALL_WRITE, file, (long)at, (long)size, 0, 0, 0);
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
    long base = system_call(CALL_MMAP, 0, (long)size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
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
    if (system_call(CALL_MPROTECT, (long)(memory + pages), PAGE, 0, 0, 0, 0) != 0)
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

/* ---- threads ---- */

enum { MOST_THREADS = 256, THREAD_STACK = 1 << 20, LOOKS = 20000 };

/* On cache lines of its own. */
typedef struct Member {
    uint32_t done;   /* the number of the last loop that it has finished */
    uint32_t sleeps; /* or is about to */
    size_t index;
    char room[128];
} Member;

/* Threads that do the items of one loop at a time, each a part of its own. */
typedef struct RemoteCrew {
    Member members[MOST_THREADS];
    size_t count; /* the caller's included */
    Task *task;
    void *context;
    size_t items;
    uint32_t loop; /* its number; read by all */
} RemoteCrew;

static RemoteCrew crew;

static void do_part(size_t index) {
    size_t begin = crew.items * index / crew.count, end = crew.items * (index + 1) / crew.count;
    if (begin < end)
        crew.task(crew.context, begin, end);
}

static void look_again(int looks) {
    if (looks > LOOKS)
        system_call(CALL_YIELD, 0, 0, 0, 0, 0, 0);
    else
        KEEP_LOOP;
}

_Noreturn static void member_work(Member *self) {
    enum { WAIT_PRIVATE = 128 };
    for (uint32_t seen = 0;;) {
        int looks = 0;
        while (__atomic_load_n(&crew.loop, __ATOMIC_ACQUIRE) == seen && looks <= LOOKS)
            look_again(looks++);
        __atomic_store_n(&self->sleeps, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&crew.loop, __ATOMIC_SEQ_CST) == seen)
            system_call(CALL_FUTEX, (long)&crew.loop, WAIT_PRIVATE, (long)seen, 0, 0, 0);
        __atomic_store_n(&self->sleeps, 0, __ATOMIC_RELAXED);
        seen = __atomic_load_n(&crew.loop, __ATOMIC_ACQUIRE);
        do_part(self->index);
        __atomic_store_n(&self->done, seen, __ATOMIC_RELEASE);
    }
}

static void crew_create(size_t threads) {
    if (threads > MOST_THREADS)
        give_up("is asked for more threads than it can have");
    crew.count = threads;
    for (size_t i = 1; i < threads; i++) {
        crew.members[i].index = i;
        struct {
            void (*function)(Member *);
            Member *argument;
        } *top = (void *)(get_pages(THREAD_STACK) + THREAD_STACK - 64);
        top->function = member_work;
        top->argument = &crew.members[i];
        if (start_thread(top) < 0)
            give_up("cannot start its threads");
    }
}

/* A ParallelFor. */
static void crew_loop(void *pool, Task *task, void *context, size_t count) {
    enum { WAKE_PRIVATE = 129 };
    (void)pool;
    crew.task = task;
    crew.context = context;
    crew.items = count;
    uint32_t loop = crew.loop + 1;
    __atomic_store_n(&crew.loop, loop, __ATOMIC_SEQ_CST);
    for (size_t i = 1; i < crew.count; i++)
        if (__atomic_load_n(&crew.members[i].sleeps, __ATOMIC_SEQ_CST)) {
            system_call(CALL_FUTEX, (long)&crew.loop, WAKE_PRIVATE, MOST_THREADS, 0, 0, 0);
            break;
        }
    do_part(0);
    for (size_t i = 1; i < crew.count; i++)
        for (int looks = 0; __atomic_load_n(&crew.members[i].done, __ATOMIC_ACQUIRE) != loop;)
            look_again(looks++);
}

/* ---- the work ---- */

typedef struct RemoteWork {
    uint64_t request[REQUEST_NUMBERS], answer[ANSWER_NUMBERS];
    Array arrays[MOST_ARRAYS + 1]; /* inputs, outputs, workspace */
    uint64_t digests[MOST_ARRAYS];
    const float *inputs[2 * MOST_ARRAYS]; /* behind them row bytes: rows have no gaps */
    float *outputs[MOST_ARRAYS];
    void *workspace;
    float *
        *own_outputs[MOST_THREADS]; /* of each thread that works apart; the first has those above */
    void *own_workspace[MOST_THREADS];
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
    crew_loop(pool, task, context, count);
    uint64_t now = nanoseconds_now();
    if (work.step != NULL)
        *work.step++ = now - work.last;
    work.last = now;
}

static int run_once(void) {
    if (work.request[REQUEST_STEPS] == 0 && crew.count > 1)
        return NETWORK_RUN_PARALLEL(work.inputs, work.outputs, work.workspace, crew_loop, NULL);
    if (work.request[REQUEST_STEPS] == 0)
        return NETWORK_RUN(work.inputs, work.outputs, work.workspace);
    work.last = nanoseconds_now();
    return NETWORK_RUN_PARALLEL(work.inputs, work.outputs, work.workspace, timed_step, NULL);
}

/* Nobody looks at what each of them writes: it shall take its time. */
static void create_own_arrays(void) {
    size_t inputs = (size_t)work.request[REQUEST_INPUTS];
    size_t outputs = (size_t)work.request[REQUEST_OUTPUTS];
    work.own_outputs[0] = work.outputs;
    work.own_workspace[0] = work.workspace;
    for (size_t i = 1; i < crew.count; i++) {
        work.own_outputs[i] = (float **)(void *)get_pages(outputs * sizeof(float *));
        for (size_t j = 0; j < outputs; j++)
            work.own_outputs[i][j] =
                (float *)(void *)array_create(work.arrays[inputs + j].size, 1).data;
        work.own_workspace[i] = array_create(work.arrays[inputs + outputs].size, 1).data;
    }
}

/* Whole runs, a thread's own; the context is how many each has. */
static void run_apart(void *context, size_t begin, size_t end) {
    size_t index = begin / *(const size_t *)context;
    for (size_t i = begin; i < end; i++)
        (void)NETWORK_RUN(work.inputs, work.own_outputs[index], work.own_workspace[index]);
}

static int run_times(uint64_t times) {
    int status = 0;
    size_t of_each = (size_t)times / crew.count;
    if (work.request[REQUEST_APART] != 0 && of_each > 0) {
        crew_loop(NULL, run_apart, &of_each, of_each * crew.count);
        return 0;
    }
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
    if (system_call(CALL_CLOSE, file, 0, 0, 0, 0, 0) != 0)
        give_up("cannot write its answer: is there room for it?");
}

/* What the system leaves on the stack: the number of arguments, where they are, and behind them and
 * the environment what it says of the processor. */
__attribute__((used)) _Noreturn void start_here(const long *stack);

static void find_auxiliary(const long *stack) {
    const long *at = stack + 1 + stack[0] + 1;
    while (*at != 0)
        at++;
    auxiliary = (const unsigned long *)(const void *)(at + 1);
}

void start_here(const long *stack) {
    find_auxiliary(stack);
    if (stack[0] != 3)
        give_up("takes two arguments: the request's file and the answer's");
    const char *const *arguments = (const char *const *)(const void *)(stack + 1);
    long file = open_file(arguments[1], OPEN_READ);
    if (file < 0)
        give_up("cannot open its request");
    read_all(file, work.request, sizeof work.request);
    create_arrays(file);
    crew_create((size_t)work.request[REQUEST_THREADS]);
    if (work.request[REQUEST_APART] != 0)
        create_own_arrays();
    int status = work.request[REQUEST_SAMPLES] > 0 ? take_samples() : run_once();
    work.answer[ANSWER_STATUS] = (uint64_t)(int64_t)status;
    find_fault();
    write_answer(arguments[2]);
    leave(EXIT_GOOD);
}
