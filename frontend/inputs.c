/* The inputs and outputs of the network, and how pixels become numbers. */
#include "frontend/evaluate.h"

#include <inttypes.h>
#include <string.h>

bool check_place(Evaluator *evaluator, const SpecStatement *statement) {
    if (!evaluator->frame->unit) {
        return true;
    }
    complain(evaluator, statement->where, NULL, "'%s' stands only in a network, not in a unit",
        statement_words[statement->kind]);
    return false;
}

/* Names of inputs and outputs become parameters of one C function. */
static bool check_name(Evaluator *evaluator, const SpecStatement *statement) {
    bool known = name_map_find(evaluator->interface_names, statement->name) != NULL;
    if (known) {
        complain(evaluator, statement->name_where, NULL,
            "there is an input, output or answer '%s' already", statement->name);
    }
    return !known;
}

bool check_declaration(Evaluator *evaluator, const SpecStatement *statement) {
    return check_place(evaluator, statement) && check_name(evaluator, statement);
}

enum { LARGEST_DIMENSION = 1 << 30 };

static bool add_dimension(Evaluator *evaluator, Datum datum, SourceRange where, TensorType *type) {
    int64_t size;
    if (datum.kind == DATUM_UNKNOWN) {
        return false;
    }
    bool whole = datum_to_integer(datum, &size);
    if (!whole || size < 1 || size > LARGEST_DIMENSION) {
        bool large = whole && size > LARGEST_DIMENSION;
        complain(evaluator, where, NULL, "a dimension is a whole number from 1 %s, not %s",
            large ? arena_format(evaluator->arena, "to %d", LARGEST_DIMENSION) : "up",
            datum_spelling(datum, evaluator->arena));
        return false;
    }
    if (type->rank == MAX_RANK) {
        complain(evaluator, where, NULL, "a tensor has at most %d dimensions", MAX_RANK);
        return false;
    }
    type->dims[type->rank++] = size;
    return true;
}

static bool read_type(Evaluator *evaluator, const SpecStatement *statement, TensorType *type) {
    bool good = true;
    bool bytes = strcmp(statement->element, element_name(ELEMENT_U8)) == 0;
    *type = (TensorType){.element = bytes ? ELEMENT_U8 : ELEMENT_F32};
    if (!bytes && strcmp(statement->element, element_name(ELEMENT_F32)) != 0) {
        complain(evaluator, statement->element_where,
            "f32 are numbers, u8 are the bytes of a picture", "unknown element type '%s'",
            statement->element);
        good = false;
    }
    for (int i = 0; i < statement->values.count; i++) {
        SourceRange where = statement->values.items[i]->where;
        Datum value = evaluate(evaluator, statement->values.items[i]);
        bool list = value.kind == DATUM_LIST;
        for (int k = 0; good && k < (list ? value.count : 1); k++) {
            good = add_dimension(evaluator, list ? value.items[k] : value, where, type);
        }
    }
    if (good && !rank_has_channels(type->rank)) {
        complain(evaluator, statement->name_where,
            "f32[batch, channels, height, width] or f32[batch, channels]",
            "an input has 4 or 2 dimensions, not %d", type->rank);
        good = false;
    }
    if (good && tensor_elements(type) < 0) {
        complain(evaluator, statement->name_where, NULL, "the input is too large");
        good = false;
    }
    return good;
}

static bool read_layout(
    Evaluator *evaluator, const SpecStatement *statement, int rank, Layout *layout) {
    *layout = statement->layout == LAYOUT_WORD_NHWC ? LAYOUT_NHWC : LAYOUT_NCHW;
    if (statement->layout != LAYOUT_WORD_NONE && rank != 4) {
        complain(evaluator, statement->name_where, NULL,
            "a layout is for tensors with 4 dimensions, '%s' has %d", statement->name, rank);
        return false;
    }
    return true;
}

