"""The rules of examples/rules against the passes in C that do the same, rules on random graphs, and what is told of
passes that all but rewrote."""

import os
import re
import shutil
import subprocess
import unittest

from support import ROOT, Command

RULES = ROOT / "examples" / "rules"
WHOLE = "dead-code"

# A network, passes in C, and the rules that give the same graph.
SAME = [
    ("mobilenet_v2", "fold-batchnorm", "norm-into-layer"),
    ("mobilenet_v2", "fold-batchnorm,fuse-activation,fuse-residual",
     "norm-into-layer,activation-into-layer,residual-into-layer"),
    ("resnet", "fold-batchnorm,fuse-residual,fuse-activation",
     "norm-into-layer,residual-into-layer,activation-into-layer"),
    ("densenet_small", "lower-batchnorm", "norm-as-layer"),
    ("shufflenet_v2", "simplify,fold-batchnorm", "without-effect,renaming,norm-into-layer"),
]

GRAPH = """graph net {
  input %x : f32[1,4,7,7]
  input %v : f32[1,4]
  weight @c.weight : f32[4,4,3,3]
  weight @l.weight : f32[4,4]
  weight @l.bias : f32[4]
  weight @b.bias : f32[4]
  %p = pad %x {padding = [1, 0, 1, 2]} : f32[1,4,9,9]
  %q = pad %p {padding = [1, 1, 1, 1]} : f32[1,4,11,11]
  %c = conv %q weight=@c.weight {padding = [0, 1, 0, 1]} : f32[1,4,9,11] "c"
  %b = bias %c bias=@b.bias : f32[1,4,9,11] "b"
  %r = relu %b : f32[1,4,9,11]
  %s = relu %r : f32[1,4,9,11]
  %k = bias %s bias=@b.bias : f32[1,4,9,11] "k"
  %k1 = crop %k {margins = [1, 0, 0, 0]} : f32[1,4,8,11]
  %k2 = crop %k1 {margins = [0, 1, 0, 2]} : f32[1,4,8,8]
  %l = linear %v weight=@l.weight bias=@l.bias : f32[1,4] "l"
  %m = bias %l bias=@b.bias : f32[1,4] "m"
  %u = unflatten %m : f32[1,4,1,1]
  %g = global_avg_pool %u : f32[1,4,1,1]
  %h = shuffle %g {groups = 4} : f32[1,4,1,1]
  %f = flatten %h : f32[1,4]
  output y = %k2
  output z = %f
}
"""
SAME_GRAPH = [
    ("fold-bias", "bias-into-layer"),
    ("fold-pad", "pad-into-reader"),
    ("simplify", "without-effect,renaming"),
    ("fold-bias,lower-bias", "bias-into-layer,bias-as-layer"),
    ("simplify,fold-bias,fold-pad,fuse-activation,lower-bias",
     "without-effect,renaming,bias-into-layer,pad-into-reader,activation-into-layer,bias-as-layer"),
]

NODE = re.compile(r'  (%[^=]*?) = (\w+)((?:,? %\w+)*)((?: \w+=@[^ ]+)*)(?: (\{.*\}))? : (.*?)(?: "(.*)")?$')


def meaning(graph):
    """What each output is made of, whatever values and weights are called and in whichever order nodes stand; that
    weights have the right numbers, --check says."""
    values, outputs, shapes = {}, [], {}
    for line in graph.splitlines():
        if line.startswith("  input"):
            values[line.split()[1]] = line
        elif line.startswith("  weight"):
            shapes[line.split()[1]] = line.split()[3]
        elif line.startswith("  output"):
            outputs.append((line.split()[1], values[line.split(" = ")[1].split()[0]]))
        elif line.startswith("  %"):
            results, op, operands, weights, attributes, types, path = NODE.match(line).groups()
            weights = re.sub(r"@\S+", lambda path: shapes[path[0]], weights)
            operands = tuple(values[name] for name in re.findall(r"%\w+", operands))
            for index, name in enumerate(results.split(", ")):
                values[name] = hash((op, operands, weights, attributes, types, index))
    return outputs


