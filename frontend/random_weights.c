/* Random weights for networks that have none: for tests and measurements, not for training.
 *
 * Each weight is a stream of uniform numbers that starts from the seed and a hash of its path, so
 * it does not depend on the order of layers. The scale keeps activations near unit size: walking
 * through the graph we estimate the mean and the mean square of every value and give convolutions
 * and fully connected layers the spread 1 / sqrt(fan-in * mean square of the operand), so that what
 * they compute has mean square 1. (He's initialisation, with the factor 2 replaced by the estimate:
 * sums of residuals and poolings need no case of their own.) Batch norm is near the identity.
 *
 * Only +, *, / and sqrt are used, which IEEE 754 rounds the same everywhere. */
#include "frontend/frontend.h"
#include "ir/formula.h"
#include "ir/reduction.h"

#include <math.h>

typedef struct Moments {
    double mean, square; /* estimates of E[x] and E[x^2]; square is positive */
} Moments;

typedef struct Generator {
    uint64_t state;
} Generator;

/* ---- numbers ---- */

static uint64_t next_bits(Generator *generator) { /* splitmix64 */
    uint64_t z = generator->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(Generator *generator) { /* in [-1, 1), a multiple of 2^-23 */
    return (double)(next_bits(generator) >> 40) * 0x1p-23 - 1.0;
}

static Generator generator_for(uint64_t seed, const char *path) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *at = path; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    Generator mix = {seed};
    return (Generator){hash ^ next_bits(&mix)};
}

/* Fills the weight with numbers in center +- spread, unless it has data: the first node decides. */
static void fill(Graph *graph, Weight *weight, uint64_t seed, double center, double spread) {
    if (weight == NULL || weight->data != NULL)
        return;
    size_t count = (size_t)tensor_elements(&weight->type);
    float *data = weight_allocate(graph, weight);
    Generator generator = generator_for(seed, weight->path);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)(center + spread * uniform(&generator));
    weight_rest(weight);
}

/* The same with whole numbers, for what is quantised. */
static void fill_integers(
    Graph *graph, Weight *weight, uint64_t seed, double center, double spread) {
    if (weight == NULL || weight->data != NULL)
        return;
    fill(graph, weight, seed, center, spread);
    float *data = (float *)weight->data;
    for (int64_t i = 0; i < tensor_elements(&weight->type); i++)
        data[i] = floorf(data[i]);
    weight_rest(weight);
}

/* ---- estimates ---- */

static double variance(Moments x) {
    double spread = x.square - x.mean * x.mean;
    return spread > 1e-6 ? spread : 1e-6;
}

static Moments from_mean_and_variance(double mean, double spread) {
    return (Moments){mean, mean * mean + spread};
}

/* max(x, 0) of a Gaussian x. Its distribution function and density come from an approximation that
 * needs no exponential: (1 + t / sqrt(t^2 + pi/2)) / 2 and the derivative of that. */
static Moments rectified(Moments x) {
    const double half_pi = 1.5707963267948966;
    double deviation = sqrt(variance(x)), t = x.mean / deviation, reach = t * t + half_pi;
    double above = 0.5 * (1 + t / sqrt(reach)), density = 0.5 * half_pi / (reach * sqrt(reach));
    return (Moments){
        x.mean * above + deviation * density, x.square * above + x.mean * deviation * density};
}

/* From the ends: what stays within small bounds is spread between them, and what a negative number
 * leaves small is taken for a rectifier (some a little less; near enough). */
static Moments after_activation(const Formula *formula, Moments x) {
    Arena *scratch = arena_create();
    const Formula *expanded = formula_expand(scratch, formula);
    double low = formula_value(expanded, (double[MOST_FORMULA_OPERANDS]){-100});
    double high = formula_value(expanded, (double[MOST_FORMULA_OPERANDS]){100});
    arena_destroy(scratch);
    if (!(fabs(low) < 1.5))
        return x;
    if (!(fabs(high) < 1.5))
        return rectified(x);
    double width = fmax(high - low, 0.125);
    return from_mean_and_variance((low + high) / 2, 0.04 * width * width);
}

static Moments sum(Moments x, Moments y) {
    return (Moments){x.mean + y.mean, x.square + y.square + 2 * x.mean * y.mean};
}

static Moments joined(const Node *node, const Moments *moments) {
    Moments total = {0, 0};
    double channels = 0;
    for (int i = 0; i < node->operand_count; i++) {
        const TensorType *type = &node->operands[i]->type;
        double share = (double)(node->op == OP_join ? tensor_elements(type) : type->dims[1]);
        total.mean += share * moments[node->operands[i]->id].mean;
        total.square += share * moments[node->operands[i]->id].square;
        channels += share;
    }
    return (Moments){total.mean / channels, total.square / channels};
}

