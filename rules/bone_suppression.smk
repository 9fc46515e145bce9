# Seed 001: bone suppression in chest radiographs, and tuberculosis told with and without bones.
BONE = "bone_suppression"
BONE_CONFIG = CONFIG.bone_suppression
BONE_PUBLIC = [
    BONE_CONFIG.jsrt,
    BONE_CONFIG.pretraining,
    *(BONE_CONFIG.tuberculosis or [None]),
]
# Whatever is not given as a folder comes from the virtual cohort.
BONE_SOURCES = [folder for folder in BONE_PUBLIC if folder]
if len(BONE_SOURCES) < len(BONE_PUBLIC):
    BONE_SOURCES.append(LAYOUT.at("study_cohort", study=BONE))
BONE_VARIANTS = ("original", "suppressed")
try:
    for name in BONE_CONFIG.suppressors:
        if name not in MODELS or MODELS[name].kind != "generator":
            entry_of(name, "suppressor")
        check_size(name, (BONE_CONFIG.size_px, BONE_CONFIG.size_px))
    entry_of(BONE_CONFIG.classifier, "classifier")
    if BONE_CONFIG.chosen not in BONE_CONFIG.suppressors:
        raise UsageError(f"chosen: '{BONE_CONFIG.chosen}' is none of the suppressors")
except UsageError as error:
    sys.stderr.write(f"error: {BONE}: {error}\n")
    sys.exit(2)


def bone_sections(*names, keys=(), **values):
    """The named keys of the study's config, with whole sections and values beside them."""
    own = BONE_CONFIG.model_dump(mode="json", include=set(keys))
    whole = {name: getattr(CONFIG, name).model_dump(mode="json") for name in names}
    return canonical_json(dict(study=own, **whole, **values))


def bone_train(script):
    return study_command(script).replace(
        "--config",
        "--key model={wildcards.model} --key fold={wildcards.fold} --config",
        1,
    )


BONE_TRAINED = expand(
    LAYOUT.at("study_train", study=BONE, fold=0),
    model=[*BONE_CONFIG.suppressors, "pretraining"],
) + expand(
    LAYOUT.at("study_train", study=BONE),
    model=BONE_VARIANTS,
    fold=range(BONE_CONFIG.n_folds),
)
BONE_PARTS = dict(
    suppressors=list(BONE_CONFIG.suppressors),
    chosen=BONE_CONFIG.chosen,
    folds=BONE_CONFIG.n_folds,
)
BONE_DATA = (
    "jsrt",
    "tuberculosis",
    "pretraining",
    "size_px",
    "saturated",
    "test_share",
    "n_folds",
    "seed",
)
BONE_CONTENDERS = [m for m in BONE_CONFIG.suppressors if m != BONE_CONFIG.chosen]
# A constraint that no name meets; an empty one would be none.
NOTHING = "(?!)"
BONE_PRETRAIN = ("classifier", "weights", "pretraining_training")
BONE_CLASSIFY = ("classifier", "training")


rule chest_cohort:
    output:
        directory(LAYOUT.at("study_cohort", study=BONE)),
    log:
        LAYOUT.log("study_cohort").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_cohort").replace("{study}", BONE)
    threads: 8  # fewer where --cores says so
    resources:
        mem_mb=8000,
        runtime=600,
    params:
        study=BONE,
        config=bone_sections(
            "chest", pairs=BONE_CONFIG.n_pairs, pretraining=BONE_CONFIG.n_pretraining
        ),
        code=code("chest_cohort"),
    shell:
        study_command("chest_cohort")


rule chest_data:
    input:
        BONE_SOURCES,
    output:
        directory(LAYOUT.at("study_data", study=BONE)),
    log:
        LAYOUT.log("study_data").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_data").replace("{study}", BONE)
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=BONE,
        config=bone_sections(keys=BONE_DATA),
        code=code("chest_data"),
    shell:
        study_command("chest_data")


rule chest_suppress_train:
    input:
        LAYOUT.at("study_data", study=BONE),
    output:
        directory(LAYOUT.at("study_train", study=BONE)),
    log:
        LAYOUT.log("study_train").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_train").replace("{study}", BONE)
    wildcard_constraints:
        model="|".join(BONE_CONTENDERS) or NOTHING,
        fold="0",
    threads: BONE_CONFIG.threads
    resources:
        mem_mb=16000,
        runtime=2880,
    params:
        study=BONE,
        config=bone_sections(keys=("offline", "loss", "suppression_training", "seed")),
        code=lambda wildcards: code("chest_suppress_train", module_of(wildcards.model)),
    shell:
        bone_train("chest_suppress_train")


# Half of the classifiers wait for the chosen one.
use rule chest_suppress_train as chest_suppress_train_chosen with:
    wildcard_constraints:
        model=BONE_CONFIG.chosen,
        fold="0",
    priority: 1


