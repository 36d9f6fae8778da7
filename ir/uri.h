/* Paths as URIs (RFC 3986), in which editors and logs name files. */
#ifndef RIFFLE_IR_URI_H
#define RIFFLE_IR_URI_H

#include "ir/text.h"

/* A path as it was given: file://... when it begins with a slash, else a relative reference. */
void uri_append(Text *uri, const char *path);

/* Appends the path of a file: URI of this machine. False for every other, and for one with a NUL.
 */
bool uri_path(const char *uri, Text *path);

#endif
