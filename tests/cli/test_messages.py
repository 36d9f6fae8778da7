"""The forms of messages: text, colours, JSON and SARIF; and that all commands have them."""

import json
import os
import pty
import subprocess
import unittest
import urllib.parse

from support import COMMANDS, RIFFLE, SECONDS, Command

# Two errors, one in a unit, which has a note; behind a character of three bytes and one of two UTF-16 units.
BROKEN = """unit block(x) { # é
    return x |> cnv(8, 3)
}
network broken {
    input image: f32[1, 3, 8, 8] = pixels(rgb)
    assert "…😀" == 3, "…😀 failed"
    output y = image |> block
}
"""

ESCAPE = "\x1b["


class Messages(Command):
    def setUp(self):
        super().setUp()
        self.write("broken.rfl", BROKEN)

    def messages(self, *words, status=1):
        done = self.invoke(*words)
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        return done.stderr

    def json_lines(self, *words, status=1):
        return [json.loads(line) for line in self.messages(*words, status=status).splitlines()]

    def check_position(self, text, line, column, expected):
        self.assertTrue(text.split("\n")[line - 1].encode()[column - 1:].decode().startswith(expected))

    def test_text_is_the_default(self):
        text = self.messages("inspect", "broken.rfl")
        self.assertEqual(text, self.messages("inspect", "broken.rfl", "--diagnostics-format=text"))
        self.assertTrue(text.startswith("broken.rfl:"))

    def test_json(self):
        lines = self.json_lines("inspect", "broken.rfl", "--diagnostics-format=json")
        self.assertGreaterEqual(len(lines), 2)
        for line in lines:
            self.assertEqual((line["severity"], line["file"]), ("error", "broken.rfl"))
        unknown = next(line for line in lines if "cnv" in line["message"])
        self.assertEqual(unknown["message"], "unknown op or unit 'cnv'")
        self.assertEqual(unknown["hint"], "did you mean 'conv'?")
        self.check_position(BROKEN, unknown["line"], unknown["column"], "cnv")
        self.assertEqual(unknown["end_column"] - unknown["column"], len("cnv"))
        self.assertEqual([note["message"] for note in unknown["notes"]], ["in the call of unit 'block' here"])
        self.check_position(BROKEN, unknown["notes"][0]["line"], unknown["notes"][0]["column"], "block")
        # Text and JSON say the same.
        text = self.messages("inspect", "broken.rfl")
        for line in lines:
            self.assertIn(f"broken.rfl:{line['line']}:{line['column']}: error: {line['message']}\n", text)

    def test_json_of_a_good_command(self):
        self.assertEqual(self.invoke("inspect", "small.rfl", "--diagnostics-format=json").stderr, "")

    def test_bytes_that_are_no_text(self):
        self.write(os.fsdecode(b"a\xff \"b.rfl"), "network")
        lines = self.json_lines("inspect", os.fsdecode(b"a\xff \"b.rfl"), "--diagnostics-format", "json")
        self.assertEqual(lines[0]["file"], "a\\xff \"b.rfl")

    def test_more_errors_than_are_shown(self):
        self.write("many.rfl", "network many {\n" + "    x = ;\n" * 300 + "}\n")
        lines = self.json_lines("inspect", "many.rfl", "--diagnostics-format=json")
        self.assertEqual(len(lines), 101)
        self.assertRegex(lines[-1]["message"], r"^\d+ more errors are not shown$")

    # ---- SARIF ----

    def check_location(self, location):
        place = location["physicalLocation"]
        uri = urllib.parse.urlparse(place["artifactLocation"]["uri"])
        self.assertIn(uri.scheme, ("", "file"))
        if "region" in place:
            region = place["region"]
            self.assertGreaterEqual(min(region.values()), 1)
            self.assertGreaterEqual((region["endLine"], region["endColumn"]),
                                    (region["startLine"], region["startColumn"]))
        return place

    def sarif(self, *words, status=1):
        """The log, after a look at all that the schema of SARIF 2.1.0 requires of what is in it."""
        done = self.invoke(*words, "--diagnostics-format=sarif")
        self.assertEqual(done.returncode, status)
        log = json.loads(done.stderr)
        self.assertEqual(log["version"], "2.1.0")
        self.assertTrue(log["$schema"].endswith("/sarif-schema-2.1.0.json"))
        (run,) = log["runs"]
        self.assertEqual(run["tool"]["driver"]["name"], "riffle")
        self.assertIn(run["columnKind"], ("utf16CodeUnits", "unicodeCodePoints"))
        (invocation,) = run["invocations"]
        self.assertEqual((invocation["executionSuccessful"], invocation["exitCode"]), (status == 0, status))
        for result in run["results"]:
            self.assertIn(result["level"], ("none", "note", "warning", "error"))
            self.assertTrue(result["message"]["text"])
            for location in result.get("locations", []):
                self.check_location(location)
            for location in result.get("relatedLocations", []):
                self.check_location(location)
                self.assertTrue(location["message"]["text"])
        return run["results"]

    def test_sarif(self):
        results = self.sarif("inspect", "broken.rfl")
        unknown = next(result for result in results if "cnv" in result["message"]["text"])
        self.assertEqual(unknown["message"]["text"], "unknown op or unit 'cnv'\nhint: did you mean 'conv'?")
        place = unknown["locations"][0]["physicalLocation"]
        self.assertEqual(place, {"artifactLocation": {"uri": "broken.rfl"},
                                 "region": {"startLine": 2, "startColumn": 17, "endLine": 2, "endColumn": 20}})
        self.assertEqual(len(unknown["relatedLocations"]), 1)

    def test_sarif_counts_in_utf16(self):
        self.write("wide.rfl", "network wide { assert \"…😀\" == oops, \"\" }\n")
        (result,) = self.sarif("inspect", "wide.rfl")
        column = len("network wide { assert \"…😀\" == ".encode("utf-16-le")) // 2 + 1
        self.assertEqual(result["locations"][0]["physicalLocation"]["region"]["startColumn"], column)

    def test_sarif_without_messages(self):
        self.assertEqual(self.sarif("inspect", "small.rfl", status=0), [])

    def test_sarif_names_files_by_uri(self):
        path = self.write("50% of: é.rfl", "network")
        (result, *_) = self.sarif("inspect", path.name)
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        self.assertEqual(uri, "50%25%20of%3A%20%C3%A9.rfl")
        (result, *_) = self.sarif("inspect", path)
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        self.assertEqual(urllib.parse.unquote(urllib.parse.urlparse(uri).path), str(path))
        self.assertTrue(uri.startswith("file:///"))

    # ---- all commands ----

    def test_every_command(self):
        for command in COMMANDS:
            with self.subTest(command):
                lines = self.json_lines(command, "--xyzzy", "--diagnostics-format=json", status=2)
                self.assertEqual(lines[0]["message"], "unknown option '--xyzzy'")
                (result, *_) = self.sarif(command, "--xyzzy", status=2)
                self.assertTrue(result["message"]["text"].startswith("unknown option '--xyzzy'"))
                text = self.messages(command, "--xyzzy", "--color=always", status=2)
                self.assertIn(ESCAPE, text)
                self.assertIn("--diagnostics-format=FORMAT", self.succeed(command, "--help"))

    def test_mistakes(self):
        self.expect_error("inspect small.rfl --diagnostics-format=sarf",
                          "riffle: error: 'sarf' is no value for --diagnostics-format: give text, json or sarif\n"
                          "hint: did you mean 'sarif'?\n", status=2)
        self.expect_error("inspect small.rfl --color=sometimes",
                          "riffle: error: 'sometimes' is no value for --color: give auto, always or never\n", status=2)
        self.expect_error("inspect small.rfl --color",
                          "riffle: error: option '--color' needs a value: --color WHEN\n", status=2)

    # ---- colours ----

    def on_terminal(self, *words, **environment):
        """What riffle writes to a standard error that is a terminal."""
        main, terminal = pty.openpty()
        settings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        settings.update({"TERM": "xterm"}, **environment)
        with os.fdopen(main, "rb") as reader:
            done = subprocess.Popen([RIFFLE, *words], cwd=self.folder, env=settings, stderr=terminal,
                                    stdout=subprocess.DEVNULL)
            os.close(terminal)
            text = b""
            try:
                while piece := reader.read1(4096):
                    text += piece
            except OSError:  # how Linux says that the other end is closed
                pass
            done.wait(SECONDS)
        return text.decode().replace("\r\n", "\n")

    def test_colours_on_terminals(self):
        words = ["inspect", "broken.rfl"]
        plain = self.messages(*words)
        coloured = self.on_terminal(*words)
        self.assertIn("\x1b[1;31merror:\x1b[m", coloured)
        self.assertIn("\x1b[1;32m^~~\x1b[m", coloured)
        self.assertNotIn(ESCAPE, plain)
        for code in ("1", "1;31", "1;32", "1;35", "1;36", ""):
            coloured = coloured.replace(f"\x1b[{code}m", "")
        self.assertEqual(coloured, plain)
        self.assertEqual(self.on_terminal(*words, NO_COLOR="1"), plain)
        self.assertEqual(self.on_terminal(*words, TERM="dumb"), plain)
        self.assertIn(ESCAPE, self.on_terminal(*words, NO_COLOR=""))
        self.assertEqual(self.on_terminal(*words, "--color=never"), plain)
        self.assertIn(ESCAPE, self.on_terminal(*words, "--color=always", NO_COLOR="1"))
        self.assertIn(ESCAPE, self.messages(*words, "--color=always"))
        self.assertNotIn(ESCAPE, self.on_terminal(*words, "--diagnostics-format=json"))


if __name__ == "__main__":
    unittest.main()
