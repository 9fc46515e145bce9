# Subjects with a CT alone: radiographs computed from it at known poses, and registered back.
rule segment_ct:
    input:
        LAYOUT.at("import"),
    output:
        directory(LAYOUT.at("segment")),
    log:
        LAYOUT.log("segment"),
    benchmark:
        LAYOUT.benchmark("segment")
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        config=sections("segmentation", "ct_only"),
        code=code("segment_ct"),
    shell:
        command("segment_ct", "subject")


rule expose:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("calibrate"),
        LAYOUT.at("segment"),
        LAYOUT.at("roi"),
    output:
        directory(LAYOUT.at("expose")),
    log:
        LAYOUT.log("expose"),
    benchmark:
        LAYOUT.benchmark("expose")
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        config=sections("ct_only", "virtual"),
        code=code("expose"),
    shell:
        command("expose", "subject")


rule recover:
    input:
        LAYOUT.at("segment"),
        LAYOUT.at("expose"),
        LAYOUT.at("register"),
    output:
        directory(LAYOUT.at("recover")),
    log:
        LAYOUT.log("recover"),
    benchmark:
        LAYOUT.benchmark("recover")
    params:
        config=sections("evaluation"),
        code=code("recover"),
    shell:
        command("recover", "subject")
