/* The table of ncnn's layers, for those who look one up. */
#include "frontend/ncnn/importer.h"

#include <string.h>

static const NcnnType table[] = {
#define NCNN_LAYER(name, function, least, most, weights, parameters)                               \
    {#name, ncnn_import_##function, NULL, least, most, weights, parameters},
#define NCNN_REFUSED(name, weights, reason) {#name, NULL, reason, 0, NCNN_ANY, weights, ""},
#include "frontend/ncnn/layers.def"
};

enum { TYPE_COUNT = sizeof table / sizeof *table };

const NcnnType *ncnn_type_find(const char *name) {
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const char *ncnn_type_closest(const char *name) {
    const char *names[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++)
        names[i] = table[i].name;
    const char *closest = closest_word(name, names, TYPE_COUNT);
    return closest != NULL && *closest == *name ? closest : NULL; /* no Pooling for Rolling */
}
