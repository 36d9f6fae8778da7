"""From the bytes of pictures to rows of answers, by a compiled library. Ray, DuckDB and a single process all use this."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import riffle

ANSWERS = pa.schema([
    ("path", pa.string()),
    ("classes", pa.list_(pa.int32())),  # the best first
    ("probabilities", pa.list_(pa.float32())),
    ("label", pa.string()),  # of the best, where the spec has labels
    ("weights", pa.string()),  # the checksum of the file of weights that answered
    ("error", pa.string()),  # why there is no answer
])

BATCH = 32  # pictures that are decoded before the network runs; an image of 224x224 takes 0.6 MB


class Classifier:
    """A library, loaded once, that answers pictures.

    A file of weights beside it (riffle compile --weights-file) is looked at before each batch: one that was replaced is
    taken from then on. So a picture is answered by one model, and its row says by which."""

    def __init__(self, library, top=5):
        self._net = riffle.load_library(library)
        self._input = self._net.inputs[0]
        self._top = top
        self._file = next(Path(self._net.folder).glob("*.weights"), None)
        self._seen = self._state()

    def __call__(self, pictures):
        """From a table with the columns `path` and `bytes` to one of ANSWERS, row by row."""
        batches = [self._table(pictures.slice(begin, BATCH)) for begin in range(0, len(pictures), BATCH)]
        return pa.concat_tables([ANSWERS.empty_table(), *batches])

    def _table(self, pictures):
        best, errors = self.answers(pictures["bytes"].to_pylist())
        return pa.table([
            pictures["path"].cast(pa.string()),
            [[which for which, _ in row] for row in best],
            [[probability for _, probability in row] for row in best],
            [self.label(row) for row in best],
            [self._net.weights_checksum] * len(best),
            errors,
        ], schema=ANSWERS)

    def answers(self, pictures):
        """For the bytes of each picture the best classes with their probabilities, and None or why there are none."""
        self._take_new_weights()
        images = np.empty((len(pictures), *self._input.shape[1:]), self._input.dtype)
        errors = [self._prepare(picture, images[row:row + 1]) for row, picture in enumerate(pictures)]
        good = [row for row, error in enumerate(errors) if error is None]
        best = [[] for _ in pictures]
        for row, scores in zip(good, self._net.batch(images[good])):
            best[row] = self._net.top(scores, self._top)
        return best, errors

    def label(self, best):
        return self._net.labels[best[0][0]] if best and self._net.labels else None

    def _prepare(self, picture, image):
        try:
            with PIL.Image.open(io.BytesIO(picture)) as opened:
                self._net.prepare(opened, out=image)
        except PIL.UnidentifiedImageError:  # whose text has an address
            return "no format that PIL knows"
        except (OSError, ValueError, TypeError, PIL.Image.DecompressionBombError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _state(self):
        if self._file is None or not self._file.exists():
            return None
        status = self._file.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _take_new_weights(self):
        state = self._state()
        if state in (self._seen, None):
            return
        try:
            self._net.update_weights()
        except riffle.Error as error:  # the old ones stay; the next change is looked at again
            print(f"weights not taken: {error}")
        self._seen = state
