# Seed 000: bone mineral density from an axial CT slice of a vertebra.
CT_BMD = "ct_bmd"
CT_BMD_COHORT = (
    [CONFIG.ct_bmd.folder]
    if CONFIG.ct_bmd.folder
    else [LAYOUT.at("study_cohort", study=CT_BMD)]
)
CT_BMD_MODELS = [
    f"{region}_{target}"
    for region in CONFIG.ct_bmd.regions
    for target in CONFIG.ct_bmd.targets
]
try:
    entry_of(CONFIG.ct_bmd.model, "value_network")
except UsageError as error:
    sys.stderr.write(f"error: {CT_BMD}: {error}\n")
    sys.exit(2)


def ct_bmd_sections(*names, keys=(), **values):
    """The named keys of the study's config, with whole sections and values beside them."""
    own = CONFIG.ct_bmd.model_dump(mode="json", include=set(keys))
    whole = {name: getattr(CONFIG, name).model_dump(mode="json") for name in names}
    return canonical_json(dict(study=own, **whole, **values))


def ct_bmd_trained(folds):
    return expand(
        LAYOUT.at("study_train", study=CT_BMD), model=CT_BMD_MODELS, fold=folds
    )


CT_BMD_PARTS = dict(models=CT_BMD_MODELS, folds=CONFIG.ct_bmd.splits.n)
CT_BMD_FOLDS = range(CONFIG.ct_bmd.splits.n)
CT_BMD_SEGMENT = ("folder", "masks", "segmentation", "slices")
CT_BMD_DATA = (
    "folder",
    "regions",
    "targets",
    "window_hu",
    "size_px",
    "field_mm",
    "slices",
    "splits",
)


rule ct_bmd_cohort:
    output:
        directory(LAYOUT.at("study_cohort", study=CT_BMD)),
    log:
        LAYOUT.log("study_cohort").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_cohort").replace("{study}", CT_BMD)
    resources:
        mem_mb=4000,
        runtime=600,
    params:
        study=CT_BMD,
        config=ct_bmd_sections(
            "lumbar",
            annotated=(
                CONFIG.ct_bmd.annotated if CONFIG.ct_bmd.masks == "network" else None
            ),
        ),
        code=code("ct_bmd_cohort"),
    shell:
        study_command("ct_bmd_cohort")


rule ct_bmd_segment:
    input:
        CT_BMD_COHORT,
    output:
        directory(LAYOUT.at("study_segment", study=CT_BMD)),
    log:
        LAYOUT.log("study_segment").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_segment").replace("{study}", CT_BMD)
    threads: CONFIG.ct_bmd.threads
    resources:
        mem_mb=8000,
        runtime=1440,
    params:
        study=CT_BMD,
        config=ct_bmd_sections("imaging", keys=CT_BMD_SEGMENT),
        code=code("ct_bmd_segment"),
    shell:
        study_command("ct_bmd_segment")


rule ct_bmd_data:
    input:
        CT_BMD_COHORT,
        LAYOUT.at("study_segment", study=CT_BMD),
    output:
        directory(LAYOUT.at("study_data", study=CT_BMD)),
    log:
        LAYOUT.log("study_data").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_data").replace("{study}", CT_BMD)
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        study=CT_BMD,
        config=ct_bmd_sections("imaging", keys=CT_BMD_DATA),
        code=code("ct_bmd_data"),
    shell:
        study_command("ct_bmd_data")


rule ct_bmd_train:
    input:
        LAYOUT.at("study_data", study=CT_BMD),
    output:
        directory(LAYOUT.at("study_train", study=CT_BMD)),
    log:
        LAYOUT.log("study_train").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_train").replace("{study}", CT_BMD)
    wildcard_constraints:
        model="|".join(CT_BMD_MODELS),
    threads: CONFIG.ct_bmd.threads
    resources:
        mem_mb=16000,
        runtime=1440,
    params:
        study=CT_BMD,
        config=ct_bmd_sections(keys=("model", "balance", "training")),
        code=code("ct_bmd_train", module_of(CONFIG.ct_bmd.model)),
    shell:
        study_command("ct_bmd_train").replace(
            "--config",
            "--key model={wildcards.model} --key fold={wildcards.fold} --config",
            1,
        )


rule ct_bmd_evaluate:
    input:
        LAYOUT.at("study_data", study=CT_BMD),
        ct_bmd_trained(CT_BMD_FOLDS),
    output:
        directory(LAYOUT.at("study_evaluate", study=CT_BMD)),
    log:
        LAYOUT.log("study_evaluate").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_evaluate").replace("{study}", CT_BMD)
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=CT_BMD,
        config=ct_bmd_sections("evaluation", **CT_BMD_PARTS),
        code=code("ct_bmd_evaluate"),
    shell:
        study_command("ct_bmd_evaluate")


rule ct_bmd_explain:
    input:
        LAYOUT.at("study_data", study=CT_BMD),
        ct_bmd_trained(0),
    output:
        directory(LAYOUT.at("study_explain", study=CT_BMD)),
    log:
        LAYOUT.log("study_explain").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_explain").replace("{study}", CT_BMD)
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=CT_BMD,
        config=ct_bmd_sections(keys=("regions", "targets", "explain")),
        code=code("ct_bmd_explain", module_of(CONFIG.ct_bmd.model)),
    shell:
        study_command("ct_bmd_explain")


rule ct_bmd_report:
    input:
        LAYOUT.at("study_segment", study=CT_BMD),
        LAYOUT.at("study_data", study=CT_BMD),
        LAYOUT.at("study_evaluate", study=CT_BMD),
        LAYOUT.at("study_explain", study=CT_BMD),
        ct_bmd_trained(CT_BMD_FOLDS),
    output:
        report(
            directory(LAYOUT.at("study_report", study=CT_BMD)),
            htmlindex="index.html",
            caption="../config/report/study.rst",
            category="Companion studies",
        ),
    log:
        LAYOUT.log("study_report").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_report").replace("{study}", CT_BMD)
    params:
        study=CT_BMD,
        config=ct_bmd_sections("report", **CT_BMD_PARTS),
        code=code("ct_bmd_report"),
        templates=file_hash(TEMPLATES),
    shell:
        study_command("ct_bmd_report")


rule ct_bmd_track:
    input:
        LAYOUT.at("study_data", study=CT_BMD),
        LAYOUT.at("study_evaluate", study=CT_BMD),
        LAYOUT.at("study_explain", study=CT_BMD),
        ct_bmd_trained(CT_BMD_FOLDS),
    output:
        LAYOUT.at("study_track", study=CT_BMD),
    log:
        LAYOUT.log("study_track").replace("{study}", CT_BMD),
    benchmark:
        LAYOUT.benchmark("study_track").replace("{study}", CT_BMD)
    params:
        study=CT_BMD,
        config=ct_bmd_sections("tracking", **CT_BMD_PARTS),
        code=code("study_track"),
    shell:
        study_command("study_track")


rule ct_bmd:
    input:
        LAYOUT.at("study_report", study=CT_BMD),
        LAYOUT.at("study_track", study=CT_BMD),
