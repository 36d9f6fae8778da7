#include "ir/signals.h"

#include "ir/clock.h"

#include <sys/wait.h>
#include <time.h>

void signals_hold(HeldSignals *signals) {
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};
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

int signals_take(const HeldSignals *signals) {
    int number = sigtimedwait(&signals->held, NULL, &(struct timespec){0});
    return number > 0 ? number : 0;
}

void signals_release(const HeldSignals *signals) {
    sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
}

static bool is_running(pid_t child) {
    siginfo_t information = {0};
    return waitid(P_PID, (id_t)child, &information, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           information.si_pid == 0;
}

/* Looks every now and then: in a process of several threads, another may have taken the signal that
 * the child has ended. Until it has: the number of a signal that came, or 0 after a while. */
static int wait_a_while(const HeldSignals *signals) {
    static const struct timespec patience = {.tv_nsec = 50 * 1000 * 1000};
    sigset_t awaited = signals->held;
    sigaddset(&awaited, SIGCHLD);
    int number = sigtimedwait(&awaited, NULL, &patience);
    return number <= 0 || number == SIGCHLD ? 0 : number;
}

/* Blocks SIGCHLD, so that it is not lost between a look and the wait. */
static sigset_t block_end_of_children(void) {
    sigset_t ends, mask;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &mask);
    return mask;
}

static int reap(pid_t child, int came, const sigset_t *mask) {
    int status = 0;
    waitpid(child, &status, 0);
    if (came != 0)
        raise(came); /* held again, until the release */
    sigprocmask(SIG_SETMASK, mask, NULL);
    return status;
}

int signals_wait(const HeldSignals *signals, pid_t child) {
    sigset_t mask = block_end_of_children();
    int came = 0;
    while (is_running(child)) {
        int number = wait_a_while(signals);
        if (number == 0)
            continue;
        came = number;
        kill(child, number);
    }
    return reap(child, came, &mask);
}

int signals_wait_group(const HeldSignals *signals, pid_t leader, double seconds, bool *late) {
    static const double grace = 1;
    sigset_t mask = block_end_of_children();
    double start = seconds_now(), told = 0;
    int came = 0;
    *late = false;
    while (is_running(leader)) {
        int number = wait_a_while(signals);
        double now = seconds_now();
        if (number == 0 && told == 0 && seconds > 0 && now - start > seconds) {
            *late = true;
            number = SIGTERM;
        } else if (number != 0) {
            came = number;
        }
        if (number != 0)
            kill(-leader, number);
        if (number != 0 && told == 0)
            told = now;
        if (told != 0 && now - told > grace)
            kill(-leader, SIGKILL);
    }
    kill(-leader, SIGKILL);
    return reap(leader, came, &mask);
}
