# DICOM to canonical NIfTI, with checks; a bad case is quarantined here.
def raw_files(wildcards):
    if VIRTUAL:
        return LAYOUT.at("simulate", subject=wildcards.subject)
    subject = COHORT.subject(wildcards.subject)
    files = [subject.ct, subject.ct_labels, subject.bone_labels, subject.dxa_file]
    files += [row.path for row in COHORT.radiographs_of(wildcards.subject)]
    return [file for file in files if file]


rule import_subject:
    input:
        raw_files,
    output:
        directory(LAYOUT.at("import")),
    log:
        LAYOUT.log("import"),
    benchmark:
        LAYOUT.benchmark("import")
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        config=sections("imaging"),
        row=subject_row,
        code=code("import_subject"),
    shell:
        command("import_subject", "subject", row=True)
