"""Names from files of strangers: control characters, quotes, ends of comments, bytes that are no UTF-8. What riffle
prints and writes of them is text of one line, and UTF-8, and valid in the language that it stands in."""

import json
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from support import ROOT, SHARED, Command, has_llvm

# As written in .rir, and as people are shown them.
NAMES = [
    (rb"\x1B[31m", r"\x1b[31m"),
    (rb"a\x0Ariffle: error: b", r"a\x0ariffle: error: b"),
    (rb"\xFF\xFE\x80", r"\xff\xfe\x80"),
    (rb"\xC0\xAF", r"\xc0\xaf"),  # '/', too long
    (rb"\xED\xA0\x80", r"\xed\xa0\x80"),  # a surrogate
    (rb"\xC2\x9B7m", r"\xc2\x9b7m"),  # a control character in UTF-8
    (rb"\xE2\x80\xAEgpj", r"\xe2\x80\xaegpj"),  # right to left from here on
    (rb"\xEF\xBF\xBE", r"\xef\xbf\xbe"),  # no character in XML
    (rb"*/ int evil(void); /*", "*/ int evil(void); /*"),
    (rb"\x22; \x5C\x0A", r'"; \\x0a'),
    (rb"x\x5C", "x\\"),
    (rb"??/", "??/"),
    (rb"\x5CN\x5CG\x5C\x5C", r"\N\G\\"),  # Graphviz puts the node and the graph there
    (rb"<b>&amp;]]>", "<b>&amp;]]>"),
    (rb"%s%n", "%s%n"),
    ("größe".encode(), "größe"),
]


def network(chained=False):
    """Layers side by side are each a step of its own; of layers in a chain only the last is an output."""
    lines = [b"graph n {", b"  input %x : f32[1,4,6,6]"]
    lines += [b'  weight @"%s" : f32[4,4,3,3]' % name for name, _ in NAMES]
    for index, (name, _) in enumerate(NAMES, 1):
        operand = b"%d" % (index - 1) if chained and index > 1 else b"x"
        lines.append(b'  %%%d "%s" = conv %%%s weight=@"%s" {padding=[1,1,1,1]} : f32[1,4,6,6] "%s"'
                     % (index, name, operand, name, name))
    outputs = range(len(NAMES) if chained else 1, len(NAMES) + 1)
    lines += [b"  output y%d = %%%d" % (index, index) for index in outputs]
    return b"\n".join([*lines, b"}", b""])


def raw(name):
    """What a name of the file is in memory."""
    return re.sub(rb"\\x(..)", lambda match: bytes.fromhex(match[1].decode()), name)


def json_name(name, shown):
    """In JSON control characters and such are escaped without a loss; other bytes are shown as to people."""
    try:
        return raw(name).decode()
    except UnicodeDecodeError:
        return shown


JSON_NAMES = [json_name(*row) for row in NAMES]


