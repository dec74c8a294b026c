// What the cases begin with: a module with one function `run`, which the case defines.
#ifndef CASE_H
#define CASE_H
#include "py/dynruntime.h"

mp_int_t run(mp_int_t x);

#ifndef CASE_NO_INIT
static mp_obj_t case_run(mp_obj_t x) {
    return mp_obj_new_int(run(mp_obj_get_int(x)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(case_run_obj, case_run);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_run, MP_OBJ_FROM_PTR(&case_run_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
#endif
#endif
