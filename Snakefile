# bmdpipe: from raw DICOM of a cohort to models that read bone mineral density from one radiograph.
from snakemake.utils import min_version

min_version("9.20")


if "cohort" not in config:

    configfile: workflow.source_path("config/demo.yaml")


report: "config/report/workflow.rst"


include: "rules/common.smk"
include: "rules/simulate.smk"
include: "rules/import.smk"
include: "rules/folds.smk"
include: "rules/calibrate.smk"
include: "rules/segment.smk"
include: "rules/roi.smk"
include: "rules/register.smk"
include: "rules/project.smk"
include: "rules/pairs.smk"
include: "rules/train.smk"
include: "rules/predict.smk"
include: "rules/evaluate.smk"
include: "rules/explain.smk"
include: "rules/report.smk"
include: "rules/track.smk"
include: "rules/studies.smk"
include: "rules/brain_mr_attribution.smk"
include: "rules/tumour_classification.smk"
include: "rules/ct_bmd.smk"
include: "rules/bone_suppression.smk"
include: "rules/tables.smk"


if CT_ONLY:

    include: "rules/ct_only.smk"


if CODE.learnt:
    write_text(CODE_NOTES, canonical_json(CODE.notes))


onsuccess:
    drop_ended(Path(LAYOUT.state))


localrules:
    all,
    folds,
    summary,
    track,
    study_track,
    brain_mr_attribution,
    tumour_classification,
    table2,
    table3,
    fig7,
    fig8,
    fig9,
    fig12,
    ct_bmd_track,
    ct_bmd,
    chest_track,
    bone_suppression,


rule all:
    default_target: True
    input:
        LAYOUT.at("report"),
        LAYOUT.summary,
        [] if CT_ONLY else LAYOUT.tracked,
