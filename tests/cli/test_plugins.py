"""Passes from shared objects: what is refused, what a plugin is answered, and that its passes run.

The plugins are compiled here, against passes/riffle/pass.h and nothing else."""

import subprocess
import unittest

from support import ROOT, Command, safetensors

GRAPH = """graph net {
  input %x : f32[1,4,6,6]
  weight @a.weight : f32[4,4,1,1]
  %a = conv %x weight=@a.weight : f32[1,4,6,6] "a"
  %b = relu %a : f32[1,4,6,6] "b"
  output y = %b
}
"""

# A plugin of one pass; `body` is that of its function run.
PLUGIN = """#include <riffle/pass.h>
#include <string.h>
static bool run(riffle_graph *graph) {
    riffle_node *conv = graph->first_node(graph), *relu = graph->last_node(graph);
    (void)conv, (void)relu;
    %s
}
static const riffle_pass_option options[] = {
    {"depth", RIFFLE_OPTION_INTEGER, "8", 1, 64, "how far it looks"},
    {"rate", RIFFLE_OPTION_NUMBER, "0.5", 0, 1, "how much of it"},
    {"greedy", RIFFLE_OPTION_FLAG, "false", 0, 0, "whether it takes all"}};
static int data = 7;
static const riffle_pass passes[] = {{"mine", "Does as it is told.", "one node", run, options, 3, &data}};
static const riffle_pass_plugin plugin = {RIFFLE_PASS_ABI_MAJOR, RIFFLE_PASS_ABI_MINOR, "mine", passes, 1};
RIFFLE_PASS_EXPORT const riffle_pass_plugin *riffle_pass_plugin_entry(void) { return &plugin; }
"""

GOOD = PLUGIN % "return true;"

# What is changed in the good plugin, and what is said of it.
BAD = [
    ("&plugin; }", "0; }",
     "riffle: error: the pass plugin 'p.so' describes no passes: riffle_pass_plugin_entry returned NULL\n"),
    ("riffle_pass_plugin_entry(void) {", "another(void) {",
     "riffle: error: 'p.so' is no pass plugin: it does not export riffle_pass_plugin_entry\n"
     "hint: a pass plugin exports the function riffle_pass_plugin_entry, see riffle/pass.h\n"),
    ("RIFFLE_PASS_ABI_MAJOR,", "3,",
     "riffle: error: the pass plugin 'p.so' was built for version 3.1 of riffle/pass.h, this riffle has 2.1\n"
     "hint: build it again with the header of this riffle\n"),
    ("RIFFLE_PASS_ABI_MINOR,", "2,",
     "riffle: error: the pass plugin 'p.so' was built for version 2.2 of riffle/pass.h, this riffle has 2.1\n"
     "hint: build it again with the header of this riffle\n"),
    ("passes, 1}", "passes, 0}", "riffle: error: the pass plugin 'p.so' has no passes\n"),
    ("passes, 1}", "NULL, 1}", "riffle: error: the pass plugin 'p.so' has no passes\n"),
    ('{{"mine"', "{{NULL", "riffle: error: the pass plugin 'p.so': pass 1 of its list has no name\n"),
    ('"Does as it is told.", "one node", run, options,', "NULL, NULL, NULL, NULL,",
     "riffle: error: the pass plugin 'p.so': 'summary' of the pass 'mine' is NULL\n"
     "riffle: error: the pass plugin 'p.so': 'statistic' of the pass 'mine' is NULL\n"
     "riffle: error: the pass plugin 'p.so': 'run' of the pass 'mine' is NULL\n"
     "riffle: error: the pass plugin 'p.so': 'options' of the pass 'mine' is NULL\n"),
    ('{{"mine"', '{{"dead-code"', "riffle: error: there is already a pass of the name 'dead-code'\n"
                                  "riffle: note: in the pass plugin 'p.so'\n"),
    ('{{"mine"', '{{"My pass"', "riffle: error: 'My pass' is no name for a pass\n"
                                "hint: lower-case letters, digits and '-' make a name\n"
                                "riffle: note: in the pass plugin 'p.so'\n"),
    ('"how far it looks"', "NULL",
     "riffle: error: the pass plugin 'p.so': option 1 of the pass 'mine' is not complete\n"
     "hint: it needs a name, a kind, a default and a meaning\n"),
    ("RIFFLE_OPTION_FLAG", "(riffle_option_kind)9",
     "riffle: error: the pass plugin 'p.so': option 3 of the pass 'mine' is not complete\n"
     "hint: it needs a name, a kind, a default and a meaning\n"),
    ('"8", 1', '"80", 1', "riffle: error: the pass 'mine': the default '80' of 'depth' is no value\n"
                          "riffle: note: in the pass plugin 'p.so'\n"),
    ("options, 3", "options, 1000",
     "riffle: error: the pass plugin 'p.so': the pass 'mine' has 1000 options, 64 are allowed\n"),
]

