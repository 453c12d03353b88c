//! Who runs it: the agency's home, its author, its services.
