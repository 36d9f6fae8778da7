/* Signals that end the process are held while there are files and folders that must not stay: they
 * come when those are gone. Only SIGKILL leaves them behind. */
#ifndef RIFFLE_IR_SIGNALS_H
#define RIFFLE_IR_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct HeldSignals {
    sigset_t held, mask_before;
} HeldSignals;

/* Holds SIGHUP, SIGINT, SIGTERM and SIGALRM (but those that the process ignores) until the release,
 * for this thread and those that it makes. May be nested. */
void signals_hold(HeldSignals *signals);
/* Whether one came, so that the work in hand is in vain. */
bool signals_came(const HeldSignals *signals);
/* Takes one that came, so that what is in hand can be finished, and returns its number; 0 when none
 * did. Whoever takes it raises it again before the release. */
int signals_take(const HeldSignals *signals);
/* Lets them come. */
void signals_release(const HeldSignals *signals);

/* Waits for a child, which gets those that come in the meantime, too. Returns what waitpid says of
 * it. The child must have been started with the mask from before. */
int signals_wait(const HeldSignals *signals, pid_t child);
/* The same for the leader of a group of processes, all of which get the signal, and have a second
 * to end then. So it is, with SIGTERM, when the seconds (0: any number) are over: *late. What is
 * left of the group when its leader has ended is killed. */
int signals_wait_group(const HeldSignals *signals, pid_t leader, double seconds, bool *late);

#endif
