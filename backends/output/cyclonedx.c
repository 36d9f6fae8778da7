/* NAME.cdx.json: what went into a library, for tools that keep account of it (ECMA-424). Without a
 * date and a serial number, so that equal libraries have equal files. */
#include "backends/output/json_writer.h"
#include "backends/output/provenance.h"

static void begin_component(JsonWriter *writer, const char *type, const char *name) {
    json_write_object(writer, NULL, JSON_LINES);
    json_write_string(writer, "type", type);
    json_write_string(writer, "name", name);
}

static void write_tool(JsonWriter *writer, const char *name, const char *version) {
    json_write_object(writer, "tools", JSON_LINES);
    json_write_array(writer, "components", JSON_LINES);
    begin_component(writer, "application", name);
    json_write_string(writer, "version", version);
    json_write_object_end(writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static void write_file(JsonWriter *writer, const InputFile *file) {
    begin_component(writer, "file", file->name);
    if (file->sha256 != NULL) {
        json_write_array(writer, "hashes", JSON_LINES);
        json_write_object(writer, NULL, JSON_INLINE);
        json_write_string(writer, "alg", "SHA-256");
        json_write_string(writer, "content", file->sha256);
        json_write_object_end(writer);
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

void cyclonedx_write(const char *name, const Provenance *provenance, Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "bomFormat", "CycloneDX");
    json_write_string(&writer, "specVersion", "1.6");
    json_write_integer(&writer, "version", 1);
    json_write_object(&writer, "metadata", JSON_LINES);
    write_tool(&writer, "riffle", provenance->version);
    json_write_object(&writer, "component", JSON_LINES);
    json_write_string(&writer, "type", "library");
    json_write_string(&writer, "name", name);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
    json_write_array(&writer, "components", JSON_LINES);
    for (size_t i = 0; i < provenance->file_count; i++)
        write_file(&writer, &provenance->files[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}
