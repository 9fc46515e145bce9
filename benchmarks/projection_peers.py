"""Other people's projectors on the job of `benchmarks/projection.py`: ITK, RTK, plastimatch.

Every peer gets the volume cropped to what is there plus three voxels, and its set-up (pipeline,
file, tensors) is not timed. `PEERS` names the model each is compared with. What is not installed
raises ImportError.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse

Engine = Callable[[int], NDArray]
MM_PER_CM = 10.0
ISOCENTRE_MM = 1000.0


def rtk_joseph(box: Volume, camera: Camera, pose: NDArray) -> Engine:
    """itk-rtk's Joseph projector. RTK weighs a ray's first and last sample in the box by the part
    of a step that lies in it, hence the empty voxels around."""
    import itk
    from itk import RTK as toolkit

    kind = itk.Image[itk.F, 3]
    image = _itk_image(box, np.float32)
    back = inverse(pose)
    detector = back[:3, :3] @ [0, 0, camera.sdd_mm] + back[:3, 3]
    geometry = toolkit.ThreeDCircularProjectionGeometry.New()
    geometry.AddProjection(*[v.tolist() for v in (back[:3, 3], detector, back[:3, 0], back[:3, 1])])
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    empty = toolkit.ConstantImageSource[kind].New()
    empty.SetOrigin([-cu * su, -cv * sv, 0.0])
    empty.SetSpacing([su, sv, 1.0])
    empty.SetSize([*camera.size_px, 1])
    empty.Update()
    projector = toolkit.JosephForwardProjectionImageFilter[kind, kind].New()
    projector.SetInput(0, empty.GetOutput())
    projector.SetInput(1, image)
    projector.SetGeometry(geometry)
    return _pipeline(projector, (image, geometry, empty))


def itk_ray_casting(box: Volume, camera: Camera, pose: NDArray) -> Engine:
    """ITK's RayCastInterpolateImageFunction in a ResampleImageFilter, one pixel at a time."""
    import itk

    image = _itk_image(box, np.float32)
    back = inverse(pose)
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    caster = itk.RayCastInterpolateImageFunction[type(image), itk.D].New()
    transform = itk.Euler3DTransform[itk.D].New()
    caster.SetInputImage(image)
    caster.SetTransform(transform)
    caster.SetFocalPoint(back[:3, 3].tolist())
    caster.SetThreshold(0.0)
    resampler = itk.ResampleImageFilter[type(image), type(image)].New()
    resampler.SetInput(image)
    resampler.SetInterpolator(caster)
    resampler.SetTransform(transform)
    resampler.SetSize([*camera.size_px, 1])
    resampler.SetOutputSpacing([su, sv, 1.0])
    corner = back[:3, :3] @ [-cu * su, -cv * sv, camera.sdd_mm] + back[:3, 3]
    resampler.SetOutputOrigin(corner.tolist())
    resampler.SetOutputDirection(itk.matrix_from_array(np.ascontiguousarray(back[:3, :3])))
    return _pipeline(resampler, (image, transform, caster))


class Plastimatch:
    """`plastimatch drr -i exact` as a program; `seconds` is what it says of its last run.

    Its own "Total time" less its "I/O time": reading the volume and starting are not in it, so that
    the comparison does not hang on files.
    """

    def __init__(self, box: Volume, camera: Camera, pose: NDArray) -> None:
        if shutil.which("plastimatch") is None:
            raise ImportError("the program plastimatch is not installed")
        self._folder = tempfile.TemporaryDirectory(prefix="plastimatch-")
        folder, back = Path(self._folder.name), inverse(pose)
        _write_mha(folder / "box.mha", box)
        width, height = camera.size_px
        (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
        isocentre = back[:3, 3] + ISOCENTRE_MM * back[:3, 2]
        places = {"-o": isocentre, "-n": -back[:3, 2], "--vup": -back[:3, 1], "-c": (cu, cv),
                  "-r": (width, height), "-z": (width * su, height * sv)}  # fmt: skip
        self._command = ["plastimatch", "drr", "-i", "exact", "-P", "none", "-t", "pfm",
                         "--sad", str(ISOCENTRE_MM), "--sid", str(camera.sdd_mm),
                         *itertools.chain(*((k, " ".join(map(str, v))) for k, v in places.items())),
                         "-I", str(folder / "box.mha"), "-O", str(folder / "drr_")]  # fmt: skip
        self._image = folder / "drr_0000.pfm"
        self._shape = height, width
        self.seconds = 0.0

    def __call__(self, threads: int) -> NDArray:
        done = subprocess.run(
            self._command, env={"OMP_NUM_THREADS": str(threads), "PATH": "/usr/bin:/usr/local/bin"},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        total, inout = (
            float(re.findall(name + r" time: ([\d.e+-]+)", done.stdout)[-1])
            for name in ("Total", "I/O")
        )
        self.seconds = total - inout
        pixels = np.frombuffer(self._image.read_bytes().split(b"\n", 3)[3], np.float32)
        return pixels.reshape(self._shape) * np.float32(MM_PER_CM)


PEERS: dict[str, tuple[str, Callable[[Volume, Camera, NDArray], Engine]]] = {
    "itk-rtk joseph": ("joseph", rtk_joseph),
    "itk ray casting": ("joseph", itk_ray_casting),
    "plastimatch exact": ("siddon", Plastimatch),
}


def _itk_image(box: Volume, dtype: type):
    import itk

    image = itk.image_from_array(np.ascontiguousarray(box.array, dtype))
    image.SetSpacing(list(box.spacing_mm))
    image.SetOrigin(list(box.origin_mm))
    return image


def _pipeline(last, held: tuple) -> Engine:
    """Run a filter anew; `held` are inputs that the pipeline does not own."""
    import itk

    def run(threads: int) -> NDArray:
        last.SetNumberOfWorkUnits(threads)
        last.GetMultiThreader().SetMaximumNumberOfThreads(threads)
        last.Modified()
        last.Update()
        return itk.array_from_image(last.GetOutput())[0] if held else np.empty(0)

    return run


def _write_mha(path: Path, box: Volume) -> None:
    def line(numbers: tuple) -> str:
        return " ".join(map(str, numbers))

    header = f"""ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = {line(box.origin_mm)}
ElementSpacing = {line(box.spacing_mm)}
DimSize = {line(box.size)}
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""
    path.write_bytes(header.encode() + np.ascontiguousarray(box.array, "<i2").tobytes())
