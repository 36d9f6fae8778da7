/* What the JSON reader and printer of specs share: the words of the tree, and places in a JSON
 * text. */
#ifndef RIFFLE_FRONTEND_JSON_H
#define RIFFLE_FRONTEND_JSON_H

#include "frontend/syntax.h"

/* Where a JSON value stands in its text. jansson keeps no places, so the text is walked once more.
 */
typedef struct JsonPlace {
    uint32_t begin, end;
    uint32_t key_begin, key_end; /* of an object's member: the key without quotes */
    struct JsonPlace *first_child, *next;
} JsonPlace;

/* The places of a text that is known to be valid JSON nested at most JSON_DEPTH_LIMIT deep; NULL
 * when it is nested deeper. */
enum { JSON_DEPTH_LIMIT = 1000 };
JsonPlace *json_places(const SourceFile *file, Arena *arena);
const JsonPlace *json_place_member(const SourceFile *file, const JsonPlace *place, const char *key);
const JsonPlace *json_place_item(const JsonPlace *place, size_t index);

#endif
