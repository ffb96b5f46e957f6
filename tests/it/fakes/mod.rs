//! Outside systems as they behave, well and badly, for the tests of connectors.

pub mod hubspot;
