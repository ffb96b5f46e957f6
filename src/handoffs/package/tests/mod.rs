//! What packages promise, by example and as laws.

pub(crate) mod company;
mod guardrails;
mod laws;
mod roles;
mod sections;
mod sharing;

pub(crate) use company::{World, now, person};

use std::sync::LazyLock;

use super::*;
use crate::handoffs::types::{DEFAULT_TYPES, HandoffTypes};

static TYPES: LazyLock<HandoffTypes> = LazyLock::new(|| HandoffTypes::parse(DEFAULT_TYPES).unwrap());

/// The types that ship.
pub(crate) fn types() -> &'static HandoffTypes {
    &TYPES
}

/// One of the types that ship.
pub(crate) fn handoff_type(name: &str) -> HandoffType {
    types().get(name).unwrap().clone()
}

/// The package of a world for one of the types that ship.
fn packed(world: &World, type_name: &str) -> Package {
    build(&world.inputs(), type_name, &handoff_type(type_name))
}