/* One number for all channels, or one for each. */
static bool read_channels(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int64_t channels, double *numbers) {
    Datum value = argument->value;
    bool list = value.kind == DATUM_LIST;
    if (list && value.count != channels) {
        complain(evaluator, argument->where, NULL,
            "'%s' of pixels has %d numbers, but the input has %" PRId64 " channels", name,
            value.count, channels);
        return false;
    }
    for (int i = 0; i < channels; i++) {
        CallArgument single = *argument;
        single.value = list ? value.items[i] : value;
        if (!argument_number(evaluator, call, &single, name, &numbers[i])) {
            return false;
        }
    }
    return true;
}

static bool read_order(
    Evaluator *evaluator, Call *call, int64_t channels, Preprocessing *preprocessing) {
    const CallArgument *order = find_argument(call, "order", 0);
    if (!order) {
        return true;
    }
    int choice = argument_choice(evaluator, call, order, "order", choice_words("pixel_order"));
    if (choice < 0) {
        return false;
    }
    bool four = choice >= PIXELS_RGBA;
    if (channels != (four ? 4 : 3)) {
        complain(evaluator, order->where, NULL, "%s are for %d channels, the input has %" PRId64,
            four ? "rgba and bgra" : "rgb and bgr", four ? 4 : 3, channels);
        return false;
    }
    preprocessing->order = (PixelOrder)choice;
    return true;
}

/* What lies in the caller's memory where that is not what the network computes with: `order` is
 * then that of the bytes. */
typedef enum FrameFormat {
    FRAME_GREY = PIXELS_BGRA + 1, /* before it the orders */
    FRAME_NV12                    /* and others of several planes */
} FrameFormat;

static bool read_format(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const SpecStatement *statement, const TensorType *type, int *format) {
    const char *prepares = arena_format(evaluator->arena,
        "NAME_prepare_%s of the library makes the input of frames of any format", statement->name);
    *format = argument_choice(evaluator, call, argument, "frame",
        (const char *const[]){"rgb", "bgr", "rgba", "bgra", "grey", "nv12", "nv21", "i420", NULL});
    if (*format < 0) {
        return false;
    }
    if (type->element != ELEMENT_U8) {
        complain(evaluator, argument->where, prepares, "only inputs of u8 are read from a frame");
    } else if (*format >= FRAME_NV12) {
        complain(evaluator, argument->where, prepares,
            "an input is one plane of pixels, and such frames have several");
    } else if (type->dims[1] != (*format == FRAME_GREY ? 1 : 3)) {
        complain(evaluator, argument->where, prepares, "%s, the input has %" PRId64,
            *format == FRAME_GREY ? "grey is for 1 channel" : "colours are for 3 channels",
            type->dims[1]);
    } else {
        return true;
    }
    return false;
}

/* Means and deviations are given in the network's order, and noted in that of the frame. */
static void take_frame_order(Preprocessing *pixels, PixelOrder order) {
    if (pixel_order_is_bgr(order) != pixel_order_is_bgr(pixels->order)) {
        double *const numbers[] = {pixels->mean, pixels->std};
        for (int i = 0; i < 2; i++) {
            double first = numbers[i][0];
            numbers[i][0] = numbers[i][2];
            numbers[i][2] = first;
        }
    }
    pixels->order = order;
}

/* `taken`: the three channels of the frame that the network computes with, unless they are in
 * order. */
static bool read_frame(Evaluator *evaluator, Call *call, const SpecStatement *statement,
    TensorType *type, Preprocessing *pixels, const int64_t **taken) {
    const CallArgument *frame = find_argument(call, "frame", 7);
    int format;
    if (!frame) {
        return true;
    }
    if (!read_format(evaluator, call, frame, statement, type, &format)) {
        return false;
    }
    if (format != FRAME_GREY) {
        static const int64_t reversed[] = {2, 1, 0};
        if (pixel_order_is_bgr((PixelOrder)format) != pixel_order_is_bgr(pixels->order)) {
            *taken = reversed;
        }
        take_frame_order(pixels, (PixelOrder)format);
        type->dims[1] = format >= PIXELS_RGBA ? 4 : 3;
    }
    return true;
}

