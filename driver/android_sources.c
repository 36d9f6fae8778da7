/* What an app needs to call a network from Kotlin or Java: a class, the JNI functions that it
 * declares as native, and the pool of threads, filled into the texts of driver/android/. */
#include "driver/android.h"
#include "driver/answer.h"
#include "ir/template.h"

#include "backends/backends.h"
#include "backends/program/names.h"
#include "driver/android_texts.h"
#include "ir/labels.h"
#include "ir/names.h"

#include <stdint.h>
#include <string.h>

typedef struct JavaTensor {
    const char *member, *macro; /* in the header */
    const char *constant;       /* what its constants begin with: INPUT_IMAGE */
    const char *parameter;
    const TensorType *type;
    bool is_output;
} JavaTensor;

typedef struct JavaClass {
    const Graph *graph;
    const char *name, *package;
    JavaTensor *tensors; /* inputs, then outputs */
    int count;
    bool has_labels; /* the library has NAME_label */
    Arena *arena;
} JavaClass;

/* ---- names ---- */

/* Words that neither a package of Java nor one of Kotlin can have in its name. */
static const char *const reserved_words[] = {"abstract", "as", "assert", "boolean", "break", "byte",
    "case", "catch", "char", "class", "const", "continue", "default", "do", "double", "else",
    "enum", "extends", "false", "final", "finally", "float", "for", "fun", "goto", "if",
    "implements", "import", "in", "instanceof", "int", "interface", "is", "long", "native", "new",
    "null", "object", "package", "private", "protected", "public", "return", "short", "static",
    "strictfp", "super", "switch", "synchronized", "this", "throw", "throws", "transient", "true",
    "try", "typealias", "typeof", "val", "var", "void", "volatile", "when", "while", "_"};

static bool is_part_of_package(const char *part) {
    for (size_t i = 0; i < sizeof reserved_words / sizeof *reserved_words; i++)
        if (strcmp(reserved_words[i], part) == 0)
            return false;
    return is_identifier(part);
}

bool android_java_package_is_good(const char *package, Session *session) {
    bool good = true;
    char *rest = arena_copy_string(session->arena, package);
    for (char *part; (part = strsep(&rest, ".")) != NULL;)
        good = good && is_part_of_package(part);
    if (!good)
        diagnostics_error(session->diagnostics, "write it as in --java-package org.example.digits",
            "'%s' is no name of a package of Java and Kotlin", package);
    return good;
}

/* "shufflenet_v2" is ShufflenetV2. */
static const char *class_name(const Graph *graph, Arena *arena) {
    char *name = arena_format(arena, "Network%s", graph->name);
    size_t prefix = strlen("Network"), length = prefix;
    bool starts = true;
    for (const char *at = graph->name; *at != '\0'; at++) {
        if (*at != '_')
            name[length++] = starts && *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
        starts = *at == '_';
    }
    name[length] = '\0';
    return length == prefix || is_digit(name[prefix]) ? name : name + prefix;
}

/* As JNI has it: parts joined by '_', which is "_1" itself. */
static const char *jni_symbol(const JavaClass *class) {
    Text symbol = {0};
    const char *whole = arena_format(class->arena, "%s.%s", class->package, class->name);
    for (const char *at = whole; *at != '\0'; at++)
        if (*at == '.')
            text_append(&symbol, "_");
        else
            text_format(&symbol, *at == '_' ? "_1" : "%c", *at);
    const char *copy = arena_copy_string(class->arena, symbol.data);
    text_free(&symbol);
    return copy;
}

static bool is_parameter(const JavaClass *class, const char *name) {
    for (int i = 0; i < class->count; i++)
        if (strcmp(class->tensors[i].parameter, name) == 0)
            return true;
    return false;
}

static void add_tensors(JavaClass *class, bool outputs) {
    const Graph *graph = class->graph;
    const TensorName *names = tensor_names(graph, outputs, class->arena);
    int count = outputs ? graph->output_count : graph->input_count;
    size_t network = strlen(graph->name) + 1;
    for (int i = 0; i < count; i++) {
        const char *parameter = arena_format(class->arena, "%sBuffer", names[i].member);
        while (is_parameter(class, parameter))
            parameter = arena_format(class->arena, "%sOut", parameter);
        class->tensors[class->count++] = (JavaTensor){.member = names[i].member,
            .macro = names[i].macro,
            .constant = names[i].macro + network,
            .parameter = parameter,
            .type = outputs ? &graph->outputs[i].value->type : &graph->inputs[i].value->type,
            .is_output = outputs};
    }
}

