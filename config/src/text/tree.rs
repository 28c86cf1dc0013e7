//! libyaml's events into a tree of nodes, with the anchors resolved to nodes and the bounds kept.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Error, Event, EventData, Mark, Parser, ScalarStyle};

use super::bounds::{MAX_DEPTH, MAX_NODES, saturating};
use super::split::Chunk;
use super::{Fault, FileReason, Position};

/// A node's place in [`Tree::nodes`].
pub(super) type NodeId = usize;

/// One document as it is written, aliases not yet expanded.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The top of the document; `None` while it is being read.
    pub(super) root: Option<NodeId>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Scalar(Written),
    Sequence(Vec<NodeId>),
    /// Keys and values in turn.
    Mapping(Vec<NodeId>),
    Alias(NodeId),
}

/// A scalar as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    /// In its long form, `tag:yaml.org,2002:str`.
    pub(super) tag: Option<String>,
    /// Plain and untagged: its type follows from its text.
    pub(super) implicit: bool,
}

/// Reads every document of `chunk` (more than one only where `...` stands within it) and hands each to `take`.
///
/// The parser is a port that still panics on some malformed texts. A file is input, and must not take the process with
/// it: such a text is refused like any other that is no YAML.
pub(super) fn read(chunk: &Chunk<'_>, mut take: impl FnMut(Tree)) -> Result<(), Fault> {
    // What a panic leaves behind is dropped: the parser, and a tree that was never handed on.
    let read = catch_unwind(AssertUnwindSafe(|| trees(chunk)));
    let (trees, result) = read.unwrap_or_else(|_| {
        let start = Position {
            line: saturating(chunk.lines_before).saturating_add(1),
            column: 1,
        };
        (
            Vec::new(),
            Err(Fault::new(start, FileReason::InvalidYaml, UNREADABLE)),
        )
    });
    trees.into_iter().for_each(&mut take);
    result
}

/// What is said of a text that the parser gives up on without a word.
pub(super) const UNREADABLE: &str = "not YAML: the parser can't make sense of this document";

/// The documents up to the first fault, and the fault.
fn trees(chunk: &Chunk<'_>) -> (Vec<Tree>, Result<(), Fault>) {
    let mut trees = Vec::new();
    let result = parse(chunk, &mut trees);
    (trees, result)
}

fn parse(chunk: &Chunk<'_>, trees: &mut Vec<Tree>) -> Result<(), Fault> {
    // The parser takes the end of the text for granted only after a line break.
    let ended = format!("{}\n", chunk.text);
    let open_end = OpenEnd::of(chunk.text);
    let mut input = if open_end.is_some() {
        ended.as_bytes()
    } else {
        chunk.text.as_bytes()
    };
    let mut parser = Parser::new();
    parser.set_input_string(&mut input);
    let mut builder = Builder::new(chunk.lines_before, open_end);
    loop {
        let event = parser.parse().map_err(|error| builder.syntax(&error))?;
        match event.data {
            EventData::StreamEnd => return Ok(()),
            EventData::DocumentStart { .. } => builder.begin(),
            EventData::DocumentEnd { .. } => trees.push(std::mem::take(&mut builder.tree)),
            _ => builder.add(event)?,
        }
    }
}

/// The last line of a text that does not end in a line break.
struct OpenEnd {
    /// Its number within the text, from 0.
    line: u64,
    is_blank: bool,
}

impl OpenEnd {
    fn of(text: &str) -> Option<Self> {
        let last = text
            .rsplit(['\n', '\r'])
            .next()
            .filter(|last| !last.is_empty())?;
        let before = text.get(..text.len() - last.len()).unwrap_or_default();
        let breaks =
            before.matches('\n').count() + before.replace("\r\n", "").matches('\r').count();
        Some(Self {
            line: breaks as u64,
            is_blank: last.trim().is_empty(),
        })
    }

    /// Takes back the line break that was put at the end, from a block scalar that reaches it.
    fn mend(&self, value: &mut String, style: ScalarStyle, end: Mark) {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let broken = if self.is_blank { "\n\n" } else { "\n" };
        if is_block && end.line > self.line && value.ends_with(broken) {
            value.pop();
        }
    }
}

