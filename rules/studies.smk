# The companion studies: what is the same for all of them. A study's own file makes its data and maps.
COMPANIONS = {
    "brain_mr_attribution": CONFIG.brain_mr_attribution,
    "tumour_classification": CONFIG.tumour_classification,
}
STUDY_KINDS = {
    "brain_mr_attribution": "volume_network",
    "tumour_classification": "classifier",
}
try:
    for name, kind in STUDY_KINDS.items():
        for model in COMPANIONS[name].models:
            entry_of(model, kind)
except UsageError as error:
    sys.stderr.write(f"error: {name}: {error}\n")
    sys.exit(2)


wildcard_constraints:
    study="|".join(COMPANIONS),
    model=r"[a-z0-9][a-z0-9_]*",


# Keys that a study's data do not depend on, and keys that its maps do not depend on directly.
STUDY_MODELS = {
    "models",
    "training",
    "explain",
    "pretrained",
    "top_fraction",
    "site_margin_mm",
    "summary_fwhm_mm",
    "random_models",
}
STUDY_FOLDS = {"training", "pretrained", "n_folds", "fold_seed"}


def study_sections(study, without):
    """A study's config under the name `study`, without the keys that a rule does not depend on."""
    own = COMPANIONS[study].model_dump(mode="json", exclude={"threads", *without})
    return canonical_json(dict(study=own))


def study_command(script):
    """The shell command of a rule that serves one study, whose name is a parameter of it."""
    return command(script).replace("--config", "--key study={params.study} --config", 1)


def models_code(study):
    return [module_of(model) for model in COMPANIONS[study].models]


def study_parts(study, *names):
    """What evaluation, report and tracking of a study need to know of it."""
    config = COMPANIONS[study]
    return sections(*names, models=list(config.models), folds=config.n_folds)


def trained_folds(wildcards):
    """The folders of all models and folds of a study."""
    config = COMPANIONS[wildcards.study]
    return expand(
        LAYOUT.at("study_train", study=wildcards.study),
        model=config.models,
        fold=range(config.n_folds),
    )


def first_fold(study):
    """The models that a study explains."""
    return expand(
        LAYOUT.at("study_train", study=study, fold=0), model=COMPANIONS[study].models
    )


rule study_train:
    input:
        LAYOUT.at("study_data"),
        lambda wildcards: COMPANIONS[wildcards.study].pretrained.get(
            wildcards.model, []
        ),
    output:
        directory(LAYOUT.at("study_train")),
    log:
        LAYOUT.log("study_train"),
    benchmark:
        LAYOUT.benchmark("study_train")
    threads: lambda wildcards: COMPANIONS[wildcards.study].threads
    resources:
        mem_mb=16000,
        runtime=1440,
    params:
        config=lambda wildcards: canonical_json(
            dict(
                training=COMPANIONS[wildcards.study].training.model_dump(mode="json"),
                pretrained=COMPANIONS[wildcards.study].pretrained.get(wildcards.model),
            )
        ),
        code=lambda wildcards: code("study_train", module_of(wildcards.model)),
    shell:
        command("study_train", "study", "model", "fold")


rule study_evaluate:
    input:
        LAYOUT.at("study_data"),
        trained_folds,
    output:
        directory(LAYOUT.at("study_evaluate")),
    log:
        LAYOUT.log("study_evaluate"),
    benchmark:
        LAYOUT.benchmark("study_evaluate")
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=lambda wildcards: study_parts(wildcards.study, "evaluation"),
        code=code("study_evaluate"),
    shell:
        command("study_evaluate", "study")


rule study_report:
    input:
        LAYOUT.at("study_evaluate"),
        LAYOUT.at("study_explain"),
        trained_folds,
    output:
        report(
            directory(LAYOUT.at("study_report")),
            htmlindex="index.html",
            caption="../config/report/study.rst",
            category="Companion studies",
        ),
    log:
        LAYOUT.log("study_report"),
    benchmark:
        LAYOUT.benchmark("study_report")
    params:
        config=lambda wildcards: study_parts(wildcards.study, "report"),
        code=code("study_report"),
        templates=file_hash(TEMPLATES),
    shell:
        command("study_report", "study")


rule study_track:
    input:
        LAYOUT.at("study_data"),
        LAYOUT.at("study_evaluate"),
        LAYOUT.at("study_explain"),
        trained_folds,
    output:
        LAYOUT.at("study_track"),
    log:
        LAYOUT.log("study_track"),
    benchmark:
        LAYOUT.benchmark("study_track")
    params:
        config=lambda wildcards: study_parts(wildcards.study, "tracking"),
        code=code("study_track"),
    shell:
        command("study_track", "study")
