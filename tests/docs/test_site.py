"""The site of the pages (mkdocs.yml) is made, without a link that leads nowhere, and asks no other server for anything."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LACKS = [name for name in ["mkdocs", "material", "pymdownx"] if importlib.util.find_spec(name) is None]


def hooks():
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@unittest.skipIf(LACKS, f"skipped: Python lacks {', '.join(LACKS)} (pip install -r docs/requirements.txt)")
class Site(unittest.TestCase):
    def test_site(self):
        with tempfile.TemporaryDirectory(prefix="riffle-site-") as folder:
            done = subprocess.run([sys.executable, "-B", "-m", "mkdocs", "build", "--strict", "--site-dir", folder], cwd=ROOT,
                                  env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            pages = {page.relative_to(folder): page.read_text() for page in Path(folder).glob("**/*.html")}
        self.assertIn("A <em>riffle shuffle</em> splits a deck", pages[Path("index.html")])
        self.assertIn(Path("abi/index.html"), pages)
        self.assertIn(Path("repository/ir/graph.h/index.html"), pages)
        for page, text in pages.items():
            asked = re.findall(r"""<(?:script|img|iframe)[^>]* src=["']?(https?:[^"' >]*)""", text)
            asked += re.findall(r"""<link [^>]*rel=["']?(?:stylesheet|preconnect|icon)[^>]* href=["']?(https?:[^"' >]*)""", text)
            self.assertEqual(asked, [], page)

    def test_links(self):
        """As they are in the repository, and as they are on the site."""
        moved = hooks().moved
        cases = [
            ("README.md", "[a](docs/abi.md#the-header)", "[a](abi.md#the-header)"),
            ("README.md", '<img src="docs/images/kinds.svg" width="9">', '<img src="images/kinds.svg" width="9">'),
            ("docs/abi.md", "[`graph.h`](../ir/graph.h)", "[`graph.h`](repository/ir/graph.h.md)"),
            ("docs/abi.md", "[r](../README.md#two-commands)", "[r](index.md#two-commands)"),
            ("docs/abi.md", "[e](../examples/digits)", "[e](repository/examples/digits/README.md)"),
            ("CONTRIBUTING.md", "[p](docs/performance.md)", "[p](../performance.md)"),
            ("docs/abi.md", "[out](https://example.org/a.md) [here](#x)", "[out](https://example.org/a.md) [here](#x)"),
            ("docs/abi.md", "[gone](../ir/none.h)", "[gone](../ir/none.h)"),
        ]
        for page, text, expected in cases:
            with self.subTest(text):
                self.assertEqual(moved(text, page, hooks().site_path(page)), expected)


if __name__ == "__main__":
    unittest.main()
