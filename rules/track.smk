# Every job's parameters and metrics into the MLflow store; one local job, so that writers never race.
rule track:
    input:
        LAYOUT.summary,
        LAYOUT.at("report"),
        LAYOUT.at("pairs"),
        STAGE_TRUTH,
        RECORDS,
        per_subject("simulate") if VIRTUAL else [],
        SEGMENT_MODELS,
        expand(LAYOUT.at("predict"), experiment=EXPERIMENTS, fold=FOLDS),
        expand(LAYOUT.at("evaluate"), experiment=EXPERIMENTS),
        expand(LAYOUT.at("explain"), experiment=EXPERIMENTS),
    output:
        LAYOUT.tracked,
    log:
        LAYOUT.log("track"),
    benchmark:
        LAYOUT.benchmark("track")
    params:
        config=sections("tracking", **report_values()),
        row=SUBJECT_LIST,
        code=code("track"),
    shell:
        command("track", row=True)
