#!/usr/bin/env python3
"""The folder for VS Code: what its parts say of each other is so, and it starts `riffle lsp`. Node.js runs its code with
stand-ins for VS Code; without Node.js that test is skipped."""

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "vscode"


def read(path):
    return json.loads((FOLDER / path).read_text())


class Extension(unittest.TestCase):
    def setUp(self):
        self.package = read("package.json")
        self.contributes = self.package["contributes"]

    def test_parts(self):
        languages = {language["id"]: language for language in self.contributes["languages"]}
        for language in languages.values():
            self.assertIn("comments", read(language["configuration"]))
        self.assertEqual([language["extensions"] for language in languages.values()], [[".rfl"], [".rir"]])
        for grammar in self.contributes["grammars"]:
            data = read(grammar["path"])
            self.assertEqual(data["scopeName"], grammar["scopeName"])
            self.assertEqual(["." + ending for ending in data["fileTypes"]],
                             languages[grammar["language"]]["extensions"])
        self.assertTrue((FOLDER / self.package["main"]).is_file())

    def test_version(self):
        project = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text())
        self.assertEqual(self.package["version"], project[1])

    def test_it_starts_the_server(self):
        node = shutil.which("node")
        if node is None:
            self.skipTest("Node.js is not here")
        done = subprocess.run([node, Path(__file__).with_name("extension.js"), FOLDER / self.package["main"]],
                              capture_output=True, text=True, check=True, timeout=60)
        (setting,) = self.contributes["configuration"]["properties"]
        self.assertEqual(json.loads(done.stdout), {
            "id": "riffle", "title": "riffle", "started": 1, "stopped": 1,
            "server": {"command": f"the setting {setting}", "args": ["lsp"]},
            "client": {"documentSelector": [{"language": self.contributes["languages"][0]["id"]}]}})


if __name__ == "__main__":
    unittest.main()
