//! Real gateways, real sockets: what the built binary does. Each file's name says what it proves.

mod admit_keys;
mod admit_secrets;
mod bounds_full;
mod common;
mod dialects;
mod drain_stop;
mod first_touch;
mod hostile_http1;
mod hostile_http2;
mod isolate_broken;
mod isolate_withdrawn;
mod live_changes;
mod live_state;
mod mock_answers;
mod protocol_callers;
mod protocol_providers;
mod renew_credentials;
mod sdk_openai;
mod stream_ending;
mod stream_failover;
mod stream_passing;
mod unknown_provider;
