"""The necks and heads of detectors move no byte for layout, or the reason is known; and their answers are ONNX Runtime's."""

import json

import detectors
import pytest
from comparing import compare
from support import invoke

NCHW_OUTPUT = "the caller wants NCHW, and kernels write NHWC"

# The bytes that are moved, and why.
MOVED = {
    detectors.fastestdet: {329120: NCHW_OUTPUT},
    detectors.yolo_fastestv2: {},
    detectors.yolov5_lite: {},
    detectors.yolov5_lite_rows: {},
    detectors.nanodet_m: {},
    detectors.nanodet_plus_m: {},
    detectors.picodet_s: {},
    detectors.ultraface: {},
    detectors.yunet: {},
}


@pytest.mark.parametrize("detector", MOVED, ids=lambda detector: detector.__name__)
def test_detector(detector, tmp_path):
    compare(detector(), tmp_path)
    done = invoke("inspect", "net.rfl", "--routing", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {copy["bytes"]: copy["reason"] for copy in report["copies"]} == MOVED[detector]
    assert report["layout_bytes"]["routed"] == sum(MOVED[detector])
    assert report["layout_bytes"]["as_written"] > 10 * sum(MOVED[detector])
