/* What a test may ask of the shim. */
#ifndef RIFFLE_SHIM_CONTROL_H
#define RIFFLE_SHIM_CONTROL_H

#ifdef __cplusplus
extern "C" {
#endif

/* The order in which threads, and blocks, run until they wait: by number, by number from the last,
 * or for any other value shuffled anew each round, by that seed. */
enum { SHIM_FORWARD = 0, SHIM_BACKWARD = -1 };
void shim_set_order(int order);

/* Leaves out the barrier or fence on this line of the source; 0: none. How often that happened
 * since. */
void shim_leave_out(int line);
long shim_left_out(void);

/* Races so far between accesses to the same word that no barrier orders; the first are printed.
 * Only code that was compiled with -fsanitize=thread is watched. */
long shim_races(void);

/* Whether what streams are given waits until someone waits for it; those made last then go first,
 * each as far as it can. Otherwise it is done at once. */
void shim_defer(int deferred);

/* The device; by default one of 2 multiprocessors with one block each. */
struct shim_device {
    int count; /* of devices: 0 or 1 */
    int multiprocessors, blocks_per_multiprocessor;
    int cooperative;        /* whether cooperative launches are possible */
    int shared_bytes_limit; /* of a block, opted in */
    int major, minor;       /* compute capability */
    int driver;             /* its version; an older one than CUDART_VERSION finds no device */
    int taken;              /* by others: so many blocks less than are counted have room at once */
};
struct shim_device shim_default_device(void);
void shim_set_device(struct shim_device device);

/* The n-th call of the runtime from now on fails, counted from 1; 0: none. How many calls there
 * were since. */
void shim_fail_call(long number);
long shim_calls(void);

/* Calls the function within the next call of the runtime, as another thread might. */
void shim_within_next_call(void (*function)(void));

/* Allocations, streams, events and graphs that were made and not destroyed. */
long shim_objects(void);

/* Kernels run so far; blocks of the last. */
long shim_launches(void);
unsigned shim_last_blocks(void);

#ifdef __cplusplus
}
#endif

#endif
