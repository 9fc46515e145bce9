# The paper's tables and figures, each a target of its own: `snakemake table2`.
def table_rows(table):
    return rows_of(table, STUDY, CONFIG.projection.uncalibrated)


def table_experiments(table):
    return [name for row in table_rows(table) for name in row.experiments]


def table_inputs(wildcards):
    """The evaluations that a table is made of, with what its figure needs beside them."""
    rows = table_rows(wildcards.table)
    names = table_experiments(wildcards.table)
    wanted = expand(LAYOUT.at("evaluate"), experiment=names)
    if wildcards.table in ("table2", "table3", "fig7", "fig9"):
        wanted += expand(LAYOUT.at("predict"), experiment=names, fold=FOLDS)
    if wildcards.table == "fig8":
        wanted += expand(LAYOUT.at("compress"), experiment=names, fold=FOLDS)
    if wildcards.table == "fig9":
        wanted += [LAYOUT.at("pairs"), *per_subject("register")]
    if wildcards.table == "fig12":
        wanted += expand(
            LAYOUT.at("train_stage_two"),
            decomposer=[name for row in rows for name in row.decomposers],
            fold=FOLDS,
        )
    return wanted


rule compress:
    input:
        LAYOUT.at("folds"),
        LAYOUT.at("pairs"),
        LAYOUT.at("predict"),
        lambda wildcards: models_of_experiment(wildcards.experiment, wildcards.fold),
    output:
        directory(LAYOUT.at("compress")),
    log:
        LAYOUT.log("compress"),
    benchmark:
        LAYOUT.benchmark("compress")
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        config=lambda wildcards: sections(
            device=CONFIG.training.device,
            experiment=STUDY.experiments[wildcards.experiment].model_dump(mode="json"),
            targets=list(STUDY.targets),
            bit_depths=list(STUDY.tables.bit_depths),
            jpeg_qualities=list(STUDY.tables.jpeg_qualities),
        ),
        code=code_with_backbone("compress"),
    shell:
        command("compress", "experiment", "fold")


rule table:
    input:
        table_inputs,
    output:
        directory(LAYOUT.at("table")),
    log:
        LAYOUT.log("table"),
    benchmark:
        LAYOUT.benchmark("table")
    wildcard_constraints:
        table="|".join(TABLES),
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=lambda wildcards: sections(
            "evaluation",
            rows=[asdict(row) for row in table_rows(wildcards.table)],
            seeds=list(STUDY.tables.seeds),
            folds=len(FOLDS),
            targets=list(STUDY.targets),
            virtual=VIRTUAL,
        ),
        code=code("table"),
    shell:
        command("table", "table")


rule table2:
    input:
        LAYOUT.at("table", table="table2"),


rule table3:
    input:
        LAYOUT.at("table", table="table3"),


rule fig7:
    input:
        LAYOUT.at("table", table="fig7"),


rule fig8:
    input:
        LAYOUT.at("table", table="fig8"),


rule fig9:
    input:
        LAYOUT.at("table", table="fig9"),


rule fig12:
    input:
        LAYOUT.at("table", table="fig12"),
