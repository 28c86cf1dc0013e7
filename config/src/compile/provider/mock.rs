//! How a Mock provider answers.

use weir_llm::dialect::mock;

use super::parsed;
use crate::verdict::Problem;

pub(super) fn settings(
    wide: Option<&weir_crds::Mock>,
    problems: &mut Vec<Problem>,
) -> mock::Settings {
    let mut settings = mock::Settings::default();
    let Some(wide) = wide else { return settings };
    if let Some(latency) = &wide.latency {
        settings.latency = parsed(latency.as_str(), "spec.mock.latency", problems);
    }
    if let Some(interval) = &wide.chunk_interval {
        settings.chunk_interval = parsed(interval.as_str(), "spec.mock.chunkInterval", problems);
    }
    if let Some(chunks) = wide.chunks.and_then(|chunks| u32::try_from(chunks).ok()) {
        settings.chunks = chunks;
    }
    if let Some(tokens) = &wide.tokens {
        let count = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
        settings.tokens = mock::Tokens {
            input: count(tokens.input),
            output: count(tokens.output),
        };
    }
    settings.text.clone_from(&wide.text);
    for (index, wide) in wide.faults.iter().flatten().enumerate() {
        let path = format!("spec.mock.faults[{index}]");
        settings.faults.extend(fault(wide, &path, problems));
    }
    settings
}

fn fault(
    wide: &weir_crds::MockFault,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<mock::Fault> {
    let kind = match (wide.status, wide.disconnect, &wide.stall) {
        (Some(status), _, _) => mock::FaultKind::Status {
            code: u16::try_from(status).ok()?,
            retry_after: wide
                .retry_after
                .as_ref()
                .map(|text| parsed(text.as_str(), &format!("{path}.retryAfter"), problems)),
        },
        (_, Some(disconnect), _) => mock::FaultKind::Disconnect(match disconnect {
            weir_crds::MockDisconnect::BeforeAnswer => mock::Disconnect::BeforeAnswer,
            weir_crds::MockDisconnect::MidStream => mock::Disconnect::MidStream,
        }),
        (_, _, Some(stall)) => {
            mock::FaultKind::Stall(parsed(stall.as_str(), &format!("{path}.stall"), problems))
        }
        (None, None, None) => return None,
    };
    Some(mock::Fault {
        every: u32::try_from(wide.every).ok()?,
        kind,
    })
}
