//! Import.
mod contract;
mod dates;
#[cfg(test)]
mod fixture;
mod lookup;
pub mod mapping;
mod rows;
mod spec;
mod table;
mod template;
mod value;
