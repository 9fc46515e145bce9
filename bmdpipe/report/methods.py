"""A paragraph for the methods section of a paper, written from what the run did."""

from __future__ import annotations

from typing import Any

from bmdpipe.report.jobs import Run

TARGET_WORDS = {"dxa": "areal BMD by DXA", "qct": "volumetric BMD by quantitative CT"}


def methods_paragraph(run: Run, summary: dict[str, Any]) -> str:
    """Plain sentences; nothing in them that the run did not do."""
    subjects = summary["subjects"]
    version = summary["manifest"]["versions"].get("bmdpipe", "")
    who = "virtual subjects (computed, not patients)" if run.virtual else "subjects"
    sentences = [
        (
            f"Results were computed with bmdpipe {version} "
            f"(commit {summary['manifest']['commit'][:12]}), which follows Gu et al. 2023 "
            "(Medical Image Analysis)."
        ),
        f"Of {subjects['n']} {who}, {subjects['used']} passed all quality checks.",
        *([] if run.ct_only else _trained(run)),
    ]
    if run.ct_only:
        sentences.append(
            "CT was brought to hydroxyapatite density and its bones were outlined; a radiograph "
            "was computed from each whole CT at known poses, and the bones were registered back to "
            "it by gradient correlation and CMA-ES. There was no radiograph of a patient."
        )
        return " ".join(sentences)
    sentences += [_decomposer(name, run) for name in run.study.decomposers]
    sentences.append(
        "Intervals are percentile bootstrap intervals over subjects; ICC(A,1) is the two-way "
        "coefficient of absolute agreement, SEE is taken about the identity, and RMS-CV is over "
        "the radiographs of a subject."
    )
    return " ".join(sentences)


def _trained(run: Run) -> list[str]:
    targets = " and ".join(TARGET_WORDS[target] for target in run.study.targets)
    return [
        (
            "CT was calibrated to hydroxyapatite density, pelvis and femora were segmented with a "
            "Bayesian U-Net, and each bone was registered to each radiograph by gradient "
            "correlation and CMA-ES."
        ),
        (
            f"{targets[0].upper()}{targets[1:]} were estimated in "
            f"{run.n_folds}-fold cross-validation by subject; every model, threshold and line was "
            "fitted on training folds only."
        ),
    ]


def _decomposer(name: str, run: Run) -> str:
    plan = run.study.decomposers[name]
    first = (
        f"{plan.stage_one_epochs} epochs on all bones and "
        if plan.hierarchical
        else "no first stage and "
    )
    return (
        f"Decomposer '{name}' ({plan.backbone}) was trained with {first}{plan.stage_two_epochs} "
        f"epochs on the proximal femur, on {', '.join(plan.positionings)} radiographs."
    )
