#!/usr/bin/env python3
"""riffle report in a browser, headless, as a person uses it: mouse and keys. Without Chromium these tests are skipped;
what riffle says of mistakes is tested without."""

import json
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from browser import Page, find  # noqa: E402
from support import RIFFLE, ROOT, SECONDS, Command  # noqa: E402

V2 = ROOT / "examples" / "shufflenet_v2.rfl"
ROUTED = """network routed {
    input x: f32[1, 4, 5, 5]
    a = x |> conv(4, 1) @ a
    b = x |> conv(2, 1) @ b
    c = concat(a, b) |> shuffle(2) @ mixed
    output y = c |> conv(3, 1) @ reader
}
"""
HOSTILE = """# </script><script>throw new Error("taken")</script><!--
graph hostile {
  input %x : f32[1,4,5,5]
  weight @"</script><script>throw 2</script>" : f32[4,4,1,1]
  %1 "<b>" = conv %x weight=@"</script><script>throw 2</script>" : f32[1,4,5,5] "</script><script>throw 1</script>\\"' <b>&amp;"
  output y = %1
}
"""


def riffle(*words, cwd=None):
    return subprocess.run([RIFFLE, *map(str, words)], capture_output=True, text=True, timeout=SECONDS, check=False, cwd=cwd)


def data_of(page):
    return page.js("JSON.parse(document.getElementById('data').textContent)")


class Mistakes(Command):
    def test_mistakes(self):
        self.expect_error(["report", "small.rfl"], "riffle: error: -o FILE says where the page goes, and there is none\n",
                          status=2)
        self.expect_error(["report", "small.rfl", "-o", "nowhere/r.html"],
                          "riffle: error: cannot write 'nowhere/r.html': No such file or directory\n")
        self.expect_error(["report", "small.rfl", "-o", "r.html", "--precision=int8", "--target=x86-64-v3"],
                          "riffle: error: a report shows networks of floats only\nhint: leave out --precision\n")
        self.expect_error(["report", "small.rfl", "-o", "r.html", "--target=cuda-sm_80"],
                          "riffle: error: 'cuda-sm_80' is a GPU, and a report shows processors only\n"
                          "hint: give a processor: --target x86-64-v3\n")
        done = self.invoke("report", "small.rfl", "-o", "r.html", "--clock=1GHz", "--target=generic")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("there is no model of the processor", done.stderr)
        self.assertEqual(self.files(), ["cropped.rfl", "identity.rfl", "small.rfl"])

    def test_the_same_each_time(self):
        for name in ("a.html", "b.html"):
            self.succeed("report", "small.rfl", "--target=x86-64-v3", "-o", name)
        self.assertEqual((self.folder / "a.html").read_bytes(), (self.folder / "b.html").read_bytes())

    def test_one_file(self):
        """It names nothing outside it."""
        self.succeed("report", "small.rfl", "-o", "r.html")
        self.assertEqual(set(re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)|https?://([^/\"]*)",
                                        (self.folder / "r.html").read_text())),
                         {("data:,", "", ""), ("", "", "www.w3.org")})  # the name space of SVG


