//! A real API server, operators and gateways as processes. Each file's name says what it proves.

mod chart;
mod cli;
mod common;
mod first_line;
mod gitops;
mod harness;
mod identity_tokens;
mod live;
mod load;
mod operator_process;
mod outages;
mod privilege;
mod privilege_used;
mod publication;
mod publisher;
mod secrets;
mod skew;
mod source_published;
mod status;
mod status_gateways;
mod status_refused;
mod told;
mod undecodable;
mod untouched;
