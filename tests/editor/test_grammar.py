#!/usr/bin/env python3
"""The grammars of docs/vscode colour what riffle knows: their lists of words are those of its tables, every word of
these has its colour, and the examples come out as they are read. `--update` writes the lists anew."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from support import RIFFLE, ROOT  # noqa: E402
from test_lsp import frame, notification, request, unframe  # noqa: E402
from textmate import Grammar  # noqa: E402

SYNTAXES = ROOT / "docs" / "vscode" / "syntaxes"
SPEC, GRAPH = SYNTAXES / "riffle.tmLanguage.json", SYNTAXES / "riffle-graph.tmLanguage.json"
KEYWORD, FUNCTION = 14, 3  # kinds of completions
TYPES = re.findall(r"\[ELEMENT_\w+\] = \"(\w+)\"", (ROOT / "ir" / "types.c").read_text())


def output(*words):
    return subprocess.run([RIFFLE, *map(str, words)], capture_output=True, text=True, check=True).stdout


def completions():
    """What the language server offers in an empty network: keywords, ops with their summaries, functions."""
    text = "network n {\n    \n}\n"
    uri = "file:///n.rfl"
    document = {"uri": uri, "languageId": "riffle", "version": 1, "text": text}
    ask = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 4}}
    sent = [request(0, "initialize", {"capabilities": {}}), notification("initialized"),
            notification("textDocument/didOpen", {"textDocument": document}),
            request(1, "textDocument/completion", ask), request(2, "shutdown"), notification("exit")]
    done = subprocess.run([RIFFLE, "lsp"], input=b"".join(map(frame, sent)), capture_output=True, check=True)
    (answer,) = [message["result"] for message in unframe(done.stdout) if message.get("id") == 1]
    return answer if isinstance(answer, list) else answer["items"]


def tables():
    """The words of each list, by grammar and rule."""
    items = completions()
    functions = [item for item in items if item["kind"] == FUNCTION]
    reference = output("ops", "--markdown")
    words = re.findall(r"`(\w+)`", " ".join(re.findall(r"one of (`.*`) \|$", reference, re.MULTILINE)))
    return {
        SPEC: {"keywords": [item["label"] for item in items
                            if item["kind"] == KEYWORD and item["label"] not in ("true", "false")],
               "types": ["f32", "u8"],
               "functions": [item["label"] for item in functions if not has_summary(item)],
               "operations": [item["label"] for item in functions if has_summary(item)]},
        GRAPH: {"types": TYPES, "choices": [word for word in words if word not in TYPES],
                "operations": re.findall(r"^## `?(\w+)`?$", reference, re.MULTILINE)},
    }


def has_summary(item):
    return bool(item.get("documentation") or item.get("detail"))


def list_rule(words):
    return r"\b(?:" + "|".join(sorted(set(words))) + r")\b"


def write_lists():
    for path, lists in tables().items():
        text = path.read_text()
        for rule, words in lists.items():
            line = re.compile(r'^(        "' + rule + r'": \{ "name": "[\w.-]+", "match": )".*" \}', re.MULTILINE)
            text, count = line.subn(lambda found, words=words: found[1] + json.dumps(list_rule(words)) + " }", text)
            assert count == 1, (path, rule)
        path.write_text(text)


def kind(scopes):
    """The last scope without the name of the language."""
    return scopes[-1].rsplit(".", 1)[0] if len(scopes) > 1 else ""


class Lists(unittest.TestCase):
    maxDiff = None

    def test_lists(self):
        """If not: tests/editor/test_grammar.py --update"""
        for path, lists in tables().items():
            repository = json.loads(path.read_text())["repository"]
            for rule, words in lists.items():
                self.assertGreater(len(words), 1, rule)
                self.assertEqual(repository[rule]["match"], list_rule(words), f"{path.name}: {rule}")


class Colours(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.spec, self.graph = Grammar(SPEC), Grammar(GRAPH)

    def assert_colours(self, grammar, text, expected):
        got = [(piece, kind(scopes)) for piece, scopes in grammar.tokens(text) if kind(scopes)]
        self.assertEqual(got, expected, text)

    def test_every_word(self):
        lists = tables()[SPEC]
        for word in lists["keywords"]:
            self.assert_colours(self.spec, word, [(word, "keyword.other")])
        for word in lists["operations"]:
            for text in (f"x |> {word}", f"x |> {word}(", f"{word}(", f"if a then {word}"):
                self.assertIn((word, "support.function.operation"),
                              [(piece, kind(scopes)) for piece, scopes in self.spec.tokens(text)], text)
        for word in lists["functions"]:
            self.assert_colours(self.spec, f"{word}(", [(word, "support.function.builtin")])
        lists = tables()[GRAPH]
        for word in lists["operations"]:
            for rest in ("%1 : f32[1]", "%a, %b {at = 1} : f32[1]", "weight=@w : f32[1]", "{a = 1} : f32[1]", ": f32[1]"):
                self.assertIn((word, "support.function.operation"),
                              [(piece, kind(scopes)) for piece, scopes in self.graph.tokens(f"  %2 = {word} {rest}")])
        for word in lists["choices"]:
            self.assertIn((word, "constant.other.choice"),
                          [(piece, kind(scopes)) for piece, scopes in self.graph.tokens(f"{{kind = {word}}}")])
        for word in TYPES:
            self.assert_colours(self.graph, word, [(word, "storage.type")])

    def test_a_spec(self):
        self.assert_colours(self.spec, 'network net(width = 1.5e-3) { # "no string"\n', [
            ("network", "keyword.other"), ("net", "entity.name.function"), ("width", "variable.other"),
            ("=", "keyword.operator"), ("1.5e-3", "constant.numeric"), ('# "no string"', "comment.line.number-sign")])
        self.assert_colours(self.spec, '    x = y |> conv(8, padding=1) @ a.{i + 1}."b {j}" |> my_unit\n', [
            ("x", "variable.other"), ("=", "keyword.operator"), ("|>", "keyword.operator.pipe"),
            ("conv", "support.function.operation"), ("8", "constant.numeric"), ("padding", "variable.other"),
            ("=", "keyword.operator"), ("1", "constant.numeric"), ("@ ", "punctuation.definition.tag"),
            ("a.", "entity.name.tag.path"), ("{", "punctuation.section.embedded.begin"), ("i ", "meta.embedded"),
            ("+", "keyword.operator"), (" ", "meta.embedded"), ("1", "constant.numeric"),
            ("}", "punctuation.section.embedded.end"), (".", "entity.name.tag.path"), ('"', "string.quoted.double"),
            ("b ", "string.quoted.double"), ("{", "punctuation.section.embedded.begin"), ("j", "meta.embedded"),
            ("}", "punctuation.section.embedded.end"), ('"', "string.quoted.double"),
            ("|>", "keyword.operator.pipe"), ("my_unit", "entity.name.function.call")])
        self.assert_colours(self.spec, 'for i in 0 .. 2 { s = "a\\"\\q{"b}"\n', [
            ("for", "keyword.other"), ("in", "keyword.other"), ("0", "constant.numeric"), ("..", "keyword.operator"),
            ("2", "constant.numeric"), ("s", "variable.other"), ("=", "keyword.operator"), ('"', "string.quoted.double"),
            ("a", "string.quoted.double"), ('\\"', "constant.character.escape"), ("\\q", "invalid.illegal.escape"),
            ("{", "punctuation.section.embedded.begin"), ('"', "string.quoted.double"), ("b", "string.quoted.double"),
            ("}", "invalid.illegal.brace"), ('"', "string.quoted.double"), ("\n", "meta.embedded")])
        self.assert_colours(self.spec, "a == true and 1..3", [
            ("==", "keyword.operator"), ("true", "constant.language"), ("and", "keyword.other"),
            ("1", "constant.numeric"), ("..", "keyword.operator"), ("3", "constant.numeric")])

    def test_a_graph(self):
        self.assert_colours(self.graph, '  %1 "a\\x41" = reduce %x weight=@"a b" {kind = mean, axes = [2..3]} : f32[-1]\n', [
            ("%1", "variable.other"), ('"', "string.quoted.double"), ("a", "string.quoted.double"),
            ("\\x41", "constant.character.escape"), ('"', "string.quoted.double"), ("=", "keyword.operator"),
            ("reduce", "support.function.operation"), ("%x", "variable.other"), ("weight", "variable.parameter"),
            ("=", "keyword.operator"), ("@", "entity.name.tag.weight"), ('"', "string.quoted.double"),
            ("a b", "string.quoted.double"), ('"', "string.quoted.double"), ("kind", "variable.parameter"),
            ("=", "keyword.operator"), ("mean", "constant.other.choice"), ("axes", "variable.parameter"),
            ("=", "keyword.operator"), ("2", "constant.numeric"), ("..", "keyword.operator"), ("3", "constant.numeric"),
            (":", "keyword.operator"), ("f32", "storage.type"), ("-1", "constant.numeric")])
        self.assert_colours(self.graph, "  weight @stage2.0.conv-1/w : f32[4]", [
            ("weight", "keyword.other"), ("@stage2.0.conv-1/w", "entity.name.tag.weight"), (":", "keyword.operator"),
            ("f32", "storage.type"), ("4", "constant.numeric")])

    def test_examples(self):
        """Each piece of text is there, nothing is invalid, and strings, comments and braces end where they end."""
        specs = sorted((ROOT / "examples").rglob("*.rfl"))
        self.assertGreater(len(specs), 30)
        for path in specs:
            text = path.read_text()
            pieces = list(self.spec.tokens(text + "\nlast = 1"))
            self.assertEqual("".join(piece for piece, _ in pieces), text + "\nlast = 1", path)
            self.assertEqual(pieces[-1][1], ["source.riffle", "constant.numeric.riffle"], path)
            self.check(pieces, path, tables_once()[SPEC])

    def test_graphs_of_examples(self):
        for name in ("shufflenet_v1", "shufflenet_v2", "shufflenet_v2_plus", "squeezenet", "detect/yunet"):
            for level in ("-O0", "-O2"):
                text = output("opt", ROOT / "examples" / f"{name}.rfl", level)
                pieces = list(self.graph.tokens(text))
                self.assertEqual("".join(piece for piece, _ in pieces), text)
                self.check(pieces, name, tables_once()[GRAPH])
                ops = [piece for piece, scopes in pieces if kind(scopes) == "support.function.operation"]
                results = len(re.findall(r"^  (?:%\w+(?:, )?)+ = ", text, re.MULTILINE))
                self.assertGreaterEqual(len(ops), results)
                plain = [piece for piece, scopes in pieces if not kind(scopes)]
                for piece in plain:
                    self.assertNotRegex(piece, r"[%@\"#:]|\b\d+\b", f"{name} {level}")

    def check(self, pieces, name, lists):
        for piece, scopes in pieces:
            self.assertNotIn("invalid", kind(scopes), name)
            if kind(scopes) in ("", "meta.embedded"):
                for word in re.findall(r"\w+", piece):
                    self.assertFalse(word.isdigit(), f"{name}: {piece!r}")
                    self.assertNotIn(word, lists.get("keywords", []), name)
                    self.assertNotIn(word, lists["operations"], name)


def tables_once(found={}):  # noqa: B006
    if not found:
        found.update(tables())
    return found


if __name__ == "__main__":
    if "--update" in sys.argv:
        write_lists()
    else:
        unittest.main()
