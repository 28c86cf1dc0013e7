/// What went wrong, in no format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status: 400..=599.
    pub status: u16,
    /// The class.
    pub kind: ProblemKind,
    /// The stable name, where there is one.
    pub code: Option<String>,
    /// The field of the request that is at fault.
    pub param: Option<String>,
    /// For people.
    pub message: String,
}

/// The class of an error: what the formats tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// 400, 422: the request makes no sense.
    Invalid,
    /// 401
    Authentication,
    /// 402: the account has no money left.
    Billing,
    /// 403
    Permission,
    /// 404
    NotFound,
    /// 405
    Method,
    /// 408, 504
    Timeout,
    /// 409
    Conflict,
    /// 413
    TooLarge,
    /// 429
    RateLimited,
    /// 503, 529: too much load, or not there now.
    Overloaded,
    /// 500 and the rest.
    Server,
}

impl ProblemKind {
    /// The class of a status.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            405 => Self::Method,
            408 | 504 => Self::Timeout,
            409 => Self::Conflict,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::Invalid,
            _ => Self::Server,
        }
    }
}

impl Problem {
    /// One of this status and the class that goes with it.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: ProblemKind::of(status),
            code: Some(code.to_owned()),
            param: None,
            message: message.into(),
        }
    }

    /// A 400 that names a field.
    pub fn invalid(code: &str, param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::new(400, code, message)
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
