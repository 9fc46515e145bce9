# BMD of the held-out subjects of each fold.
def models_of_experiment(experiment, fold):
    """The folders of the trained models that a fold of an experiment predicts with."""
    method = STUDY.experiments[experiment].method
    if method == "decomposition":
        name = STUDY.experiments[experiment].decomposer
        return [LAYOUT.at("train_stage_two", decomposer=name, fold=fold)]
    stage = {"regression": "train_stage_three", "conventional": "train_conventional"}[
        method
    ]
    return [
        LAYOUT.at(stage, experiment=experiment, target=target, fold=fold)
        for target in STUDY.targets
    ]


def prediction_config(wildcards):
    decomposer = decomposer_of(wildcards)
    return sections(
        device=CONFIG.training.device,
        experiment=STUDY.experiments[wildcards.experiment].model_dump(mode="json"),
        decomposer=decomposer and decomposer.model_dump(mode="json"),
        targets=list(STUDY.targets),
    )


def code_of_prediction(wildcards):
    if STUDY.experiments[wildcards.experiment].method == "conventional":
        return code("predict", module_of(CONFIG.training.conventional.model))
    return code_with_backbone("predict")(wildcards)


rule predict:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        lambda wildcards: models_of_experiment(wildcards.experiment, wildcards.fold),
    output:
        directory(LAYOUT.at("predict")),
    log:
        LAYOUT.log("predict"),
    benchmark:
        LAYOUT.benchmark("predict")
    resources:
        **scaled(mem_mb=8000, runtime=60),
    params:
        config=prediction_config,
        code=code_of_prediction,
    shell:
        command("predict", "experiment", "fold")
