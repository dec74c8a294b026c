//! `examples/qrcode`: a program of a language, interpreted and compiled.

use crate::Case;

pub(crate) const CASES: [Case; 0] = [];
