"""A bundle on disk: one experiment's models with all that a plain radiograph's BMD needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bmdpipe.core.atomic import atomic_path, read_json, write_json
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.provenance import file_hash
from bmdpipe.pairs.domain import ImageDomain

FORMAT = "bmdpipe-bundle-2"
BUNDLE = "bundle.json"
CARD = "MODEL_CARD.md"
DOMAIN = "domain.safetensors"
DECOMPOSITION = "models/fold{fold}/decomposition"
REGRESSION = "models/fold{fold}/{target}"
FIT = "models/fold{fold}/projection_fit.json"


@dataclass(frozen=True)
class TargetLimits:
    """What is known of one target's held-out errors and values, in its `unit`.

    `half_width` is None where too few subjects calibrate an interval; `disagreement` is half the
    range over folds from which their models disagree; `seen` the BMD that training has seen.
    """

    unit: str
    nominal: float
    half_width: float | None
    disagreement: float
    seen: tuple[float, float]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> TargetLimits:
        return cls(**{**raw, "seen": tuple(raw["seen"])})


@dataclass(frozen=True)
class Bundle:
    """What `bundle.json` says; `root` is the folder that it lies in, `held_out` the metrics of the
    cohort that it comes from by target, each with its interval over subjects."""

    root: Path
    experiment: str
    method: str
    virtual: bool
    folds: tuple[int, ...]
    targets: Mapping[str, TargetLimits]
    held_out: Mapping[str, Mapping[str, Mapping[str, Any]]]
    positionings: tuple[str, ...]
    size_px: tuple[int, int]
    canonical_side: bool
    projection_unit: str
    imaging: ImagingConfig
    domain: ImageDomain
    provenance: Mapping[str, Any]

    def at(self, name: str, **keys: str | int) -> Path:
        return self.root / name.format(**keys)

    def to_json(self) -> dict[str, Any]:
        """All but what lies in other files."""
        return {
            "format": FORMAT,
            "experiment": self.experiment,
            "method": self.method,
            "virtual": self.virtual,
            "folds": list(self.folds),
            "targets": {name: asdict(limits) for name, limits in self.targets.items()},
            "held_out": dict(self.held_out),
            "positionings": list(self.positionings),
            "size_px": list(self.size_px),
            "canonical_side": self.canonical_side,
            "projection_unit": self.projection_unit,
            "imaging": self.imaging.model_dump(mode="json"),
            "domain": {name: list(limits) for name, limits in self.domain.limits.items()},
            "provenance": dict(self.provenance),
        }


def write_bundle(bundle: Bundle) -> None:
    """Write `bundle.json` last: it names the hash of every other file that lies there."""
    with atomic_path(bundle.at(DOMAIN)) as part:
        save_file(
            {
                "mean": np.ascontiguousarray(bundle.domain.mean, np.float32),
                "components": np.ascontiguousarray(bundle.domain.components, np.float32),
            },
            part,
        )
    files = sorted(p for p in bundle.root.rglob("*") if p.is_file() and p.name != BUNDLE)
    hashes = {path.relative_to(bundle.root).as_posix(): file_hash([path]) for path in files}
    write_json(bundle.at(BUNDLE), {**bundle.to_json(), "files": hashes})


def read_bundle(root: Path) -> Bundle:
    """Raises UsageError where the folder holds no bundle, one of another format, or a changed one.

    What is added beside the files that it names is not looked at.
    """
    root = Path(root)
    if not (root / BUNDLE).is_file():
        raise UsageError(f"{root} is no bundle: it has no {BUNDLE} (bmdpipe export makes one)")
    try:
        raw = read_json(root / BUNDLE)
    except ValueError:
        raise UsageError(f"{root / BUNDLE} is damaged: it is no JSON") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise UsageError(f"{root} is not of the format {FORMAT}: export it again")
    _check_files(root, raw["files"].items())
    try:
        arrays = load_file(root / DOMAIN)
    except SafetensorError as error:
        raise UsageError(f"{root / DOMAIN} is damaged: {error}") from None
    limits = {name: (float(low), float(high)) for name, (low, high) in raw["domain"].items()}
    return Bundle(
        root=root,
        experiment=raw["experiment"],
        method=raw["method"],
        virtual=raw["virtual"],
        folds=tuple(raw["folds"]),
        targets={name: TargetLimits.from_json(t) for name, t in raw["targets"].items()},
        held_out=raw["held_out"],
        positionings=tuple(raw["positionings"]),
        size_px=(raw["size_px"][0], raw["size_px"][1]),
        canonical_side=raw["canonical_side"],
        projection_unit=raw["projection_unit"],
        imaging=ImagingConfig.model_validate(raw["imaging"]),
        domain=ImageDomain(limits, arrays["mean"], arrays["components"]),
        provenance=raw["provenance"],
    )


def _check_files(root: Path, named: Iterable[tuple[str, str]]) -> None:
    for name, stated in named:
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{root / BUNDLE} names a file outside of the bundle: {name}")
        if not path.is_file():
            raise UsageError(f"{root} is incomplete: {name} is missing")
        if file_hash([path]) != stated:
            raise UsageError(f"{path} has changed since it was exported")
