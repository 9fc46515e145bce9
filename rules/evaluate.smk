# The paper's metrics per experiment, and each stage against the truth of a virtual cohort.
rule evaluate:
    input:
        lambda wildcards: expand(
            LAYOUT.at("predict", experiment=wildcards.experiment), fold=FOLDS
        ),
    output:
        report(
            directory(LAYOUT.at("evaluate")),
            patterns=["{figure}.png"],
            caption="../config/report/evaluation.rst",
            category="Results",
            subcategory="{experiment}",
        ),
    log:
        LAYOUT.log("evaluate"),
    benchmark:
        LAYOUT.benchmark("evaluate")
    resources:
        **scaled(mem_mb=4000, runtime=60),
    params:
        config=lambda wildcards: sections(
            "evaluation",
            experiment=STUDY.experiments[wildcards.experiment].model_dump(mode="json"),
            targets=list(STUDY.targets),
            folds=len(FOLDS),
            virtual=VIRTUAL,
        ),
        code=code("evaluate"),
    shell:
        command("evaluate", "experiment")


rule evaluate_stages:
    input:
        per_subject("simulate"),
        per_subject("import"),
        per_subject("calibrate"),
        per_subject("segment"),
        per_subject("roi"),
        per_subject("register"),
        per_subject("project"),
    output:
        directory(LAYOUT.at("evaluate_stages")),
    log:
        LAYOUT.log("evaluate_stages"),
    benchmark:
        LAYOUT.benchmark("evaluate_stages")
    resources:
        **scaled(mem_mb=4000, runtime=240),
    params:
        config=sections("evaluation"),
        row=SUBJECT_LIST,
        code=code("evaluate_stages"),
    shell:
        command("evaluate_stages", row=True)
