# Seed 004: tumour or normal from one brain MR slice.
TUMOUR = "tumour_classification"


rule tumour_data:
    input:
        CONFIG.tumour_classification.folder,
    output:
        directory(LAYOUT.at("study_data", study=TUMOUR)),
    log:
        LAYOUT.log("study_data").replace("{study}", TUMOUR),
    benchmark:
        LAYOUT.benchmark("study_data").replace("{study}", TUMOUR)
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=TUMOUR,
        config=study_sections(TUMOUR, without=STUDY_MODELS),
        code=code("tumour_data"),
    shell:
        study_command("tumour_data")


rule tumour_explain:
    input:
        LAYOUT.at("study_data", study=TUMOUR),
        first_fold(TUMOUR),
    output:
        directory(LAYOUT.at("study_explain", study=TUMOUR)),
    log:
        LAYOUT.log("study_explain").replace("{study}", TUMOUR),
    benchmark:
        LAYOUT.benchmark("study_explain").replace("{study}", TUMOUR)
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study=TUMOUR,
        config=study_sections(TUMOUR, without=STUDY_FOLDS),
        code=code("tumour_explain", *models_code(TUMOUR)),
    shell:
        study_command("tumour_explain")


rule tumour_classification:
    input:
        LAYOUT.at("study_report", study=TUMOUR),
        LAYOUT.at("study_track", study=TUMOUR),
