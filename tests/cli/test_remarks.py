"""riffle opt --remarks: where a pass all but rewrites, what is missing, and where in the spec."""

import re
import unittest

from support import ROOT
from test_interrupted import TemporaryFolder

INPUT = "    input x: f32[1, 8, 6, 6]\n"
# Pass, with the passes before it; the network behind its input; the line that is shown, and what is missing there.
CASES = [
    ("fold-bias", "a = x |> conv(4, 1) @ a |> relu\n b = a |> bias @ b\n output y = b", None),
    ("fold-batchnorm", "a = x |> conv(4, 1, activation = relu) @ a\n output y = a |> batch_norm @ b",
     (4, "the layer before it applies an activation or adds a residual")),
    ("fuse-activation", "a = x |> conv(4, 1) @ a\n output z = a\n output y = a |> relu",
     (5, "the result of the op before it has another use")),
    ("fuse-residual", "a = x |> conv(8, 1) @ a\n output z = a\n output y = x + a",
     (5, "the result of the convolution has another use")),
    ("sink-activation", "a = concat(x |> conv(4, 1) @ a, x)\n output y = a |> relu",
     (4, "an input of the network goes into the layout op before it")),
    ("sink-activation", "a = x |> conv(4, 1) @ a |> shuffle(2)\n output z = a\n output y = a |> relu",
     (5, "the result of the layout op before it has another use")),
    ("sink-activation", "a = x |> max_pool(2) |> shuffle(2)\n output y = a |> relu",
     (4, "what makes an operand of the layout op before it cannot take an activation")),
    ("sink-activation{depth=1}", "a = x |> conv(4, 1) @ a |> shuffle(2) |> gather([3, 2, 1, 0])\n output y = a |> relu",
     (4, "more layout ops lie before it than the option 'depth' says")),
    ("fuse-elements", "a = x |> exp\n output z = a\n output y = a |> sqrt",
     (5, "the result of an element-wise op before it has another use")),
    ("fold-pad", "a = x |> pad(1, value = 2)\n output y = a |> conv(4, 3) @ c", (4, "what is padded before it is not zeros")),
    ("fold-pad", "a = x |> pad(1)\n output y = a |> avg_pool(2, padding = 1, count_padding = false)",
     (4, "the pooling does not count its padding")),
    ("fold-pad", "a = x |> pad(1)\n output y = a |> avg_pool(1)",
     (4, "the pooling's padding would be as large as its kernel")),
    ("fold-pad", "a = x |> pad(1, value = 1)\n output y = a |> pad(1, value = 2)", (4, "both pad by different numbers")),
    ("simplify", "a = x |> flatten\n output y = a |> linear(3) @ l",
     (4, "what is flattened before it has more than one pixel")),
    ("merge-layout,sink-route", "a = x |> shuffle(2)\n output z = a\n output y = a |> conv(8, 3, groups = 8) @ d",
     (3, "its result has another use")),
]


class Remarks(TemporaryFolder):
    def remarks(self, pipeline, body):
        lines = "".join(f"    {line.strip()}\n" for line in body.split("\n"))
        (self.folder / "net.rfl").write_text(f"network net {{\n{INPUT}{lines}}}\n")
        done = self.invoke("opt", "net.rfl", "--remarks", f"--passes={pipeline}", "-o", "/dev/null")
        self.assertEqual(done.returncode, 0, done.stderr)
        name = pipeline.split(",")[-1].split("{")[0]
        return [(int(line), said) for line, said in re.findall(
            rf"net\.rfl:(\d+):\d+: remark: {name} does not apply: (.*?), at", done.stderr)]

    def test_each(self):
        for pipeline, body, expected in CASES:
            with self.subTest(pipeline=pipeline, body=body):
                self.assertEqual(self.remarks(pipeline, body), [expected] if expected else [])

    def test_bytes(self):
        (self.folder / "net.rfl").write_text("network net {\n    input x: f32[1, 8, 6, 6]\n"
            "    output y = x |> conv(8, 3) @ a |> relu |> flatten |> linear(4) @ l\n}\n")
        done = self.invoke("opt", "net.rfl", "--remarks", "--random-weights", "1", "-o", "/dev/null",
                           "--passes=fuse-activation,quantize")
        self.assertIn("remark: quantize does not apply: the range of what it reads is not known, at", done.stderr)

    def test_nothing_is_missing(self):
        """No pass of O2 says that it does not apply where it does: ShuffleNet V2's layers all take their norms."""
        done = self.invoke("opt", ROOT / "examples" / "shufflenet_v2.rfl", "--remarks", "-O2", "-o", "/dev/null")
        self.assertNotIn("remark: fold-batchnorm", done.stderr)


if __name__ == "__main__":
    unittest.main()
