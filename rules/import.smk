# DICOM to canonical NIfTI, with checks; a bad case is quarantined here.
def raw_files(wildcards):
    if VIRTUAL:
        return LAYOUT.at("simulate", subject=wildcards.subject)
    subject = COHORT.subject(wildcards.subject)
    files = [subject.ct, subject.ct_labels, subject.bone_labels, subject.dxa_file]
    files += [row.path for row in COHORT.radiographs_of(wildcards.subject)]
    return [file for file in files if file]


def raw_state(wildcards):
    """What Snakemake does not see: it looks at a folder's own time stamp, not at its files'."""
    subject = None if VIRTUAL else COHORT.subject(wildcards.subject)
    return folder_state(Path(subject.ct)) if subject else ""


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
        **scaled(mem_mb=4000, runtime=20),
    params:
        config=sections("imaging"),
        row=subject_row,
        data=raw_state,
        code=code("import_subject"),
    shell:
        command("import_subject", "subject", row=True)
