# Validation, the cohort's rows, and what every rule is made of: paths, config sections, code hash.
import os
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, workflow.basedir)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [workflow.basedir, *filter(None, [os.environ.get("PYTHONPATH")])]
)

from bmdpipe.core.atomic import read_json, write_text
from bmdpipe.core.code import Code
from bmdpipe.core.config.loading import parse_config
from bmdpipe.core.errors import UsageError
from bmdpipe.core.layout import Layout
from bmdpipe.core.provenance import (
    canonical_json,
    compiled_hash,
    digest,
    file_hash,
    folder_state,
)
from bmdpipe.core.tables import TABLES, rows_of, with_tables
from bmdpipe.training.pretrained import check_pretrained, pretrained_files
from bmdpipe.core.training_state import drop_ended
from bmdpipe.models.registry import MODELS, check_size, entry_of, module_of
from bmdpipe.virtual.configured import configured_cohort

os.environ["NUMBA_CACHE_DIR"] = str(
    Path(
        ".snakemake", "numba", compiled_hash(Path(workflow.basedir, "bmdpipe"))
    ).resolve()
)

# Not written into the commands, or another spelling of its path would rerun every job.
os.environ["BMDPIPE_PYTHON"] = sys.executable

try:
    CONFIG = parse_config(config)
    COHORT = configured_cohort(CONFIG)
    check_pretrained(
        CONFIG.hip_bmd.decomposers, Path(CONFIG.results, CONFIG.cohort.name)
    )
except UsageError as error:
    sys.stderr.write("".join(f"error: {line}\n" for line in str(error).splitlines()))
    sys.exit(2)

LAYOUT = Layout(CONFIG.results, CONFIG.cohort.name)
SUBJECTS = COHORT.ids
VIRTUAL = CONFIG.cohort.kind == "virtual"
CODE_NOTES = Path(".snakemake", "code.json")
CODE = Code(read_json(CODE_NOTES) if CODE_NOTES.exists() else None)
CT_ONLY = CONFIG.cohort.ct_only
PICTURED = "expose" if CT_ONLY else "import"
FOLDS = range(CONFIG.folds.n_folds)
STUDY = with_tables(CONFIG.hip_bmd, CONFIG.projection.uncalibrated)


wildcard_constraints:
    subject=r"[A-Za-z0-9-]{1,64}",
    fold=r"\d+",
    decomposer=r"[a-z0-9][a-z0-9_-]*",
    experiment=r"[a-z0-9][a-z0-9_-]*",
    target="dxa|qct",


def per_subject(stage):
    """The folders of a stage for all subjects."""
    return [LAYOUT.at(stage, subject=subject) for subject in SUBJECTS]


def sections(*names, without=(), **values):
    """Config sections as canonical JSON, so that a rule reruns when one of them changes.

    `a.b` names a part of a section; `without` drops keys that the rule does not depend on; `values`
    adds what is not a section.
    """
    chosen = {}
    for name in names:
        model = CONFIG
        for part in name.split("."):
            model = getattr(model, part)
        chosen[name] = {
            key: value
            for key, value in model.model_dump(mode="json").items()
            if key not in without
        }
    return canonical_json(chosen | values)


def command(script, *keys, row=False):
    """The shell command of a rule: its script with paths, keys, config and threads."""
    parts = [
        "NUMBA_NUM_THREADS={threads} ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS={threads}",
        f"$BMDPIPE_PYTHON -m workflow_scripts.{script}",
        f"--root {LAYOUT.root} --cohort {LAYOUT.cohort}",
        *(f"--key {key}={{wildcards.{key}}}" for key in keys),
        "--config {params.config:q}",
        "--row {params.row:q}" if row else "",
        "--threads {threads} --code {params.code} 2> {log}",
    ]
    return " ".join(filter(None, parts))


def code(script, *modules):
    """Hash of a script's code with everything of ours that it imports."""
    return CODE.hash(f"workflow_scripts.{script}", *modules)


def scaled(mem_mb, runtime):
    """Memory and minutes of a job's first attempt; each further attempt gets as much again."""
    return dict(
        mem_mb=lambda wildcards, attempt: mem_mb * attempt,
        runtime=lambda wildcards, attempt: runtime * attempt,
    )


def subject_row(wildcards):
    """A subject's rows of the cohort tables."""
    return canonical_json(COHORT.to_json(wildcards.subject))


def decomposer_of(wildcards):
    """The decomposer that a job's wildcards or experiment name, None for the conventional method."""
    name = getattr(wildcards, "decomposer", None)
    name = name or STUDY.experiments[wildcards.experiment].decomposer
    return STUDY.decomposers[name] if name else None


def row_file(row):
    """`@` with the path of a file that holds a row too long for a command line, named by its hash."""
    path = Path(".snakemake", "rows", f"{digest(row)}.json")
    if not path.exists():
        write_text(path, row)
    return f"@{path}"


SUBJECT_LIST = row_file(canonical_json({"subjects": list(SUBJECTS)}))
