# Subjects with a CT alone: radiographs computed from it at known poses, and registered back.
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
