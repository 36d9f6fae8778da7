#include "backends/output/json_writer.h"
#include "ir/graph.h"
#include "ir/quote.h"
#include "ir/text.h"

#include <assert.h>
#include <math.h>

static void break_line(JsonWriter *writer) {
    text_format(writer->out, "\n%*s", 2 * writer->depth, "");
}

static void append_code_point(Text *out, uint32_t code) {
    if (code >= 0x10000) {
        text_format(out, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + (code & 0x3ff);
    }
    text_format(out, "\\u%04x", code);
}

/* What is no UTF-8 can be no part of JSON: it becomes the text \xHH, as where people read it. */
static void append_escaped(Text *out, const char *string) {
    text_append(out, "\"");
    for (size_t size; *string != '\0'; string += size) {
        uint32_t code = 0;
        size = utf8_sequence(string, UTF8_LONGEST, &code);
        if (*string == '"' || *string == '\\')
            text_append(out, "\\");
        if (quote_shown(string) > 0) {
            text_append_bytes(out, string, size);
        } else if (size > 0) {
            append_code_point(out, code);
        } else {
            text_append(out, "\\");
            quote_byte(out, *string);
            size = 1;
        }
    }
    text_append(out, "\"");
}

/* What stands before every value: a comma, the place on the page, the key. */
static void begin_value(JsonWriter *writer, const char *key) {
    bool *has_items = &writer->has_items[writer->depth];
    bool is_inline = writer->is_inline[writer->depth];
    if (*has_items)
        text_append(writer->out, is_inline ? ", " : ",");
    if (!is_inline && writer->depth > 0)
        break_line(writer);
    *has_items = true;
    if (key != NULL)
        text_format(writer->out, "\"%s\": ", key);
}

static void open_group(
    JsonWriter *writer, const char *key, JsonSpread spread, const char *bracket) {
    begin_value(writer, key);
    text_append(writer->out, bracket);
    bool is_inline = spread == JSON_INLINE || writer->is_inline[writer->depth];
    writer->depth++;
    assert(writer->depth < JSON_DEPTH);
    writer->has_items[writer->depth] = false;
    writer->is_inline[writer->depth] = is_inline;
}

static void close_group(JsonWriter *writer, const char *bracket) {
    assert(writer->depth > 0);
    bool on_own_line = writer->has_items[writer->depth] && !writer->is_inline[writer->depth];
    writer->depth--;
    if (on_own_line)
        break_line(writer);
    text_append(writer->out, bracket);
}

void json_write_object(JsonWriter *writer, const char *key, JsonSpread spread) {
    open_group(writer, key, spread, "{");
}

void json_write_object_end(JsonWriter *writer) {
    close_group(writer, "}");
}

void json_write_array(JsonWriter *writer, const char *key, JsonSpread spread) {
    open_group(writer, key, spread, "[");
}

void json_write_array_end(JsonWriter *writer) {
    close_group(writer, "]");
}

void json_write_string(JsonWriter *writer, const char *key, const char *value) {
    begin_value(writer, key);
    append_escaped(writer->out, value);
}

void json_write_integer(JsonWriter *writer, const char *key, int64_t value) {
    begin_value(writer, key);
    text_format(writer->out, "%lld", (long long)value);
}

void json_write_number(JsonWriter *writer, const char *key, double value) {
    begin_value(writer, key);
    if (isfinite(value))
        text_append_double(writer->out, value);
    else
        text_append(writer->out, "null");
}

void json_write_float(JsonWriter *writer, const char *key, float value) {
    begin_value(writer, key);
    if (isfinite(value))
        text_append_float(writer->out, value);
    else
        text_append(writer->out, "null");
}

void json_write_flag(JsonWriter *writer, const char *key, bool value) {
    begin_value(writer, key);
    text_append(writer->out, value ? "true" : "false");
}

void json_write_shape(JsonWriter *writer, const char *key, const TensorType *type) {
    json_write_array(writer, key, JSON_INLINE);
    for (int i = 0; i < type->rank; i++)
        json_write_integer(writer, NULL, type->dims[i]);
    json_write_array_end(writer);
}

void json_write_end(JsonWriter *writer) {
    assert(writer->depth == 0);
    text_append(writer->out, "\n");
}
