//! Where it comes from and goes to: official lists in their own formats.
