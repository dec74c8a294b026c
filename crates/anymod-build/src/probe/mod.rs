//! Trying a wheel in the real runtime: install it as a user would, import every extension module, run a test.

pub(crate) mod driver;
