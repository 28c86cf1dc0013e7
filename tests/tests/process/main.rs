//! Real gateways, real sockets: what the built binary does. Each file's name says what it proves.

mod admit_keys;
mod admit_secrets;
mod common;
mod first_touch;
mod isolate_broken;
mod isolate_withdrawn;
mod live_changes;
mod live_state;
mod mock_answers;
mod stream_ending;
mod stream_failover;
mod stream_passing;
