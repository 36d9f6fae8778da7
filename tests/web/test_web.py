"""examples/web: the library as WebAssembly in Node and in a headless Chromium, whose camera shows a file. Without wasm-ld,
node, chromium, or YuNet in ../shared, what needs it is skipped."""

import atexit
import base64
import functools
import http.server
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cli"), str(HERE.parent / "report")]
from browser import Page, find  # noqa: E402
from support import RIFFLE, ROOT, SHARED, floats, has_llvm  # noqa: E402

DIGITS = ROOT / "examples" / "digits"
DETECT = ROOT / "examples" / "detect"
YUNET = SHARED / "models" / "yunet_n_320.onnx"
PHOTO = ROOT / "docs" / "images" / "detect_face.jpg"
LINKERS = ("wasm-ld", "wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld-19")
NODE = shutil.which("node") or shutil.which("nodejs")
SECONDS = 60


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False, timeout=600, **options)
    assert done.returncode == 0, f"{words}: {done.stderr.decode()}"
    return done.stdout


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@functools.lru_cache(None)
def built():
    """A folder with the pages, made once."""
    if not has_llvm() or not any(map(shutil.which, LINKERS)):
        raise unittest.SkipTest("skipped: needs a riffle with LLVM, and wasm-ld (Debian: lld)")
    folder = Path(tempfile.mkdtemp(prefix="riffle-web-"))
    atexit.register(shutil.rmtree, folder)
    yunet = ["--yunet", YUNET] if YUNET.exists() else []
    out = run(ROOT / "examples" / "web" / "build", *yunet, folder, env={**os.environ, "RIFFLE": RIFFLE})
    assert b"digits.wasm: " in out
    return folder


