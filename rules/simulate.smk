# A virtual subject: CT series, radiographs, DXA value, and the truth, apart.
rule simulate:
    output:
        directory(LAYOUT.at("simulate")),
    log:
        LAYOUT.log("simulate"),
    benchmark:
        LAYOUT.benchmark("simulate")
    resources:
        **scaled(mem_mb=3000, runtime=20),
    params:
        config=sections("virtual", without=("n_subjects", "n_annotated")),
        row=subject_row,
        code=code("simulate"),
    shell:
        command("simulate", "subject", row=True)
