# Landmarks and region of the proximal femur; volumetric and areal BMD.
def corrected_landmarks(wildcards):
    """The markups files that a person put into the subject's folder of the cohort tables."""
    folder = COHORT.subject(wildcards.subject).landmarks
    return sorted(str(p) for p in Path(folder).glob("*.mrk.json")) if folder else []


rule roi:
    input:
        LAYOUT.at("import"),
        LAYOUT.at("calibrate"),
        LAYOUT.at("segment"),
        corrected_landmarks,
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
        row=lambda wildcards: canonical_json(
            {"landmarks": COHORT.subject(wildcards.subject).landmarks}
        ),
        code=code("roi"),
    shell:
        command("roi", "subject", row=True)
