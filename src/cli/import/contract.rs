//! What the service would refuse, found before anything is sent.
