# Hounsfield units to bone density by the calibration phantom.
rule calibrate:
    input:
        LAYOUT.at("import"),
    output:
        directory(LAYOUT.at("calibrate")),
    log:
        LAYOUT.log("calibrate"),
    benchmark:
        LAYOUT.benchmark("calibrate")
    resources:
        **scaled(mem_mb=4000, runtime=20),
    params:
        config=sections("calibration"),
        code=code("calibrate"),
    shell:
        command("calibrate", "subject")
