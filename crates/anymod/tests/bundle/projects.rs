//! What follows from a manifest.

use crate::Case;

pub(crate) const CASES: [Case; 0] = [];
