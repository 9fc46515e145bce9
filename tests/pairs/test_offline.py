import numpy as np
import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.core.files import AUGMENTATIONS
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.augment import Augmentation, apply_geometry, apply_intensity
from bmdpipe.pairs.offline import write_copies
from bmdpipe.pairs.store import KINDS, Case, read_index, read_pairs, write_index, write_subject

CAMERA = Camera.centred(1200.0, (2.0, 2.0), (8, 16))


def _folder(folder, subjects):
    cases = []
    for subject in subjects:
        rng = np.random.default_rng([ord(c) for c in subject])
        own = [
            Case(subject, name, name, "R", row, True, CAMERA, False, 1.0)
            for row, name in enumerate(("standing", "supine"))
        ]
        write_subject(
            folder, subject, {k: rng.random((2, 16, 8)).astype(np.float32) for k in KINDS}
        )
        cases += own
    write_index(folder, cases)


def test_copies_replay_from_their_record_and_stay_with_their_subject(tmp_path):
    _folder(tmp_path / "in", ("A", "B"))
    write_copies(tmp_path / "in", tmp_path / "out", 2, AugmentationConfig(), seed=3)
    record = read_json(tmp_path / "out" / AUGMENTATIONS)
    assert len(record) == 2 * 2 * 2
    made = read_pairs(tmp_path / "out", {"A"}, KINDS)
    before = read_pairs(tmp_path / "in", {"A"}, KINDS)
    names = [case.name for case in made.cases]
    assert names[:2] == [case.name for case in before.cases]
    for kind in KINDS:
        np.testing.assert_array_equal(made.array(kind)[:2], before.array(kind))
    place = names.index("A/supine~2/R")
    again = Augmentation.from_json([record["A/supine~2/R"]])
    images = torch.from_numpy(np.stack([before.array(k)[1] for k in KINDS])[None])
    moved = apply_geometry(images, again)
    np.testing.assert_allclose(made.array("pf")[place], moved[0, 2], atol=1e-5)
    radiograph = apply_intensity(moved[:, :1], again)[0, 0]
    np.testing.assert_allclose(made.array("radiograph")[place], radiograph, atol=1e-5)


def test_a_subjects_copies_do_not_depend_on_the_others(tmp_path):
    _folder(tmp_path / "in", ("A", "B"))
    _folder(tmp_path / "alone", ("B",))
    for name in ("in", "alone"):
        write_copies(tmp_path / name, tmp_path / f"{name}-out", 1, AugmentationConfig(), seed=3)
    assert (tmp_path / "in-out" / "B.safetensors").read_bytes() == (
        tmp_path / "alone-out" / "B.safetensors"
    ).read_bytes()
    assert len(read_index(tmp_path / "alone-out")) == 4
