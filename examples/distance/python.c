// distance(from, to) for CPython and Pyodide.
#include <Python.h>

#include "distance.h"

static PyObject *measure(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer from, to;
    if (!PyArg_ParseTuple(arguments, "y*y*:distance", &from, &to)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (from.len > DISTANCE_LONGEST || to.len > DISTANCE_LONGEST) {
        PyErr_SetString(PyExc_ValueError, "too long");
    } else {
        result = PyLong_FromUnsignedLong(distance(from.buf, (size_t)from.len, to.buf, (size_t)to.len));
    }
    PyBuffer_Release(&from);
    PyBuffer_Release(&to);
    return result;
}

static PyMethodDef methods[] = {
    {"distance", measure, METH_VARARGS, "distance(from, to)\n--\n\nEdit distance of two byte strings."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "distance",
    .m_doc = "Edit distance of two byte strings.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_distance(void) {
    return PyModuleDef_Init(&definition);
}
