/* Drawings as files. */
#ifndef RIFFLE_DRIVER_GRAPHVIZ_H
#define RIFFLE_DRIVER_GRAPHVIZ_H

#include "driver/driver.h"
#include "ir/text.h"

/* Has Graphviz's program dot, which must be in the path, make an SVG picture of a drawing. False
 * after reporting. */
bool graphviz_render(const Text *drawing, Text *svg, Session *session);

#endif
