"""Rewrites as passes (docs/rules.md): what they do, how they are shown, and what is said of mistakes."""

import re
import unittest

from support import ROOT, Command

GRAPH = """graph net {
  input %x : f32[1,4,6,6]
  weight @a.weight : f32[8,4,3,3]
  weight @a.bias : f32[8]
  weight @b.weight : f32[5,8,1,1]
  %a = conv %x weight=@a.weight bias=@a.bias {stride = [2, 2]} : f32[1,8,2,2] "a"
  %b = conv %a weight=@b.weight : f32[1,5,2,2] "b"
  %c = relu %b : f32[1,5,2,2] "c"
  %d = relu %c : f32[1,5,2,2] "d"
  %e = relu %d : f32[1,5,2,2] "e"
  output y = %e
}
"""

RULES = """# relu of relu is relu.
rewrite relu_twice(x) {
    x |> relu |> relu => x |> relu
}

rewrite merge_pointwise(x) {
    x |> conv(any) @ first |> conv(kernel = 1) @ second
        => x |> conv(like = first, weight = w, bias = matmul(second.weight, first.bias) + second.bias)
    where users(first) == 1 and first.activation == "none" and first.groups == 1
    let w = matmul(second.weight, first.weight)
}
"""

# A rule, and what is said of it: "line:column: error: ..." and a hint.
BAD = [
    ("(x, y) { x |> relu => x }", "1:9: error: the pattern does not read 'y'\n", ""),
    ("(x) { x |> rellu => x }", "1:21: error: unknown op 'rellu'\n", "hint: did you mean 'relu'?\n"),
    ("(x) { x |> conv(any, strid = s) => x }", "1:31: error: conv has no argument 'strid'\n",
     "hint: did you mean 'stride'?\n"),
    ("(x) { x |> shuffle => x }", "1:21: error: shuffle needs the argument 'groups'\n",
     "hint: 'any' stands for all arguments that are not named\n"),
    ("(x) { x |> add => x }", "1:21: error: add takes 2 tensors, not 1\n", ""),
    ("(x) { x |> relu @ r => r |> abs }", "1:38: error: the result reads what it replaces\n", ""),
    ("(x) { x |> relu => x where user(x) == 1 }", "1:37: error: rules have no function 'user'\n",
     "hint: did you mean 'users'?\n"),
    ("(x) { x |> relu @ r => x where r.slope == 1 }",
     "1:43: error: relu has no attribute or weight 'slope'\n", "hint: 'riffle ops' lists those of each op\n"),
    ("(x) { x |> conv(any) => x |> conv(stride = 2) }", "1:39: error: conv needs the argument 'weight'\n", ""),
    ("(x) { x |> relu => x, x }", "1:16: error: 1 tensor is to be replaced by 2\n", ""),
    ("(x) { x => x }", "1:16: error: the first result of an op is what a rule replaces, of each op once\n", ""),
    ("(x) { x |> relu }", "1:26: error: unexpected '}', expected '=>' or ','\n", ""),
    ("(x) { x |> relu => x where }", "1:37: error: unexpected '}', expected an expression\n", ""),
    ("(any) { any => any }", "1:11: error: 'any' means something in rules\n", ""),
]


