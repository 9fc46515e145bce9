# Radiograph and projection pairs of all subjects.
rule pairs:
    input:
        per_subject("import"),
        per_subject("register"),
        per_subject("project"),
    output:
        directory(LAYOUT.at("pairs")),
    log:
        LAYOUT.log("pairs"),
    benchmark:
        LAYOUT.benchmark("pairs")
    resources:
        **scaled(mem_mb=4000, runtime=120),
    params:
        config=sections("pairs", uncalibrated=CONFIG.projection.uncalibrated),
        row=SUBJECT_LIST,
        code=code("pairs"),
    shell:
        command("pairs", row=True)
