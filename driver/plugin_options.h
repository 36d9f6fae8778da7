/* --load-pass-plugin=FILE, for every command that takes passes. Its parser calls pass_plugin_load,
 * so that a plugin is loaded before any pipeline is read. */
#ifndef RIFFLE_DRIVER_PLUGIN_OPTIONS_H
#define RIFFLE_DRIVER_PLUGIN_OPTIONS_H

enum { OPTION_LOAD_PASS_PLUGIN = 3000 };

/* The row of an option table. (A child of argp would stand in a group of its own.) */
#define LOAD_PASS_PLUGIN_ROW                                                                       \
    {"load-pass-plugin", OPTION_LOAD_PASS_PLUGIN, "FILE", 0,                                       \
        "Take passes from this shared object, too; may be repeated", 0}

#endif
