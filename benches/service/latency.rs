//! From an event to the decision it causes, at half of the load that the service can keep up with.
