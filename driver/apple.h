/* Networks for Apple's platforms: the slices of an .xcframework, and its files. */
#ifndef RIFFLE_DRIVER_APPLE_H
#define RIFFLE_DRIVER_APPLE_H

#include "backends/backends.h"
#include "driver/driver.h"
#include "driver/output_files.h"

enum { MOST_SLICES = 8, MOST_SLICE_TARGETS = 2 };

/* A row of apple.def. */
typedef struct AppleSlice {
    const char *name, *folder, *platform, *variant;
    const char *targets[MOST_SLICE_TARGETS]; /* as --target takes them; NULL behind the last */
} AppleSlice;

/* Slices by their names, separated by commas. Returns how many; 0 after reporting. */
size_t apple_slices_parse(
    const char *list, const AppleSlice *slices[MOST_SLICES], Session *session);

/* "arm64", of an architecture that Apple has. */
const char *apple_architecture_name(Architecture architecture);

/* Where a slice has its headers and its module map: in a folder of the network's own, since Xcode
 * puts those of all frameworks into one. */
const char *apple_header_folder(const AppleSlice *slice, const char *name, Arena *arena);

/* Adds Info.plist, and for each slice what does not depend on the network: the module map, and
 * NAME.h, which includes that of the architecture, where there are several. */
void apple_add_files(
    const char *name, const AppleSlice *const *slices, size_t count, OutputFiles *files);

#endif
