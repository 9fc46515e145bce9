# Cross-validation folds by subject.
rule folds:
    input:
        per_subject("import"),
        CONFIG.folds.file or [],
    output:
        directory(LAYOUT.at("folds")),
    log:
        LAYOUT.log("folds"),
    benchmark:
        LAYOUT.benchmark("folds")
    params:
        config=sections("folds"),
        row=SUBJECT_LIST,
        code=code("folds"),
    shell:
        command("folds", row=True)
