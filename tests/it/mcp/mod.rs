//! The tools for AI agents: what official clients sent is answered, and what agents do is what the API does.

mod agent;
mod captures;
mod door;
mod steering;
mod tools;
mod work;
