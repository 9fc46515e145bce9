"""What pyproject.toml cannot say: the native projection core is built where a compiler is found.

Without one the package installs all the same and projects with numba.
"""

import importlib.util
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = Path("bmdpipe/projection/native")
PLAIN = ["-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fvisibility=hidden", "-g0"]


def library_module():
    """The module that says what the sources are; it needs nothing but the standard library."""
    spec = importlib.util.spec_from_file_location("library", FOLDER / "library.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class SharedLibrary(build_ext):
    """A plain shared library: no Python symbol is exported."""

    def get_export_symbols(self, ext):
        return ext.export_symbols


setup(
    cmdclass={"build_ext": SharedLibrary},
    ext_modules=[
        Extension(
            "bmdpipe.projection.native._core",
            sources=sorted(str(path) for path in FOLDER.glob("*.cpp")),
            depends=sorted(str(path) for path in FOLDER.glob("*.hpp")),
            define_macros=[("BMD_SOURCES", f'"{library_module().sources_hash(FOLDER)}"')],
            extra_compile_args=[*PLAIN, "-Wno-psabi", "-pthread"],
            extra_link_args=["-pthread"],
            optional=True,
        )
    ],
)
