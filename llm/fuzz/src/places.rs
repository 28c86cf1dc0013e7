//! Paths.

use weir_llm::call::Call;
use weir_llm::provider::{Ask, Settings};
use weir_llm::{Dialect, dialect};

use super::Input;

/// Paths that callers call, and those that providers are called at: whatever the model's name is, it stays one segment
/// and no path leaves its place.
pub fn paths(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let method = input.one_of(&["POST", "GET", "DELETE", "PUT"]);
    let options = input.byte();
    let model = String::from_utf8_lossy(input.short()).into_owned();
    let path = String::from_utf8_lossy(input.rest).into_owned();
    let fit = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    // The wire gives no other.
    if !path.bytes().all(fit) {
        return;
    }
    let Ok(call) = Call::of(method, &path, options & 1 == 1) else {
        return;
    };
    let settings = Settings {
        base: "/base".to_owned(),
        responses_by_chat: options & 2 == 2,
        ..Settings::default()
    };
    for dialect in Dialect::ALL {
        let ask = Ask {
            call: &call,
            method,
            path: &path,
            model: &model,
            stream: options & 4 == 4,
            settings: &settings,
        };
        let Some(reach) = dialect::provider(dialect).reach(&ask) else {
            continue;
        };
        assert!(reach.path.bytes().all(fit), "{dialect:?}: {}", reach.path);
        assert!(reach.path.starts_with('/'), "{dialect:?}: {}", reach.path);
    }
}