rule chest_suppress:
    input:
        LAYOUT.at("study_data", study=BONE),
        LAYOUT.at("study_train", study=BONE, model=BONE_CONFIG.chosen, fold=0),
    output:
        directory(LAYOUT.at("study_suppress", study=BONE)),
    log:
        LAYOUT.log("study_suppress").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_suppress").replace("{study}", BONE)
    threads: BONE_CONFIG.threads
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=BONE,
        config=bone_sections(chosen=BONE_CONFIG.chosen),
        code=code("chest_suppress", module_of(BONE_CONFIG.chosen)),
    shell:
        study_command("chest_suppress")


rule chest_pretrain:
    input:
        LAYOUT.at("study_data", study=BONE),
        BONE_CONFIG.weights or [],
    output:
        directory(LAYOUT.at("study_train", study=BONE, model="pretraining", fold=0)),
    log:
        LAYOUT.log("study_train")
        .replace("{study}", BONE)
        .replace("{model}", "pretraining")
        .replace("{fold}", "0"),
    benchmark:
        LAYOUT.benchmark("study_train")
        .replace("{study}", BONE)
        .replace("{model}", "pretraining")
        .replace("{fold}", "0")
    threads: BONE_CONFIG.threads
    resources:
        mem_mb=16000,
        runtime=1440,
    params:
        study=BONE,
        config=bone_sections(keys=BONE_PRETRAIN),
        code=code("chest_classify", module_of(BONE_CONFIG.classifier)),
    shell:
        study_command("chest_classify").replace(
            "--config", "--key model=pretraining --key fold=0 --config", 1
        )


rule chest_classify:
    input:
        LAYOUT.at("study_data", study=BONE),
        LAYOUT.at("study_train", study=BONE, model="pretraining", fold=0),
        lambda wildcards: (
            LAYOUT.at("study_suppress", study=BONE)
            if wildcards.model == "suppressed"
            else []
        ),
    output:
        directory(LAYOUT.at("study_train", study=BONE)),
    log:
        LAYOUT.log("study_train").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_train").replace("{study}", BONE)
    wildcard_constraints:
        model="|".join(BONE_VARIANTS),
    threads: BONE_CONFIG.threads
    resources:
        mem_mb=16000,
        runtime=1440,
    params:
        study=BONE,
        config=bone_sections(keys=BONE_CLASSIFY),
        code=code("chest_classify", module_of(BONE_CONFIG.classifier)),
    shell:
        bone_train("chest_classify")


rule chest_evaluate:
    input:
        LAYOUT.at("study_data", study=BONE),
        BONE_TRAINED,
    output:
        directory(LAYOUT.at("study_evaluate", study=BONE)),
    log:
        LAYOUT.log("study_evaluate").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_evaluate").replace("{study}", BONE)
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=BONE,
        config=bone_sections("evaluation", **BONE_PARTS),
        code=code("chest_evaluate"),
    shell:
        study_command("chest_evaluate")


rule chest_explain:
    input:
        LAYOUT.at("study_data", study=BONE),
        LAYOUT.at("study_suppress", study=BONE),
        expand(LAYOUT.at("study_train", study=BONE, fold=0), model=BONE_VARIANTS),
    output:
        directory(LAYOUT.at("study_explain", study=BONE)),
    log:
        LAYOUT.log("study_explain").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_explain").replace("{study}", BONE)
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=BONE,
        config=bone_sections(keys=("explain", "top_fraction")),
        code=code("chest_explain", module_of(BONE_CONFIG.classifier)),
    shell:
        study_command("chest_explain")


rule chest_report:
    input:
        LAYOUT.at("study_evaluate", study=BONE),
        LAYOUT.at("study_explain", study=BONE),
        BONE_TRAINED,
    output:
        report(
            directory(LAYOUT.at("study_report", study=BONE)),
            htmlindex="index.html",
            caption="../config/report/study.rst",
            category="Companion studies",
        ),
    log:
        LAYOUT.log("study_report").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_report").replace("{study}", BONE)
    params:
        study=BONE,
        config=bone_sections("report", **BONE_PARTS),
        code=code("chest_report"),
        templates=file_hash(TEMPLATES),
    shell:
        study_command("chest_report")


rule chest_track:
    input:
        LAYOUT.at("study_data", study=BONE),
        LAYOUT.at("study_evaluate", study=BONE),
        LAYOUT.at("study_explain", study=BONE),
        BONE_TRAINED,
    output:
        LAYOUT.at("study_track", study=BONE),
    log:
        LAYOUT.log("study_track").replace("{study}", BONE),
    benchmark:
        LAYOUT.benchmark("study_track").replace("{study}", BONE)
    params:
        study=BONE,
        config=bone_sections("tracking", **BONE_PARTS),
        code=code("chest_track"),
    shell:
        study_command("chest_track")


rule bone_suppression:
    input:
        LAYOUT.at("study_report", study=BONE),
        LAYOUT.at("study_track", study=BONE),