MISUSED = "hint: riffle/pass.h says what may be asked and done\n"

# Bodies of run that do something wrong, and the message.
WRONG = [
    ('return graph->is(graph, conv, "convolution");', "there is no op 'convolution'"),
    ("return graph->operand(graph, relu, 1) == NULL;", "there is no operand 1 of relu 'b', which has 1"),
    ("return graph->result(graph, conv, 7) == NULL;", "there is no result 7 of conv 'a', which has 1"),
    ("return graph->input(graph, 1) == NULL;", "there is no input 1 of the graph, which has 1"),
    ("return graph->output(graph, 1) == NULL;", "there is no output 1 of the graph, which has 1"),
    ('return graph->integer(graph, relu, "groups") == 0;', "relu has no attribute 'groups'"),
    ('return graph->integer(graph, conv, "stride") == 0;', "the attribute 'stride' of conv is of the kind list, not integer"),
    ('graph->set_choice(graph, conv, "activation", "tanhh"); return true;',
     "'tanhh' is no word for the attribute 'activation'"),
    ('return graph->weight(graph, conv, "filter") == NULL;', "conv has no weight 'filter'"),
    ('return graph->new_weight(graph, "w", (riffle_shape){0}, NULL) == NULL;',
     "a new weight 'w' of rank 0 needs a path and a rank of 1 to 6"),
    ('return graph->new_weight(graph, "w", (riffle_shape){1, {0}}, NULL) == NULL;',
     "the dimensions of the new weight 'w' are not all positive, or it has more than 2^40 elements"),
    ('return graph->new_node(graph, "cnv", "", NULL, 0) == NULL;', "there is no op 'cnv'"),
    ('riffle_value *none = NULL; return graph->new_node(graph, "relu", "", &none, 1) == NULL;',
     "operand 0 of a new relu is NULL"),
    ("return !graph->insert_node(graph, NULL, relu);",
     "the node is inserted twice, or before one that is not in the graph"),
    ("graph->set_operand(graph, relu, 1, graph->input(graph, 0)); return true;",
     "there is no operand 1 of relu 'b', which has 1"),
    ("graph->remove_node(graph, conv); return true;", "conv 'a' cannot be removed: its result is used"),
    ('return graph->option_flag(graph, "depth");', "it has no option 'depth' of that kind"),
    # Only the first mistake is shown.
    ('return graph->is(graph, conv, "a") || graph->is(graph, conv, "b");', "there is no op 'a'"),
]

