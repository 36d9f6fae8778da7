/* riffle opt --test-rules: each rule on random graphs, with and without each of its conditions. */
#include "driver/opt.h"
#include "driver/table.h"
#include "ir/write_files.h"
#include "passes/rules/rules.h"
#include "passes/rules/test.h"

#include <inttypes.h>
#include <string.h>

static void print_conditions(const RuleVerdict *verdict, Text *text) {
    for (int i = 0; i < verdict->condition_count; i++) {
        const RuleCondition *condition = &verdict->conditions[i];
        if (condition->usual && condition->graphs == 0)
            continue;
        text_format(text, "  without '%s': ", condition->text);
        if (condition->graphs == 0)
            text_append(text, "no graph was found\n");
        else if (condition->differs == 0)
            text_format(text, "the same in %" PRId64 " graphs\n", condition->graphs);
        else
            text_format(text, "wrong in %" PRId64 " of %" PRId64 " graphs\n", condition->differs,
                condition->graphs);
    }
}

static void print_verdict(const char *name, const RuleVerdict *verdict) {
    Text text = {0};
    text_format(&text, "%s: ", name);
    if (verdict->wrong)
        text_format(&text, "wrong, in the last of %" PRId64 " graphs\n", verdict->graphs);
    else
        text_format(&text, "%" PRId64 " graphs, largest difference %.2g of the largest output\n",
            verdict->graphs, verdict->difference);
    print_conditions(verdict, &text);
    fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
}

static void write_counterexample(
    const OptOptions *opt, const char *name, const RuleVerdict *verdict) {
    Session *session = opt->model.session;
    const char *path = arena_format(session->arena, "%s.counterexample.rir", name);
    Text text = {0};
    graph_print(verdict->counterexample, &text);
    int error = text_write_file(&text, path);
    text_free(&text);
    if (error != 0)
        diagnostics_error(
            session->diagnostics, NULL, "'%s' cannot be written: %s", path, strerror(error));
    else
        diagnostics_report(session->diagnostics, SEVERITY_NOTE, (SourceRange){0},
            arena_format(session->arena, "'riffle opt %s%s --passes=%s --check' looks at it again",
                path, opt->model.plugins, name),
            "a graph where it does is in '%s'", path);
}

/* False after reporting that the rule is wrong, or could not be tried. */
static bool test_rule(const OptOptions *opt, const char *name, const Rule *rule) {
    Session *session = opt->model.session;
    RuleVerdict verdict = rule_test(
        rule, (uint64_t)opt->check_seed, opt->test_rules, session->arena, session->diagnostics);
    print_verdict(name, &verdict);
    if (verdict.wrong && verdict.counterexample != NULL) {
        diagnostics_report(session->diagnostics, SEVERITY_ERROR, rule->where, NULL,
            "the rule '%s' changes what graphs compute, or makes none", rule->name);
        write_counterexample(opt, name, &verdict);
    } else if (verdict.graphs == 0 && !verdict.wrong) {
        diagnostics_report(session->diagnostics, SEVERITY_ERROR, rule->where,
            "test it with a .rir file of your own, and --check",
            "no random graph was found that fits the rule '%s'", rule->name);
    }
    return !verdict.wrong && verdict.graphs > 0;
}

int opt_test_rules(OptOptions *opt) {
    Session *session = opt->model.session;
    const PassRegistry *registry = opt->model.registry;
    Model model = {0};
    bool read = opt->model.spec == NULL || model_read(&opt->model, &model), good = read;
    int tested = 0;
    for (size_t i = 0; read && i < pass_registry_count(registry); i++) {
        const Pass *pass = pass_registry_at(registry, i);
        int count = 0;
        const Rule *const *rules = pass_rules(pass, &count);
        for (int k = 0; k < count; k++, tested++)
            good = test_rule(opt, pass->name, rules[k]) && good;
    }
    if (good && tested == 0)
        diagnostics_error(session->diagnostics, "--rules=FILE names a file of rules",
            "there are no rules to test");
    model_close(&model);
    return session_finish(session, good && tested > 0 ? EXIT_DONE : EXIT_FAILED);
}
