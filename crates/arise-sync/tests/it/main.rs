//! The exchange between real stores.

#[macro_use]
mod support;

mod exchange;
