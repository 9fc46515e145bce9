# Density projections of bones and proximal femur at the found poses.
rule project:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("calibrate"),
        LAYOUT.at("segment"),
        LAYOUT.at("roi"),
        LAYOUT.at("register"),
    output:
        directory(LAYOUT.at("project")),
    log:
        LAYOUT.log("project"),
    benchmark:
        LAYOUT.benchmark("project")
    resources:
        **scaled(mem_mb=4000, runtime=30),
    params:
        config=sections("projection", radiographs=PICTURED),
        code=code("project"),
    shell:
        command("project", "subject")
