//! The entries of `mp_fun_table`, by native ABI.
//!
//! Facts from `mp_fun_table_t` in `py/nativeglue.h` of the releases named; the names are that structure's fields.

use anymod_model::Abi;

/// Name of an entry, `None` past the table's end.
#[must_use]
pub fn fun_table_entry(abi: Abi, index: u64) -> Option<&'static str> {
    let index = usize::try_from(index).ok()?;
    let (middle, end): (&[&str], &[&str]) = tail(abi);
    let index_after = |index: usize, part: &[&str]| index.checked_sub(part.len());
    if let Some(name) = COMMON.get(index) {
        return Some(name);
    }
    let index = index_after(index, &COMMON)?;
    if let Some(name) = middle.get(index) {
        return Some(name);
    }
    end.get(index_after(index, middle)?).copied()
}

/// Number of entries.
#[must_use]
pub fn fun_table_len(abi: Abi) -> u64 {
    let (middle, end) = tail(abi);
    (COMMON.len() + middle.len() + end.len()) as u64
}

fn tail(abi: Abi) -> (&'static [&'static str], &'static [&'static str]) {
    match abi {
        Abi::V1_23 => (&MIDDLE, &TYPES),
        _ => (&MIDDLE_BEFORE_1_23, &TYPES_BEFORE_1_23),
    }
}

/// Entries 0 to 63, the same in every release whose files are version 6.
#[rustfmt::skip]
const COMMON: [&str; 64] = [
    // 0: what compiled Python calls.
    "const_none", "const_false", "const_true", "native_from_obj",
    "native_to_obj", "swap_globals", "load_name", "load_global",
    "load_build_class", "load_attr", "load_method", "load_super_method",
    "store_name", "store_global", "store_attr", "obj_subscr",
    "obj_is_true", "unary_op", "binary_op", "new_tuple",
    "new_list", "new_dict", "new_set", "set_store",
    "list_append", "dict_store", "make_function", "call_function_n_kw",
    "call_method_n_kw", "call_method_n_kw_var", "getiter", "iternext",
    "nlr_push", "nlr_pop", "raise", "import_name",
    "import_from", "import_all", "new_slice", "unpack_sequence",
    "unpack_ex", "delete_name", "delete_global", "new_closure",
    "arg_check_num_sig", "setup_code_state", "small_int_floor_divide", "small_int_modulo",
    "yield_from", "setjmp",
    // 50: what modules written in C call.
    "memset", "memmove", "realloc", "printf",
    "vprintf", "raise_msg", "obj_get_type", "obj_new_str",
    "obj_new_bytes", "obj_new_bytearray_by_ref", "obj_new_float_from_f", "obj_new_float_from_d",
    "obj_get_float_to_f", "obj_get_float_to_d",
];

const MIDDLE: [&str; 9] = [
    "load_method_maybe",
    "get_buffer",
    "get_stream_raise",
    "arg_parse_all",
    "arg_parse_all_kw_array",
    "binary_get_size",
    "binary_get_val_array",
    "binary_set_val_array",
    "plat_print",
];

const MIDDLE_BEFORE_1_23: [&str; 3] = ["get_buffer_raise", "get_stream_raise", "plat_print"];

const TYPES: [&str; 14] = [
    "mp_type_type",
    "mp_type_str",
    "mp_type_list",
    "mp_type_dict",
    "mp_type_fun_builtin_0",
    "mp_type_fun_builtin_1",
    "mp_type_fun_builtin_2",
    "mp_type_fun_builtin_3",
    "mp_type_fun_builtin_var",
    "mp_type_Exception",
    "mp_stream_read_obj",
    "mp_stream_readinto_obj",
    "mp_stream_unbuffered_readline_obj",
    "mp_stream_write_obj",
];

const TYPES_BEFORE_1_23: [&str; 13] = [
    "mp_type_type",
    "mp_type_str",
    "mp_type_list",
    "mp_type_dict",
    "mp_type_fun_builtin_0",
    "mp_type_fun_builtin_1",
    "mp_type_fun_builtin_2",
    "mp_type_fun_builtin_3",
    "mp_type_fun_builtin_var",
    "mp_stream_read_obj",
    "mp_stream_readinto_obj",
    "mp_stream_unbuffered_readline_obj",
    "mp_stream_write_obj",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_the_linker_puts_them() {
        for abi in [Abi::V1_19, Abi::V1_20, Abi::V1_22, Abi::V1_23] {
            let len = fun_table_len(abi);
            assert_eq!(fun_table_entry(abi, len), None);
            for index in 0..len {
                let name = fun_table_entry(abi, index).unwrap();
                if name.starts_with("mp_") || name.starts_with("mem") {
                    assert_eq!(abi.fun_table_index(name).map(u64::from), Some(index), "{name}");
                }
            }
        }
        assert_eq!((fun_table_len(Abi::V1_22), fun_table_len(Abi::V1_23)), (80, 87));
        assert_eq!(fun_table_entry(Abi::V1_23, 72), Some("plat_print"));
        assert_eq!(fun_table_entry(Abi::V1_22, 66), Some("plat_print"));
    }
}
