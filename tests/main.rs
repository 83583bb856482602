//! The one integration binary.

#[test]
fn starts() {}
