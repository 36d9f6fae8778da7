/* Runs one network, named "net", without any library: reads sizes and inputs from standard input,
 * writes status and outputs to standard output. Each array ends where the memory ends, so that an
 * access behind it stops the program; what lies before it is compared with what it was.
 *
 * Standard input, in 32-bit numbers: the number of inputs and of outputs, the bytes of the
 * workspace, the bytes of each input and output; then the inputs. */
#include <stddef.h>
#include <stdint.h>

int net_run(const float *const *inputs, float *const *outputs, void *workspace);

enum { PAGE = 65536, MOST_ARRAYS = 64, GUARD_BYTES = 256, GUARD = 0xA5 };
enum { EXIT_GOOD = 0, EXIT_INPUT = 3, EXIT_MEMORY = 4, EXIT_GUARD = 5 };

/* ---- system calls ---- */

#if defined(__aarch64__)
enum { CALL_READ = 63, CALL_WRITE = 64, CALL_EXIT = 93, CALL_MMAP = 222, CALL_MPROTECT = 226 };

__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n bl start_here\n brk #1\n");

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
enum { CALL_READ = 3, CALL_WRITE = 4, CALL_EXIT = 1, CALL_MMAP = 192, CALL_MPROTECT = 125 };

__asm__(".arm\n.globl _start\n_start:\n bic sp, sp, #15\n bl start_here\n udf #0\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r7 __asm__("r7") = number, r0 __asm__("r0") = a, r1 __asm__("r1") = b;
    register long r2 __asm__("r2") = c, r3 __asm__("r3") = d, r4 __asm__("r4") = e;
    register long r5 __asm__("r5") = f;
    __asm__ volatile("svc #0"
        : "+r"(r0)
        : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
        : "memory");
    return r0;
}
#elif defined(__x86_64__)
enum { CALL_READ = 0, CALL_WRITE = 1, CALL_EXIT = 60, CALL_MMAP = 9, CALL_MPROTECT = 10 };

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call start_here\n ud2\n");

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

_Noreturn static void leave(int status) {
    call(CALL_EXIT, status, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

/* ---- what the code may ask for ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    while (size-- > 0)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    if (out < in)
        return memcpy(to, from, size);
    while (size-- > 0)
        out[size] = in[size];
    return to;
}

void *memset(void *to, int value, size_t size) {
    unsigned char *out = to;
    while (size-- > 0)
        *out++ = (unsigned char)value;
    return to;
}

#if defined(__arm__)
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

/* ---- input and output ---- */

static void read_all(void *to, size_t size) {
    for (char *at = to; size > 0;) {
        long count = call(CALL_READ, 0, (long)at, (long)size, 0, 0, 0);
        if (count <= 0)
            leave(EXIT_INPUT);
        at += count;
        size -= (size_t)count;
    }
}

static void write_all(const void *from, size_t size) {
    for (const char *at = from; size > 0;) {
        long count = call(CALL_WRITE, 1, (long)at, (long)size, 0, 0, 0);
        if (count <= 0)
            leave(EXIT_INPUT);
        at += count;
        size -= (size_t)count;
    }
}

/* ---- arrays ---- */

typedef struct Array {
    unsigned char *data;
    uint32_t size;
} Array;

/* Its last byte is the last before a page that may not be touched. */
static Array array_create(uint32_t size) {
    enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
    size_t pages = ((size_t)size + GUARD_BYTES + PAGE - 1) / PAGE * PAGE;
    long base = call(CALL_MMAP, 0, (long)(pages + PAGE), READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
    if (base < 0 && base > -4096)
        leave(EXIT_MEMORY);
    unsigned char *memory = (unsigned char *)base;
    if (call(CALL_MPROTECT, (long)(memory + pages), PAGE, 0, 0, 0, 0) != 0)
        leave(EXIT_MEMORY);
    Array array = {memory + pages - size, size};
    memset(array.data - GUARD_BYTES, GUARD, GUARD_BYTES);
    return array;
}

static void check_guard(const Array *array) {
    for (size_t i = 1; i <= GUARD_BYTES; i++)
        if (array->data[-(ptrdiff_t)i] != GUARD)
            leave(EXIT_GUARD);
}

__attribute__((used)) _Noreturn void start_here(void) {
    uint32_t counts[3], sizes[2 * MOST_ARRAYS];
    Array arrays[2 * MOST_ARRAYS];
    const float *inputs[MOST_ARRAYS];
    float *outputs[MOST_ARRAYS];
    read_all(counts, sizeof counts);
    uint32_t input_count = counts[0], output_count = counts[1], count = input_count + output_count;
    if (input_count > MOST_ARRAYS || output_count > MOST_ARRAYS)
        leave(EXIT_INPUT);
    read_all(sizes, count * sizeof *sizes);
    for (uint32_t i = 0; i < count; i++)
        arrays[i] = array_create(sizes[i]);
    for (uint32_t i = 0; i < input_count; i++) {
        read_all(arrays[i].data, sizes[i]);
        inputs[i] = (const float *)(const void *)arrays[i].data;
    }
    for (uint32_t i = 0; i < output_count; i++)
        outputs[i] = (float *)(void *)arrays[input_count + i].data;
    Array workspace = array_create((counts[2] + 63) / 64 * 64);
    memset(workspace.data, GUARD, workspace.size);
    int status = net_run(inputs, outputs, workspace.data);
    check_guard(&workspace);
    for (uint32_t i = 0; i < count; i++)
        check_guard(&arrays[i]);
    write_all(&status, sizeof status);
    for (uint32_t i = 0; i < output_count; i++)
        write_all(outputs[i], sizes[input_count + i]);
    leave(EXIT_GOOD);
}
