//! The texts that resources are made of, each with its bounds and its rule.
//!
//! The rules are CEL and not `pattern`, because a rule has a message that says what would be right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal $(, $rule:literal => $message:literal)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline, extend(
            "minLength" = $min,
            "maxLength" = $max,
            "x-kubernetes-validations" = [$({"rule": $rule, "message": $message}),*]
        ))]
        pub struct $name(pub String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The name of an object: an RFC 1123 subdomain, as Kubernetes names most things.
    ResourceName, 1..=253,
    r"self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')"
        => "must be a name as Kubernetes has them: lowercase letters, digits, '-' and '.', with a letter or a digit at both ends"
);
text!(
    /// The name of a namespace: an RFC 1123 label.
    NamespaceName, 1..=63,
    r"self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')"
        => "must be the name of a namespace: lowercase letters, digits and '-', with a letter or a digit at both ends"
);
text!(
    /// The name of an entry of a Secret's data.
    EntryName, 1..=253,
    r"self.matches('^[-._a-zA-Z0-9]+$')"
        => "must be the name of an entry of a Secret: letters, digits, '-', '_' and '.'"
);
text!(
    /// The name of a rule: an RFC 1123 label.
    RuleName, 1..=63,
    r"self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')"
        => "must be lowercase letters, digits and '-', with a letter or a digit at both ends"
);
text!(
    /// The name of a model, as a provider calls it.
    ModelName, 1..=256,
    r"self.matches('^[^\\s\\x00-\\x1f\\x7f]+$')"
        => "must be a name without white space"
);
text!(
    /// The name of one model, as clients and routes say it.
    ExactModel, 1..=256,
    r"self.matches('^[^\\s\\x00-\\x1f\\x7f*]+$')"
        => "must be the name of one model, without white space and without '*'"
);
text!(
    /// The name of a model, or a pattern in which `*` stands for any text.
    ModelPattern, 1..=256,
    r"self.matches('^[^\\s\\x00-\\x1f\\x7f]+$')"
        => "must be the name of a model without white space, in which '*' stands for any text",
    r"!self.matches('([*].*){5}')"
        => "must have four '*' at most"
);
text!(
    /// A duration as in Gateway API (GEP-2257).
    Duration, 1..=24,
    r"self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')"
        => "must be a duration such as 10s, 1m30s or 250ms: whole numbers of h, m, s and ms"
);
text!(
    /// A duration as in Gateway API (GEP-2257), above zero.
    PositiveDuration, 1..=24,
    r"self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')"
        => "must be a duration such as 10s, 1m30s or 250ms: whole numbers of h, m, s and ms",
    r"!self.matches('^(0+(h|m|s|ms))+$')"
        => "must be above zero"
);
text!(
    /// The key of a label.
    LabelKey, 1..=317,
    r"self.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$')"
        => "must be the key of a label, such as team or example.com/team"
);
text!(
    /// The value of a label.
    LabelValue, 0..=63,
    r"self.matches('^([a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?)?$')"
        => "must be the value of a label: letters, digits, '-', '_' and '.', with a letter or a digit at both ends"
);
text!(
    /// An amount of USD, exact: a decimal as a text.
    Usd, 1..=19,
    r"self.matches('^[0-9]{1,9}([.][0-9]{1,9})?$')"
        => "must be an amount of USD as a text, such as \"3\" or \"0.25\": nine digits at most before the point, and nine after it"
);
text!(
    /// The name of an AWS region.
    AwsRegion, 1..=32,
    r"self.matches('^[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}$')"
        => "must be the name of an AWS region, such as us-east-1"
);
text!(
    /// The ARN of an IAM role.
    RoleArn, 1..=2048,
    r"self.matches('^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[!-~]+$')"
        => "must be the ARN of an IAM role, such as arn:aws:iam::111122223333:role/weir"
);
text!(
    /// A version of Azure's API.
    AzureApiVersion, 1..=32,
    r"self.matches('^([0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?|v1|latest|preview)$')"
        => "must be a version of Azure's API, such as 2024-10-21 or 2025-04-01-preview"
);
text!(
    /// An id as Entra has them.
    Guid, 1..=36,
    r"self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')"
        => "must be an id such as 00000000-0000-0000-0000-000000000000"
);