static bool is_of_bytes(const JavaTensor *tensor) {
    return tensor->type->element == ELEMENT_U8;
}

static int64_t bytes_of(const JavaTensor *tensor) {
    return element_type_bytes(tensor->type->element) * tensor_elements(tensor->type);
}

/* ---- what differs from network to network ---- */

typedef void WriteTensor(const JavaTensor *tensor, Text *out);

typedef enum Which { ALL, INPUTS, OUTPUTS } Which;

static const char *each(
    const JavaClass *class, Which which, const char *between, WriteTensor *write) {
    Text text = {0};
    text_append(&text, "");
    for (int i = 0; i < class->count; i++) {
        const JavaTensor *tensor = &class->tensors[i];
        if (which != ALL && tensor->is_output != (which == OUTPUTS))
            continue;
        text_append(&text, text.length > 0 ? between : "");
        write(tensor, &text);
    }
    const char *copy = arena_copy_string(class->arena, text.data);
    text_free(&text);
    return copy;
}

static void write_doc(const JavaTensor *tensor, Text *out) {
    text_format(out, " * - `%s`: %s, %s [", tensor->parameter,
        tensor->is_output ? "an output" : "an input",
        is_of_bytes(tensor) ? "bytes, pixels row after row," : "floats");
    for (int i = 0; i < tensor->type->rank; i++)
        text_format(out, i > 0 ? ", %lld" : "%lld", (long long)tensor->type->dims[i]);
    text_append(out, "]\n");
}

static void write_name(const JavaTensor *tensor, Text *out) {
    text_append(out, tensor->parameter);
}

static void write_slice(const JavaTensor *tensor, Text *out) {
    text_format(out, "%s.slice()", tensor->parameter);
}

static void write_kotlin_parameter(const JavaTensor *tensor, Text *out) {
    text_format(out, "%s: ByteBuffer", tensor->parameter);
}

static void write_kotlin_constant(const JavaTensor *tensor, Text *out) {
    text_format(
        out, "        const val %s_BYTES = %lld\n", tensor->constant, (long long)bytes_of(tensor));
}

static void write_kotlin_writable(const JavaTensor *tensor, Text *out) {
    text_format(out, "        require(!%s.isReadOnly) { \"%s must not be read-only\" }\n",
        tensor->parameter, tensor->parameter);
}

static void write_java_parameter(const JavaTensor *tensor, Text *out) {
    text_format(out, "ByteBuffer %s", tensor->parameter);
}

static void write_java_constant(const JavaTensor *tensor, Text *out) {
    text_format(out, "    public static final int %s_BYTES = %lld;\n", tensor->constant,
        (long long)bytes_of(tensor));
}

static void write_java_writable(const JavaTensor *tensor, Text *out) {
    text_format(out,
        "        if (%s.isReadOnly())\n"
        "            throw new IllegalArgumentException(\"%s must not be read-only\");\n",
        tensor->parameter, tensor->parameter);
}

static void write_jni_parameter(const JavaTensor *tensor, Text *out) {
    text_format(out, ", jobject %s", tensor->parameter);
}

static void write_jni_tensor(const JavaTensor *tensor, Text *out) {
    const char *to = tensor->is_output ? "outputs" : "inputs";
    text_format(out,
        "    %s.%s = numbers(env, %s, %s_ELEMENTS, sizeof *%s.%s,\n"
        "        \"%s must be a direct buffer with %lld bytes left%s\");\n"
        "    if (%s.%s == NULL)\n"
        "        return;\n",
        to, tensor->member, tensor->parameter, tensor->macro, to, tensor->member, tensor->parameter,
        (long long)bytes_of(tensor), is_of_bytes(tensor) ? "" : ", aligned as floats are", to,
        tensor->member);
}

/* One output, with a number for each class of one picture. */
static bool classifies(const Graph *graph) {
    return graph->output_count == 1 && graph->answer == NULL &&
           output_is_classes(&graph->outputs[0]) && graph->outputs[0].value->type.dims[0] == 1;
}

