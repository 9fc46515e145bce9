# Landmarks and region of the proximal femur; volumetric and areal BMD.
rule roi:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("calibrate"),
        LAYOUT.at("segment"),
    output:
        directory(LAYOUT.at("roi")),
    log:
        LAYOUT.log("roi"),
    benchmark:
        LAYOUT.benchmark("roi")
    resources:
        **scaled(mem_mb=4000, runtime=30),
    params:
        config=sections("roi"),
        code=code("roi"),
    shell:
        command("roi", "subject")
