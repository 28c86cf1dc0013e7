//! Real pods on a real node, from images that were made here: what an admin gets from Helm. Run
//! inside of `tests/cluster/up`; see `tests/run`.

mod first_touch;
mod install;
