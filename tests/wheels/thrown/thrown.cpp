// A C++ exception, caught in C++ and handed on to Python.

#include <Python.h>

#include <map>
#include <stdexcept>
#include <string>

static long divided(long by, long what) {
    static std::map<std::string, int> calls;
    ++calls["divided"];
    if (by == 0) {
        throw std::domain_error("thrown in C++");
    }
    return what / by;
}

static PyObject *divide(PyObject *, PyObject *arguments) {
    long what, by;
    if (!PyArg_ParseTuple(arguments, "ll", &what, &by)) {
        return nullptr;
    }
    try {
        return PyLong_FromLong(divided(by, what));
    } catch (const std::domain_error &error) {
        PyErr_SetString(PyExc_ZeroDivisionError, error.what());
        return nullptr;
    }
}

static PyMethodDef methods[] = {{"divide", divide, METH_VARARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "thrown", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_thrown(void) {
    return PyModule_Create(&definition);
}
