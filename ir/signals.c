#include "ir/signals.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

void signals_hold(HeldSignals *signals) {
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM};
    sigemptyset(&signals->held);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction action;
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&signals->held, ending[i]);
    }
    sigprocmask(SIG_BLOCK, &signals->held, &signals->mask_before);
}

bool signals_came(const HeldSignals *signals) {
    sigset_t pending, came;
    return sigpending(&pending) == 0 && sigandset(&came, &pending, &signals->held) == 0 &&
           sigisemptyset(&came) == 0;
}

void signals_release(const HeldSignals *signals) {
    sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
}

/* Looks every now and then: in a process of several threads, another may have taken the signal that
 * the child has ended. */
int signals_wait(const HeldSignals *signals, pid_t child) {
    static const struct timespec patience = {.tv_nsec = 50 * 1000 * 1000};
    sigset_t awaited = signals->held, mask;
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &awaited, &mask);
    int status = 0, came = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        int number = sigtimedwait(&awaited, NULL, &patience);
        if (number <= 0 || number == SIGCHLD)
            continue;
        came = number;
        kill(child, number);
    }
    if (came != 0)
        raise(came); /* held again, until the release */
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return status;
}
