"""riffle completion: what shells complete."""

import re
import shutil
import subprocess
import unittest

from support import COMMANDS, Command

def bash_replies(script, *words):
    """What bash offers for the last of the words."""
    line = " ".join(["riffle", *words])
    code = (f'{script}\nCOMP_WORDS=(riffle {" ".join(repr(word) for word in words)})\nCOMP_CWORD={len(words)}\n'
            f'COMP_LINE={line!r}\n_riffle\nprintf "%s\\n" "${{COMPREPLY[@]}}"')
    return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout.split()


class Completion(Command):
    def test_bash(self):
        script = self.succeed("completion", "bash")
        self.assertEqual(bash_replies(script, "comp"), ["compile", "completion"])
        self.assertEqual(bash_replies(script, "compile", "--weights-f"), ["--weights-file"])
        self.assertIn("x86-64-v3", bash_replies(script, "compile", "--target", "x86"))
        self.assertEqual(bash_replies(script, "fmt", "--weights"), [])
        self.assertEqual(bash_replies(script, "compile", "net.rf"), [])

    def test_every_option(self):
        """All that --help tells of a command, in each shell."""
        scripts = {shell: self.succeed("completion", shell) for shell in ["bash", "zsh", "fish"]}
        for command in COMMANDS:
            options = set(re.findall(r"^ {2,6}(?:-\w, )?--([a-z-]+)", self.succeed(command, "--help").split("Example")[0],
                                     re.MULTILINE))
            options -= {"help", "usage", "version"}
            bash = re.search(rf'^    {command}\) options="(.*)"', scripts["bash"], re.MULTILINE).group(1).split()
            self.assertEqual({f"--{option}" for option in options} | {"--help"}, set(bash), command)
            for option in options:
                self.assertRegex(scripts["fish"], rf"from {command}' -l {option}\b")
            zsh = scripts["zsh"].split(f"\n    {command}) _arguments", 1)[1].split(";;", 1)[0]
            self.assertEqual(set(re.findall(r"'\*--([a-z-]+)", zsh)), options, command)

    def test_shells_take_it(self):
        for shell in ["bash", "zsh", "fish"]:
            if shutil.which(shell):
                path = self.write(f"completion.{shell}", self.succeed("completion", shell))
                done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_mistakes(self):
        self.expect_error("completion csh", "riffle: error: riffle knows nothing of the shell 'csh'\n"
                          "hint: give bash, zsh or fish\n", status=2)


if __name__ == "__main__":
    unittest.main()
