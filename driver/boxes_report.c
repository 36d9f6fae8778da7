#include "driver/boxes_report.h"

#include "ir/quote.h"

#include <stdio.h>

const Boxes *boxes_of_batch(const Graph *graph, float *const *outputs, const Image *pictures,
    BoxWishes wishes, Arena *arena) {
    int64_t batch = graph->inputs[0].value->type.dims[0];
    Boxes *boxes = ARENA_ARRAY(arena, Boxes, batch);
    for (int64_t i = 0; i < batch; i++) {
        const struct riffle_mapping *mapping = pictures == NULL ? NULL : &pictures[i].mapping;
        boxes[i] = boxes_find(graph, outputs, i, mapping, wishes, arena);
    }
    return boxes;
}

static const char *label_of(const Labels *labels, const Box *box) {
    return labels == NULL ? NULL : labels->names[box->class_index];
}

/* Without the sign of what is rounded to zero. */
static void print_point(Point point) {
    printf(" %.1f %.1f", point.x > -0.05 && point.x < 0 ? 0.0 : point.x,
        point.y > -0.05 && point.y < 0 ? 0.0 : point.y);
}

void boxes_print(const Boxes *boxes, const Labels *labels, Arena *arena) {
    for (int i = 0; i < boxes->count; i++) {
        const Box *box = &boxes->items[i];
        const char *label = label_of(labels, box);
        printf("%lld", (long long)box->class_index);
        if (label != NULL)
            printf(" %s", quote_copy(arena, label));
        printf(" %.3f", box->score);
        print_point(box->corners[0]);
        print_point(box->corners[1]);
        for (int k = 0; k < box->landmark_count; k++)
            print_point(box->landmarks[k]);
        printf("\n");
    }
}

static void write_point(JsonWriter *json, Point point) {
    json_write_number(json, NULL, point.x);
    json_write_number(json, NULL, point.y);
}

void boxes_write_json(const Boxes *boxes, const Labels *labels, JsonWriter *json) {
    json_write_array(json, NULL, JSON_LINES);
    for (int i = 0; i < boxes->count; i++) {
        const Box *box = &boxes->items[i];
        json_write_object(json, NULL, JSON_INLINE);
        json_write_integer(json, "class", box->class_index);
        if (label_of(labels, box) != NULL)
            json_write_string(json, "label", label_of(labels, box));
        json_write_number(json, "score", box->score);
        json_write_array(json, "corners", JSON_INLINE);
        write_point(json, box->corners[0]);
        write_point(json, box->corners[1]);
        json_write_array_end(json);
        if (box->landmark_count > 0) {
            json_write_array(json, "landmarks", JSON_INLINE);
            for (int k = 0; k < box->landmark_count; k++)
                write_point(json, box->landmarks[k]);
            json_write_array_end(json);
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
}