class Built(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = built()
        if b"digits_prepare_image" not in (cls.pages / "digits.wasm").read_bytes():
            raise unittest.SkipTest("skipped: riffle was built without clang")
        cls.folder = Path(tempfile.mkdtemp(prefix="riffle-web-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def logits(self, rgba, width, height):
        """What riffle run computes of these pixels."""
        (self.folder / "frame").write_bytes(rgba)
        run(RIFFLE, "run", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--frame",
            self.folder / "frame", "--format", "rgba", "--frame-size", f"{width}x{height}", "--output",
            self.folder / "logits")
        return floats((self.folder / "logits").read_bytes())

    def assert_near(self, given, wanted):
        self.assertEqual(len(given), len(wanted))
        largest = max(map(abs, wanted))
        for a, b in zip(given, wanted):
            self.assertLessEqual(abs(a - b), 1e-5 * largest)


@unittest.skipUnless(NODE, "skipped: needs Node (Debian: nodejs)")
class Node(Built):
    def test_digits(self):
        count = 360
        out = json.loads(run(NODE, HERE / "digits.mjs", self.pages, DIGITS / "heldout.f32", count))
        self.assertEqual(out["imports"], [])
        wanted = floats((DIGITS / "heldout_logits.f32").read_bytes())
        for i in range(count):
            self.assert_near(out["logits"][i], wanted[10 * i:10 * i + 10])

        def picture(width, height):
            return b"".join(struct.pack("4B", *[(i * 37) % 256] * 3, 255) for i in range(width * height))

        for (width, height), top in zip([(8, 8), (1, 1), (613, 411), (2000, 1500), (3, 200)], out["tops"]):
            if width * height < 1_000_000:
                logits = self.logits(picture(width, height), width, height)
                self.assertEqual([one["class"] for one in top], sorted(range(10), key=lambda i: -logits[i])[:3])
            self.assertEqual(len(top), 3)
        pixels = picture(40, 30)
        part = b"".join(pixels[4 * (40 * y + 5):4 * (40 * y + 25)] for y in range(6, 17))
        self.assert_near(out["part"], self.logits(part, 20, 11))
        self.assertRegex(out["messages"][0], r"^digits: .*\b(size|sides?|wide|height)\b")
        self.assertRegex(out["messages"][1], r"^digits: .*\brows?\b|plane")


@unittest.skipUnless(find(), "skipped: needs Chromium (Debian: chromium)")
class Pages(Built):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=cls.pages))
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        video = cls.folder / "camera.mjpeg"
        video.write_bytes(PHOTO.read_bytes() * 3)
        cls.page = Page(find(), words=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                                       f"--use-file-for-fake-video-capture={video}"])
        cls.addClassCleanup(cls.page.close)

    def open(self, page):
        self.page.faults.clear()
        self.page.requests.clear()
        self.page.go(f"http://127.0.0.1:{self.server.server_port}/{page}")
        self.wait("!document.getElementById('status').textContent.includes('being loaded')")

    def wait(self, condition):
        end = time.monotonic() + SECONDS
        while not self.page.js(condition):
            self.assertLess(time.monotonic(), end, f"{condition}: {self.page.text('#status')}, {self.page.faults}")
            time.sleep(0.05)

    def assert_quiet(self):
        self.assertEqual(self.page.faults, [])
        for url in self.page.requests:
            self.assertRegex(url, rf"^(http://127\.0\.0\.1:{self.server.server_port}/|data:,|blob:)")

    def draw(self, *points):
        left, top = self.page.js("(() => { const r = document.getElementById('paper').getBoundingClientRect();"
                                 "return [r.x, r.y]; })()")
        for kind, (x, y) in [("mousePressed", points[0]), *[("mouseMoved", point) for point in points],
                             ("mouseReleased", points[-1])]:
            self.page.ask("Input.dispatchMouseEvent", type=kind, x=left + x, y=top + y, button="left",
                          buttons=0 if kind == "mouseReleased" else 1, clickCount=1)

    def test_digits(self):
        self.open("digit.html")
        oval = [(140, 40), (95, 70), (80, 140), (95, 210), (140, 240), (185, 210), (200, 140), (185, 70), (140, 40)]
        for digit, strokes in ((1, [[(140, 40), (140, 240)]]), (0, [oval]), (7, [[(80, 50), (200, 50), (125, 240)]])):
            self.page.mouse("#clear", clicks=1)
            for stroke in strokes:
                self.draw(*stroke)
            self.assertRegex(self.page.text("#status"), rf"^{digit} \(\d+ %\), or else \d ")
            x, y, side, _ = self.page.js("document.getElementById('paper').reading.part")
            pixels = base64.b64decode(self.page.js(
                "(() => { const c = document.getElementById('paper').getContext('2d');"
                f"const d = c.getImageData({x}, {y}, {side}, {side}).data; let s = '';"
                "for (const b of d) s += String.fromCharCode(b); return btoa(s); })()"))
            logits = self.page.js("document.getElementById('paper').reading.logits")
            self.assert_near(logits, self.logits(pixels, side, side))
        self.assert_quiet()

    def drop(self, contents):
        """A file onto the page."""
        data = base64.b64encode(contents).decode()
        self.page.js(f"(() => {{ const bytes = Uint8Array.from(atob('{data}'), (c) => c.charCodeAt(0));"
                     "const transfer = new DataTransfer(); transfer.items.add(new File([bytes], 'file'));"
                     "document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer })); })()")

    def boxes(self, photo):
        """Of riffle run."""
        run(RIFFLE, "import", YUNET, "-o", self.folder / "imported.rfl", "--weights-out", self.folder / "weights")
        return json.loads(run(
            RIFFLE, "run", DETECT / "yunet.rfl", "--set", "folded=true", "--set", "letterbox=centre", "--weights",
            self.folder / "weights", "--weights-names", DETECT / "yunet.names", "--image", photo, "--json"))["boxes"][0]

    def assert_boxes(self, boxes, wanted, pixels):
        """In the same places, but for what another decoder makes of the picture."""
        self.assertEqual(len(boxes), len(wanted))
        self.assertGreater(len(boxes), 0)
        for box, right in zip(boxes, wanted):
            self.assertAlmostEqual(box["score"], right["score"], delta=0.02)
            given = [box[side] for side in ("left", "top", "right", "bottom")] + box["landmarks"]
            for a, b in zip(given, right["corners"] + right["landmarks"], strict=True):
                self.assertAlmostEqual(a, b, delta=pixels)

    @unittest.skipUnless(YUNET.exists(), f"skipped: {YUNET} is missing")
    def test_dropped_picture(self):
        self.open("detect.html")
        self.drop(PHOTO.read_bytes())
        self.wait("document.getElementById('picture').boxes")
        self.assert_boxes(self.page.js("document.getElementById('picture').boxes"), self.boxes(PHOTO), 0.5)
        self.assertRegex(self.page.text("#status"), r"^1 found in \d+\.\d ms$")
        self.threshold(0.99)
        self.wait("document.getElementById('status').textContent.startsWith('0 found in ')")
        for threshold in (0.2, 0.99, 0.4, 0.99, 0.5):  # the last one counts, whenever the worker answers
            self.threshold(threshold)
        self.wait("document.getElementById('status').textContent.startsWith('1 found in ')")
        self.assertEqual(self.page.js("document.getElementById('picture').boxes.length"), 1)
        self.drop(b"no picture")
        self.wait("!document.getElementById('status').textContent.includes('found')")
        self.assert_quiet()

    def threshold(self, value):
        self.page.js(f"(() => {{ const e = document.getElementById('threshold'); e.value = {value};"
                     "e.dispatchEvent(new Event('input')); })()")

    @unittest.skipUnless(YUNET.exists(), f"skipped: {YUNET} is missing")
    def test_page_goes_on(self):
        """Timers of the page pass while the network runs: in the page's own thread none could."""
        self.open("detect.html")
        self.page.js(
            "(() => { let ticks = 0; setInterval(() => ticks++, 1); const post = Worker.prototype.postMessage;"
            "Worker.prototype.postMessage = function (...words) { const before = ticks; this.addEventListener('message',"
            "() => (window.passed = ticks - before), { once: true }); return post.apply(this, words); }; })()")
        for _ in range(10):
            self.page.js("delete window.passed")
            self.drop(PHOTO.read_bytes())
            self.wait("window.passed !== undefined")
            if self.page.js("window.passed") > 0:
                break
        self.assertGreater(self.page.js("window.passed"), 0)
        self.assert_quiet()

    @unittest.skipUnless(YUNET.exists(), f"skipped: {YUNET} is missing")
    def test_camera(self):
        self.open("detect.html")
        self.page.mouse("#camera", clicks=1)
        self.wait("document.getElementById('picture').boxes?.length > 0")
        size = self.page.js("[document.getElementById('picture').width, document.getElementById('picture').height]")
        self.assert_boxes(self.page.js("document.getElementById('picture').boxes"), self.boxes(PHOTO), 3)
        self.assertEqual(size, [384, 384])
        self.assert_quiet()

    def test_network_that_is_not_there(self):
        self.open("detect.html?network=none")
        self.assertRegex(self.page.text("#status"), r"none\.(json|wasm): 404")
        self.open("detect.html?network=../x")
        self.assertIn("letters, digits", self.page.text("#status"))


if __name__ == "__main__":
    unittest.main()
