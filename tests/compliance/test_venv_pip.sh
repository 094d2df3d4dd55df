#!/bin/sh
# python: a virtual environment of the tree, packages by pip into it, their commands, an editable one, its tests, and removal.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p package/sample/data package/tests
    cat >package/setup.py <<'PYTHON'
from setuptools import setup, Extension
setup(name="sample", version="1.0", packages=["sample"], package_data={"sample": ["data/*"]},
      ext_modules=[Extension("sample.fast", ["sample/fast.c"])],
      entry_points={"console_scripts": ["sample-says = sample:main"]})
PYTHON
    cat >package/sample/__init__.py <<'PYTHON'
import importlib.resources, sys
from . import fast
def main():
    text = (importlib.resources.files(__package__) / "data" / "text").read_text()
    print(text.strip(), fast.twice(int(sys.argv[1])), sys.prefix != sys.base_prefix)
PYTHON
    echo told >package/sample/data/text
    cat >package/sample/fast.c <<'C'
#include <Python.h>
static PyObject *twice(PyObject *self, PyObject *value) { return PyLong_FromLong(2 * PyLong_AsLong(value)); }
static PyMethodDef methods[] = { { "twice", twice, METH_O, "" }, { 0 } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "fast", "", -1, methods };
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
C
    printf 'import sample\nfrom sample import fast\n\ndef test_twice(tmp_path):\n    assert fast.twice(4) == 8\n    (tmp_path / "x").write_text("x")\n\ndef test_place():\n    assert __file__.startswith(%s)\n' "'$TREE/'" >package/tests/test_sample.py
}
body() {
    unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PIP_REQUIRE_VIRTUALENV
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1
    /usr/bin/python3 -m venv --system-site-packages venv
    pip() { venv/bin/python -m pip --quiet "$@"; }
    same prefix "$(venv/bin/python -c 'import sys; print(sys.prefix)')" "$TREE/venv"
    pip wheel --no-build-isolation --no-deps -w wheels ./package
    pip install wheels/sample-1.0-*.whl
    same said "$(venv/bin/sample-says 21)" 'told 42 True'
    same shebang "$(head -n 1 venv/bin/sample-says)" "#!$TREE/venv/bin/python"
    same place "$(cd / && "$TREE/venv/bin/python" -c 'import sample.fast; print(sample.fast.__file__)' | sed 's|/fast.*||')" \
        "$(echo "$TREE"/venv/lib/python3*/site-packages/sample)"
    there "$(find venv -name '__init__.*.pyc' -path '*/sample/*')"
    venv/bin/python -m pytest -q -p no:cacheprovider --basetemp="$TREE/temporary" package/tests || fail 'the tests of the package fail'
    venv/bin/python -m pip show sample | grep -q "^Location: $TREE/venv/"
    pip uninstall -y sample
    gone venv/bin/sample-says
    pip install --no-build-isolation --no-deps -e ./package
    same said "$(venv/bin/sample-says 4)" 'told 8 True'
    sed -i s/told/TOLD/ package/sample/data/text
    same said "$(. venv/bin/activate && sample-says 5)" 'TOLD 10 True'
    venv/bin/python -m zipfile -l wheels/sample-1.0-*.whl | grep -q sample/data/text
}
play "$@"
