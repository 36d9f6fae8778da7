/* What takes long says what it is at, without knowing whether anybody looks. A watcher, if there is
 * one, shows it; there is one at most, that of the process, as work is done in all parts of riffle.
 * One thread works and tells. Without a watcher all of this does nothing. */
#ifndef RIFFLE_IR_PROGRESS_H
#define RIFFLE_IR_PROGRESS_H

#include <stdint.h>

enum { MOST_PROGRESS_WORKS = 8 }; /* within each other; of deeper ones nothing is known */

typedef struct ProgressWork {
    const char *what;    /* "measuring layer"; lives as long as the work */
    int64_t item, total; /* from 1, 0 before the first; total is 0 where nobody knows it */
    char detail[64];     /* "3 nodes left", or empty */
    double began;        /* ir/clock.h */
} ProgressWork;

/* Begins a piece of work, a part of the one that has begun before and not ended. The mark ends it.
 */
int progress_begin(const char *what, int64_t total);
/* The innermost work is now at this item; the first is 1. */
void progress_set(int64_t item);
/* What there is to say of the innermost work besides; copied, as much as there is room for. */
void progress_detail(const char *detail);
/* Ends the work, and parts of it that have not ended. */
void progress_end(int mark);

typedef struct ProgressWatcher {
    /* The works that have begun, the innermost last: another one, or another count. */
    void (*changed)(void *context, const ProgressWork *works, int count);
    /* The last of them has ended; `changed` tells what is left. */
    void (*ended)(void *context, const ProgressWork *works, int count);
    void *context;
} ProgressWatcher;

/* NULL: nobody watches any more. Works that have begun before are not known to a watcher. */
void progress_watch(const ProgressWatcher *watcher);

#endif
