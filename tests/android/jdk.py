"""Where a JDK is whose Java machine takes JNI functions."""

import os
import shutil
from pathlib import Path


def java_home():
    javac = shutil.which("javac")
    homes = [os.environ.get("JAVA_HOME"), Path(javac).resolve().parents[1] if javac else None]
    return next((Path(home) for home in homes if home and (Path(home) / "include" / "jni.h").is_file()), None)


HOME = java_home()
