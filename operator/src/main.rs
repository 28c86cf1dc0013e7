//! Watches the resources, compiles them, publishes the config and reports status.

fn main() {}
