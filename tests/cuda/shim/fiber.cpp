#include "fiber.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if defined(SHIM_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace shim {
namespace {

constexpr std::size_t GUARD_BYTES = 4096;
[[maybe_unused]] constexpr std::size_t NEVER_LEFT_BYTES = 1024;

struct Host {
#if defined(__x86_64__)
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    void *fake_stack;
    const void *stack;
    std::size_t stack_bytes;
};

Host host;
Fiber *running;
void (*first_entry)(void *);
void *first_argument;

void allocate_stack(Fiber &fiber) {
    void *memory = mmap(nullptr, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD_BYTES, PROT_NONE) != 0) {
        std::perror("shim: no memory for the stack of a thread");
        std::abort();
    }
    fiber.stack.reset(static_cast<char *>(memory) + GUARD_BYTES);
}

/* ---- what AddressSanitizer wants to know ---- */

void before_switch([[maybe_unused]] void **keep, [[maybe_unused]] const void *stack,
    [[maybe_unused]] std::size_t bytes) {
#if defined(SHIM_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(keep, stack, bytes);
#endif
}

void after_switch([[maybe_unused]] void *kept, [[maybe_unused]] const void **from,
    [[maybe_unused]] std::size_t *bytes) {
#if defined(SHIM_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(kept, from, bytes);
#endif
}

} // namespace

void Unmap::operator()(char *stack) const {
    munmap(stack - GUARD_BYTES, GUARD_BYTES + STACK_BYTES);
}

/* ---- the switch ---- */

#if defined(__x86_64__)
/* Pushes what a call preserves, keeps the stack pointer at *keep, takes the other one, and pops. */
extern "C" void shim_switch(void **keep, void *take);
asm(".text\n"
    ".type shim_switch, @function\n"
    ".globl shim_switch\n"
    "shim_switch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq "
    "%r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size shim_switch, . - shim_switch\n");
#endif

static void switch_to_host(Fiber &fiber) {
#if defined(__x86_64__)
    shim_switch(&fiber.stack_pointer, host.stack_pointer);
#else
    swapcontext(&fiber.context, &host.context);
#endif
}

static void switch_to_fiber(Fiber &fiber) {
#if defined(__x86_64__)
    shim_switch(&host.stack_pointer, fiber.stack_pointer);
#else
    swapcontext(&host.context, &fiber.context);
#endif
}

/* The first frame of each fiber. It never returns: an ended fiber is prepared anew. */
static void fiber_main() {
    void (*const entry)(void *) = first_entry;
    void *const argument = first_argument;
    Fiber &fiber = *running;
    after_switch(nullptr, &host.stack, &host.stack_bytes);
    entry(argument);
    fiber.done = true;
    before_switch(nullptr, host.stack, host.stack_bytes);
    switch_to_host(fiber);
    std::abort();
}

void fiber_prepare(Fiber &fiber, void (*entry)(void *), void *argument) {
    if (fiber.stack == nullptr)
        allocate_stack(fiber);
#if defined(SHIM_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(
        fiber.stack.get(), STACK_BYTES); /* left by frames that never returned */
#endif
    fiber.fake_stack = nullptr;
    fiber.done = false;
    /* The two values wait at the stack's top until the fiber is entered. */
    void **top = reinterpret_cast<void **>(fiber.stack.get() + STACK_BYTES);
    top[-1] = reinterpret_cast<void *>(entry);
    top[-2] = argument;
#if defined(__x86_64__)
    top[-3] = nullptr; /* where a return address would be */
    top[-4] = reinterpret_cast<void *>(fiber_main);
    for (int i = 5; i <= 10; i++) /* the six registers */
        top[-i] = nullptr;
    fiber.stack_pointer = top - 10;
    static_assert(STACK_BYTES % 16 == 0, "fiber_main starts on an aligned stack");
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK_BYTES - 4 * sizeof(void *);
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
#endif
}

void fiber_enter(Fiber &fiber) {
    void **top = reinterpret_cast<void **>(fiber.stack.get() + STACK_BYTES);
    first_entry = reinterpret_cast<void (*)(void *)>(top[-1]);
    first_argument = top[-2];
    running = &fiber;
    before_switch(&host.fake_stack, fiber.stack.get(), STACK_BYTES);
    switch_to_fiber(fiber);
    after_switch(host.fake_stack, nullptr, nullptr);
    running = nullptr;
}

void fiber_leave() {
    Fiber &fiber = *running;
    before_switch(&fiber.fake_stack, host.stack, host.stack_bytes);
    switch_to_host(fiber);
    after_switch(fiber.fake_stack, &host.stack, &host.stack_bytes);
}

bool fiber_owns(const void *address) {
    if (running == nullptr)
        return false;
    const std::uintptr_t low = reinterpret_cast<std::uintptr_t>(running->stack.get());
    return reinterpret_cast<std::uintptr_t>(address) - low < STACK_BYTES;
}

} // namespace shim
