//! The structural schemas of the resources, as they stand in the generated CRDs under
//! `openAPIV3Schema`, in JSON.

/// The schema of an `AIProvider`.
pub const AI_PROVIDER: &str = include_str!("generated/aiproviders.json");
/// The schema of an `AIRoute`.
pub const AI_ROUTE: &str = include_str!("generated/airoutes.json");
