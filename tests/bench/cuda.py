#!/usr/bin/env python3
"""Compiles networks by nvcc, and on a GPU compares, checks and times them beside PyTorch and TensorRT.

Started by cuda.sh, which finds or builds riffle. What takes longest and matters least comes last and is left out when
the minutes are over: the table says so. Floors of each figure: its bytes (weights, inputs and outputs) over the memory's
bandwidth, its multiply-adds over the peak, its barriers of the whole grid times their latency; all three are measured
here, by ceilings.cu.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cuda"), str(HERE.parent / "numeric")]

import cuda_phases  # noqa: E402
from task import make_task  # noqa: E402

from model import PROGRAM, Model  # noqa: E402
from shim import call, find_nvcc  # noqa: E402
from support import RIFFLE, SHARED, TOLERANCE, run_riffle  # noqa: E402

NETWORKS = [("V2 1.0x", "shufflenet_v2", {"width": 1.0}), ("V2 0.5x", "shufflenet_v2", {"width": 0.5}),
            ("V2 1.5x", "shufflenet_v2", {"width": 1.5}), ("V2 2.0x", "shufflenet_v2", {"width": 2.0}),
            ("V1 1.0x g3", "shufflenet_v1", {"groups": 3, "width": 1.0})]
RELEASED = {"V2 1.0x": "shufflenet_v2_x1_0.safetensors"}
BATCHES = [1, 8]
SANITIZERS = ["memcheck", "racecheck", "synccheck"]
PEERS = HERE / "cuda_peers.py"
# In NAME.cu: the functions of the barrier between phases.
GRID_BARRIER = re.compile(r"static __device__ void add_release\(.*?\n}\n\n(?=/\* Behind the last phase)", re.DOTALL)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="do what needs no GPU, and name what would follow")
    parser.add_argument("--arch", help="the architecture, as sm_90 (default: that of the GPU)")
    parser.add_argument("--minutes", type=float, default=7.5, help="end after so many (default: %(default)s)")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with real weights and reference logits")
    parser.add_argument("--output", type=Path, help="write results.json there, too")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these networks: " +
                        ", ".join(title for title, _, _ in NETWORKS))
    return parser.parse_args()


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.begin = time.monotonic()
        self.results, self.remarks = [], []
        self.nvcc = find_nvcc()
        self.gpu = None if arguments.dry_run else gpu_capability()
        self.architecture = arguments.arch or (f"sm_{self.gpu}" if self.gpu else "sm_90")

    def seconds_left(self):
        return self.arguments.minutes * 60 - (time.monotonic() - self.begin)

    def say(self, text):
        print(f"[{time.monotonic() - self.begin:5.0f} s] {text}", flush=True)

    def remark(self, text):
        self.remarks.append(text)
        self.say(text)

    def call(self, words, cwd=None, seconds=120):
        return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False,
                              timeout=max(1, min(seconds, self.seconds_left() + 20)))

    # ---- compiling ----

    def compile_program(self, folder, sources, program, options=()):
        done = self.call([self.nvcc, "-std=c++17", "-O3", f"-arch={self.architecture}", *options, *sources, "-o", program,
                          "-L", self.nvcc.resolve().parents[1] / "lib"], cwd=folder, seconds=240)
        if done.returncode != 0:
            sys.exit(f"nvcc fails in {folder}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")

    def prepare(self, case):
        """Sources, weights, an image, what the interpreter says, and the program that times."""
        title, network, parameters, batch = case
        folder = self.folder / f"{title.replace(' ', '-')}-{batch}"
        folder.mkdir()
        released = self.arguments.shared / "weights" / RELEASED.get(title, "none")
        weights = released if released.is_file() else None
        target = f"cuda-{self.architecture}"
        task = make_task(network, parameters | {"batch": batch}, target, folder, weights)
        model = Model(task.spec, task.parameters, folder, target, weights=task.weights_file)
        (expected,) = run_riffle(task.spec, [*model.options, "--interpret"], [task.image], task.output_shapes, folder)
        if self.nvcc:
            model.assemble_weights()
            self.compile_program(folder, ["network.cu", PROGRAM / "time.cu", "weights.o"], "time", ["-I.", f"-I{PROGRAM}"])
        found = SimpleNamespace(title=title, batch=batch, folder=folder, macs=task.macs, model_file=task.model_file,
                                bytes=4 * (task.image.size + expected.size) + task.weights_file.stat().st_size,
                                spec=task.spec, options=model.options,
                                phases=int(re.search(r"PHASES = (\d+)", model.source.read_text()).group(1)), real=weights is not None, row={})
        self.say(f"{title}, batch {batch}: compiled for {self.architecture}")
        return found

    def check_released(self, subject):
        """Reference logits of an independent implementation, where they are."""
        stem = self.arguments.shared / "reference" / "dog.v2"
        if not subject.real or subject.batch != 1 or not Path(f"{stem}.logits.f32").is_file():
            return
        folder = self.folder / "released"
        shutil.copytree(subject.folder, folder)
        shutil.copy(f"{stem}.input.f32", folder / "input0.f32")
        shutil.copy(f"{stem}.logits.f32", folder / "output0.f32")
        self.remark(f"real weights, photo of a dog, against reference logits: {self.time(folder, ['--check'])}")

    # ---- on the GPU ----

    def time(self, folder, options=()):
        done = self.call([folder / "time", *options], cwd=folder)
        if done.returncode != 0:
            return {"failed": (done.stdout + done.stderr).strip()[-300:]}
        return json.loads(done.stdout)

    def compile_ceilings(self, subject):
        """With the barrier of the subject's source."""
        source = (subject.folder / "network.cu").read_text()
        (self.folder / "grid_barrier.h").write_text(GRID_BARRIER.search(source).group())
        self.compile_program(self.folder, [HERE / "ceilings.cu"], "ceilings", ["-I."])

    def ceilings(self, subject):
        self.compile_ceilings(subject)
        done = self.call([self.folder / "ceilings"])
        if done.returncode != 0:
            sys.exit(f"the GPU does not work: {done.stderr}")
        return json.loads(done.stdout)

    # ---- phases ----

    def predict(self, subject):
        """The phases of its kernels, by the model."""
        call([RIFFLE, "compile", subject.spec, *subject.options, "--target", f"cuda-{self.architecture}", "--name", "network",
              "--emit", "kernels", "-o", subject.folder], env={"NVCC": "none"})
        return cuda_phases.predict(subject.folder, cuda_phases.Gpu())

    def compile_stamps(self, subject):
        self.compile_program(subject.folder, ["network.cu", PROGRAM / "time.cu", "weights.o"], "stamps",
                             ["-I.", f"-I{PROGRAM}", "-DNETWORK_CUDA_STAMPS"])

    def print_phases(self, subject):
        """Each phase, measured by stamps and predicted by the model, and the barrier behind it."""
        self.compile_stamps(subject)
        done = self.call([subject.folder / "stamps"], cwd=subject.folder)
        if done.returncode != 0:
            self.remark(f"stamps of {subject.title}: {(done.stdout + done.stderr).strip()[-200:]}")
            return
        measured, predicted = json.loads(done.stdout)["phases"], self.predict(subject)
        subject.row["phases"] = [each | {"predicted": phase.microseconds, "label": phase.label}
                                 for each, phase in zip(measured, predicted, strict=True)]
        print(f"\n{subject.title}, batch {subject.batch}, microseconds of each phase: measured, predicted; the barrier behind it")
        for number, each in enumerate(subject.row["phases"]):
            print(f"  {number:3} {each['label'][:60]:60}{each['work']:8.2f}{each['predicted']:8.2f}{each['barrier']:8.2f}")
        sums = [sum(each[name] for each in subject.row["phases"]) for name in ("work", "predicted", "barrier")]
        print(f"      {'all':60}{sums[0]:8.2f}{sums[1]:8.2f}{sums[2]:8.2f}", flush=True)

    def sanitize(self, subject):
        tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if not os.access(tool, os.X_OK):
            self.remark("compute-sanitizer: not found")
            return
        for name in SANITIZERS:
            if self.seconds_left() < 60:
                self.remark(f"compute-sanitizer {name}: no time left")
                continue
            try:
                done = self.call([tool, "--tool", name, "--error-exitcode", 9, "./time", "--check"], cwd=subject.folder,
                                 seconds=45)
            except subprocess.TimeoutExpired:
                self.remark(f"compute-sanitizer {name}: takes too long")
                continue
            said = (done.stdout + done.stderr).strip().splitlines()
            self.remark(f"compute-sanitizer {name}, {subject.title}: {'clean' if done.returncode == 0 else 'FAILED'}: "
                        f"{said[-1] if said else ''}")

    def floors(self, subject, ceilings):
        """Microseconds."""
        row = {"memory": subject.bytes / ceilings["bytes_per_second"], "arithmetic": 2 * subject.macs / ceilings["flops"]}
        row["barriers"] = (subject.phases - 1) * ceilings["barrier_seconds"]
        return {name: seconds * 1e6 for name, seconds in row.items()}

    def peers(self, subjects):
        """In a process of their own, which is stopped when the time is over; it prints each figure when it has it."""
        plan = [{"title": each.title, "batch": each.batch, "folder": str(each.folder), "model": str(each.model_file)}
                for each in subjects]
        (self.folder / "plan.json").write_text(json.dumps(plan))
        words = [sys.executable, PEERS, self.folder / "plan.json", f"{max(10, self.seconds_left() - 15):.0f}"]
        process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
        try:
            for line in process.stdout:
                self.take(line, subjects)
            process.wait(timeout=5)
        finally:
            process.kill()

    def take(self, line, subjects):
        try:
            figure = json.loads(line)
        except json.JSONDecodeError:
            return
        if "remark" in figure:
            self.remark(figure["remark"])
            return
        self.say(line.strip())
        for subject in subjects:
            if (subject.title, subject.batch) == (figure["title"], figure["batch"]):
                subject.row[figure["form"]] = figure["median"]

    # ---- the whole ----

    def run(self):
        wanted = [each for each in NETWORKS if not self.arguments.only or each[0] in self.arguments.only]
        cases = [(*each, batch) for batch in BATCHES for each in wanted]
        if self.nvcc is None:
            self.remark("no nvcc: sources only (NVCC names one)")
        with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) // 2)) as pool:
            subjects = list(pool.map(self.prepare, cases))
        if self.gpu is None or self.nvcc is None:
            self.say("no GPU here, or --dry-run: these would follow: ceilings.cu; each program against the interpreter, by "
                     f"graph and by run; {', '.join(SANITIZERS)}; {PEERS.name} on the same weights")
            self.say(f"{subjects[0].title}, batch {subjects[0].batch}: {len(self.predict(subjects[0]))} phases, of which stamps "
                     "would be printed beside the model's times")
            if self.nvcc:
                self.compile_stamps(subjects[0])
                self.compile_ceilings(subjects[0])
                self.say(f"the program without a driver: {self.time(subjects[0].folder)}")
            return 0
        ceilings = self.ceilings(subjects[0])
        self.say(json.dumps(ceilings))
        good = self.time_riffle(subjects, ceilings)
        for subject in subjects:
            if subject.title == subjects[0].title and self.seconds_left() > 120:
                self.print_phases(subject)
        self.check_released(subjects[0])
        self.peers_after_sanitizers(subjects)
        self.print_table(subjects, ceilings)
        if self.arguments.output:
            self.arguments.output.mkdir(parents=True, exist_ok=True)
            (self.arguments.output / "results.json").write_text(json.dumps({"ceilings": ceilings, "remarks": self.remarks,
                "rows": [{"title": each.title, "batch": each.batch, "figures": each.row} for each in subjects]}, indent=2))
        return 0 if good else 1

    def time_riffle(self, subjects, ceilings):
        good = True
        for subject in subjects:
            found = self.time(subject.folder)
            self.say(f"{subject.title}, batch {subject.batch}: {found}")
            subject.row["floors"] = self.floors(subject, ceilings)
            if "failed" in found or found["error"] > TOLERANCE:
                self.remark(f"WRONG: {subject.title}, batch {subject.batch}: {found}")
                good = False
                continue
            subject.row |= {"error": found["error"], "riffle": found["graph"]["median"], "riffle run": found["run"]["median"]}
        return good

    def peers_after_sanitizers(self, subjects):
        smallest = next((each for each in subjects if each.title == "V2 0.5x"), subjects[0])
        self.sanitize(smallest)
        self.peers(subjects)

    def print_table(self, subjects, ceilings):
        print(f"\n{ceilings['name']}, {self.architecture}: {ceilings['bytes_per_second'] / 1e12:.2f} TB/s, "
              f"{ceilings['flops'] / 1e12:.1f} TFLOP/s fp32, launch {ceilings['launch_seconds'] * 1e6:.2f} us, grid barrier "
              f"{ceilings['barrier_seconds'] * 1e6:.2f} us. Medians, microseconds; float32.")
        for remark in self.remarks:
            print(f"- {remark[:200]}")
        print(f"{'network':11}{'batch':>6}{'riffle':>9}{'by run':>9}{'memory':>8}{'arith.':>8}{'barriers':>9}{'best PyTorch':>14}"
              f"{'ratio':>7}  {'its form':26}{'TF32':>8}{'TensorRT':>9}{'error':>9}")
        for subject in subjects:
            row, floors = subject.row, subject.row.get("floors", {})
            exact = {form: value for form, value in row.items() if form.startswith("torch") and "tf32" not in form}
            loose = [value for form, value in row.items() if form.startswith("torch") and "tf32" in form]
            form = min(exact, key=exact.get, default="")
            best, own = exact.get(form), row.get("riffle")

            def cell(value, width, digits=1):
                return f"{'-' if value is None else f'{value:.{digits}f}':>{width}}"

            print(f"{subject.title:11}{subject.batch:6}{cell(own, 9)}{cell(row.get('riffle run'), 9)}"
                  f"{cell(floors.get('memory'), 8)}{cell(floors.get('arithmetic'), 8)}{cell(floors.get('barriers'), 9)}"
                  f"{cell(best, 14)}{cell(best / own if best and own else None, 7, 2)}  {form.removeprefix('torch '):26}"
                  f"{cell(min(loose, default=None), 8)}{cell(row.get('tensorrt'), 9)}{row.get('error', float('nan')):9.1e}")


def gpu_capability():
    """As 90; None where there is no GPU."""
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"], capture_output=True,
                              text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.split()[0].replace(".", "") if done.stdout.split() else None


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="riffle-cuda-") as folder:
        sys.exit(Bench(arguments, Path(folder)).run())


if __name__ == "__main__":
    main()
