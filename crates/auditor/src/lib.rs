//! Who checks it: offline verification of an audit bundle.
