# SPDX-License-Identifier: MIT
"""Fixtures of the guest tests."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import ensure_kernel

_FAULT_MODULE = Path(__file__).parent / "testdata" / "fault_module"


@pytest.fixture
def compile_c(tmp_path: Path) -> Callable[[str, str], Path]:
    """Compiles C source into an executable of that name."""

    def compile_source(name: str, source: str) -> Path:
        program = tmp_path / name
        subprocess.run(
            ["gcc", "-O2", "-Wall", "-Werror", "-x", "c", "-", "-o", str(program)],
            input=source.encode(),
            check=True,
            timeout=60,
        )
        return program

    return compile_source


@pytest.fixture(scope="session")
def fault_module(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds the module that warns, oopses or panics on request, against unpacked headers."""
    built: dict[str, Path] = {}

    def build(series: str) -> Path:
        if series not in built:
            folder = tmp_path_factory.mktemp(f"module-{series}")
            for source in _FAULT_MODULE.iterdir():
                (folder / source.name).write_bytes(source.read_bytes())
            headers = ensure_kernel(series).headers
            command = ["make", "-C", str(headers), f"M={folder}", "W=1", "modules"]
            subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
            built[series] = folder / "guest_fault.ko"
        return built[series]

    return build
