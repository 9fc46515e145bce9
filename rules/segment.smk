# Bayesian U-Net: one model per fold, trained without the fold's subjects, segments those subjects.
# A trained network that the config names, or a subject's own masks, take the place of training.
from bmdpipe.core.files import MODEL, QUALITY, WEIGHTS

OWN_MASKS = {row.subject for row in COHORT.subjects if row.bone_labels}
TRAINS = not (CT_ONLY or CONFIG.segmentation.trained or OWN_MASKS == set(SUBJECTS))
SEGMENT_MODELS = (
    [
        LAYOUT.at("folds"),
        *expand(
            [LAYOUT.at("segment_train"), LAYOUT.at("segment_quality")],
            fold=FOLDS,
        ),
    ]
    if TRAINS
    else []
)


def segment_model(wildcards):
    if wildcards.subject in OWN_MASKS:
        return []
    if CONFIG.segmentation.trained is not None:
        names = (WEIGHTS, MODEL, QUALITY)
        return [str(Path(CONFIG.segmentation.trained, name)) for name in names]
    return SEGMENT_MODELS


rule segment_train:
    input:
        LAYOUT.at("folds"),
    output:
        directory(LAYOUT.at("segment_train")),
    log:
        LAYOUT.log("segment_train"),
    benchmark:
        LAYOUT.benchmark("segment_train")
    threads: CONFIG.workflow.training_threads
    resources:
        **scaled(mem_mb=16000, runtime=720),
    params:
        config=sections(
            "segmentation", without=("prediction", "quality", "trained", "mask_table")
        ),
        code=code("segment_train"),
    shell:
        command("segment_train", "fold")


rule segment_quality:
    input:
        LAYOUT.at("segment_train"),
        per_subject("import"),
    output:
        directory(LAYOUT.at("segment_quality")),
    log:
        LAYOUT.log("segment_quality"),
    benchmark:
        LAYOUT.benchmark("segment_quality")
    threads: CONFIG.workflow.training_threads
    resources:
        **scaled(mem_mb=16000, runtime=240),
    params:
        config=sections("segmentation", without=("trained", "mask_table")),
        code=code("segment_quality"),
    shell:
        command("segment_quality", "fold")


rule segment:
    input:
        LAYOUT.at("import"),
        segment_model,
    output:
        directory(LAYOUT.at("segment")),
    log:
        LAYOUT.log("segment"),
    benchmark:
        LAYOUT.benchmark("segment")
    resources:
        **scaled(mem_mb=8000, runtime=60),
    params:
        config=sections("segmentation", without=("training", "quality")),
        code=code("segment"),
    shell:
        command("segment", "subject")
