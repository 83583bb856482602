//! The one integration binary: one module per subject.

mod floors;
mod real_client;
