# Seed 002: which parts of a brain volume make a 3D CNN tell its group.
BRAIN = "brain_mr_attribution"
BRAIN_COHORT = (
    [CONFIG.brain_mr_attribution.folder]
    if CONFIG.brain_mr_attribution.folder
    else [LAYOUT.at("study_cohort", study=BRAIN)]
)


rule brain_cohort:
    output:
        directory(LAYOUT.at("study_cohort", study=BRAIN)),
    log:
        LAYOUT.log("study_cohort").replace("{study}", BRAIN),
    benchmark:
        LAYOUT.benchmark("study_cohort").replace("{study}", BRAIN)
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        study=BRAIN,
        config=sections("brain"),
        code=code("brain_cohort"),
    shell:
        study_command("brain_cohort")


rule brain_data:
    input:
        BRAIN_COHORT,
    output:
        directory(LAYOUT.at("study_data", study=BRAIN)),
    log:
        LAYOUT.log("study_data").replace("{study}", BRAIN),
    benchmark:
        LAYOUT.benchmark("study_data").replace("{study}", BRAIN)
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=BRAIN,
        config=study_sections(BRAIN, without=STUDY_MODELS),
        code=code("brain_data"),
    shell:
        study_command("brain_data")


rule brain_explain:
    input:
        BRAIN_COHORT,
        LAYOUT.at("study_data", study=BRAIN),
        first_fold(BRAIN),
    output:
        directory(LAYOUT.at("study_explain", study=BRAIN)),
    log:
        LAYOUT.log("study_explain").replace("{study}", BRAIN),
    benchmark:
        LAYOUT.benchmark("study_explain").replace("{study}", BRAIN)
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        study=BRAIN,
        config=study_sections(BRAIN, without=STUDY_FOLDS),
        code=code("brain_explain", *models_code(BRAIN)),
    shell:
        study_command("brain_explain")


rule brain_mr_attribution:
    input:
        LAYOUT.at("study_report", study=BRAIN),
        LAYOUT.at("study_track", study=BRAIN),