class SameAsPasses(Command):
    def compare(self, network, passes, rules, *words, file="passes.rfl"):
        made = []
        for pipeline in (passes, rules):
            done = self.invoke("opt", network, f"--rules={RULES / file}", f"--passes={pipeline},{WHOLE}", "--stats",
                               *(words if pipeline == passes else []))
            self.assertEqual(done.returncode, 0, done.stderr)
            made.append((done.stdout, sum(int(n) for n in re.findall(r"^(?!dead)\S+ +(\d+) ", done.stderr, re.M))))
        self.assertGreater(made[1][1], 0, "the rules found nothing to do")
        self.assertEqual(meaning(made[0][0]), meaning(made[1][0]), f"{made[0][0]}\n{made[1][0]}")

    def test_examples(self):
        for network, passes, rules in SAME:
            with self.subTest(network=network, rules=rules):
                self.compare(ROOT / "examples" / f"{network}.rfl", passes, rules)

    def test_graph(self):
        self.write("net.rir", GRAPH)
        for passes, rules in SAME_GRAPH:
            with self.subTest(rules=rules):
                self.compare("net.rir", passes, rules)
                done = self.invoke("opt", "net.rir", f"--rules={RULES / 'passes.rfl'}", f"--passes={rules}",
                                   "--check-each")
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_page(self):
        """The table of docs/rules.md: each pass that has rules in its place, with those that are compared here."""
        page = (ROOT / "docs" / "rules.md").read_text()
        table = page[page.index("## Rules beside"):page.index("## What `--test-rules`")]
        rows = {cells[0].strip(" `"): set(re.findall(r"`([\w-]+)`", cells[1]))
                for cells in (line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `"))}
        pairs = [(set(passes.split(",")), set(rules.split(","))) for _, passes, rules in SAME]
        pairs += [(set(passes.split(",")), set(rules.split(","))) for passes, rules in SAME_GRAPH]
        self.assertGreaterEqual(len(rows), 8)
        for passes, rules in pairs:
            self.assertEqual(set().union(*(rows[name] for name in passes)), rules)
        self.assertEqual(set(rows), set().union(*(passes for passes, _ in pairs)))

    def test_mobileone(self):
        """The plugin of examples/pass_plugin, and the rule in its place."""
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            self.skipTest("there is no C compiler")
        folder = ROOT / "examples" / "pass_plugin"
        subprocess.run([compiler, "-shared", "-fPIC", "-I", ROOT / "passes", folder / "merge_branches.c", "-o",
                        self.folder / "plugin.so"], check=True)
        rules = f"--rules={RULES / 'merge_branches.rfl'}"
        for graph, before in ((folder / "merge_branches.rir", ""), (folder / "mobileone.rfl", "fold-batchnorm,")):
            pipeline = f"--passes={before}merge-branches,{WHOLE}"
            plugin = self.succeed("opt", graph, "--load-pass-plugin=./plugin.so", pipeline)
            done = self.invoke("opt", graph, rules, pipeline, "--check")
            self.assertEqual(done.returncode, 0, done.stderr)
            rule = done.stdout
            self.assertEqual(meaning(plugin), meaning(rule))
            self.assertLess(rule.count("= add"), self.succeed("opt", graph, "--passes=dead-code").count("= add"))


class RandomGraphs(Command):
    def tried(self, *words, graphs=12):
        return self.invoke("opt", f"--test-rules={graphs}", *words)

    def test_examples_hold(self):
        for file in sorted(RULES.glob("*.rfl")):
            with self.subTest(file.name):
                done = self.tried(f"--rules={file}")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                tried = re.findall(r"^\S+: (\d+) graphs, largest", done.stdout, re.M)
                self.assertEqual(len(tried), file.read_text().count("\nrewrite ") + file.read_text().startswith("rewrite"))
                self.assertGreater(min(map(int, tried)), 3)

    def test_wrong_rules_are_found(self):
        good = (RULES / "first.rfl").read_text()
        for old, new in ((' and first.activation == "none"', ""), (" and first.groups == 1", ""),
                         ("|> relu => x |> relu", "|> relu => x |> relu6"),
                         (" + second.bias", ""), ("second.weight, first.weight)", "second.weight, first.weight) + 0.01")):
            with self.subTest(new or old):
                self.assertIn(old, good)
                self.write("mine.rfl", good.replace(old, new))
                done = self.tried("--rules=mine.rfl", graphs=40)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertRegex(done.stderr, r"mine.rfl:\d+:9: error: the rule '\w+' changes what graphs compute")
                (graph,) = self.folder.glob("*.counterexample.rir")
                self.succeed("opt", graph, "--passes=dead-code")
                graph.unlink()

    def test_conditions(self):
        out = self.tried(f"--rules={RULES / 'first.rfl'}").stdout
        self.assertRegex(out, r"without 'first.groups == 1': wrong in \d+ of \d+ graphs\n")
        self.assertRegex(out, r"without 'users\(first\) == 1': the same in \d+ graphs\n")
        self.assertEqual(out, self.tried(f"--rules={RULES / 'first.rfl'}").stdout)
        self.assertNotEqual(out, self.tried(f"--rules={RULES / 'first.rfl'}", "--check-seed=1").stdout)

    def test_page(self):
        """The road that docs/rules.md leads: a rule that is wrong, and what it lacks."""
        page = (ROOT / "docs" / "rules.md").read_text()
        rule = re.search(r"```\n(# Makes.*?)```", page, re.DOTALL)[1]
        first, second = re.findall(r"^\$ riffle opt --rules=mine.rfl --test-rules\n(.*?)```", page, re.DOTALL | re.M)
        self.write("mine.rfl", rule)
        done = self.tried("--rules=mine.rfl", graphs=40)
        self.assertEqual(done.returncode, 1)
        self.assertTrue((done.stdout + done.stderr).startswith(first))
        self.write("mine.rfl", rule.replace("== 1\n}", "== 1 and first.groups == 1\n}"))
        self.assertEqual(self.tried("--rules=mine.rfl", graphs=40).returncode, 1)
        self.write("mine.rfl", rule.replace("== 1\n}", '== 1 and first.groups == 1 and first.activation == "none"\n}'))
        done = self.tried("--rules=mine.rfl", graphs=40)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in second.splitlines():
            self.assertIn(line.split(":")[0], done.stdout)

    def test_nothing_to_try(self):
        self.write("mine.rfl", "rewrite mine(x) {\n    x |> relu => x\n    where channels(x) == 1000\n}\n")
        done = self.tried("--rules=mine.rfl")
        self.assertIn("mine.rfl:1:9: error: no random graph was found that fits the rule 'mine'\n", done.stderr)
        self.assertEqual(done.returncode, 1)
        self.expect_error(["opt", "--test-rules"], "riffle: error: there are no rules to test\n"
                          "hint: --rules=FILE names a file of rules\n", status=1)


class Told(Command):
    def setUp(self):
        super().setUp()
        self.write("net.rfl", """network net {
    input image: f32[1, 4, 6, 6]
    let a = image |> conv(8, 3, padding = 0) @ a
    let b = a |> batch_norm @ b
    output y = b |> conv(5, 1) @ c |> relu
    output z = a
}
""")

    def test_remarks(self):
        done = self.invoke("opt", "net.rfl", f"--rules={RULES / 'first.rfl'}", "--remarks",
                           "--passes=fold-batchnorm,dead-code")
        self.assertEqual(done.returncode, 0)
        self.assertIn("net.rfl:4:18: remark: fold-batchnorm does not apply: the result of the layer before it has "
                      "another use, at", done.stderr)
        self.assertIn("    let b = a |> batch_norm @ b\n                 ^", done.stderr)
        self.write("net.rfl", (self.folder / "net.rfl").read_text().replace("a |> batch_norm @ b", "a"))
        done = self.invoke("opt", "net.rfl", f"--rules={RULES / 'first.rfl'}", "--remarks", "--passes=merge-pointwise")
        self.assertIn("remark: merge-pointwise does not apply: this does not hold: users(first) == 1, at", done.stderr)
        self.assertIn("first.rfl:13:11: note: the condition of the rule is here\n", done.stderr)

    def test_print_changed(self):
        done = self.invoke("opt", "net.rfl", "--print-changed=diff", "--passes=fold-bias,fuse-activation")
        self.assertEqual(done.stderr, """# unchanged by fold-bias
# changed by fuse-activation
@@ -8,8 +8,7 @@
   weight @c.weight : f32[5,8,1,1]
   %1 = conv %image weight=@a.weight : f32[1,8,4,4] "a"
   %2 = batch_norm %1 weight=@b.weight bias=@b.bias running_mean=@b.running_mean running_var=@b.running_var : f32[1,8,4,4] "b"
-  %3 = conv %2 weight=@c.weight : f32[1,5,4,4] "c"
-  %4 = relu %3 : f32[1,5,4,4]
-  output y = %4
+  %3 = conv %2 weight=@c.weight {activation = relu} : f32[1,5,4,4] "c"
+  output y = %3
   output z = %1
 }
""")
        whole = self.invoke("opt", "net.rfl", "--print-changed", "--passes=fuse-activation")
        self.assertEqual(whole.stderr, "# changed by fuse-activation\n" + whole.stdout)
        self.expect_error(["opt", "net.rfl", "--print-changed=all"],
                          "riffle: error: 'all' is no form of --print-changed: give diff, or nothing for the graph\n",
                          status=2)


if __name__ == "__main__":
    unittest.main()
