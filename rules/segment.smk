# Bayesian U-Net: one model per fold, trained without the fold's subjects, segments those subjects.
rule segment_train:
    input:
        LAYOUT.at("folds"),
    output:
        directory(LAYOUT.at("segment_train")),
    log:
        LAYOUT.log("segment_train"),
    benchmark:
        LAYOUT.benchmark("segment_train")
    threads: CONFIG.workflow.training_threads
    resources:
        **scaled(mem_mb=16000, runtime=720),
    params:
        config=sections("segmentation"),
        code=code("segment_train"),
    shell:
        command("segment_train", "fold")


rule segment:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("folds"),
        expand(LAYOUT.at("segment_train"), fold=FOLDS),
    output:
        directory(LAYOUT.at("segment")),
    log:
        LAYOUT.log("segment"),
    benchmark:
        LAYOUT.benchmark("segment")
    resources:
        **scaled(mem_mb=8000, runtime=60),
    params:
        config=sections("segmentation"),
        code=code("segment"),
    shell:
        command("segment", "subject")
