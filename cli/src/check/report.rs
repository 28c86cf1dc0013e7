//! What is told of a folder.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use weir_config::compile::{Compiled, Skipped};
use weir_config::text::{FileProblem, Location};
use weir_config::verdict::{ObjectId, Problem};

/// The JSON document of `--format json`; scripts rely on its names.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    /// How many resources there are a verdict on.
    resources: usize,
    accepted: usize,
    refused: usize,
    /// By place, then by resource and field.
    problems: Vec<Line<'a>>,
    skipped: Vec<SkippedLine<'a>>,
}

/// One problem. Of text that is no resource, kind, namespace and name are null and the field is empty.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Line<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    kind: Option<&'a str>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    reason: String,
    field: &'a str,
    message: &'a str,
}

/// One object that is none of Weir's.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct SkippedLine<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    object: &'a str,
}

impl<'a> Report<'a> {
    pub(super) fn new(compiled: &'a Compiled, unreadable: &'a [FileProblem]) -> Self {
        let resources = compiled.verdicts.len();
        let accepted = compiled
            .verdicts
            .iter()
            .filter(|verdict| verdict.is_accepted())
            .count();
        let refused = compiled.verdicts.iter();
        let refused = refused.flat_map(|verdict| {
            verdict
                .problems()
                .iter()
                .map(|problem| Line::of(&verdict.object, problem))
        });
        let mut problems: Vec<_> = unreadable
            .iter()
            .map(Line::of_file)
            .chain(refused)
            .collect();
        problems.sort();
        let mut skipped: Vec<_> = compiled.skipped.iter().map(SkippedLine::of).collect();
        skipped.sort();
        Self {
            resources,
            accepted,
            refused: resources - accepted,
            problems,
            skipped,
        }
    }

    /// Whether everything would serve.
    pub(super) fn is_clean(&self) -> bool {
        self.refused == 0 && self.problems.is_empty()
    }

    pub(super) fn text(&self, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
        for problem in &self.problems {
            writeln!(out, "{problem}")?;
        }
        out.flush()?;
        for skipped in &self.skipped {
            writeln!(err, "{skipped}")?;
        }
        writeln!(
            err,
            "{}: {} accepted, {} refused; {} skipped",
            count(self.resources, "resource"),
            thousands(self.accepted),
            thousands(self.refused),
            thousands(self.skipped.len())
        )?;
        let unreadable = self
            .problems
            .iter()
            .filter(|line| line.kind.is_none())
            .count();
        if unreadable > 0 {
            let them = if unreadable == 1 { "it" } else { "them" };
            writeln!(
                err,
                "{} could not be read, and nothing in {them} was checked",
                count(unreadable, "document")
            )?;
        }
        Ok(())
    }

    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

impl<'a> Line<'a> {
    fn of(object: &'a ObjectId, problem: &'a Problem) -> Self {
        let (file, line, column) = place(problem.location.as_ref());
        Self {
            file,
            line,
            column,
            kind: Some(object.kind.as_str()),
            namespace: Some(&object.namespace),
            name: Some(&object.name),
            reason: problem.reason.to_string(),
            field: &problem.field,
            message: &problem.message,
        }
    }

    fn of_file(problem: &'a FileProblem) -> Self {
        let (file, line, column) = place(Some(&problem.location));
        Self {
            file,
            line,
            column,
            kind: None,
            namespace: None,
            name: None,
            reason: problem.reason.to_string(),
            field: "",
            message: &problem.message,
        }
    }
}

impl<'a> SkippedLine<'a> {
    fn of(skipped: &'a Skipped) -> Self {
        let (file, line, column) = place(skipped.location.as_ref());
        Self {
            file,
            line,
            column,
            object: &skipped.object,
        }
    }
}

/// All objects come from files here, so that each problem has a place.
fn place(location: Option<&Location>) -> (&str, u32, u32) {
    location.map_or(("", 1, 1), |location| {
        (&location.file, location.line, location.column)
    })
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if let (Some(kind), Some(namespace), Some(name)) = (self.kind, self.namespace, self.name) {
            let name = if name.is_empty() { "?" } else { name };
            let slash = if namespace.is_empty() { "" } else { "/" };
            write!(f, "{kind} {namespace}{slash}{name}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} ({})", self.message, self.reason)
    }
}

impl fmt::Display for SkippedLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            object,
        } = self;
        write!(
            f,
            "{file}:{line}:{column}: {object}: skipped, it is no kind that Weir reads"
        )
    }
}

fn count(number: usize, of: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {of}{plural}", thousands(number))
}

/// `1003` as `1,003`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 7, 999, 1000, 1003, 123_456, 1_234_567].map(thousands);
        assert_eq!(
            numbers,
            ["0", "7", "999", "1,000", "1,003", "123,456", "1,234,567"]
        );
    }
}