struct Builder {
    lines_before: usize,
    open_end: Option<OpenEnd>,
    tree: Tree,
    open: Vec<NodeId>,
    anchors: HashMap<String, NodeId>,
}

impl Builder {
    fn new(lines_before: usize, open_end: Option<OpenEnd>) -> Self {
        Self {
            lines_before,
            open_end,
            tree: Tree::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    fn begin(&mut self) {
        self.tree = Tree::default();
        self.open.clear();
        self.anchors.clear();
    }

    fn add(&mut self, event: Event) -> Result<(), Fault> {
        let position = self.position(event.start_mark);
        match event.data {
            EventData::Scalar {
                anchor,
                tag,
                mut value,
                plain_implicit,
                style,
                ..
            } => {
                if let Some(open_end) = &self.open_end {
                    open_end.mend(&mut value, style, event.end_mark);
                }
                let written = Written {
                    text: value,
                    tag,
                    implicit: plain_implicit,
                };
                self.push(position, anchor, NodeKind::Scalar(written))?;
            }
            EventData::Alias { anchor } => {
                let Some(target) = self.anchors.get(&anchor) else {
                    let message = format!(
                        "the alias *{anchor} names no anchor; write &{anchor} before the value it stands for, in this document"
                    );
                    return Err(Fault::new(position, FileReason::InvalidYaml, message));
                };
                self.push(position, None, NodeKind::Alias(*target))?;
            }
            EventData::SequenceStart { anchor, .. } => {
                let id = self.push(position, anchor, NodeKind::Sequence(Vec::new()))?;
                self.descend(id, position)?;
            }
            EventData::MappingStart { anchor, .. } => {
                let id = self.push(position, anchor, NodeKind::Mapping(Vec::new()))?;
                self.descend(id, position)?;
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                self.open.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn push(
        &mut self,
        position: Position,
        anchor: Option<String>,
        kind: NodeKind,
    ) -> Result<NodeId, Fault> {
        let id = self.tree.nodes.len();
        if id >= MAX_NODES {
            let message = format!("the document has more than {MAX_NODES} values; split it");
            return Err(Fault::new(position, FileReason::TooLarge, message));
        }
        self.tree.nodes.push(Node { position, kind });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        match self
            .open
            .last()
            .and_then(|open| self.tree.nodes.get_mut(*open))
        {
            Some(Node {
                kind: NodeKind::Sequence(children) | NodeKind::Mapping(children),
                ..
            }) => children.push(id),
            _ => self.tree.root = Some(id),
        }
        Ok(id)
    }

    fn descend(&mut self, id: NodeId, position: Position) -> Result<(), Fault> {
        self.open.push(id);
        if self.open.len() > MAX_DEPTH {
            let message = format!("lists and mappings are nested more than {MAX_DEPTH} deep");
            return Err(Fault::new(position, FileReason::TooLarge, message));
        }
        Ok(())
    }

    fn position(&self, mark: Mark) -> Position {
        let line = usize::try_from(mark.line).unwrap_or(usize::MAX);
        let column = usize::try_from(mark.column).unwrap_or(usize::MAX);
        Position {
            line: saturating(line.saturating_add(self.lines_before)).saturating_add(1),
            column: saturating(column).saturating_add(1),
        }
    }

    fn syntax(&self, error: &Error) -> Fault {
        let position = self.position(error.problem_mark().unwrap_or_default());
        let mut message = format!("not YAML: {}", error.problem());
        if let Some(context) = error.context().filter(|context| !context.is_empty()) {
            message.push_str(", ");
            message.push_str(context);
            if let Some(mark) = error.context_mark() {
                let from = self.position(mark);
                if from != position {
                    message.push_str(&format!(
                        " that begins at line {}, column {}",
                        from.line, from.column
                    ));
                }
            }
        }
        Fault::new(position, FileReason::InvalidYaml, message)
    }
}
