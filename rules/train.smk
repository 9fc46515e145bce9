# Per fold: stage one (bones), stage two (proximal femur), stage three (regression), conventional.
TRAINING = scaled(mem_mb=32000, runtime=2880)


def start_of_stage_one(wildcards):
    return pretrained_files(decomposer_of(wildcards))


def start_of_stage_two(wildcards):
    if decomposer_of(wildcards).hierarchical:
        return LAYOUT.at(
            "train_stage_one", decomposer=wildcards.decomposer, fold=wildcards.fold
        )
    return pretrained_files(decomposer_of(wildcards))


def stage_two_of_experiment(wildcards):
    name = STUDY.experiments[wildcards.experiment].decomposer
    return LAYOUT.at("train_stage_two", decomposer=name, fold=wildcards.fold)


def decomposer_config(other_stage_epochs):
    """Config of stage one or two, without what only the other stage depends on."""

    def config_of(wildcards):
        return sections(
            "pairs",
            "training",
            without=("regression", "conventional"),
            decomposer=decomposer_of(wildcards).model_dump(
                mode="json", exclude={other_stage_epochs}
            ),
        )

    return config_of


def regression_config(*other_kinds):
    """Config of a regression, without the training sections of other kinds."""

    def config_of(wildcards):
        decomposer = decomposer_of(wildcards)
        return sections(
            "pairs",
            "training",
            without=other_kinds,
            experiment=STUDY.experiments[wildcards.experiment].model_dump(mode="json"),
            decomposer=decomposer and decomposer.model_dump(mode="json"),
        )

    return config_of


def code_with_backbone(script):
    def hash_of(wildcards):
        decomposer = decomposer_of(wildcards)
        return code(script, *([module_of(decomposer.backbone)] if decomposer else []))

    return hash_of


rule train_stage_one:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        start_of_stage_one,
    output:
        directory(LAYOUT.at("train_stage_one")),
    log:
        LAYOUT.log("train_stage_one"),
    benchmark:
        LAYOUT.benchmark("train_stage_one")
    threads: CONFIG.workflow.training_threads
    resources:
        **TRAINING,
    params:
        config=decomposer_config("stage_two_epochs"),
        code=code_with_backbone("train_stage_one"),
    shell:
        command("train_stage_one", "decomposer", "fold")


rule train_stage_two:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        start_of_stage_two,
    output:
        directory(LAYOUT.at("train_stage_two")),
    log:
        LAYOUT.log("train_stage_two"),
    benchmark:
        LAYOUT.benchmark("train_stage_two")
    threads: CONFIG.workflow.training_threads
    resources:
        **TRAINING,
    params:
        config=decomposer_config("stage_one_epochs"),
        code=code_with_backbone("train_stage_two"),
    shell:
        command("train_stage_two", "decomposer", "fold")


rule train_stage_three:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        stage_two_of_experiment,
    output:
        directory(LAYOUT.at("train_stage_three")),
    log:
        LAYOUT.log("train_stage_three"),
    benchmark:
        LAYOUT.benchmark("train_stage_three")
    threads: CONFIG.workflow.training_threads
    resources:
        **TRAINING,
    params:
        config=regression_config("decomposition", "conventional"),
        code=code_with_backbone("train_stage_three"),
    shell:
        command("train_stage_three", "experiment", "target", "fold")


rule train_conventional:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
    output:
        directory(LAYOUT.at("train_conventional")),
    log:
        LAYOUT.log("train_conventional"),
    benchmark:
        LAYOUT.benchmark("train_conventional")
    threads: CONFIG.workflow.training_threads
    resources:
        **TRAINING,
    params:
        config=regression_config("decomposition", "regression"),
        code=code("train_conventional", module_of(CONFIG.training.conventional.model)),
    shell:
        command("train_conventional", "experiment", "target", "fold")
