# Attention maps and representation pictures per experiment, by the models of fold 0.
def explained_models(wildcards):
    """The experiment's models, and the stages of its decomposer before them."""
    name = STUDY.experiments[wildcards.experiment].decomposer
    stages = ["train_stage_two", "train_stage_one"] if name else []
    if name and not STUDY.decomposers[name].hierarchical:
        stages.remove("train_stage_one")
    before = [LAYOUT.at(stage, decomposer=name, fold=0) for stage in stages]
    return sorted({*before, *models_of_experiment(wildcards.experiment, 0)})


rule explain:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        explained_models,
    output:
        report(
            directory(LAYOUT.at("explain")),
            patterns=["{figure}.png"],
            caption="../config/report/attention.rst",
            category="Attention",
            subcategory="{experiment}",
        ),
    log:
        LAYOUT.log("explain"),
    benchmark:
        LAYOUT.benchmark("explain")
    resources:
        **scaled(mem_mb=8000, runtime=60),
    params:
        config=lambda wildcards: sections(
            "explain",
            experiment=STUDY.experiments[wildcards.experiment].model_dump(mode="json"),
            decomposer=(d := decomposer_of(wildcards)) and d.model_dump(mode="json"),
            targets=list(STUDY.targets),
            virtual=VIRTUAL,
        ),
        code=code_with_backbone("explain"),
    shell:
        command("explain", "experiment")
