/* --load-pass-plugin, for every command that takes a pipeline. */
#ifndef RIFFLE_DRIVER_PLUGIN_OPTIONS_H
#define RIFFLE_DRIVER_PLUGIN_OPTIONS_H

#include "driver/driver.h"
#include "passes/passes.h"

/* The input of plugin_argp, which loads plugins as it meets them. */
typedef struct PluginOptions {
    Session *session;
    PassRegistry *registry; /* where their passes go */
} PluginOptions;

extern const struct argp plugin_argp;

#endif
