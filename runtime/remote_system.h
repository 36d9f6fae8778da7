/* What remote_program.c asks of Linux, on the architectures that it is for: the first function,
 * system calls, and threads. */
#ifndef RIFFLE_RUNTIME_REMOTE_SYSTEM_H
#define RIFFLE_RUNTIME_REMOTE_SYSTEM_H

enum { MONOTONIC_CLOCK = 1 };
enum { OPEN_READ = 0, OPEN_WRITE = 01 | 0100 | 01000 /* create, cut */, HERE = -100 };

#if defined(__aarch64__)
enum { CALL_OPEN = 56, CALL_CLOSE = 57, CALL_READ = 63, CALL_WRITE = 64, CALL_EXIT = 94 };
enum { CALL_CLOCK = 113, CALL_MMAP = 222, CALL_MPROTECT = 226, CALL_FUTEX = 98, CALL_YIELD = 124 };

__asm__(".text\n.globl _start\n_start:\n mov x0, sp\n mov x29, #0\n mov x30, #0\n bl start_here\n "
        "brk #1\n");

/* clone(): the new thread finds its function and argument on its stack. */
__asm__(".text\nstart_thread:\n mov x1, x0\n movz x0, #0x0f00\n movk x0, #0x0005, lsl #16\n"
        " mov x2, #0\n mov x3, #0\n mov x4, #0\n mov x8, #220\n svc #0\n cbnz x0, 1f\n"
        " ldp x1, x0, [sp], #16\n mov x29, #0\n mov x30, #0\n blr x1\n brk #1\n1: ret\n");
#elif defined(__arm__)
enum { CALL_OPEN = 322, CALL_CLOSE = 6, CALL_READ = 3, CALL_WRITE = 4, CALL_EXIT = 248 };
enum { CALL_CLOCK = 263, CALL_MMAP = 192, CALL_MPROTECT = 125, CALL_FUTEX = 240, CALL_YIELD = 158 };

__asm__(".text\n.arm\n.balign 4\n.globl _start\n_start:\n mov r0, sp\n bic sp, sp, #15\n bl "
        "start_here\n udf #0\n");

/* clone(): the new thread finds its function and argument on its stack. */
__asm__(".text\n.arm\n.balign 4\n.type start_thread, %function\nstart_thread:\n push {r4, r7}\n "
        "mov r1, r0\n ldr r0, =0x50f00\n mov r2, #0\n"
        " mov r3, #0\n mov r4, #0\n mov r7, #120\n svc #0\n cmp r0, #0\n bne 1f\n"
        " pop {r1, r2}\n mov r0, r2\n blx r1\n udf #0\n1: pop {r4, r7}\n bx lr\n .ltorg\n");
#elif defined(__x86_64__)
enum { CALL_OPEN = 257, CALL_CLOSE = 3, CALL_READ = 0, CALL_WRITE = 1, CALL_EXIT = 231 };
enum { CALL_CLOCK = 228, CALL_MMAP = 9, CALL_MPROTECT = 10, CALL_FUTEX = 202, CALL_YIELD = 24 };

__asm__(".text\n.globl _start\n_start:\n mov %rsp, %rdi\n xor %ebp, %ebp\n and $-16, %rsp\n"
        " call start_here\n ud2\n");

/* clone(): the new thread finds its function and argument on its stack. */
__asm__(".text\nstart_thread:\n mov %rdi, %rsi\n mov $0x50f00, %edi\n xor %edx, %edx\n xor %r10d, "
        "%r10d\n"
        " xor %r8d, %r8d\n mov $56, %eax\n syscall\n test %rax, %rax\n jnz 1f\n xor %ebp, %ebp\n"
        " pop %rax\n pop %rdi\n call *%rax\n ud2\n1: ret\n");
#else
#error "system calls of this architecture are not known"
#endif

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
        : "memory");
    return x0;
#elif defined(__arm__)
    /* By hand: r7 may be the frame pointer. */
    register long r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
    register long r3 __asm__("r3") = d, r4 __asm__("r4") = e, r5 __asm__("r5") = f;
    register long ip __asm__("ip") = number;
    __asm__ volatile("push {r7}\n mov r7, ip\n svc #0\n pop {r7}"
        : "+r"(r0)
        : "r"(ip), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
        : "memory");
    return r0;
#elif defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
        : "=a"(result)
        : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
        : "rcx", "r11", "memory");
    return result;
#endif
}

/* A thread with the memory and the files of this one. `stack`: its top, aligned to 16, where the
 * function and its argument lie; the function never returns. Negative: there is none. */
long start_thread(void *stack) __asm__("start_thread");

#endif