static const Formula *activation_of(const Node *node, const char *attribute) {
    return node_formula_attribute(node, attribute);
}

/* How many products are added up for a number of the result; on average, where that is not the same
 * for all. */
static double fan_in(const Node *node) {
    const TensorType *type = &node->weights[0]->type;
    double products = 1;
    for (int i = 1; i < type->rank; i++)
        products *= (double)type->dims[i];
    if (node->op != OP_conv_transpose)
        return products;
    products *=
        (double)type->dims[0] / (double)type->dims[1] / (double)node_integer(node, "groups");
    for (int i = 0; i < 2; i++)
        products /= (double)node_list(node, "stride").items[i];
    return products > 1 ? products : 1;
}

/* Gives a convolution or fully connected layer its weights; returns the moments of what it
 * computes. */
static Moments fill_product(Graph *graph, const Node *node, Moments x, uint64_t seed) {
    fill(graph, node->weights[0], seed, 0, sqrt(3 / (fan_in(node) * x.square)));
    fill(graph, node_weight(node, "bias"), seed, 0, 0.1);
    return after_activation(activation_of(node, "activation"), (Moments){0, 1});
}

/* Bytes keep around 128 and use about a third of their range. */
static const Moments byte_moments = {128, 128 * 128 + 40 * 40};

/* Weights stay within -64 and 64, where every target multiplies them without loss. */
static Moments fill_quantized(Graph *graph, const Node *node, uint64_t seed) {
    const TensorType *type = &node->weights[0]->type;
    double fan_in = 1;
    for (int i = 1; i < type->rank; i++)
        fan_in *= (double)type->dims[i];
    bool bytes = node_integer(node, "result") == RESULT_U8;
    double scale = (bytes ? 1 : 0.025) / (37 * sqrt(fan_in));
    fill_integers(graph, node->weights[0], seed, 0.5, 64);
    fill_integers(graph, node_weight(node, "zero"), seed, 128, 30);
    fill(graph, node_weight(node, "factor"), seed, scale, 0.3 * scale);
    fill(graph, node_weight(node, "offset"), seed, bytes ? 128 : 0, bytes ? 20 : 0.1);
    if (bytes)
        return byte_moments;
    return after_activation(activation_of(node, "activation"), (Moments){0, 1});
}

/* What an element-wise op of several operands makes of a few numbers like theirs; in steps that
 * every mathematics library agrees about. */
static Moments sampled(const Node *node, const Formula *expanded, const Moments *moments) {
    enum { SAMPLES = 32 };
    const double samples = SAMPLES, steps = 64;
    double numbers[MOST_FORMULA_OPERANDS] = {0}, mean = 0, square = 0;
    Generator generator = {0};
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < node->operand_count; k++) {
            Moments x = moments[node->operands[k]->id];
            numbers[k] = x.mean + sqrt(3 * variance(x)) * uniform(&generator);
        }
        double value = formula_value(expanded, numbers);
        value = value < 100 ? value > -100 ? value : -100 : 100; /* NaN too */
        mean += value / samples;
        square += value * value / samples;
    }
    mean = floor(mean * steps) / steps;
    square = floor(square * steps + 1) / steps;
    return from_mean_and_variance(mean, variance((Moments){mean, square}));
}

static Moments after_element(const Node *node, const Moments *moments) {
    Arena *scratch = arena_create();
    const Formula *formula = node_formula(node, scratch);
    Moments result = node->operand_count == 1
                         ? after_activation(formula, moments[node->operands[0]->id])
                         : sampled(node, formula_expand(scratch, formula), moments);
    arena_destroy(scratch);
    return result;
}

/* Of what a reduce takes of each number, as if they were normally distributed. */
static Moments term(ReductionTerm term, Moments x) {
    switch (term) {
    case TERM_SAME:
        break;
    case TERM_ABSOLUTE:
        return from_mean_and_variance(0.8 * sqrt(x.square), 0.36 * x.square);
    case TERM_SQUARE:
        return from_mean_and_variance(x.square, 2 * x.square * x.square);
    case TERM_NEGATIVE:
        return (Moments){-x.mean, x.square};
    }
    return x;
}

static Moments reduced(const Node *node, Moments x) {
    const Reduction *reduction = node_reduction(node);
    double count = (double)node_reduced_count(node), spread;
    x = term(reduction->term, x);
    spread = variance(x);
    x = reduction->combine == COMBINE_ADD
            ? from_mean_and_variance(x.mean * count, spread * count)
            : from_mean_and_variance(x.mean + sqrt(2 * log(count) * spread), 0.4 * spread);
    switch (reduction->finish) {
    case FINISH_SAME:
        break;
    case FINISH_MEAN:
        return from_mean_and_variance(x.mean / count, variance(x) / count / count);
    case FINISH_ROOT:
        return from_mean_and_variance(sqrt(x.mean), variance(x) / (4 * x.mean + 1e-6));
    case FINISH_NEGATIVE:
        return (Moments){-x.mean, x.square};
    }
    return x;
}

