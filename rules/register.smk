# 2D-3D registration of pelvis and femora to each radiograph.
rule register:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("calibrate"),
        LAYOUT.at("segment"),
        [LAYOUT.at("expose")] if CT_ONLY else [],
    output:
        directory(LAYOUT.at("register")),
    log:
        LAYOUT.log("register"),
    benchmark:
        LAYOUT.benchmark("register")
    resources:
        **scaled(mem_mb=4000, runtime=60),
    params:
        config=sections("registration", radiographs=PICTURED),
        code=code("register"),
    shell:
        command("register", "subject")
