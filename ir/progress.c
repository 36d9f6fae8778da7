#include "ir/progress.h"

#include "ir/clock.h"
#include <stdbool.h>
#include <stdio.h>

/* Whoever works is called from anywhere, as ir/ending.c is: no one hands this down to all. */
static const ProgressWatcher *watcher;
static ProgressWork works[MOST_PROGRESS_WORKS];
static int count; /* of all works, those that are not known, too */

static int known(void) {
    return count < MOST_PROGRESS_WORKS ? count : MOST_PROGRESS_WORKS;
}

static void tell(void) {
    if (count <= MOST_PROGRESS_WORKS)
        watcher->changed(watcher->context, works, count);
}

int progress_begin(const char *what, int64_t total) {
    if (watcher == NULL)
        return 0;
    if (count < MOST_PROGRESS_WORKS)
        works[count] = (ProgressWork){.what = what, .total = total, .began = seconds_now()};
    count++;
    tell();
    return count - 1;
}

static bool innermost_is_known(void) {
    return watcher != NULL && count > 0 && count <= MOST_PROGRESS_WORKS;
}

void progress_set(int64_t item) {
    if (!innermost_is_known())
        return;
    works[count - 1].item = item;
    tell();
}

void progress_detail(const char *detail) {
    if (!innermost_is_known())
        return;
    ProgressWork *work = &works[count - 1];
    snprintf(work->detail, sizeof work->detail, "%s", detail);
    tell();
}

void progress_end(int mark) {
    if (watcher == NULL || mark >= count)
        return;
    count = mark + 1;
    watcher->ended(watcher->context, works, known());
    count = mark;
    tell();
}

void progress_watch(const ProgressWatcher *next) {
    watcher = next;
    count = 0;
}
