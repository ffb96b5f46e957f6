//! How soon customers are answered, given what comes in and who works when: by a formula and by counting.
//!
//! In reading order: [`erlang`] (the formula), [`arrivals`] and [`stage`] (the world), [`simulate`] (counting), with
//! [`dice`] and [`statistics`] below them.

pub mod arrivals;
pub mod dice;
pub mod erlang;
pub mod simulate;
pub mod stage;
pub mod statistics;
#[cfg(test)]
mod tests;
