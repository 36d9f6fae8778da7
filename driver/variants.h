/* Variants of a network in one library: --variant. */
#ifndef RIFFLE_DRIVER_VARIANTS_H
#define RIFFLE_DRIVER_VARIANTS_H

#include "driver/driver.h"
#include "driver/model.h"

/* Parameters that one variant has besides those of --set. */
typedef struct NetworkVariant {
    const char *name; /* behind the network's */
    Setting *settings;
    size_t setting_count;
} NetworkVariant;

typedef struct VariantList {
    NetworkVariant items[MOST_LIBRARY_VARIANTS];
    int count; /* 0: the network is compiled once */
} VariantList;

/* Takes "[NAME:]PARAMETER=VALUE[,PARAMETER=VALUE]"; without NAME it is made of the values. False
 * after reporting. */
bool variant_take(VariantList *list, const char *text, Session *session);

/* Whether the target has code for a library of several; reports otherwise. True without variants.
 */
bool variants_fit(const VariantList *list, const ModelOptions *options);

/* The options that a variant is compiled with. False after reporting. */
bool variant_options(const ModelOptions *options, const NetworkVariant *variant, ModelOptions *out);

#endif
