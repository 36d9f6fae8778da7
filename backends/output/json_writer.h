/* Writes JSON into a text, in the order in which it is called, indented by two spaces; objects and
 * arrays marked `inline` stay on one line. `key` is NULL for the items of an array. Keys are not
 * escaped: they are words of ours. (Names stay clear of those of jansson, which is linked too.) */
#ifndef RIFFLE_BACKENDS_OUTPUT_JSON_WRITER_H
#define RIFFLE_BACKENDS_OUTPUT_JSON_WRITER_H

#include "ir/graph.h"
#include "ir/text.h"

enum { JSON_DEPTH = 16 };

typedef struct JsonWriter {
    Text *out;
    int depth;
    bool has_items[JSON_DEPTH], is_inline[JSON_DEPTH];
} JsonWriter;

typedef enum JsonSpread { JSON_LINES, JSON_INLINE } JsonSpread;

void json_write_object(JsonWriter *writer, const char *key, JsonSpread spread);
void json_write_object_end(JsonWriter *writer);
void json_write_array(JsonWriter *writer, const char *key, JsonSpread spread);
void json_write_array_end(JsonWriter *writer);
void json_write_string(JsonWriter *writer, const char *key, const char *value);
void json_write_integer(JsonWriter *writer, const char *key, int64_t value);
void json_write_number(
    JsonWriter *writer, const char *key, double value); /* null when not finite */
void json_write_float(JsonWriter *writer, const char *key, float value);
void json_write_flag(JsonWriter *writer, const char *key, bool value);
void json_write_shape(JsonWriter *writer, const char *key, const TensorType *type);
/* Ends the text with a line break once everything is closed. */
void json_write_end(JsonWriter *writer);

#endif