/* Where the picture lies in the input, and what is outside it. */
static bool read_place(Evaluator *evaluator, Call *call, Preprocessing *preprocessing) {
    const CallArgument *resize = find_argument(call, "resize", 4);
    const CallArgument *letterbox = find_argument(call, "letterbox", 5);
    const CallArgument *fill = find_argument(call, "fill", 6);
    if (resize && !argument_integer(evaluator, call, resize, "resize", 1, &preprocessing->resize)) {
        return false;
    }
    if (letterbox) {
        int choice =
            argument_choice(evaluator, call, letterbox, "letterbox", choice_words("letterbox"));
        if (choice < 0) {
            return false;
        }
        preprocessing->letterbox = (Letterbox)choice;
    }
    if (resize && preprocessing->letterbox != LETTERBOX_NONE) {
        complain(evaluator, letterbox->where, "leave 'resize' out: the input's size says it all",
            "'resize' and 'letterbox' of pixels exclude each other");
        return false;
    }
    if (fill && !argument_integer(evaluator, call, fill, "fill", 0, &preprocessing->fill)) {
        return false;
    }
    if (preprocessing->fill > 255) {
        complain(evaluator, fill->where, NULL, "'fill' of pixels is a pixel of 0 to 255");
        return false;
    }
    return true;
}

static bool read_pixels(Evaluator *evaluator, Call *call, const SpecStatement *statement,
    TensorType *type, Preprocessing *preprocessing, const int64_t **taken) {
    int64_t channels = type->dims[1];
    *preprocessing = (Preprocessing){.scale = 1, .std = {1, 1, 1, 1}};
    bool good = read_order(evaluator, call, channels, preprocessing);
    const CallArgument *scale = find_argument(call, "scale", 1);
    const CallArgument *mean = find_argument(call, "mean", 2);
    const CallArgument *deviation = find_argument(call, "std", 3);
    good = good &&
           (!scale || argument_number(evaluator, call, scale, "scale", &preprocessing->scale)) &&
           (!mean || read_channels(evaluator, call, mean, "mean", channels, preprocessing->mean)) &&
           (!deviation ||
               read_channels(evaluator, call, deviation, "std", channels, preprocessing->std)) &&
           read_place(evaluator, call, preprocessing);
    for (int i = 0; good && i < channels; i++) {
        if (preprocessing->std[i] == 0) {
            complain(evaluator, deviation->where, NULL, "'std' of pixels is not 0");
            good = false;
        }
    }
    good = good && read_frame(evaluator, call, statement, type, preprocessing, taken);
    if (good) /* else some were not looked at */
        check_unused(evaluator, call,
            (const char *const[]){
                "order", "scale", "mean", "std", "resize", "letterbox", "fill", "frame", NULL});
    return good;
}

static bool read_preprocessing(Evaluator *evaluator, const SpecStatement *statement,
    TensorType *type, Preprocessing *preprocessing, const int64_t **taken) {
    const SpecExpression *expression = statement->value;
    Call call;
    if (strcmp(expression->name, "pixels") != 0) {
        complain(evaluator, expression->name_where, "as in pixels(rgb, scale = 1 / 255)",
            "an input is made by 'pixels', not by '%s'", expression->name);
        return false;
    }
    if (!evaluate_arguments(evaluator, expression, NULL, &call)) {
        return false;
    }
    for (int i = 0; i < call.count; i++) {
        if (call.arguments[i].value.kind == DATUM_UNKNOWN) {
            return false;
        }
    }
    if (type->rank != 4 || type->dims[1] > 4) {
        complain(evaluator, expression->where, NULL,
            "pixels are for tensors [batch, channels, height, width] with at most 4 channels");
        return false;
    }
    return read_pixels(evaluator, &call, statement, type, preprocessing, taken);
}

