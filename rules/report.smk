# The run's numbers in one file, the cohort's page, a page per subject.
EXPERIMENTS = list(CONFIG.hip_bmd.experiments)
STAGE_TRUTH = [LAYOUT.at("evaluate_stages")] if VIRTUAL else []
RECORDS = [
    folder
    for stage in (
        "import",
        "calibrate",
        "segment",
        "roi",
        *(["expose"] if CT_ONLY else []),
        "register",
        "project",
        *(["recover"] if CT_ONLY else []),
    )
    for folder in per_subject(stage)
]
NOT_OF_THE_RUN = {"results", "report", "tracking", "workflow"}
COMPANIONS = {
    "lumbar",
    "ct_bmd",
    "chest",
    "bone_suppression",
    "brain",
    "brain_mr_attribution",
    "tumour_classification",
}
TEMPLATES = sorted(Path(workflow.basedir, "bmdpipe/report/templates").iterdir())


def report_values():
    return dict(
        cohort=CONFIG.cohort.model_dump(mode="json"),
        hip_bmd=CONFIG.hip_bmd.model_dump(mode="json", exclude={"tables"}),
        folds=CONFIG.folds.model_dump(mode="json"),
    )


rule summary:
    input:
        expand(LAYOUT.at("evaluate"), experiment=EXPERIMENTS),
        STAGE_TRUTH,
        RECORDS,
    output:
        LAYOUT.summary,
    log:
        LAYOUT.log("summary"),
    benchmark:
        LAYOUT.benchmark("summary")
    params:
        config=canonical_json(
            CONFIG.model_dump(mode="json", exclude=NOT_OF_THE_RUN | COMPANIONS)
        ),
        row=SUBJECT_LIST,
        code=code("summarise"),
    shell:
        command("summarise", row=True)


rule report:
    input:
        LAYOUT.summary,
        expand(LAYOUT.at("evaluate"), experiment=EXPERIMENTS),
        expand(LAYOUT.at("explain"), experiment=EXPERIMENTS),
        STAGE_TRUTH,
        [] if CT_ONLY else LAYOUT.at("pairs"),
        RECORDS,
    output:
        report(
            directory(LAYOUT.at("report")),
            htmlindex="index.html",
            caption="../config/report/cohort.rst",
            category="Cohort",
        ),
    log:
        LAYOUT.log("report"),
    benchmark:
        LAYOUT.benchmark("report")
    threads: 2
    resources:
        **scaled(mem_mb=4000, runtime=60),
    params:
        config=sections("report", **report_values()),
        row=SUBJECT_LIST,
        code=code("report"),
        templates=file_hash(TEMPLATES),
    shell:
        command("report", row=True)
