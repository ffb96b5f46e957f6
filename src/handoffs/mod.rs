//! Handoffs: who takes an account over, by when, and what happens when nobody does.
//!
//! The pure core: [`assign`] (which rep, and why not the others).

pub mod assign;
