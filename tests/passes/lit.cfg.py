# Golden tests of the passes: RUN and CHECK lines stand beside the graphs. Run by
#     lit tests/passes -Driffle=build/dev/riffle -Dfaulty=build/dev/tests/passes/faulty_passes \
#         -Dfilecheck=FileCheck-22
# Tests run below the folder of -Dscratch, or in one that is removed afterwards: what riffle leaves in the working
# directory, such as reproducers, is never left in the source tree.
# %faulty is `riffle opt` with the passes of faulty_passes.c.
import atexit
import os
import shutil
import sys
import tempfile

import lit.formats

config.name = "passes"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".rir"]
config.test_source_root = os.path.dirname(__file__)


def find_program(parameter, names):
    given = lit_config.params.get(parameter)
    if given:
        return os.path.abspath(given) if os.sep in given else given
    for name in names:
        if shutil.which(name):
            return name
    lit_config.fatal(f"none of {', '.join(names)} was found; give -D{parameter}=PATH")


riffle = find_program("riffle", ["riffle"])
filecheck = find_program("filecheck", ["FileCheck", "FileCheck-22", "FileCheck-19"])
config.test_exec_root = lit_config.params.get("scratch")
if config.test_exec_root is None:
    config.test_exec_root = tempfile.mkdtemp(prefix="riffle-lit-")
    atexit.register(shutil.rmtree, config.test_exec_root)
config.substitutions.append(("%riffle", riffle))
config.substitutions.append(("%faulty", find_program("faulty", ["faulty_passes"])))
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%FileCheck", filecheck))