/* Bytes are packed pixels, and only `pixels` says what numbers they are. */
static bool check_packed(
    Evaluator *evaluator, const SpecStatement *statement, const TensorType *type, Layout layout) {
    if (type->element != ELEMENT_U8 || (statement->value && layout == LAYOUT_NHWC)) {
        return true;
    }
    complain(evaluator, statement->name_where,
        "as in u8[1, 3, 224, 224] nhwc = pixels(rgb, scale = 1 / 255)",
        "an input of u8 is a picture of packed pixels: nhwc, with pixels(...)");
    return false;
}

/* The numbers of the input's bytes, of so many channels. */
static Value *add_pixels(Evaluator *evaluator, const GraphInput *input, int64_t channels) {
    Value *value = input->value;
    Node *node = node_create(evaluator->graph, OP_pixels, value->name, &value, 1, value->where);
    node_set_pixels(node, &input->preprocessing);
    if (channels < value->type.dims[1]) {
        node_set_integer(node, "channels", channels);
    }
    if (!node_infer(evaluator->graph, node, evaluator->diagnostics)) {
        return NULL;
    }
    graph_append(evaluator->graph, node);
    return node->results[0];
}

static Value *take_channels(Evaluator *evaluator, Value *value, const int64_t *channels) {
    Node *node = node_create(evaluator->graph, OP_gather, value->name, &value, 1, value->where);
    node_set_list(evaluator->graph, node, "channels", channels, 3);
    if (!node_infer(evaluator->graph, node, evaluator->diagnostics)) {
        return NULL;
    }
    graph_append(evaluator->graph, node);
    return node->results[0];
}

void declare_input(Evaluator *evaluator, const SpecStatement *statement) {
    TensorType type;
    Layout layout;
    Preprocessing preprocessing = {0};
    const int64_t *taken = NULL; /* channels of the frame; NULL: in order */
    bool good = check_declaration(evaluator, statement) && read_type(evaluator, statement, &type) &&
                read_layout(evaluator, statement, type.rank, &layout);
    int64_t channels = good ? type.dims[1] : 0; /* of the network */
    good = good &&
           (!statement->value ||
               read_preprocessing(evaluator, statement, &type, &preprocessing, &taken)) &&
           check_packed(evaluator, statement, &type, layout);
    if (!good) {
        define(evaluator, statement->name, datum_unknown);
        return;
    }
    Value *value =
        graph_add_input(evaluator->graph, statement->name, type, layout, statement->name_where);
    name_map_put(evaluator->interface_names, statement->name, value);
    GraphInput *input = &evaluator->graph->inputs[evaluator->graph->input_count - 1];
    input->has_preprocessing = statement->value != NULL;
    input->preprocessing = preprocessing;
    if (type.element == ELEMENT_U8) {
        value = add_pixels(evaluator, input, channels);
        if (value && taken) {
            value = take_channels(evaluator, value, taken);
        }
    }
    define(evaluator, statement->name, value ? datum_tensor(value) : datum_unknown);
}

void declare_output(Evaluator *evaluator, const SpecStatement *statement) {
    Datum value = evaluate(evaluator, statement->value);
    Layout layout;
    if (!check_declaration(evaluator, statement) || value.kind == DATUM_UNKNOWN) {
        return;
    }
    if (value.kind != DATUM_TENSOR) {
        complain(evaluator, statement->value->where, NULL, "an output is a tensor, not %s",
            datum_describe(value, evaluator->arena));
        return;
    }
    if (read_layout(evaluator, statement, value.tensor->type.rank, &layout)) {
        graph_add_output(
            evaluator->graph, statement->name, value.tensor, layout, statement->name_where);
        name_map_put(evaluator->interface_names, statement->name, value.tensor);
    }
}
