//! Who holds it: the `comity` command.

fn main() {}
