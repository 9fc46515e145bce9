"""One chest case, from its number to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.files import TRUTH
from bmdpipe.virtual.case_names import case_number
from bmdpipe.virtual.chest.bones import cast_shadows
from bmdpipe.virtual.chest.cohort import RADIOGRAPH, SUPPRESSED, has_findings
from bmdpipe.virtual.chest.files import write_grey, write_mask, write_radiograph
from bmdpipe.virtual.chest.findings import Findings, draw_findings
from bmdpipe.virtual.chest.lesions import lay_findings
from bmdpipe.virtual.chest.picture import Masses, Processing, draw_processing, expose_pair
from bmdpipe.virtual.chest.soft import build_soft_tissue
from bmdpipe.virtual.chest.traits import Build, draw_build
from bmdpipe.virtual.chest.vessels import ball_shadow, grow_vessels, tube_shadow
from bmdpipe.virtual.chest.view import View, draw_view, integrals
from bmdpipe.virtual.demographics import Person, draw_person
from bmdpipe.virtual.xray.materials import ADIPOSE, MUSCLE

TRUE_BONES, TRUE_FINDINGS, TRUE_LUNGS = "truth/bones.png", "truth/findings.png", "truth/lungs.png"
BONE_G_CM2, CLOUD_G_CM2, BALL_G_CM2, LUNG_CM = 0.004, 0.10, 0.02, 1.0
"""What a pixel must hold to belong to a mask: mineral taken away, mass of clouded lung or of
nodules, aerated lung."""
GRANULOMA_G_CM3 = 0.35


@dataclass(frozen=True)
class ChestCase:
    """A pair of pictures (0 to 1) and what is true of it, all `[y, x]` in display orientation."""

    person: Person
    build: Build
    view: View
    findings: Findings
    processing: Processing
    radiograph: NDArray[np.float32]
    suppressed: NDArray[np.float32]
    masses: Masses
    bones: NDArray[np.bool_]
    lungs: NDArray[np.bool_]
    diseased: NDArray[np.bool_]


def simulate_chest_case(config: ChestConfig, case: str, folder: Path) -> dict[str, Any]:
    """Fill `folder` with the radiograph and its bone-suppressed twin; returns the truth.

    The masks lie apart in `folder/truth`. Raises ValueError if the name is not one of the cohort's.
    """
    number = case_number(config.prefix, case)
    made = make_chest_case(config, number)
    write_radiograph(
        folder / RADIOGRAPH, config, case, made.person, made.radiograph, made.processing
    )
    write_grey(folder / SUPPRESSED, made.suppressed)
    write_mask(folder / TRUE_BONES, made.bones)
    write_mask(folder / TRUE_LUNGS, made.lungs)
    write_mask(folder / TRUE_FINDINGS, made.diseased)
    truth = {
        "tuberculosis": has_findings(config, number),
        "findings": list(made.findings.kinds),
        "granulomas": len(made.findings.granulomas),
        "finding_share_of_lungs": float(made.diseased.sum() / max(made.lungs.sum(), 1)),
        "finding_share_behind_bones": float(
            (made.diseased & made.bones).sum() / max(made.diseased.sum(), 1)
        ),
        "camera": made.view.camera.to_json(),
        "camera_from_chest": made.view.camera_from_chest.tolist(),
        "mirrored": True,
    }
    write_json(folder / TRUTH, truth)
    return truth


def make_chest_case(config: ChestConfig, number: int) -> ChestCase:
    """The case of a number, in memory; nothing of another case plays in."""
    person = draw_person(config.demographics, config.seed, number)
    build = draw_build(config, person)
    view = draw_view(config, number, build)
    findings = draw_findings(config, number, build, has_findings(config, number))
    processing = draw_processing(config, number)
    soft = build_soft_tissue(config, build)
    excess = lay_findings(findings, soft.lung, build)
    smooth = 2 if config.size_px >= 256 else 1
    lung_cm = integrals(view, soft.lung, smooth)
    solid = np.float32(MUSCLE.density - build.lung_g_cm3)
    lesions = integrals(view, excess) * np.float32(MUSCLE.density)
    balls = ball_shadow(view, findings.balls) * np.float32(findings.ball_share)
    added = lesions + balls * solid
    vessels = tube_shadow(view, grow_vessels(config, number, build)) * solid
    old = ball_shadow(view, findings.granulomas)
    lean = integrals(view, soft.lean) * np.float32(MUSCLE.density) + vessels + added + old * solid
    fat = integrals(view, soft.fat, smooth) * np.float32(ADIPOSE.density)
    bones = cast_shadows(config, build, view)
    removed = bones.removed(config.suppress_scapulae)
    mineral = bones.everything() + old * np.float32(GRANULOMA_G_CM3)
    masses = Masses(np.maximum(lean, 0.0), fat, mineral, removed)
    radiograph, suppressed = expose_pair(config, number, masses, processing)
    lungs = lung_cm > LUNG_CM
    return ChestCase(
        person=person,
        build=build,
        view=view,
        findings=findings,
        processing=processing,
        radiograph=radiograph,
        suppressed=suppressed,
        masses=masses,
        bones=removed > BONE_G_CM2,
        lungs=lungs,
        diseased=((np.abs(lesions) > CLOUD_G_CM2) | (balls * solid > BALL_G_CM2)) & lungs,
    )
