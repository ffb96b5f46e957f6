//! What an event costs with few accounts and with many, and what the service takes of memory.