class Rules(Command):
    def setUp(self):
        super().setUp()
        self.write("net.rir", GRAPH)
        self.write("rules.rfl", RULES)

    def opt(self, passes, *words, graph="net.rir"):
        return self.invoke("opt", graph, "--rules=rules.rfl", f"--passes={passes}", *words)

    def test_a_rule_is_a_pass(self):
        done = self.opt("relu-twice,merge-pointwise,dead-code", "--check-each", "--stats", "--print-rewrites")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("relu-twice: rewrite 2:  %e = relu %d : f32[1,5,2,2] \"e\"\n", done.stderr)
        self.assertRegex(done.stderr, r"\nrelu-twice +2 +5 +3\nmerge-pointwise +1 +3 +2\n")
        self.assertEqual(done.stdout, """graph net {
  input %x : f32[1,4,6,6]
  weight @a.weight.2 : f32[5,4,3,3]
  weight @a.bias.2 : f32[5]
  %b = conv %x weight=@a.weight.2 bias=@a.bias.2 {stride = [2, 2]} : f32[1,5,2,2] "a"
  %e = relu %b : f32[1,5,2,2] "e"
  output y = %e
}
""")

    def test_conditions(self):
        for other in ("output z = %a\n", "output z = %c\n"):
            self.write("used.rir", GRAPH.replace("  output", "  " + other + "  output"))
            done = self.opt("relu-twice,merge-pointwise", "--stats", "--check-each", graph="used.rir")
            merged = 0 if "%a" in other else 1
            self.assertRegex(done.stderr, rf"\nmerge-pointwise +{merged} ")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_listed(self):
        self.assertIn("relu-twice: relu of relu is relu.\n",
                      self.succeed("passes", "--rules=rules.rfl", "relu-twice"))
        self.expect_error(["opt", "net.rir", "--rules=rules.rfl", "--passes=relu-twise"],
                          "pipeline:1:1: error: unknown pass 'relu-twise'\nrelu-twise\n^~~~~~~~~~\n"
                          "hint: did you mean 'relu-twice'?\n", status=1)

    def test_bisection_names_the_rewrite(self):
        self.write("rules.rfl", RULES.replace("=> x |> relu", "=> x |> abs"))
        done = self.opt("dead-code,relu-twice", "--bisect")
        self.assertIn("first pass that fails: relu-twice, 2 of 2\nfirst rewrite that fails: 1 of 1, at\n"
                      "  %d = relu", done.stdout)

    def test_imported(self):
        self.write("net.rfl", 'import "rules.rfl"\nnetwork net {\n    input x: f32[1, 4]\n'
                   "    output y = x |> relu |> relu\n}\n")
        printed = self.succeed("opt", "net.rfl", "--passes=relu-twice")
        self.assertEqual(printed.count("= relu"), 1)
        self.succeed("opt", "net.rfl", "--rules=rules.rfl", "--passes=relu-twice,O2")

    def test_orders(self):
        """Channels that are taken in a row, and undone."""
        first, second = [3, 0, 2, 1, 5, 4], [1, 1, 5, 0]
        shuffled = [c % 3 * 2 + c // 3 for c in range(6)]
        self.write("rules.rfl", """rewrite meet(x) {
            x |> gather(channels = a) |> gather(channels = b) => x |> gather(channels = through(a, b)) }
        rewrite meet(x) { x |> shuffle(groups = g) => x |> gather(channels = shuffled(channels(x), g)) }
        rewrite undo(x) {
            x |> gather(channels = a) => x |> gather(channels = inverse(a))
            where is_order(a) and a[0] == 3 }
        rewrite drop(x) { x |> gather(channels = a) => x where a == range(6) }
        """)

        def channels(*ops, passes):
            chain = "".join(f" |> {op}" for op in ops)
            self.write("net.rfl", f"network net {{\n    input x: f32[1, 6, 2, 2]\n    output y = x{chain}\n}}\n")
            out = self.succeed("opt", "net.rfl", "--rules=rules.rfl", f"--passes={passes},dead-code")
            return [list(map(int, one.split(","))) for one in re.findall(r"channels = \[(.*?)\]", out)]

        self.assertEqual(channels(f"gather({first})", f"gather({second})", passes="meet"), [[first[i] for i in second]])
        self.assertEqual(channels("shuffle(3)", passes="meet"), [shuffled])
        undone = channels(f"gather({first})", passes="undo")[0]
        self.assertEqual([first[i] for i in undone], list(range(6)))
        self.assertEqual(channels(f"gather({second})", passes="undo"), [second])
        self.assertEqual(channels(f"gather({list(range(6))})", passes="drop"), [])

    def test_costs(self):
        """Two convolutions stay where a narrow tensor lies between: one would multiply more."""
        rules = (ROOT / "examples" / "rules" / "costs.rfl").read_text()
        self.write("rules.rfl", rules)
        for middle, count in ((2, 2), (64, 1)):
            self.write("net.rfl", f"network net {{\n    input x: f32[1, 16, 8, 8]\n"
                       f"    output y = x |> conv({middle}, 1) @ a |> conv(32, 1) @ b\n}}\n")
            done = self.invoke("opt", "net.rfl", "--rules=rules.rfl", "--passes=merge-where-cheaper", "--check", "--remarks")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("= conv"), count)
            self.assertEqual("does not hold: macs(merged) <= macs(first) + macs(second)" in done.stderr, middle == 2)

    def test_too_large(self):
        """A weight that no memory holds is refused before any is taken."""
        for weight in ("filled([40000, 40000, 1, 1], 1)", "pad(c.weight, [0, 0, 400000, 400000])",
                       "identity(30000)", " + ".join(["filled([2048, 2048], 1)"] * 8)):
            with self.subTest(weight):
                self.write("rules.rfl", f"rewrite a(x) {{\n    x |> conv(any) @ c => x |> conv(like = c, weight = {weight})\n}}\n")
                done = self.invoke("opt", "net.rir", "--rules=rules.rfl", "--passes=a")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, "far larger than those of the network|larger than riffle allows")

    def test_names_of_names(self):
        """What each name says of the one before is looked at once, not twice as often each time."""
        names = "".join(f"    let n{i + 1} = n{i} + n{i}\n" for i in range(50))
        self.write("rules.rfl", "rewrite a(x) {\n    x |> relu => x |> relu6 @ r\n    let n0 = 0\n"
                   f"{names}    where n50 == 0 and macs(r) == 0\n}}\n")
        self.assertEqual(self.opt("a").returncode, 0)

    def test_without_end(self):
        self.write("rules.rfl", "rewrite again(x) {\n    x |> relu => x |> relu\n}\n")
        done = self.opt("again")
        self.assertEqual(done.returncode, 1)
        self.assertIn("rules.rfl:1:9: error: the rule 'again' finds work without end:", done.stderr)

    def test_mistakes(self):
        for rule, message, hint in BAD:
            with self.subTest(rule):
                self.write("rules.rfl", f"rewrite a{rule}\n")
                done = self.opt("O2")
                self.assertEqual(done.returncode, 2)
                lines = done.stderr.splitlines(keepends=True)
                self.assertEqual(lines[0], "rules.rfl:" + message)
                self.assertEqual("".join(lines[3:4]) if hint else "", hint)

    def test_wrong_where_tried(self):
        self.write("rules.rfl", "rewrite a(x) {\n    x |> conv(any) @ c => x\n}\n")
        done = self.opt("a")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: the rule 'a' puts f32[1,4,6,6] in place of f32[1,8,2,2]\n", done.stderr)

    def test_names(self):
        self.write("rules.rfl", "rewrite simplify(x) {\n    x |> relu => x\n}\n")
        self.assertIn("rules.rfl:1:9: error: there is already a pass of the name 'simplify'\n", self.opt("O2").stderr)
        self.write("rules.rfl", "unit a(x) {\n    return x\n}\n")
        self.assertIn("riffle: error: there is no rewrite in 'rules.rfl'\n", self.opt("O2").stderr)

    def test_round_trip(self):
        form = self.succeed("fmt", "rules.rfl")
        self.write("again.rfl", form)
        self.assertEqual(self.succeed("fmt", "again.rfl"), form)
        self.write("rules.json", self.succeed("convert", "rules.rfl"))
        self.assertEqual(self.succeed("convert", "rules.json"), form)


    def test_functions_are_on_the_page(self):
        table = (ROOT / "ir" / "rule_functions.def").read_text()
        page = (ROOT / "docs" / "rules.md").read_text()
        rows = re.findall(r'^FUNCTION\((\w+), \d, \d, "(.*)"\)$', table, re.MULTILINE)
        self.assertGreater(len(rows), 20)
        for name, summary in rows:
            self.assertRegex(page, rf"\n\| `{name}\(.*\)` \| {re.escape(summary)} \|\n")


if __name__ == "__main__":
    unittest.main()
