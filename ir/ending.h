/* How the process ends where nobody can go on or pass on a report: memory ran out, or a library
 * gives up. One message, in the form of a diagnostic, exit status 1, and nothing left behind. */
#ifndef RIFFLE_IR_ENDING_H
#define RIFFLE_IR_ENDING_H

#include <stddef.h>

/* What the process works on, for the message: "the network 'small'". Copied. */
void ending_set_work(const char *what);
/* Appended to a message: ", working on the network 'small'"; empty if nothing was set. */
const char *ending_work(void);

/* Ends the process: memory ran out. */
_Noreturn void out_of_memory(void);
/* What can be done about it: words for a hint. */
void ending_memory_hint(char *hint, size_t size);
/* The same with another message: the parts in a row. Takes no memory. */
_Noreturn void end_with(const char *const *parts, size_t count);
/* malloc that knows no failure. */
void *allocate_or_end(size_t bytes);

/* What has to be taken away first. Lies where its user likes, for as long as it is expected; the
 * one that was expected last comes first. */
typedef struct Ending {
    void (*clean)(void *context);
    void *context;
    struct Ending *before;
} Ending;

void ending_expect(Ending *ending, void (*clean)(void *context), void *context);
void ending_forget(Ending *ending);

#endif
