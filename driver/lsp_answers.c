#include "driver/lsp.h"

#include "ir/text.h"
#include <string.h>

json_t *lsp_hover(const LspDocument *document, uint32_t offset) {
    if (document->analysis == NULL)
        return json_null();
    Text text = {0};
    SourceRange where = analysis_hover(document->analysis, offset, &text);
    json_t *hover = where.file == NULL
                        ? json_null()
                        : json_pack("{s:{s:s, s:s}, s:o}", "contents", "kind", "markdown", "value",
                              text.data, "range", lsp_range(where));
    text_free(&text);
    return hover;
}

json_t *lsp_definition(const LspDocument *document, uint32_t offset) {
    if (document->analysis == NULL)
        return json_null();
    SourceRange where = analysis_definition(document->analysis, offset);
    if (where.file == NULL)
        return json_null();
    bool is_here = where.file == document->file;
    return json_pack("{s:o, s:o}", "uri",
        is_here ? json_string(document->uri) : lsp_uri(where.file->name), "range",
        lsp_range(where));
}

static void add_item(void *list, CompletionKind kind, const char *word, const char *detail) {
    static const int kinds[] = {
        [COMPLETION_OPERATION] = 3, /* function */
        [COMPLETION_UNIT] = 9,      /* module */
        [COMPLETION_FUNCTION] = 3,
        [COMPLETION_VARIABLE] = 6,
        [COMPLETION_ARGUMENT] = 5, /* field */
        [COMPLETION_CHOICE] = 20,  /* member of an enumeration */
        [COMPLETION_KEYWORD] = 14,
    };
    size_t index;
    json_t *known;
    json_array_foreach(list, index, known) /* max is an op and a function of numbers */
        if (strcmp(json_string_value(json_object_get(known, "label")), word) == 0) return;
    json_t *item = json_pack("{s:s, s:i}", "label", word, "kind", kinds[kind]);
    if (detail != NULL)
        json_object_set_new(item, "detail", json_string(detail));
    if (kind == COMPLETION_ARGUMENT) {
        Text text = {0};
        text_format(&text, "%s = ", word);
        json_object_set_new(item, "insertText", json_string(text.data));
        text_free(&text);
    }
    json_array_append_new(list, item);
}

json_t *lsp_completion(const LspDocument *document, uint32_t offset) {
    json_t *list = json_array();
    if (document->analysis != NULL)
        analysis_complete(document->analysis, offset, add_item, list);
    return list;
}

json_t *lsp_formatting(const LspDocument *document) {
    Text text = {0};
    json_t *edits = json_null();
    if (document->analysis != NULL && analysis_print(document->analysis, &text)) {
        SourceRange all = {document->file, 0, (uint32_t)document->file->length};
        edits = json_pack(
            "[{s:o, s:s}]", "range", lsp_range(all), "newText", text.data == NULL ? "" : text.data);
    }
    text_free(&text);
    return edits;
}
