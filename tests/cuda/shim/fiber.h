/* Stackful fibers: one machine stack for each thread of a block, switched by hand on one thread of
 * the host. AddressSanitizer is told of each switch. */
#ifndef RIFFLE_SHIM_FIBER_H
#define RIFFLE_SHIM_FIBER_H

#include <cstddef>
#include <memory>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace shim {

constexpr std::size_t STACK_BYTES = std::size_t{128} << 10;

struct Unmap {
    void operator()(char *stack) const;
};

/* A stack, mapped once and used for one fiber after another. Must not move while the fiber lives.
 */
struct Fiber {
#if defined(__x86_64__)
    void *stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
    std::unique_ptr<char, Unmap> stack; /* its lowest byte; a page below it faults */
    void *fake_stack = nullptr;
    bool done = true;
};

/* Prepares the fiber to run entry(argument) when it is entered first. */
void fiber_prepare(Fiber &fiber, void (*entry)(void *), void *argument);
/* Runs the fiber until it leaves or ends. Not from within a fiber. */
void fiber_enter(Fiber &fiber);
/* From within a fiber: back to who entered it. */
void fiber_leave();
/* Whether the address lies on the stack of the fiber that runs. */
bool fiber_owns(const void *address);

} // namespace shim

#endif