class Names(Command):
    def setUp(self):
        super().setUp()
        self.write("names.rir", network())
        self.write("chain.rir", network(chained=True))

    def invoke(self, *words, stdin=None):
        """All that is printed is UTF-8 without control characters."""
        done = super().invoke(*words, stdin=stdin)
        for text in (done.stdout, done.stderr):
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe]")
        return done

    def test_inspect(self):
        layers = [line.partition("  ")[0] for line in self.succeed("inspect", "names.rir").splitlines()]
        first = layers.index(NAMES[0][1])
        self.assertEqual(layers[first:first + len(NAMES)], [shown for _, shown in NAMES])
        self.succeed("inspect", "names.rir", "--guidelines", "--routing")

    def test_inspect_json(self):
        layers = json.loads(self.succeed("inspect", "names.rir", "--json"))["layers"]
        self.assertEqual([layer["name"] for layer in layers], JSON_NAMES)

    def test_graphs_keep_names(self):
        """What may not be shown is escaped, and read back as it was."""
        again = self.succeed("opt", "names.rir", "--passes=")
        for name, _ in NAMES:
            spelling = re.sub(rb"\\x(..)", lambda match: {b"22": rb"\"", b"5C": rb"\\"}.get(
                match[1], match[0].lower()), name).decode()
            self.assertEqual(again.count(f'"{spelling}"'), 4, spelling)
        self.write("again.rir", again)
        self.assertEqual(self.succeed("opt", "again.rir", "--passes="), again)
        self.assertEqual(self.succeed("inspect", "again.rir"), self.succeed("inspect", "names.rir"))

    def test_copies_that_stay(self):
        """Names of files, too."""
        self.write("a\nb.rfl", "network n { input x: f32[1, 8, 6, 6]\n    y = x |> relu\n"
                   "    output o = concat(y, x, y) |> shuffle(3)\n}\n")
        self.assertIn("  a\\x0ab.rfl:3: ", self.succeed("inspect", "a\nb.rfl", "--routing"))

    def test_json_of_a_library(self):
        self.succeed("compile", "names.rir", "--random-weights=1", "--backend=c", "--emit=c,kernels,dot")
        layers = [step["layer"] for step in json.loads((self.folder / "n.json").read_bytes().decode())["steps"]]
        self.assertEqual(list(dict.fromkeys(layers)), JSON_NAMES)
        kernels = (self.folder / "n.rkir").read_bytes().decode()
        self.assertTrue(kernels.isprintable() or set(filter(lambda c: not c.isprintable(), kernels)) == {"\n"})
        for _, shown in NAMES:
            self.assertIn(f" # {shown}: conv", kernels)

    def expect_plain(self, source):
        """ASCII, and a comment for each layer that is one."""
        text = source.read_bytes().decode("ascii")
        self.assertEqual(set(filter(lambda c: not c.isprintable(), text)), {"\n"})
        for shown in [r"a\x0ariffle: error: b", r"\xff\xfe\x80", r"\x2a/ int evil(void); \x2f*", r"x\x5c",
                      r"\x3f\x3f/", r"gr\xc3\xb6\xc3\x9fe"]:
            self.assertIn(f" {shown}: ", text)

    def test_c_source(self):
        self.succeed("compile", "names.rir", "--random-weights=1", "--backend=c", "--emit=c")
        self.expect_plain(self.folder / "n.c")
        for compiler in filter(shutil.which, ("gcc", "clang-22", "clang")):
            done = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
                                   "n.c"], cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), compiler)

    def test_cuda_source(self):
        done = self.invoke("compile", "names.rir", "--random-weights=1", "--target=cuda-sm_80", "--emit=cu")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_plain(self.folder / "n.cu")

    @unittest.skipUnless(shutil.which("dot"), "needs Graphviz")
    def test_pictures(self):
        self.succeed("compile", "names.rir", "--random-weights=1", "--backend=c", "--emit=svg")
        self.succeed("opt", "names.rir", "--passes=", "--svg=graph.svg")
        for file in ("n.svg", "graph.svg"):
            texts = {element.text for element in xml.etree.ElementTree.parse(self.folder / file).iter()}
            for _, shown in NAMES:
                self.assertIn(shown, {text.replace("\xa0", " ") for text in texts if text})

    @unittest.skipUnless(has_llvm(), "needs LLVM")
    def test_profile_and_verify(self):
        options = ("--random-weights=1", "--target=native")
        verified = self.succeed("verify", "chain.rir", *options, "--layers", "--count=1")
        profiled = self.succeed("bench", "names.rir", *options, "--profile", "--seconds=0.01")
        for _, shown in NAMES[:-1]:
            self.assertIn(f"\n{shown} ", verified)
        for _, shown in NAMES:
            self.assertIn(f"\n{shown} ", profiled)

    @unittest.skipUnless(has_llvm(), "needs LLVM")
    def test_labels(self):
        self.write("labels.txt", b"\x1b[31m\n\xff\ngr\xc3\xb6\xc3\x9fe\n\xe2\x80\xae\n")
        pixels = self.folder / "zeros.bin"
        pixels.write_bytes(bytes(3 * 8 * 8 * 4))
        options = ("run", "small.rfl", "--random-weights=1", "--input=zeros.bin", "--labels=labels.txt", "--top=4")
        lines = sorted(self.succeed(*options).splitlines())
        self.assertEqual([line.split()[1] for line in lines], [r"\x1b[31m", r"\xff", "größe", r"\xe2\x80\xae"])
        top = json.loads(self.succeed(*options, "--json"))["top"][0]
        self.assertEqual({row["class"]: row["label"] for row in top},
                         {0: "\x1b[31m", 1: r"\xff", 2: "größe", 3: "\u202e"})

    def test_messages(self):
        """A name cannot pretend to be another message."""
        self.write("bad.rfl", 'network n { input x: f32[1, 4, 6, 6]\n'
                   '    output y = x |> conv(4, 1) @ "a\\nriffle: error: b"\n}\n')
        done = self.invoke("inspect", "bad.rfl")
        self.assertEqual(done.returncode, 1)
        self.assertIn(r"'a\x0ariffle: error: b'", done.stderr)
        self.assertNotIn("\nriffle: error: b", done.stderr)

    def test_a_compiler_that_fails(self):
        """What another program says keeps its lines."""
        compiler = self.write("cc", "#!/bin/sh\nprintf 'n.c:1: no\\033[K\\n\\tint x\\n\\n'\nexit 1\n")
        compiler.chmod(0o755)
        self.expect_error(["compile", "small.rfl", "--random-weights=1", "--backend=c", f"--cc={compiler}"],
                          f"riffle: error: the C compiler '{compiler}' failed:\nn.c:1: no\\x1b[K\n int x\n"
                          "hint: --cc COMMAND names another C compiler\n")

    @unittest.skipUnless((SHARED / "cases" / "bombs" / "h.rir").exists(), "needs shared/cases")
    def test_given_file(self):
        given = SHARED / "cases" / "bombs" / "h.rir"
        self.succeed("inspect", given)
        self.succeed("compile", given, "--random-weights=1", "--backend=c", "--emit=c,dot")
        json.loads((self.folder / "n.json").read_bytes().decode())
        if shutil.which("dot"):
            self.succeed("compile", given, "--random-weights=1", "--backend=c", "--emit=svg")
            xml.etree.ElementTree.parse(self.folder / "n.svg")

    def test_what_fuzzers_found(self):
        found = ROOT / "tests" / "fuzz" / "regressions" / "rir" / "names.rir"
        names = [layer["name"] for layer in json.loads(self.succeed("inspect", found, "--json"))["layers"]]
        self.assertEqual(names, ['"; \\\n', r"\xff\xfe\x80", "\x1b[31m"])


if __name__ == "__main__":
    unittest.main()