static const char *filled(const JavaClass *class, bool wanted, const char *template) {
    const TemplateWord words[] = {{"name", class->graph->name}, {"symbol", jni_symbol(class)},
        {"kotlin_inputs", each(class, INPUTS, ", ", write_kotlin_parameter)},
        {"java_inputs", each(class, INPUTS, ", ", write_java_parameter)},
        {"input_names", each(class, INPUTS, ", ", write_name)},
        {"scores", class->tensors[class->count - 1].constant}};
    if (!wanted)
        return "";
    Text text = {0};
    template_fill(template, words, sizeof words / sizeof *words, &text);
    const char *copy = arena_copy_string(class->arena, text.data);
    text_free(&text);
    return copy;
}

/* ---- files ---- */

static void fill(const JavaClass *class, const char *template, Text *out) {
    const Graph *graph = class->graph;
    bool labels = class->has_labels;
    const TemplateWord words[] = {{"name", graph->name},
        {"NAME", upper_case(class->arena, graph->name)}, {"Class", class->name},
        {"package", class->package}, {"symbol", jni_symbol(class)},
        {"tensors_doc", each(class, ALL, "", write_doc)},
        {"slices", each(class, ALL, ", ", write_slice)},
        {"kotlin_parameters", each(class, ALL, ", ", write_kotlin_parameter)},
        {"kotlin_constants", each(class, ALL, "", write_kotlin_constant)},
        {"kotlin_writable", each(class, OUTPUTS, "", write_kotlin_writable)},
        {"kotlin_classify", filled(class, classifies(graph), kotlin_classify_template)},
        {"kotlin_label", filled(class, labels, kotlin_label_template)},
        {"java_parameters", each(class, ALL, ", ", write_java_parameter)},
        {"java_constants", each(class, ALL, "", write_java_constant)},
        {"java_writable", each(class, OUTPUTS, "", write_java_writable)},
        {"java_classify", filled(class, classifies(graph), java_classify_template)},
        {"java_label", filled(class, labels, java_label_template)},
        {"jni_parameters", each(class, ALL, "", write_jni_parameter)},
        {"jni_tensors", each(class, ALL, "", write_jni_tensor)},
        {"jni_label", filled(class, labels, jni_label_template)}};
    template_fill(template, words, sizeof words / sizeof *words, out);
}

static const char *package_folder(const JavaClass *class) {
    char *folder = arena_copy_string(class->arena, class->package);
    for (char *at = folder; *at != '\0'; at++)
        *at = *at == '.' ? '/' : *at;
    return folder;
}

static bool fits_java(const JavaClass *class, Session *session) {
    for (int i = 0; i < class->count; i++) {
        const JavaTensor *tensor = &class->tensors[i];
        if (bytes_of(tensor) <= INT32_MAX)
            continue;
        diagnostics_error(session->diagnostics, NULL,
            "'%s' has %lld bytes, and a buffer of Java at most %d", tensor->member,
            (long long)bytes_of(tensor), INT32_MAX);
        return false;
    }
    return true;
}

bool android_add_sources(const Graph *graph, const Program *program, const char *package,
    JavaLanguage language, OutputFiles *files) {
    Arena *arena = files->session->arena;
    JavaClass class = {.graph = graph,
        .name = class_name(graph, arena),
        .package = arena_copy_string(arena, package),
        .tensors = ARENA_ARRAY(arena, JavaTensor, graph->input_count + graph->output_count),
        .has_labels = graph->labels != NULL && support_is_built_in(program),
        .arena = arena};
    add_tensors(&class, false);
    add_tensors(&class, true);
    if (!fits_java(&class, files->session))
        return false;
    bool kotlin = language == LANGUAGE_KOTLIN;
    fill(&class, kotlin ? kotlin_template : java_template,
        output_files_add(files, arena_format(arena, "%s/%s/%s.%s", kotlin ? "kotlin" : "java",
                                    package_folder(&class), class.name, kotlin ? "kt" : "java")));
    fill(&class, jni_template,
        output_files_add(files, arena_format(arena, "jni/%s_jni.c", graph->name)));
    fill(&class, jni_cmake_template, output_files_add(files, "jni/CMakeLists.txt"));
    text_append(output_files_add(files, "jni/runtime/pool.c"), pool_source);
    text_append(output_files_add(files, "jni/runtime/riffle_runtime.h"), runtime_header);
    text_append(output_files_add(files, "jni/runtime/LICENSE"), license_text);
    return true;
}