# Bodies that ask all there is to ask, and say no when an answer is not as it should be.
CHECKS = {
    "nodes": """
    riffle_value *x = graph->input(graph, 0), *a = graph->result(graph, conv, 0);
    return graph->next_node(graph, conv) == relu && graph->previous_node(graph, relu) == conv &&
        graph->next_node(graph, relu) == NULL && strcmp(graph->op(graph, conv), "conv") == 0 &&
        graph->is(graph, relu, "relu") && !graph->is(graph, conv, "relu") &&
        strcmp(graph->path(graph, conv), "a") == 0 && graph->operand_count(graph, conv) == 1 &&
        graph->result_count(graph, conv) == 1 && graph->operand(graph, conv, 0) == x &&
        graph->producer(graph, x) == NULL && graph->producer(graph, a) == conv &&
        graph->use_count(graph, a) == 1 && graph->next_user(graph, a, NULL) == relu &&
        graph->next_user(graph, a, relu) == NULL && graph->input_count(graph) == 1 &&
        graph->output_count(graph) == 1 && graph->output(graph, 0) == graph->result(graph, relu, 0) &&
        graph->shape(graph, x).rank == 4 && graph->shape(graph, x).dims[1] == 4 && *(int *)graph->data == 7;""",
    "attributes": """
    size_t count;
    const int64_t *padding = graph->list(graph, conv, "padding", &count);
    bool good = count == 4 && padding[3] == 0 && graph->integer(graph, conv, "groups") == 1 &&
        strcmp(graph->choice(graph, conv, "activation"), "none") == 0 &&
        graph->has_attribute(graph, conv, "groups") && !graph->has_attribute(graph, relu, "groups");
    riffle_value *y = graph->result(graph, relu, 0);
    riffle_node *pool = graph->new_node(graph, "avg_pool", "pool", &y, 1);
    int64_t kernel[] = {2, 2};
    graph->set_list(graph, pool, "kernel", kernel, 2);
    graph->set_flag(graph, pool, "count_padding", false);
    good = good && graph->insert_node(graph, NULL, pool) && !graph->flag(graph, pool, "count_padding") &&
        graph->shape(graph, graph->result(graph, pool, 0)).dims[2] == 5;
    riffle_node *norm = graph->new_node(graph, "local_response_norm", "", &y, 1);
    graph->set_number(graph, norm, "beta", 0.25);
    graph->set_integer(graph, norm, "size", 3);
    graph->set_choice(graph, conv, "activation", "relu");
    return good && graph->number(graph, norm, "beta") == 0.25 && graph->integer(graph, norm, "size") == 3 &&
        strcmp(graph->choice(graph, conv, "activation"), "relu") == 0 &&
        graph->same_attributes(graph, relu, relu) && !graph->same_attributes(graph, relu, conv) &&
        !graph->same_attributes(graph, conv, NULL);""",
    "weights": """
    riffle_weight *weight = graph->weight(graph, conv, "weight");
    float numbers[16] = {0};
    riffle_weight *other = graph->new_weight(graph, "a.weight", graph->weight_shape(graph, weight), numbers);
    numbers[0] = 3;
    graph->set_weight(graph, conv, "weight", other);
    return strcmp(graph->weight_path(graph, weight), "a.weight") == 0 &&
        graph->weight_shape(graph, weight).dims[0] == 4 && graph->weight_data(graph, weight) == NULL &&
        graph->weight(graph, conv, "bias") == NULL && strcmp(graph->weight_path(graph, other), "a.weight.2") == 0 &&
        graph->weight_data(graph, other)[0] == 0 && graph->weight(graph, conv, "weight") == other;""",
    "nothing": """
    size_t count = 1;
    return graph->operand(graph, NULL, 0) == NULL && graph->result(graph, NULL, 0) == NULL &&
        graph->producer(graph, NULL) == NULL && graph->op(graph, NULL)[0] == 0 && !graph->is(graph, NULL, "conv") &&
        graph->path(graph, NULL)[0] == 0 && graph->operand_count(graph, NULL) == 0 &&
        graph->result_count(graph, NULL) == 0 && graph->shape(graph, NULL).rank == 0 &&
        graph->use_count(graph, NULL) == 0 && graph->next_user(graph, NULL, NULL) == NULL &&
        graph->next_node(graph, NULL) == NULL && graph->previous_node(graph, NULL) == NULL &&
        !graph->has_attribute(graph, NULL, "groups") && graph->integer(graph, NULL, "groups") == 0 &&
        graph->choice(graph, NULL, "activation")[0] == 0 && graph->list(graph, NULL, "stride", &count) == NULL &&
        count == 0 && graph->weight(graph, NULL, "weight") == NULL && graph->weight_data(graph, NULL) == NULL &&
        graph->weight_shape(graph, NULL).rank == 0 && graph->weight_path(graph, NULL)[0] == 0 &&
        graph->copy_node(graph, NULL) == NULL && !graph->insert_node(graph, relu, NULL) &&
        (graph->remove_node(graph, NULL), graph->replace_uses(graph, NULL, NULL), true) &&
        *(char *)graph->allocate(graph, 0) == 0;""",
}