/* Gives the node's weights their data; returns the moments of its results. */
static Moments fill_node(Graph *graph, const Node *node, const Moments *moments, uint64_t seed) {
    Moments x =
        node->operand_count > 0 ? moments[node->operands[0]->id] : (Moments){1, 1 + 0.25 / 3};
    switch (node->op) {
    case OP_constant:
        fill(graph, node_weight(node, "value"), seed, x.mean, 0.5);
        return x;
    case OP_conv: {
        Moments result = fill_product(graph, node, x, seed);
        if (node->operand_count == 2)
            result = sum(result, moments[node->operands[1]->id]);
        return after_activation(activation_of(node, "residual_activation"), result);
    }
    case OP_linear:
    case OP_conv_transpose:
        return fill_product(graph, node, x, seed);
    case OP_batch_norm:
        fill(graph, node_weight(node, "weight"), seed, 1, 0.2);
        fill(graph, node_weight(node, "bias"), seed, 0, 0.1);
        fill(graph, node_weight(node, "running_mean"), seed, 0, 0.1);
        fill(graph, node_weight(node, "running_var"), seed, 1, 0.2);
        return x;
    case OP_bias:
        fill(graph, node_weight(node, "bias"), seed, 0, 0.1);
        return x;
    case OP_range:
        fill(graph, node_weight(node, "low"), seed, -1, 0.9); /* some much wider than others */
        fill(graph, node_weight(node, "high"), seed, 3, 2.9);
        if (node_weight(node, "mean") != NULL)
            fill(graph, node_weight(node, "mean"), seed, 0.5, 0.5);
        if (node_weight(node, "moments") != NULL)
            fill(graph, node_weight(node, "moments"), seed, 1, 0.5);
        return x;
    case OP_quantize:
        fill(graph, node_weight(node, "factor"), seed, 40, 5);
        fill_integers(graph, node_weight(node, "zero"), seed, 128, 20);
        if (node_weight(node, "term") != NULL)
            fill(graph, node_weight(node, "term"), seed, 128, 20);
        return byte_moments;
    case OP_quantized_conv:
    case OP_quantized_linear:
        return fill_quantized(graph, node, seed);
    case OP_add:
        return after_activation(
            activation_of(node, "activation"), sum(x, moments[node->operands[1]->id]));
    case OP_multiply: {
        Moments y = moments[node->operands[1]->id];
        return after_activation(
            activation_of(node, "activation"), (Moments){x.mean * y.mean, x.square * y.square});
    }
    case OP_concat:
    case OP_route:
    case OP_join:
        return joined(node, moments);
    case OP_max_pool:
        return from_mean_and_variance(x.mean + sqrt(variance(x)), 0.6 * variance(x));
    case OP_avg_pool:
    case OP_global_avg_pool:
    case OP_resize:
        return from_mean_and_variance(x.mean, variance(x) / 3);
    case OP_softmax:
        return from_mean_and_variance(1.0 / (double)node->operands[0]->type.dims[1], 1e-4);
    case OP_log_softmax:
        return from_mean_and_variance(
            -log((double)node->operands[0]->type.dims[1]) - variance(x) / 2, variance(x));
    case OP_reduce:
        return reduced(node, x);
    case OP_arg_max: {
        double indices = (double)node_reduced_count(node);
        return from_mean_and_variance((indices - 1) / 2, indices * indices / 12);
    }
    case OP_split:
    case OP_shuffle:
    case OP_gather:
    case OP_pad:
    case OP_crop:
    case OP_take:
    case OP_rearrange:
    case OP_slice:
    case OP_flatten:
    case OP_unflatten:
    case OP_local_response_norm:
    case OP_pixels: /* about what a preprocessing is for: no mean, unit variance */
        return x;
    default:
        return after_element(node, moments);
    }
}

void weights_randomize(Graph *graph, uint64_t seed) {
    for (Weight *weight = graph->first_weight; weight; weight = weight->next)
        weight->data = NULL;
    Arena *scratch = arena_create();
    Moments *moments = ARENA_ARRAY(scratch, Moments, graph->next_value_id + 1);
    for (int i = 0; i < graph->next_value_id; i++)
        moments[i] = (Moments){0, 1}; /* graph inputs */
    for (const Node *node = graph->first; node; node = node->next) {
        Moments result = fill_node(graph, node, moments, seed);
        for (int i = 0; i < node->result_count; i++)
            moments[node->results[i]->id] = result;
    }
    for (Weight *weight = graph->first_weight; weight; weight = weight->next)
        fill(graph, weight, seed, 0, 0.1); /* what no node refers to */
    arena_destroy(scratch);
}
