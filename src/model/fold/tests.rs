//! Laws and tables of the fold.
