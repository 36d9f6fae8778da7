/* The line is drawn by a thread of its own, so that work which tells nothing for a long time is
 * seen to go on. It takes no memory, and no signal: those are for the thread that works. */
#include "driver/progress.h"

#include "ir/clock.h"
#include "ir/ending.h"
#include "ir/progress.h"
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double seconds_silent = 2, seconds_between = 0.5;
enum { USUAL_COLUMNS = 80, MOST_COLUMNS = 256, STACK_BYTES = 1 << 18 };

/* The process has one terminal, and one command. */
static struct {
    pthread_t drawer;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t ends;
    bool draws, wants_end, is_shown;
    bool is_hidden; /* until there is news */
    bool is_paused; /* while another process draws */
    ProgressWork works[MOST_PROGRESS_WORKS];
    int count;
} screen;

static struct {
    bool verbose;
    double began;
    pid_t process; /* a child of it shows nothing: it has no drawer, unless it goes on with the work
                    */
    Ending ending;
} shown;

/* ---- the line ---- */

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return USUAL_COLUMNS;
    return size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
}

/* A terminal stops a process in the background that writes, or mixes it with what the user types.
 */
static bool is_in_foreground(void) {
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static void write_out(const char *text) {
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

typedef struct ProgressLine {
    char text[MOST_COLUMNS];
    size_t length, most;
} ProgressLine;

__attribute__((format(printf, 2, 3))) static void add(ProgressLine *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(line->text + line->length, line->most + 1 - line->length, format, arguments);
    va_end(arguments);
    line->length += length > 0 ? (size_t)length : 0;
    if (line->length > line->most)
        line->length = line->most;
}

/* "measuring layer 3 of 57: interpreting layer 12 of 90, 14 s" */
static void describe(ProgressLine *line) {
    for (int i = 0; i < screen.count; i++) {
        const ProgressWork *work = &screen.works[i];
        add(line, "%s%s", i > 0 ? ": " : "", work->what);
        if (work->item > 0)
            add(line, " %lld", (long long)work->item);
        if (work->item > 0 && work->total > 0)
            add(line, " of %lld", (long long)work->total);
        if (work->detail[0] != '\0')
            add(line, ", %s", work->detail);
    }
    add(line, ", %.0f s", seconds_now() - screen.works[0].began);
}

static void erase(void) {
    if (screen.is_shown)
        write_out("\r\033[K");
    screen.is_shown = false;
}

static void draw(void) {
    ProgressLine line = {
        .most = (size_t)terminal_columns() - 1}; /* in the last column it would break */
    char text[MOST_COLUMNS + 8];
    if (screen.is_hidden || screen.is_paused || !is_in_foreground())
        return;
    if (screen.count == 0) {
        erase();
        return;
    }
    describe(&line);
    snprintf(text, sizeof text, "\r%s\033[K", line.text);
    write_out(text);
    screen.is_shown = true;
}

/* ---- the drawer ---- */

static struct timespec later(struct timespec time, double seconds) {
    int64_t nanoseconds = time.tv_nsec + (int64_t)(1e9 * seconds);
    time.tv_sec += (time_t)(nanoseconds / 1000000000);
    time.tv_nsec = (long)(nanoseconds % 1000000000);
    return time;
}

static void *draw_on(void *unused) {
    (void)unused;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&screen.mutex);
    double wait = fmax(0, shown.began + seconds_silent - seconds_now());
    for (; !screen.wants_end; wait = seconds_between) {
        next = later(next, wait);
        while (!screen.wants_end && pthread_cond_timedwait(&screen.ends, &screen.mutex, &next) == 0)
            ;
        if (!screen.wants_end)
            draw();
    }
    erase();
    pthread_mutex_unlock(&screen.mutex);
    return NULL;
}

static void initialise_screen(void) {
    pthread_condattr_t clock;
    pthread_mutex_init(&screen.mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&screen.ends, &clock);
    pthread_condattr_destroy(&clock);
}

static bool start_drawer(void) {
    sigset_t all, before;
    pthread_attr_t attributes;
    initialise_screen();
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&screen.drawer, &attributes, draw_on, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

/* ---- what the works tell ---- */

static bool is_child(void) {
    return getpid() != shown.process;
}

static void take_works(void *unused, const ProgressWork *works, int count) {
    (void)unused;
    if (!screen.draws || is_child())
        return;
    pthread_mutex_lock(&screen.mutex);
    memcpy(screen.works, works, (size_t)count * sizeof *works);
    screen.count = count;
    screen.is_hidden = false;
    if (count == 0)
        erase(); /* what comes next may be an answer on this terminal */
    pthread_mutex_unlock(&screen.mutex);
}

/* Of works within others there may be thousands. */
static void tell_time(void *unused, const ProgressWork *works, int count) {
    (void)unused;
    if (!shown.verbose || count != 1 || is_child())
        return;
    progress_hide();
    fprintf(stderr, "riffle: %s: %.3f s\n", works->what, seconds_now() - works->began);
}

/* For good: the mutex stays locked. Who holds it already may be the very thread that ends. */
static void clear_at_end(void *unused) {
    (void)unused;
    (void)pthread_mutex_trylock(&screen.mutex);
    if (!is_child())
        erase();
}

static const ProgressWatcher watcher = {.changed = take_works, .ended = tell_time};

static bool draws_on_terminal(MessageForm form) {
    const char *terminal = getenv("TERM");
    return !form.quiet && form.format == MESSAGES_TEXT && isatty(STDERR_FILENO) &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_show(MessageForm form) {
    shown.verbose = form.verbose && form.format == MESSAGES_TEXT;
    shown.process = getpid();
    shown.began = seconds_now();
    screen.draws = draws_on_terminal(form) && start_drawer();
    if (screen.draws)
        ending_expect(&shown.ending, clear_at_end, NULL);
    if (screen.draws || shown.verbose)
        progress_watch(&watcher);
}

/* Takes the line away, and lets it stay away while the flag of the screen is set. */
static void take_away(bool *flag) {
    if (!screen.draws || is_child())
        return;
    pthread_mutex_lock(&screen.mutex);
    erase();
    *flag = true;
    pthread_mutex_unlock(&screen.mutex);
}

void progress_hide(void) {
    take_away(&screen.is_hidden);
}

void progress_pause(void) {
    take_away(&screen.is_paused);
}

/* The thread that drew is not there, and what it left of the mutex is not known. */
void progress_take_over(void) {
    shown.process = getpid();
    screen.is_paused = false;
    screen.draws = screen.draws && start_drawer();
}

void progress_resume(bool has_crashed) {
    if (!screen.draws || is_child())
        return;
    pthread_mutex_lock(&screen.mutex);
    screen.is_shown = screen.is_shown || has_crashed; /* perhaps it is */
    erase();
    screen.is_paused = false;
    pthread_mutex_unlock(&screen.mutex);
}

void progress_finish(void) {
    progress_watch(NULL);
    if (!screen.draws || is_child())
        return;
    pthread_mutex_lock(&screen.mutex);
    screen.wants_end = true;
    pthread_cond_signal(&screen.ends);
    pthread_mutex_unlock(&screen.mutex);
    pthread_join(screen.drawer, NULL);
    pthread_cond_destroy(&screen.ends);
    pthread_mutex_destroy(&screen.mutex);
    ending_forget(&shown.ending);
    screen.draws = screen.wants_end = false;
    screen.count = 0;
}
