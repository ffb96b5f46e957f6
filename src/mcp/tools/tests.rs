//! What holds of all tools.