@unittest.skipIf(find() is None, "Chromium is not here")
class Browser(Command):
    def setUp(self):
        super().setUp()
        self.page = Page(find())
        self.addCleanup(self.page.close)

    def tearDown(self):
        self.assertEqual(self.page.faults, [])
        asked = {request for request in self.page.requests if not request.startswith("data:")}
        self.assertEqual(asked, {(self.folder / "r.html").resolve().as_uri()})

    def report(self, *words):
        self.assertEqual(self.succeed("report", *words, "-o", "r.html"), "")
        self.page.open(self.folder / "r.html")
        return data_of(self.page)

    # ---- passes ----

    def test_slider(self):
        """It goes through the passes, and says what each did, as opt does."""
        data = self.report(V2, "--target=x86-64-v3")
        stats = json.loads(riffle("opt", V2, "-O2", "--stats=json", "-o", "/dev/null").stderr)["passes"]
        self.assertEqual([(one["pass"], one["rewrites"]) for one in stats],
                         [(one["name"].split("{")[0], one["rewrites"]) for one in data["passes"][1:]])
        self.assertEqual(self.page.text("#pass"), f"as written, {stats[0]['nodes_before']} ops")
        self.page.focus("#slider")
        marks = 0
        for i, one in enumerate(stats):
            self.page.key("ArrowRight")
            text = self.page.text("#pass")
            self.assertIn(f"{i + 1} of {len(stats)}: {one['text']}", text)
            self.assertIn(f" {one['nodes_after']} ops", text)
            self.assertEqual(self.page.js("document.getElementById('slider').getAttribute('aria-valuetext')"), text)
            changed = self.page.count(".node.new, .node.changed")
            gone = self.page.text("#gone") != "nothing"
            self.assertEqual(", as before" in text, data["passes"][i]["graph"] == data["passes"][i + 1]["graph"])
            if ", as before" in text:
                self.assertEqual((changed, gone), (0, False), text)
            elif one["nodes_before"] > one["nodes_after"]:
                self.assertTrue(gone, text)
            marks += changed
            self.assertEqual(self.page.count(".node"), one["nodes_after"] + 1)  # and the input
        self.assertGreater(marks, 50)
        self.page.key("Home")
        self.assertIn("as written", self.page.text("#pass"))

    def test_selection_stays(self):
        self.report(V2, "--target=x86-64-v3")
        self.page.focus("#search")
        self.page.type("conv5.0")
        self.page.key("Enter")
        self.assertIn("conv conv5.0", self.page.text("#details"))
        self.page.focus("#slider")
        self.page.key("End")
        self.assertIn("conv conv5.0", self.page.text("#details"))
        self.assertIn("activation = relu", self.page.text("#details"))
        self.assertTrue(self.is_in_sight(f"#{self.active()}"))

    # ---- routing ----

    def test_channels(self):
        """Each channel of the shuffle is told from where it comes, and drawn so."""
        self.write("routed.rfl", ROUTED)
        data = self.report("routed.rfl", "--target=x86-64-v3")
        (shuffle,) = [node for node in data["graphs"][0]["nodes"] if node["op"] == "shuffle"]
        self.page.mouse(f"#op-{data['graphs'][0]['nodes'].index(shuffle) + 1}", clicks=1)
        lines = re.findall(r"(\S+): (\S+) of (\w+ \w+)", self.page.text("#details"))
        # Concat has a0 a1 a2 a3 b0 b1; two groups of three: a0 a3 a1 b0 a2 b1.
        self.assertEqual(lines, [("0", "0", "conv a"), ("1", "3", "conv a"), ("2", "1", "conv a"), ("3", "0", "conv b"),
                                 ("4", "2", "conv a"), ("5", "1", "conv b")])
        self.assertEqual(self.colours("#details .strip"), [
            self.colours("#op-1 image")[0], self.colours("#op-1 image")[3], self.colours("#op-1 image")[1],
            self.colours("#op-2 image")[0], self.colours("#op-1 image")[2], self.colours("#op-2 image")[1]])
        self.page.mouse("#op-1", clicks=1)
        self.assertIn("Where its channels go\n4 to conv reader", self.page.text("#details").replace("\n\n", "\n"))
        self.assertIn("    a = x |> conv(4, 1) @ a", self.page.text("#spec .here"))

    def colours(self, selector):
        """Of each pixel of the picture."""
        return self.page.js(f"""(async () => {{
            const shown = document.querySelector({json.dumps(selector)});
            const image = new Image();
            image.src = shown.getAttribute("src") || shown.getAttribute("href");
            await image.decode();
            const canvas = document.createElement("canvas");
            canvas.width = image.width;
            canvas.height = 1;
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, image.width, 1).data;
            return Array.from({{ length: image.width }}, (_, i) => [...data.slice(4 * i, 4 * i + 3)].join());
        }})()""")

    def test_many_channels(self):
        """More than a picture can have columns, and ranks that have no channels."""
        self.write("wide.rfl", "network wide {\n    input x: f32[1, 10, 70, 70]\n    y = x |> relu |> flatten\n"
                               "    output z = y |> linear(2) @ fc\n    output v = x |> reshape([1, 10, 4900])\n}\n")
        data = self.report("wide.rfl", "--target=x86-64-v3")
        shapes = [result["shape"] for node in data["graphs"][0]["nodes"] for result in node["results"]]
        self.assertIn([1, 49000], shapes)
        self.assertIn([1, 10, 4900], shapes)
        widths = {len(self.colours(f"#op-{i} image")) for i in range(len(shapes) + 1)}
        self.assertEqual(widths, {1, 2, 10, 4096})

    # ---- search, mouse and keys ----

    def test_search(self):
        data = self.report(V2, "--target=x86-64-v3")
        nodes = data["graphs"][0]["nodes"]
        shuffles = [i + 1 for i, node in enumerate(nodes) if node["op"] == "shuffle"]
        self.page.focus("#search")
        self.page.type("= SHUFFLE ")
        self.assertEqual(self.page.text("#found"), f"{len(shuffles)} of {len(nodes) + 1}")
        self.assertEqual(self.page.count(".node.match"), len(shuffles))
        for expected in (shuffles[0], shuffles[1]):
            self.page.key("Enter")
            self.assertEqual(self.active(), f"op-{expected}")
        self.page.key("Enter", modifiers=8)
        self.assertEqual(self.active(), f"op-{shuffles[0]}")
        self.assertTrue(self.is_in_sight(f"#op-{shuffles[0]}"))

    def active(self):
        return self.page.js("document.getElementById('graph').getAttribute('aria-activedescendant')")

    def is_in_sight(self, selector):
        return self.page.js(f"""(() => {{
            const graph = document.getElementById("graph").getBoundingClientRect();
            const r = document.querySelector("{selector}").getBoundingClientRect();
            return r.top >= graph.top && r.bottom <= graph.bottom && r.left >= graph.left && r.right <= graph.right;
        }})()""")

    def test_hover(self):
        self.report(V2, "--target=x86-64-v3")
        self.page.mouse("#op-1")
        self.assertEqual(self.page.text("#tip"), "conv conv1.0\n1×24×112×112")
        self.page.mouse("#title")
        self.assertTrue(self.page.js("document.getElementById('tip').hidden"))

    def test_keys(self):
        """Tab goes through all that can be done; arrows go through the graph, the buffers and the views."""
        data = self.report(V2, "--target=x86-64-v3")
        reached = []
        for _ in range(5):
            self.page.key("Tab")
            reached.append(self.page.js("document.activeElement.id"))
        self.assertEqual(reached, ["tab-graph", "slider", "search", "graph", "spec"])
        self.page.focus("#graph")
        last = len(data["graphs"][0]["nodes"])
        for key, expected in [("ArrowDown", 0), ("ArrowDown", 1), ("End", last), ("ArrowUp", last - 1), ("Home", 0)]:
            self.page.key(key)
            self.assertEqual(self.active(), f"op-{expected}", key)
        self.page.focus("#tab-graph")
        self.page.key("ArrowRight")
        self.assertEqual(self.page.js("document.activeElement.id"), "tab-memory")
        self.assertEqual(self.page.js("[...document.querySelectorAll('[role=tabpanel]')].map((e) => e.hidden)"),
                         [True, False, True, True])
        self.page.focus("#memory")
        self.page.key("ArrowRight")
        self.assertIn(" bytes at ", self.page.text("#buffer"))

    def test_names_for_screen_readers(self):
        self.report(V2, "--target=x86-64-v3")
        nodes = self.page.ask("Accessibility.getFullAXTree")["nodes"]
        wanted = {"button", "slider", "searchbox", "tab", "application", "tabpanel", "combobox", "image", "region"}
        named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes
                 if not node["ignored"] and node["role"]["value"] in wanted]
        self.assertLess({"slider", "searchbox", "tab", "application", "tabpanel"}, {role for role, _ in named})
        self.assertEqual([role for role, name in named if not name.strip()], [])

    # ---- buffers and steps ----

    def test_buffers(self):
        """Those of the compiled network, none over another at the same time."""
        data = self.report(V2, "--target=x86-64-v3")
        buffers = [one for one in data["program"]["buffers"] if one["kind"] == "workspace"]
        self.page.mouse("#tab-memory", clicks=1)
        self.assertEqual(self.page.count("#memory .buffer"), len(buffers))
        self.page.mouse("#buffer-3")
        self.assertTrue(self.page.text("#tip").startswith(f"{buffers[3]['name']}: {buffers[3]['bytes']:,} bytes at "))
        boxes = self.page.js("[...document.querySelectorAll('#memory .buffer')].map((e) => ['x', 'y', 'width', 'height']"
                             ".map((key) => Number(e.getAttribute(key))))")
        for i, (x, y, width, height) in enumerate(boxes):
            for u, v, wide, high in boxes[:i]:
                apart = (x + width <= u + 0.01 or u + wide <= x + 0.01 or y + height <= v + 1.01 or v + high <= y + 1.01)
                self.assertTrue(apart, (i, boxes[i]))

    def test_steps(self):
        """Heat is in proportion; a step leads to its op."""
        data = self.report(V2, "--cpu=cortex-a55", "--clock=1.8GHz")
        inspected = json.loads(riffle("inspect", V2, "--cpu=cortex-a55", "--clock=1.8GHz", "--json").stdout)
        self.page.mouse("#tab-steps", clicks=1)
        self.assertEqual(self.page.count("#steps tbody tr"), len(data["program"]["steps"]))
        times = [step["microseconds"] for step in data["estimated_time"]["steps"]]
        total = inspected["estimated_time"]["microseconds"]
        self.assertAlmostEqual(sum(times), total, delta=total * 1e-3)
        self.assertIn("Predicted for cortex-a55, not measured. The roof: 14.4 GFLOP/s", self.page.text("#roofline-says"))
        self.assertEqual(self.page.count("#roofline .point"), sum(step["macs"] > 0 for step in data["program"]["steps"]))
        for value, numbers in (("2", times), ("0", [step["macs"] for step in data["program"]["steps"]])):
            self.page.js(f"(() => {{ const e = document.getElementById('heat'); e.value = '{value}';"
                         "e.dispatchEvent(new Event('change')); })()")
            alphas = self.page.js("[...document.querySelectorAll('#steps tbody tr')].map((e) => "
                                  "{ const c = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g); "
                                  "return c.length > 3 ? Number(c[3]) : 1; })")
            for alpha, number in zip(alphas, numbers):
                self.assertAlmostEqual(alpha, 0.75 * number / max(numbers), delta=0.01)
        self.page.mouse("#steps tbody tr:last-child button", clicks=1)
        self.assertFalse(self.page.js("document.getElementById('view-graph').hidden"))
        self.assertIn("linear fc", self.page.text("#details"))

    def measured(self, spec, *words):
        """A profile of steps that the report has, with times that are easy to tell."""
        steps = json.loads(riffle("inspect", spec, *words, "--cpu=cortex-a55", "--clock=1GHz", "--json").stdout)
        steps = steps["estimated_time"]["steps"]
        profile = {"name": "shufflenet_v2_x1_0", "target": "aarch64-linux-gnu", "threads": 2, "runs": 5, "median_ms": 7.5,
                   "peak_gflops": 100.0, "memory_gbytes_per_second": 10.0,
                   "steps": [{"layer": step["layer"], "label": step["label"], "us": 10.0 * (i + 1), "p5_us": 9.0}
                             for i, step in enumerate(steps)]}
        return profile

    def test_roofline(self):
        """Each step that multiplies is a point, as far right as it has operations a byte, as high as it was fast."""
        profile = self.measured(V2)
        profile["target"] = self.report(V2, "--cpu=cortex-a55")["program"]["target"]["name"]
        self.assertTrue(self.page.js("document.getElementById('roofline-part').hidden"))
        self.write("times.json", json.dumps(profile))
        data = self.report(V2, "--cpu=cortex-a55", "--profile=times.json")
        self.page.mouse("#tab-steps", clicks=1)
        steps = data["program"]["steps"]
        multiply = [i for i, step in enumerate(steps) if step["macs"] > 0]
        self.assertEqual(self.page.count("#roofline .point"), len(multiply))
        self.assertIn("The roof: 100.0 GFLOP/s, and 10.00 GB/s from memory", self.page.text("#roofline-says"))
        places = self.page.js("[...document.querySelectorAll('#roofline .point')].map((e) => "
                              "[Number(e.getAttribute('cx')), Number(e.getAttribute('cy'))])")
        bytes_of = [steps[i]["bytes_read"] + steps[i]["bytes_written"] for i in multiply]
        for numbers, axis, sign in [([steps[i]["macs"] / b for i, b in zip(multiply, bytes_of)], 0, 1),
                                    ([steps[i]["macs"] / (i + 1) for i in multiply], 1, -1)]:
            order = sorted(range(len(multiply)), key=lambda k: numbers[k])
            drawn = [sign * places[k][axis] for k in order]
            self.assertTrue(all(a <= b + 1e-6 for a, b in zip(drawn, drawn[1:])))
        self.page.focus("#roofline")
        self.page.key("ArrowRight")
        first = multiply[0]
        gflops = 2 * steps[first]["macs"] / (10.0 * (first + 1)) / 1e3
        self.assertIn(f"step {first}, {steps[first]['label']}: {10 * (first + 1)} \u00b5s, {gflops:.1f} GFLOP/s of ",
                      self.page.text("#point"))
        self.page.key("Enter")
        self.assertFalse(self.page.js("document.getElementById('view-graph').hidden"))

    def test_other_profiles(self):
        """Of another network, target, or steps; and what is none."""
        good = self.measured(V2)
        good["target"] = json.loads(re.search(r"<script type=\"application/json\" id=\"data\">(.*?)</script>", (
            self.report(V2, "--cpu=cortex-a55"), (self.folder / "r.html").read_text())[1], re.DOTALL)
            .group(1))["program"]["target"]["name"]
        less = {**good, "steps": good["steps"][:-1]}
        for profile, message in [
                ({**good, "name": "other"}, "'p.json' is of the network 'other', not of 'shufflenet_v2_x1_0'"),
                ({**good, "target": "x86-64-v3"}, "'p.json' was measured for x86-64-v3, and the report is for "),
                (less, f"'p.json' has other steps than the report, from step {len(less['steps'])} on"),
                ({**good, "peak_gflops": -1}, "'p.json' is no profile"),
                ({**good, "steps": {}}, "'p.json' is no profile"), ([1], "'p.json' is no profile")]:
            self.write("p.json", json.dumps(profile))
            done = self.invoke("report", V2, "--cpu=cortex-a55", "--profile=p.json", "-o", "none.html")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"riffle: error: {message}", done.stderr)
            self.assertNotIn("none.html", self.files())
        self.write("p.json", "{")
        self.assertIn("'p.json' is no JSON: ", self.invoke("report", V2, "--profile=p.json", "-o", "none.html").stderr)

    def test_guidelines(self):
        """Those that inspect finds; a button leads to the op as it is written."""
        data = self.report(ROOT / "examples" / "shufflenet_v1.rfl", "--target=x86-64-v3")
        found = json.loads(riffle("inspect", ROOT / "examples" / "shufflenet_v1.rfl", "--guidelines", "--json",
                                  "--target=x86-64-v3").stdout)["guidelines"]["findings"]
        self.assertEqual(data["findings"], found)
        self.page.mouse("#tab-guidelines", clicks=1)
        self.assertEqual(self.page.count("#findings tbody tr"), len(found))
        self.assertGreater(len(found), 10)
        self.page.mouse("#findings tbody tr:first-child button", clicks=1)
        self.assertIn("as written", self.page.text("#pass"))
        self.assertIn(f"{found[0]['op']} {found[0]['layer']}", self.page.text("#details h2"))

    # ---- and ----

    def test_light_and_dark(self):
        self.report(V2, "--target=x86-64-v3")
        seen = []
        for dark in (False, True):
            self.page.dark(dark)
            seen.append(self.page.js("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"))
        light, dark = [[sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in pair] for pair in seen]
        self.assertGreater(light[0] - light[1], 500)
        self.assertGreater(dark[1] - dark[0], 500)

    def test_hostile_names(self):
        self.write("hostile.rir", HOSTILE)
        data = self.report("hostile.rir", "--target=x86-64-v3")
        path = data["graphs"][0]["nodes"][0]["path"]
        self.assertIn("</script>", path)
        self.page.mouse("#op-1", clicks=1)
        self.assertIn(path, self.page.text("#details h2"))
        self.assertEqual(self.page.count("b"), 0)
        self.assertIn("taken", self.page.text("#spec"))

    def test_detector(self):
        data = self.report(ROOT / "examples" / "detect" / "yunet.rfl", "--target=x86-64-v3")
        self.assertTrue(self.is_in_sight("#op-0"))  # of a graph that is wider than the page
        self.page.focus("#slider")
        self.page.key("End")
        self.assertEqual(self.page.count(".node"), len(data["graphs"][data["passes"][-1]["graph"]]["nodes"]) + 1)

    def test_a_thousand_ops(self):
        layers = "".join(f"    x = x |> conv(8, 1) @ c{i} |> sigmoid\n" for i in range(500))
        self.write("deep.rfl", f"network deep {{\n    input a: f32[1, 8, 4, 4]\n    x = a\n{layers}    output y = x\n}}\n")
        start = time.monotonic()
        data = self.report("deep.rfl", "--target=x86-64-v3", "-O0")
        self.assertEqual(len(data["graphs"][0]["nodes"]), 1000)
        self.assertEqual(self.page.count(".node"), 1001)
        self.assertLess(time.monotonic() - start, 30)
        took = self.page.js("(() => { const start = performance.now(); const e = document.getElementById('slider');"
                            "e.value = 1; e.dispatchEvent(new Event('input')); return performance.now() - start; })()")
        self.assertLess(took, 5000)
        print(f"1,000 ops: a pass is drawn in {took:.0f} ms", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
