/* Which files an output was made from, as Make and Ninja read it. */
#ifndef RIFFLE_DRIVER_DEPFILE_H
#define RIFFLE_DRIVER_DEPFILE_H

#include "driver/driver.h"
#include "ir/text.h"

/* Appends a rule without commands: `target` is made from each file that was read so far, and each
 * of those is a target without prerequisites, so that one which goes away is no fault. False after
 * reporting a path that Make cannot name. */
bool depfile_write(const char *target, Session *session, Text *out);

#endif
