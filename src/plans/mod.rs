//! Plans: tasks with owners, an order and dates; what a handoff design, a renewal play and a programme are made of.

pub mod model;
