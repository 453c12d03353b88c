//! Where it is kept: logs, sealed sections, keyring and sign-lock, durable and atomic.
