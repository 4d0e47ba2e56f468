"""The wheel that the VSIX carries, packed without Python by scripts/wheel.mjs."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "scripts" / "wheel.mjs"


def build(folder, zone="UTC"):
    node = shutil.which("node")
    if node is None or not (REPOSITORY / "node_modules" / "yazl").exists():
        pytest.skip("Node with the packages of this repository is not here")
    subprocess.run([node, str(SCRIPT), "--out", str(folder)], check=True, env={**os.environ, "TZ": zone}, stdout=subprocess.PIPE)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_same_bytes_everywhere(wheel, tmp_path):
    assert build(tmp_path, "Pacific/Auckland").read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_every_module_as_it_is_and_no_more(wheel):
    source = REPOSITORY / "companion" / "src"
    modules = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name} == modules


def test_pip_installs_the_wheel_and_finds_all_of_it(wheel, tmp_path):
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this Python has no pip")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path), str(wheel)], check=True)
    code = (
        "import importlib.metadata as metadata, layerscope, layerscope.umm\n"
        "print(layerscope.__file__, layerscope.__version__, metadata.version('layerscope'), all(file.locate().exists() for file in metadata.files('layerscope')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment, stdout=subprocess.PIPE).stdout.decode().split()
    assert shown == [str(tmp_path / "layerscope" / "__init__.py"), "0.1.0", "0.1.0", "True"]


def test_the_metadata_say_what_pyproject_says(wheel):
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((REPOSITORY / "companion" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        found = Parser().parsestr(archive.read(f"layerscope-{project['version']}.dist-info/METADATA").decode())
    assert (found["Name"], found["Version"], found["Requires-Python"]) == (project["name"], project["version"], project["requires-python"])
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(f"{one}; extra == '{extra}'" for extra, each in extras.items() for one in each)]
    assert found.get_all("Requires-Dist") == wanted and found.get_all("Provides-Extra") == list(extras)
    assert found.get_payload().startswith("# layerscope: the training side")
