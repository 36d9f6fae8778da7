"""What an editor makes of a TextMate grammar: the part of the language that riffle's grammars use, with the rules of
https://macromates.com/manual/en/language_grammars and regular expressions that Python reads as Oniguruma does."""

import json
import re


class Grammar:
    def __init__(self, path):
        self.data = json.loads(path.read_text())
        self.name = self.data["scopeName"]
        self.compiled = {}

    def regex(self, text):
        if text not in self.compiled:
            self.compiled[text] = re.compile(text)
        return self.compiled[text]

    def rules(self, patterns):
        """Those of the list, with what it includes, in order."""
        for pattern in patterns:
            include = pattern.get("include")
            if include is None:
                yield pattern
            elif include == "$self":
                yield from self.rules(self.data["patterns"])
            else:
                rule = self.data["repository"][include.removeprefix("#")]
                yield from self.rules([rule] if "match" in rule or "begin" in rule else rule["patterns"])

    def tokens(self, text):
        """(text, scopes) of each piece, line by line; every character is in one."""
        stack = []
        for line in text.splitlines(True):
            yield from self.line(line, 0, len(line), stack)

    def line(self, line, at, end, stack):
        while at < end:
            rule, match, ends = self.next(line, at, end, stack)
            if match is None:
                yield line[at:end], self.scopes(stack)
                return
            if match.start() > at:
                yield line[at:match.start()], self.scopes(stack)
            if ends:
                yield from self.captures(line, match, rule.get("endCaptures", {}), self.scopes(stack))
                stack.pop()
            elif "begin" in rule:
                stack.append(rule)
                yield from self.captures(line, match, rule.get("beginCaptures", {}), self.scopes(stack))
            else:
                if match.end() == match.start():
                    raise AssertionError(f"a rule that matches nothing: {rule}")
                yield from self.captures(line, match, rule.get("captures", {}),
                                         self.scopes(stack) + ([rule["name"]] if "name" in rule else []))
            at = match.end()

    def next(self, line, at, end, stack):
        """The earliest match; of those, the end of what is open, or else the first rule."""
        best = (None, None, False)
        patterns = self.data["patterns"]
        if stack:
            match = self.regex(stack[-1]["end"]).search(line, at, end)
            best = (stack[-1], match, True) if match is not None else best
            patterns = stack[-1].get("patterns", [])
        for rule in self.rules(patterns):
            match = self.regex(rule.get("match") or rule["begin"]).search(line, at, end)
            if match is not None and (best[1] is None or match.start() < best[1].start()):
                best = (rule, match, False)
        return best

    def scopes(self, stack):
        return [self.name] + [rule["name"] for rule in stack if "name" in rule]

    def captures(self, line, match, captures, scopes):
        if match.end() == match.start():
            return
        at = match.start()
        if "0" in captures:
            yield match.group(), scopes + [captures["0"]["name"]]
            return
        for number in sorted(int(key) for key in captures):
            begin, end = match.span(number)
            if begin > at:
                yield line[at:begin], scopes
            capture = captures[str(number)]
            inner = scopes + ([capture["name"]] if "name" in capture else [])
            if "patterns" in capture:
                part = Part(self, capture["patterns"])
                yield from ((text, inner + more) for text, more in part.tokens(line[begin:end]))
            else:
                yield line[begin:end], inner
            at = end
        if at < match.end():
            yield line[at:match.end()], scopes


class Part(Grammar):
    """The rules of a capture, for its text alone."""

    def __init__(self, grammar, patterns):
        self.data = {"patterns": patterns, "repository": grammar.data["repository"]}
        self.compiled = grammar.compiled

    def scopes(self, stack):
        return [rule["name"] for rule in stack if "name" in rule]
