"""Pictures of graphs and programs, and the measuring of passes."""

import json
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from support import RIFFLE, ROOT, Command, has_llvm, part

UNITS = """network units {
    input image: f32[1, 8, 6, 6]
    x = image
    for i in 0 .. 2 @ unit{i} {
        let keep, work = split(x, 2)
        work = work |> conv(4, 1) @ a |> batch_norm @ b |> relu
        x = concat(keep, work) |> shuffle(2)
    }
    output out = x |> relu
}
"""

SVG = "{http://www.w3.org/2000/svg}"
FUSED = "fold-batchnorm,fuse-activation,merge-layout,absorb-route"


def cells(drawing):
    """Texts of the strips' cells, with their colours."""
    return re.findall(r'PORT="r\d+c\d+" BGCOLOR="(#\w+)"[^>]*><FONT POINT-SIZE="9">([^<]*)<', drawing)


class Pictures(Command):
    def setUp(self):
        super().setUp()
        self.write("units.rfl", UNITS)

    @unittest.skipUnless(shutil.which("dot"), "needs Graphviz")
    def test_every_example(self):
        """Each step of each example is in its picture, also where Graphviz would take minutes to be content."""
        for spec in part(sorted((ROOT / "examples").rglob("*.rfl")), 12):
            if not re.search("^network ", spec.read_text(encoding="utf-8"), re.MULTILINE):
                continue  # units to import
            with self.subTest(spec.name):
                self.succeed("compile", spec, "--random-weights=1", "--backend=c", "--name=n", "--emit=svg", "-o", "o")
                svg = xml.etree.ElementTree.parse(self.folder / "o" / "n.svg").getroot()
                self.assertEqual(svg.tag, f"{SVG}svg")
                titles = [title.text for title in svg.iter(f"{SVG}title")]
                steps = [int(title[4:]) for title in titles if re.fullmatch(r"step\d+", title)]
                self.assertGreater(len(steps), 0)
                self.assertEqual(sorted(steps), list(range(len(steps))))
                shutil.rmtree(self.folder / "o")

    def draw(self, *options):
        return self.succeed("opt", "units.rfl", "--dot=-", *options)

    def test_ranges_of_layout_ops(self):
        drawing = self.draw("--passes=", "--draw-only=unit0")
        self.assertEqual([text for _, text in cells(drawing)],
                         ["0&#8211;3", "4&#8211;7", "0&#8211;3", "0&#8211;3"] + list("04152637"))
        # The strip of the concat has the colours of what it joins, that of the shuffle one colour.
        colors = [color for color, _ in cells(drawing)]
        self.assertEqual((colors[0], len(set(colors[2:4])), len(set(colors[4:]))), (colors[1], 2, 1))
        self.assertIn("<B>conv</B> 1x1<BR/>", drawing)
        self.assertIn(">unit0.a</FONT>", drawing)
        self.assertNotIn(">unit1.a</FONT>", drawing)
        self.assertIn("1&#215;8&#215;6&#215;6", drawing)

    @unittest.skipUnless(shutil.which("dot"), "needs Graphviz")
    def test_steps_without_a_name(self):
        """Also a network whose name is a word of Graphviz's language."""
        self.write("digraph.rfl",
                   "network digraph { input x: f32[1, 4, 6, 6]\n output y = x |> relu |> max_pool(2) }")
        self.succeed("compile", "digraph.rfl", "--backend=c", "--emit=dot,svg")
        with open(self.folder / "digraph.dot", encoding="utf-8") as file:
            self.assertNotIn("></FONT>", file.read())
        xml.etree.ElementTree.parse(self.folder / "digraph.svg")

    def test_long_strips_are_cut(self):
        self.write("long.rfl", "network long { input x: f32[1, 64, 4, 4]\n output y = x |> shuffle(2) |> relu }")
        drawing = self.succeed("opt", "long.rfl", "--passes=", "--dot=-")
        self.assertEqual([text for _, text in cells(drawing)], ["0", "32", "1", "33", "2", "34"])
        self.assertIn("&#8230; 64 ranges", drawing)

    def test_before_and_after_a_pass(self):
        drawing = self.draw(f"--passes={FUSED}", "--draw-pass=merge-layout")
        before, after = drawing.split("subgraph cluster_1")
        self.assertIn("label=<before merge-layout>", before)
        self.assertIn("label=<after merge-layout>", after)
        self.assertEqual([("<B>concat</B>" in side, "<B>route</B>" in side) for side in (before, after)],
                         [(True, False), (False, True)])
        self.assertIn("<B>conv</B> 1x1 + relu", after)

    def test_stop_after(self):
        drawing = self.draw(f"--passes={FUSED}", "--stop-after=fold-batchnorm")
        self.assertIn("<B>shuffle</B> 2 groups", drawing)
        self.assertNotIn("batch_norm", drawing)
        self.assertNotIn("<B>conv</B> 1x1 + relu", drawing)

    def test_files(self):
        if shutil.which("dot") is None:
            self.skipTest("Graphviz is not here")
        self.assertEqual(self.succeed("opt", "units.rfl", "--svg=u.svg", "--dot=u.dot"), "")
        self.assertIn("graph units", self.succeed("opt", "units.rfl", "--svg=v.svg", "-o", "-"))
        tree = xml.etree.ElementTree.parse(self.folder / "u.svg")
        self.assertTrue(tree.getroot().tag.endswith("svg"))
        self.assertEqual((self.folder / "u.svg").read_bytes(), (self.folder / "v.svg").read_bytes())

    def test_dot_accepts_all_ops_and_names(self):
        if shutil.which("dot") is None:
            self.skipTest("Graphviz is not here")
        self.write("odd.rir", """graph odd {
  input %x : f32[1,6,8,8]
  weight @w : f32[6,1,3,3]
  %a = conv %x weight=@w {stride = [2,1], groups = 6} : f32[1,6,3,6] "a<b>&c"
  %g = gather %a {channels = [5,5,0]} : f32[1,3,3,6] "g"
  %p, %q, %r = split %a {sizes = [1,2,3]} : f32[1,1,3,6], f32[1,2,3,6], f32[1,3,3,6] "s"
  %i, %j = split %a {sizes = [3,3], interleaved = true} : f32[1,3,3,6], f32[1,3,3,6] "t"
  %c = concat %p, %q, %r, %g, %i, %j : f32[1,15,3,6] "c"
  %m = max_pool %c {kernel = [3,2]} : f32[1,15,1,5] "m"
  output y = %m
  output z = %g
}
""")
        self.succeed("opt", "odd.rir", "--passes=", "--dot=odd.dot")
        done = subprocess.run(["dot", "-Tsvg", "odd.dot"], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        self.assertIn("a&lt;b&gt;&amp;c", done.stdout)

    def test_mistakes(self):
        self.expect_error("opt units.rfl --dot=u.dot --draw-only=stage9",
                          "riffle: error: --draw-only: no node has a path that begins with 'stage9'\n"
                          "hint: 'riffle inspect' prints the paths of a network\n")
        self.expect_error("opt units.rfl --dot=u.dot --draw-pass=merge",
                          "riffle: error: --draw-pass: unknown pass 'merge'\nhint: 'riffle passes' lists all passes\n")
        self.expect_error("opt units.rfl --draw-only=unit0",
                          "riffle: error: --draw-pass and --draw-only need a file to draw to: --svg=FILE or --dot=FILE\n",
                          status=2)
        self.assertNotIn("u.dot", self.files())

    def test_no_graphviz(self):
        done = subprocess.run([RIFFLE, "opt", "units.rfl", "--svg=u.svg"], cwd=self.folder, capture_output=True,
                              text=True, check=False, env={**os.environ, "PATH": str(self.folder)})
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", "riffle: error: a picture needs Graphviz's program 'dot', which is not in the path\n"
                                 "hint: install Graphviz (on Debian, the package graphviz), or write the drawing with --dot\n"))
        self.assertNotIn("u.svg", self.files())

    @unittest.skipUnless(has_llvm(), "needs LLVM")
    def test_programs(self):
        self.succeed("compile", "units.rfl", "--random-weights", 1, "--emit", "dot", "-o", "out")
        drawing = (self.folder / "out" / "units.dot").read_text()
        description = json.loads((self.folder / "out" / "units.json").read_text())
        self.assertEqual(len(re.findall(r"<B>step \d+</B>", drawing)), description["totals"]["steps"])
        for index, buffer in enumerate(description["buffers"]):
            self.assertEqual(f"buffer{index} [" in drawing, buffer["kind"] != "weights")
            if buffer["kind"] == "workspace":
                self.assertIn(f"{buffer['bytes']} bytes at {buffer['offset']}, steps {buffer['first_step']} to "
                              f"{buffer['last_step']}", drawing)
        self.expect_error("compile units.rfl --random-weights 1 --emit dot --draw-only x -o out",
                          "riffle: error: --draw-only: no step has a path that begins with 'x'\n"
                          "hint: NAME.json has the paths of all steps\n")


