/* `riffle opt` with passes that are wrong on purpose, for the tests of checks, reproducers and
 * bisection. Each replaces every relu by another relu, which is right, and does its harm at the
 * rewrite that its option names. */
#include "driver/opt.h"
#include "passes/rewrite.h"

#include <stdlib.h>
#include <unistd.h>

typedef enum Harm {
    HARM_ANSWER,    /* a sigmoid */
    HARM_GRAPH,     /* a result of the wrong type */
    HARM_INTERFACE, /* one graph output less */
    HARM_CRASH,
    HARM_EXIT,
    HARM_HANG,
    HARM_ERROR,
    HARM_LITTLE /* less than any tolerance */
} Harm;

static void prepare_little(Graph *graph, Node *node, const void *context) {
    (void)graph, (void)context;
    node_attribute(node, "slope")->number = 1e-7;
}

static bool do_harm(PassContext *context, Harm harm, Node *relu) {
    Graph *graph = context->graph;
    switch (harm) {
    case HARM_ANSWER: {
        Node *wrong =
            insert_node(graph, relu, OP_sigmoid, relu->path, relu->operands, 1, NULL, NULL);
        replace_node(graph, relu, wrong->results[0]);
        return true;
    }
    case HARM_LITTLE: {
        Node *wrong = insert_node(
            graph, relu, OP_leaky_relu, relu->path, relu->operands, 1, prepare_little, NULL);
        replace_node(graph, relu, wrong->results[0]);
        return true;
    }
    case HARM_GRAPH:
        relu->results[0]->type.dims[1]++;
        return true;
    case HARM_INTERFACE:
        graph->output_count--;
        return true;
    case HARM_CRASH:
        abort();
    case HARM_EXIT:
        _exit(3);
    case HARM_HANG:
        for (;;)
            pause();
    case HARM_ERROR:
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, relu->where, NULL,
            "this relu is not to the pass's liking");
        return false;
    }
    return true;
}

static bool renew_relus(PassContext *context) {
    Graph *graph = context->graph;
    const Harm *harm = context->step->pass->data;
    int64_t at = pass_integer(context, "at");
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_relu || !pass_may_rewrite(context, node))
            continue;
        if (context->rewrites == at) {
            if (!do_harm(context, *harm, node))
                return false;
            continue;
        }
        Node *renewed =
            insert_node(graph, node, OP_relu, node->path, node->operands, 1, NULL, NULL);
        replace_node(graph, node, renewed->results[0]);
    }
    return true;
}

/* Does harm without asking for a rewrite. */
static bool lose_relus(PassContext *context) {
    for (Node *node = context->graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op == OP_relu)
            replace_node(context->graph, node, node->operands[0]);
    }
    return true;
}

static const PassOption options[] = {
    {"at", PASS_OPTION_INTEGER, "1", 1, 1000, "the rewrite that does harm"}};
static const Harm harms[] = {HARM_ANSWER, HARM_GRAPH, HARM_INTERFACE, HARM_CRASH, HARM_EXIT,
    HARM_HANG, HARM_ERROR, HARM_LITTLE};
static const char statistic[] = "one relu node";
static const Pass faulty_passes[] = {
    {"wrong-answer", "A sigmoid.", statistic, renew_relus, options, 1, &harms[0]},
    {"wrong-graph", "A wrong type.", statistic, renew_relus, options, 1, &harms[1]},
    {"wrong-interface", "An output less.", statistic, renew_relus, options, 1, &harms[2]},
    {"wrong-crash", "Aborts.", statistic, renew_relus, options, 1, &harms[3]},
    {"wrong-exit", "Exits.", statistic, renew_relus, options, 1, &harms[4]},
    {"wrong-hang", "Never returns.", statistic, renew_relus, options, 1, &harms[5]},
    {"wrong-error", "Reports an error.", statistic, renew_relus, options, 1, &harms[6]},
    {"wrong-little", "A slope of 1e-7.", statistic, renew_relus, options, 1, &harms[7]},
    {"wrong-uncounted", "Removes all relus.", statistic, lose_relus, NULL, 0, NULL},
};

int main(int argc, char **argv) {
    Session session = session_begin();
    OptOptions opt = {.model = model_options(&session, NULL)};
    for (size_t i = 0; i < sizeof faulty_passes / sizeof faulty_passes[0]; i++)
        pass_registry_add(opt.model.registry, &faulty_passes[i], session.diagnostics);
    return opt_command(&opt, argc, argv);
}