class Plugins(Command):
    def setUp(self):
        super().setUp()
        self.write("net.rir", GRAPH)

    def build(self, source, name="p.so"):
        self.write("p.c", source)
        subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror", "-Wno-unused",
                        "-I", ROOT / "passes", "-o", self.folder / name, self.folder / "p.c"], check=True)

    def opt(self, passes="mine", plugin="p.so"):
        return self.invoke("opt", "net.rir", f"--load-pass-plugin={plugin}", f"--passes={passes}")

    def expect_load_error(self, plugin, message):
        self.expect_error(["opt", "net.rir", f"--load-pass-plugin={plugin}"], message, status=2)

    def test_the_header_stands_alone(self):
        for compiler in (["cc", "-std=c99", "-pedantic"], ["c++", "-x", "c++", "-std=c++11"]):
            subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", ROOT / "passes/riffle/pass.h"],
                           check=True)

    def test_not_a_plugin(self):
        self.expect_load_error("missing.so", "riffle: error: cannot load the pass plugin 'missing.so': "
                                             "cannot open shared object file: No such file or directory\n")
        self.write("text.so", "no shared object, whatever its name says, and longer than the header of one\n" * 9)
        self.expect_load_error("text.so", "riffle: error: cannot load the pass plugin 'text.so': invalid ELF header\n")
        self.write("empty.so", "")
        self.expect_load_error("empty.so", "riffle: error: cannot load the pass plugin 'empty.so': file too short\n")

    def test_weights_shrink_below_a_pass(self):
        """The pass is not to blame, although it was at work when its process ended."""
        path, changed = self.folder / "w.safetensors", ("riffle: error: the file 'w.safetensors' was changed while it "
                                                        "was read\nhint: try again when no other program writes it\n")
        for left, read, said in [
                (0, 'graph->weight_data(graph, graph->weight(graph, conv, "weight"))[0] != 99',
                 "w.safetensors: error: the file was cut short while it was read\n"),
                (200, "true", changed)]:
            path.write_bytes(safetensors({"a.weight": [4, 4, 1, 1]}))
            self.build(PLUGIN.replace("#include <string.h>", "#include <string.h>\n#include <unistd.h>")
                         % f'return truncate("w.safetensors", {left}) == 0 && {read};')
            done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--passes=mine", "--weights", "w.safetensors")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", said))

    def test_bad_descriptions(self):
        for old, new, message in BAD:
            with self.subTest(new):
                self.assertIn(old, GOOD)
                self.build(GOOD.replace(old, new))
                self.expect_load_error("p.so", message)

    def test_wrong_questions_and_changes(self):
        for body, message in WRONG:
            with self.subTest(body):
                self.build(PLUGIN % body)
                done = self.opt()
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"riffle: error: the pass 'mine' of the plugin 'p.so': {message}\n{MISUSED}", done.stderr)
                self.assertEqual(done.stderr.count("the pass 'mine' of the plugin"), 1, done.stderr)

    def test_right_questions_and_changes(self):
        for name, body in CHECKS.items():
            with self.subTest(name):
                self.build(PLUGIN % body)
                done = self.opt()
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_faulty_graph(self):
        self.build(PLUGIN % "graph->set_operand(graph, conv, 0, graph->result(graph, relu, 0)); return true;")
        done = self.opt()
        self.assertEqual(done.returncode, 1)
        self.assertIn("conv 'a': operand 1 is used before it is defined\n", done.stderr)
        self.assertIn("riffle: error: the graph is faulty after the pass 'mine' of the plugin 'p.so'\n"
                      "hint: this is a fault of the plugin\n", done.stderr)

    def test_faulty_node(self):
        self.build(PLUGIN % """riffle_value *x = graph->input(graph, 0);
            return graph->insert_node(graph, conv, graph->new_node(graph, "max_pool", "p", &x, 1));""")
        done = self.opt()
        self.assertEqual(done.returncode, 1)
        self.assertIn("max_pool 'p': kernel must have 2 entries, but has 0\n", done.stderr)
        self.assertIn("the pass 'mine' of the plugin 'p.so': the new max_pool 'p' is faulty\n", done.stderr)

    def test_shapes_must_agree(self):
        self.build(PLUGIN % """riffle_value *x = graph->input(graph, 0);
            riffle_node *pool = graph->new_node(graph, "global_avg_pool", "p", &x, 1);
            graph->insert_node(graph, conv, pool);
            graph->replace_uses(graph, graph->result(graph, conv, 0), graph->result(graph, pool, 0));
            return true;""")
        done = self.opt()
        self.assertEqual(done.returncode, 1)
        self.assertIn("a value of f32[1,4,6,6] by one of f32[1,4,1,1] cannot be replaced\n", done.stderr)

    def test_messages_of_a_pass(self):
        self.build(PLUGIN % 'graph->error(graph, relu, "no %s, please", graph->op(graph, relu)); return true;')
        done = self.opt()
        self.assertEqual(done.returncode, 1)
        self.assertIn('net.rir:5:8: error: mine: no relu, please\n', done.stderr)
        self.build(PLUGIN % "return false;")
        done = self.opt()
        self.assertEqual(done.returncode, 1)
        self.assertIn("riffle: error: the pass 'mine' of the plugin 'p.so' failed and did not say why\n", done.stderr)
        self.build(PLUGIN % 'graph->warning(graph, NULL, "%d of these", 3); return true;')
        done = self.opt()
        self.assertEqual((done.returncode, done.stderr), (0, "riffle: warning: mine: 3 of these\n"))

    def test_options(self):
        self.build(PLUGIN % """return graph->option_integer(graph, "depth") == 5 &&
            graph->option_number(graph, "rate") == 0.25 && graph->option_flag(graph, "greedy");""")
        done = self.opt("mine{depth=5, rate=0.25, greedy=true}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.opt("mine{depth=6}").returncode, 1)
        self.assertIn("whole number from 1 to 64", self.opt("mine{depth=65}").stderr)

    def test_rewrites_are_counted_and_limited(self):
        self.build(PLUGIN % """if (graph->may_rewrite(graph, relu)) {
                riffle_value *y = graph->result(graph, conv, 0);
                graph->replace_uses(graph, graph->result(graph, relu, 0), y);
                graph->remove_node(graph, relu);
            }
            return true;""")
        done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--passes=mine", "--stats")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"\nmine +1 +2 +1\n")
        self.assertNotIn("relu", done.stdout)
        done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--passes=dead-code,mine", "--bisect")
        self.assertEqual(done.returncode, 1)
        self.assertIn("first pass that fails: mine, 2 of 2\nfirst rewrite that fails: 1 of 1, at\n  %b = relu", done.stdout)

    def test_older_plugins(self):
        self.build(GOOD.replace("RIFFLE_PASS_ABI_MINOR,", "0,"))
        self.assertEqual(self.opt().returncode, 0)

    def test_remarks(self):
        self.build(PLUGIN % """graph->missed(graph, relu, "it is no tanh");
            graph->missed(graph, NULL, "nowhere"); graph->missed(graph, relu, NULL); return true;""")
        done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--passes=mine", "--remarks")
        self.assertEqual(done.returncode, 0)
        self.assertIn("net.rir:5:8: remark: mine does not apply: it is no tanh, at  %b = relu", done.stderr)
        self.assertEqual(done.stderr.count("remark"), 1)

    def test_exact(self):
        """A plugin's step is proved: what leaves weights alone is, what makes some is compared with a tolerance, and a fault
        that no tolerance finds is found."""
        exact = ["opt", "net.rir", "--load-pass-plugin=p.so", "--passes=mine,dead-code", "--check-each=exact", "-o", "/dev/null"]
        self.build(PLUGIN % """if (graph->may_rewrite(graph, relu)) {
                graph->set_choice(graph, conv, "activation", "relu");
                graph->replace_uses(graph, graph->result(graph, relu, 0), graph->result(graph, conv, 0));
                graph->remove_node(graph, relu);
            }
            return true;""")
        done = self.invoke(*exact)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"mine: all of 144 residues are equal; by chance with a probability of 2\^-\d")
        make = """static float numbers[16];
            const float *old = graph->weight_data(graph, graph->weight(graph, conv, "weight"));
            for (int i = 0; old != NULL && i < 16; i++)
                numbers[i] = old[i] %s;
            if (graph->may_rewrite(graph, conv))
                graph->set_weight(graph, conv, "weight", graph->new_weight(graph, "mine", graph->weight_shape(graph,
                    graph->weight(graph, conv, "weight")), old == NULL ? NULL : numbers));
            return true;"""
        self.build(PLUGIN % (make % "* 1"))
        done = self.invoke(*exact)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mine: not proved", done.stderr)
        self.build(PLUGIN % (make % "* 2"))
        self.assertEqual(self.invoke(*exact).returncode, 1)
        self.build(PLUGIN % """riffle_value *y = graph->result(graph, relu, 0), *x = graph->result(graph, conv, 0);
            riffle_node *leaky = graph->new_node(graph, "leaky_relu", "l", &x, 1);
            graph->set_number(graph, leaky, "slope", 1e-7);
            if (graph->may_rewrite(graph, relu) && graph->insert_node(graph, relu, leaky)) {
                graph->replace_uses(graph, y, graph->result(graph, leaky, 0));
                graph->remove_node(graph, relu);
            }
            return true;""")
        done = self.invoke(*exact)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the graph computes something else after the pass 'mine'", done.stderr)
        exact[exact.index("--check-each=exact")] = "--check-each"
        self.assertEqual(self.invoke(*exact).returncode, 0)

    def test_everywhere(self):
        self.build(GOOD)
        listed = self.succeed("passes", "--load-pass-plugin=p.so")
        self.assertRegex(listed, r"\nmine +Does as it is told\.\n")
        self.assertIn("how far it looks", self.succeed("passes", "mine", f"--load-pass-plugin={self.folder}/p.so"))
        self.succeed("inspect", "net.rir", "--load-pass-plugin=p.so", "--passes=mine")
        self.expect_error("inspect net.rir --load-pass-plugin=p.so --passes=mime",
                          "pipeline:1:1: error: unknown pass 'mime'\nmime\n^~~~\nhint: did you mean 'mine'?\n")

    def test_several_plugins(self):
        self.build(GOOD)
        self.build(GOOD.replace('{{"mine"', '{{"yours"'), "q.so")
        done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--load-pass-plugin", "q.so", "--passes=mine,yours")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.invoke("opt", "net.rir", "--load-pass-plugin=p.so", "--load-pass-plugin=p.so")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "riffle: error: there is already a pass of the name 'mine'\n"
                             "riffle: note: in the pass plugin 'p.so'\n"))


if __name__ == "__main__":
    unittest.main()