class Ablation(Command):
    def setUp(self):
        super().setUp()
        self.write("units.rfl", UNITS.replace("|> relu\n}", "|> relu |> batch_norm @ last\n}"))

    @unittest.skipIf(has_llvm(), "is about riffle without LLVM")
    def test_without_llvm(self):
        self.expect_error("bench units.rfl --ablate --backend llvm",
                          "riffle: error: this riffle was built without LLVM\n"
                          "hint: leave out --backend llvm: C source needs none; or build riffle with "
                          "LLVM 19 or newer\n")

    def test_mistakes(self):
        for command in ("bench", "opt"):
            self.expect_error(f"{command} units.rfl --ablate=runs",
                              "riffle: error: 'runs' is nothing that --ablate can leave out\n"
                              "hint: give passes, which is the default, or steps\n", status=2)

    @unittest.skipUnless(has_llvm(), "needs LLVM")
    def test_json(self):
        report = json.loads(self.succeed("bench", "units.rfl", "--ablate", "--runs", 5, "--json"))
        full, variants = report["full"], {variant["without"]: variant for variant in report["variants"]}
        self.assertEqual(list(variants), list(dict.fromkeys(report["pipeline"].split(","))))
        self.assertEqual({name for name, variant in variants.items() if variant["state"] == "required"},
                         {"lower-batchnorm"})
        self.assertEqual(variants["lower-batchnorm"]["reason"],
                         "'batch_norm' has no kernel; the pipeline must remove it")
        self.assertEqual(variants["fold-pad"], {"without": "fold-pad", "state": "same"})
        for name in ("fold-batchnorm", "fuse-activation"):
            variant = variants[name]
            self.assertEqual(variant["state"], "measured")
            self.assertGreater(variant["steps"], full["steps"])
            self.assertGreater(variant["bytes_moved"], full["bytes_moved"])
            self.assertGreater(variant["median_ms"], 0)
            self.assertGreater(variant["with_median_ms"], 0)
            self.assertLess(variant["difference"], 1e-5)
        self.assertGreater(full["code_bytes"], 100)

    @unittest.skipUnless(has_llvm(), "needs LLVM")
    def test_steps_and_table(self):
        passes = "fold-batchnorm,lower-batchnorm,fuse-activation,dead-code,fuse-activation"
        table = self.succeed("bench", "units.rfl", "--ablate=steps", "--runs", 5, "--passes", passes)
        self.assertRegex(table, r"^units for \S+\n" + passes + r"\n\nwithout +median ms +5th pct\. ms +change")
        self.assertRegex(table, r"\nnothing +\d+\.\d{4} +\d+\.\d{4} +[\d,]+ +[\d,]+ +[\d,]+ +\d+\n")
        self.assertRegex(table, r"\nfold-batchnorm +\d+\.\d{4} +\d+\.\d{4} +[+-]\d+\.\d % ")
        self.assertRegex(table, r"\nlower-batchnorm +required\n")
        self.assertRegex(table, r"\nfuse-activation +same code\n(.*\n)?fuse-activation#2 +same code\n")
        self.assertIn("\nWithout lower-batchnorm: 'batch_norm' has no kernel", table)


if __name__ == "__main__":
    unittest.main()
