"""riffle lsp: transcripts of what an editor sends and gets, and what it makes of clients that send nonsense."""

import json
import random
import subprocess
import unittest

from support import RIFFLE, ROOT, SECONDS, Command

UNITS = """unit conv_relu(x, channels, stride = 1) {
    return x |> conv(channels, 3, stride = stride) |> relu
}
"""
SPEC = """import "units.rfl"

# 😀 counts two in UTF-16, and é one
network small(classes = 4, name = "é😀") {
    input image: f32[1, 3, 8, 8] = pixels(rgb)
    x = image |> conv(8, 3, padding = 1) @ conv |> relu
    for i in 0 .. 2 {
        x = x |> conv(8, 1) @ {name}.{i}
    }
    y = x |> conv_relu(16, stride = 2)
    output logits = y |> global_avg_pool |> linear(classes) @ fc
}
"""

ERROR, PARSE, NOT_FOUND, PARAMS, EARLY = -32600, -32700, -32601, -32602, -32002


def frame(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def request(number, method, params=None):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def notification(method, params=None):
    return {"jsonrpc": "2.0", "method": method, "params": params or {}}


def unframe(data):
    messages = []
    while data:
        head, data = data.split(b"\r\n\r\n", 1)
        name, length = head.split(b": ")
        assert name == b"Content-Length"
        messages.append(json.loads(data[:int(length)]))
        data = data[int(length):]
    return messages


def position(text, word, skip=0, inside=0):
    """Of the word in the text, as editors count."""
    at = -1
    for _ in range(skip + 1):
        at = text.index(word, at + 1)
    line = text.count("\n", 0, at)
    column = text[text.rfind("\n", 0, at) + 1:at + inside]
    return {"line": line, "character": len(column.encode("utf-16-le")) // 2}


class Server(Command):
    def setUp(self):
        super().setUp()
        self.write("units.rfl", UNITS)
        self.uri = self.write("net.rfl", SPEC).as_uri()
        self.units_uri = (self.folder / "units.rfl").resolve().as_uri()

    def talk(self, data, status=0):
        done = subprocess.run([RIFFLE, "lsp"], input=data, capture_output=True, timeout=SECONDS, check=False,
                              cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (status, b""))
        return unframe(done.stdout)

    def session(self, messages, text=SPEC, uri=None):
        """What a well-behaved client gets that opens the text and sends these."""
        opened = notification("textDocument/didOpen", {"textDocument": {
            "uri": uri or self.uri, "languageId": "riffle", "version": 1, "text": text}})
        sent = [request(0, "initialize", {"capabilities": {}}), notification("initialized"), opened, *messages,
                request("end", "shutdown"), notification("exit")]
        answers = self.talk(b"".join(map(frame, sent)))
        self.assertEqual(answers[0]["result"]["capabilities"]["positionEncoding"], "utf-16")
        self.assertEqual(answers[-1], {"jsonrpc": "2.0", "id": "end", "result": None})
        return answers[1:-1]

    def ask(self, method, place=None, text=SPEC, uri=None):
        params = {"textDocument": {"uri": uri or self.uri}}
        if place is not None:
            params["position"] = place
        answers = self.session([request(7, method, params)], text, uri)
        (answer,) = [answer for answer in answers if answer.get("id") == 7]
        return answer["result"]

    def diagnostics(self, text, uri=None):
        (published,) = self.session([], text, uri)
        self.assertEqual(published["method"], "textDocument/publishDiagnostics")
        self.assertEqual(published["params"]["uri"], uri or self.uri)
        return published["params"]["diagnostics"]

    def complete(self, line):
        """At the ^ of the line, which takes the place of the last ones of the network."""
        before = SPEC[:SPEC.index("    y = x")]
        left, right = line.split("^")
        text = f"{before}    {left}{right}\n}}\n"
        at = len(before) + 4 + len(left)
        column = len(text[text.rfind("\n", 0, at) + 1:at].encode("utf-16-le")) // 2
        place = {"line": text.count("\n", 0, at), "character": column}
        return self.ask("textDocument/completion", place, text)

    def labels(self, line):
        items = self.complete(line)
        labels = [item["label"] for item in items]
        self.assertEqual(len(labels), len(set(labels)))
        return {item["label"]: item["kind"] for item in items}


class Transcript(Server):
    def test_diagnostics(self):
        self.assertEqual(self.diagnostics(SPEC), [])
        broken = SPEC.replace("conv_relu(16", "cnv_relu(16")
        (message,) = self.diagnostics(broken)
        start = position(broken, "cnv_relu")
        self.assertEqual(message["range"], {"start": start, "end": {**start, "character": start["character"] + 8}})
        self.assertEqual((message["severity"], message["source"]), (1, "riffle"))
        self.assertEqual(message["message"], "unknown op or unit 'cnv_relu'\nhint: did you mean 'conv_relu'?")

    def test_positions_are_utf16(self):
        broken = SPEC.replace("{name}.{i}", "\"é😀\".{oops}")
        (message,) = self.diagnostics(broken)
        self.assertEqual(message["range"]["start"], position(broken, "oops"))

    def test_diagnostics_as_one_types(self):
        texts = [SPEC.replace("relu", "rel"), SPEC.replace("}", ""), "", SPEC]
        changes = [notification("textDocument/didChange", {
            "textDocument": {"uri": self.uri, "version": i + 2}, "contentChanges": [{"text": text}]})
            for i, text in enumerate(texts)]
        closed = notification("textDocument/didClose", {"textDocument": {"uri": self.uri}})
        counts = [len(answer["params"]["diagnostics"]) for answer in self.session([*changes, closed])]
        self.assertEqual([count > 0 for count in counts], [False, True, True, False, False, False])

    def test_a_mistake_in_an_import_is_shown_at_the_import(self):
        self.write("units.rfl", UNITS.replace("return", "retrun"))
        messages = self.diagnostics(SPEC)
        shown = messages[0]
        self.assertEqual(shown["range"]["start"], {"line": 0, "character": 0})
        self.assertIn("units.rfl:2:", shown["message"])
        self.assertEqual(shown["relatedInformation"][-1]["message"], "imported here")

    def test_files_of_units_need_no_network(self):
        self.assertEqual(self.diagnostics(UNITS, self.units_uri), [])

    def test_rules(self):
        rule = "rewrite twice(x) {\n    x |> relu |> relu => x |> relu\n}\n"
        self.assertEqual(self.diagnostics(rule), [])
        (message,) = self.diagnostics(rule.replace("x |> relu |> relu", "x |> rellu"))
        self.assertEqual(message["range"]["start"], {"line": 1, "character": 9})
        self.assertIn("unknown op 'rellu'", message["message"])

    def test_json_specs(self):
        uri = (self.folder / "net.json").as_uri()
        text = self.succeed("convert", "--to", "json", "small.rfl")
        self.assertEqual(self.diagnostics(text, uri), [])
        self.assertTrue(self.diagnostics("{}", uri))
        self.assertIsNone(self.ask("textDocument/hover", {"line": 0, "character": 0}, text, uri))

    def test_hover(self):
        hover = self.ask("textDocument/hover", position(SPEC, "conv(8, 3", inside=2))
        self.assertEqual(hover["range"]["start"], position(SPEC, "conv(8, 3"))
        text = hover["contents"]["value"]
        self.assertIn("`f32[1,3,8,8] -> f32[1,8,8,8]`: 216 parameters, 13824 MACs\n", text)
        self.assertIn("| `stride` |", text)

    def test_hover_in_a_loop(self):
        text = self.ask("textDocument/hover", position(SPEC, "conv(8, 1"))["contents"]["value"]
        self.assertEqual(text.count("`f32[1,8,8,8] -> f32[1,8,8,8]`: 64 parameters, 4096 MACs\n"), 2)
        self.assertIn("2 nodes: 128 parameters, 8192 MACs in all", text)

    def test_hover_agrees_with_inspect(self):
        spec = (ROOT / "examples" / "shufflenet_v2.rfl").read_text()
        path = ROOT / "examples" / "shufflenet_v2.rfl"
        (layer,) = [layer for layer in json.loads(self.succeed("inspect", path, "--json"))["layers"]
                    if layer["name"] == "fc"]
        text = self.ask("textDocument/hover", position(spec, "linear("), spec, path.as_uri())["contents"]["value"]
        self.assertIn(f"{layer['parameters']} parameters, {layer['macs']} MACs", text)

    def test_hover_of_units_and_of_nothing(self):
        text = self.ask("textDocument/hover", position(SPEC, "conv_relu"))["contents"]["value"]
        self.assertIn("unit conv_relu(x, channels, stride)", text)
        self.assertIsNone(self.ask("textDocument/hover", {"line": 1, "character": 0}))
        self.assertIsNone(self.ask("textDocument/hover", {"line": 10**9, "character": 10**9}))

    def test_definition(self):
        found = self.ask("textDocument/definition", position(SPEC, "conv_relu", inside=3))
        self.assertEqual(found["uri"], self.units_uri)
        self.assertEqual(found["range"]["start"], position(UNITS, "conv_relu"))
        found = self.ask("textDocument/definition", position(SPEC, "units.rfl", inside=3))
        self.assertEqual(found, {"uri": self.units_uri,
                                 "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}})
        found = self.ask("textDocument/definition", position(SPEC, "classes) @"))
        self.assertEqual((found["uri"], found["range"]["start"]), (self.uri, position(SPEC, "classes = 4")))
        found = self.ask("textDocument/definition", position(SPEC, "image |>"))
        self.assertEqual(found["range"]["start"], position(SPEC, "image:"))
        found = self.ask("textDocument/definition", position(SPEC, "x |> conv(8, 1"))
        self.assertEqual(found["range"]["start"], position(SPEC, "x = image"))
        self.assertIsNone(self.ask("textDocument/definition", position(SPEC, "global_avg_pool")))

    def test_completion(self):
        for line in ("y = x |> co^", "y = ^", "y = x |> conv(8, 3) |> ^", "y = \"{^}\""):
            with self.subTest(line):
                labels = self.labels(line)
                self.assertLessEqual({"conv", "relu", "conv_relu", "image", "x", "classes", "for"}, set(labels))
                self.assertFalse({"i", "stride"} & set(labels))  # the loop is over, and no call is open
                self.assertEqual((labels["image"], labels["classes"], labels["conv"]), (6, 6, 3))

    def test_completion_of_arguments(self):
        labels = self.labels("y = x |> conv(8, 3, ^")
        self.assertLessEqual({"channels", "kernel", "stride", "groups", "bias", "image"}, set(labels))
        self.assertEqual(labels["stride"], 5)
        labels = self.labels("y = x |> conv_relu(st^)")
        self.assertEqual((labels["stride"], labels["classes"]), (5, 6))
        self.assertNotIn("groups", labels)
        labels = self.labels("y = x |> reduce([2], kind = ^)")
        self.assertEqual(labels["mean"], 20)

    def test_completion_in_rules(self):
        rule = "rewrite twice(x) {\n    x |> relu @ r => x |> relu\n    where us\n}\n"
        items = self.ask("textDocument/completion", position(rule, "where us", inside=8), rule)
        labels = {item["label"]: item for item in items}
        self.assertLessEqual({"users", "channels", "macs", "matmul", "relu", "activation", "any"}, set(labels))
        self.assertIn("how often a tensor", json.dumps(labels["users"]))
        self.assertNotIn("macs", self.labels("y = x |> co^"))

    def test_no_completion_in_text(self):
        for line in ("# co^", "y = x |> conv(8, 3) @ co^", "assert true, \"co^", "assert true, \"c^o\""):
            with self.subTest(line):
                self.assertEqual(self.complete(line), [])

    def test_formatting(self):
        untidy = SPEC.replace("    x = image", "  x   =image").replace(", 3", ",3")
        self.write("untidy.rfl", untidy)
        (edit,) = self.ask("textDocument/formatting", None, untidy)
        self.assertEqual(edit["newText"], self.succeed("fmt", "untidy.rfl"))
        self.assertEqual(edit["range"], {"start": {"line": 0, "character": 0},
                                         "end": {"line": untidy.count("\n"), "character": 0}})
        self.assertIsNone(self.ask("textDocument/formatting", None, "network {"))


class Hostile(Server):
    def errors(self, data, status=1):
        return [answer["error"]["code"] for answer in self.talk(data, status) if "error" in answer]

    def test_framing(self):
        self.assertEqual(self.talk(b"", 1), [])
        for data in (b"Content-Length: 5\r\n\r\n{}", b"Content-Length: x\r\n\r\n{}", b"\r\n{}",
                     b"Content-Length: -1\r\n\r\n", b"Content-Length: 99999999999999999999\r\n\r\n", b"a" * 5000,
                     b"a: b\r\n" * 100, b"Content-Length: 2"):
            with self.subTest(data[:30]):
                self.assertEqual(self.errors(data), [PARSE])

    def test_bodies(self):
        for body in (b"", b"{", b"\xff", b"[" * 100000, b'{"a":"\\u0000"}', b"nonsense"):
            with self.subTest(body[:20]):
                self.assertEqual(self.errors(frame(body) + frame(request(1, "initialize"))), [PARSE])
        for body in (b"[]", b"3", b"null", b"{}", b'{"id":{},"method":"initialize"}', b'{"id":1,"method":3}'):
            with self.subTest(body):
                if body in (b"3", b"null"):
                    expected = [PARSE]  # RFC 4627: what jansson reads is an object or a list
                else:
                    expected = [ERROR]
                self.assertEqual(self.errors(frame(body)), expected)

    def test_order(self):
        hover = request(2, "textDocument/hover", {"textDocument": {"uri": self.uri}})
        begin = frame(request(1, "initialize"))
        self.assertEqual(self.errors(frame(hover)), [EARLY])
        self.assertEqual(self.errors(begin + begin), [ERROR])
        self.assertEqual(self.errors(begin + frame(hover)), [PARAMS])
        self.assertEqual(self.errors(begin + frame(request(2, "textDocument/rename"))), [NOT_FOUND])
        self.assertEqual(self.errors(begin + frame(notification("exit")) + b"junk"), [])
        self.assertEqual(self.errors(begin + frame(request(3, "shutdown")) + frame(hover), 0), [ERROR])

    def test_places(self):
        opened = notification("textDocument/didOpen", {"textDocument": {"uri": self.uri, "text": SPEC}})
        begin = frame(request(1, "initialize")) + frame(opened)
        for place in (None, 3, {}, {"line": -1, "character": 0}, {"line": 0.5, "character": 0}, {"line": "0"}):
            with self.subTest(str(place)):
                params = {"textDocument": {"uri": self.uri}, "position": place}
                self.assertEqual(self.errors(begin + frame(request(2, "textDocument/hover", params))), [PARAMS])

    def test_odd_notifications(self):
        params = [None, [], {}, {"textDocument": 3}, {"textDocument": {"uri": self.uri}},
                  {"textDocument": {"uri": self.uri}, "contentChanges": []},
                  {"textDocument": {"uri": self.uri}, "contentChanges": [{"text": 3}]},
                  {"textDocument": {"uri": "file:///%zz", "text": "network"}},
                  {"textDocument": {"uri": "", "text": "import \"-\"\nimport \"\"\nnetwork x {}"}},
                  {"textDocument": {"uri": "file:///%ff.rfl", "text": "network x {"}}]
        data = b"".join(frame({"method": f"textDocument/{method}", "params": each})
                        for each in params for method in ("didOpen", "didChange", "didClose", "didSave"))
        self.assertEqual(self.errors(frame(request(1, "initialize")) + data + frame(request(2, "shutdown")), 0), [])

    def test_every_place_of_mutated_specs(self):
        """Each request at each of many places of texts with bytes taken out or put in: an answer, always."""
        source, messages = random.Random(20), [request(0, "initialize")]
        for _ in range(60):
            text = list(SPEC)
            for _ in range(source.randrange(1, 6)):
                at = source.randrange(len(text))
                text[at:at + source.randrange(3)] = source.choice(["", "{", "}", "(", "\"", "@", "|>", "\n", "#", "😀"])
            text = "".join(text)
            messages.append(notification("textDocument/didOpen", {"textDocument": {"uri": self.uri, "text": text}}))
            for _ in range(30):
                place = {"line": source.randrange(15), "character": source.randrange(60)}
                method = source.choice(["hover", "definition", "completion", "formatting"])
                messages.append(request(len(messages), f"textDocument/{method}",
                                        {"textDocument": {"uri": self.uri}, "position": place}))
        messages += [request(len(messages), "shutdown"), notification("exit")]
        answers = self.talk(b"".join(map(frame, messages)))
        self.assertEqual([answer["id"] for answer in answers if "id" in answer],
                         [message["id"] for message in messages if "id" in message])
        self.assertFalse([answer for answer in answers if "error" in answer])


if __name__ == "__main__":
    unittest.main()
