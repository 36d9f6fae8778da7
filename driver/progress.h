/* What the user sees of long work (ir/progress.h): after two seconds a line on the terminal, which
 * is gone before anything else is printed. Nothing where standard error is no terminal. */
#ifndef RIFFLE_DRIVER_PROGRESS_H
#define RIFFLE_DRIVER_PROGRESS_H

#include "driver/messages.h"

/* From now on, as the options for messages have it. With --verbose, each piece of work also says
 * how long it took. */
void progress_show(MessageForm form);
/* Takes the line away, until there is news again: before something is printed while work goes on.
 */
void progress_hide(void);
/* Around a process of its own that goes on with the work, with all that has begun: before it is
 * made, in it, and when it has ended; one that crashed leaves its line. In between only that one
 * shows anything, and before it ends it calls progress_finish. */
void progress_pause(void);
void progress_take_over(void);
void progress_resume(bool has_crashed);
/* Ends it; the line is gone. */
void progress_finish(void);

#endif
