//! What may be called, and whether it is.

use super::Writer;
use crate::chat::{Problem, Tool, ToolChoice};
use crate::json::{Object, Value};

impl<'r> Writer<'_, 'r, '_> {
    pub(super) fn tools(&mut self) -> Result<(), Problem> {
        let request = self.request;
        // The one choice that not everyone knows is made among fewer tools instead.
        let only = match &request.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) if !self.quirks.allowed_tools => Some(names),
            _ => None,
        };
        let mut tools = Vec::new();
        for tool in &request.tools {
            match tool {
                Tool::Server { kind, path } => self
                    .gaps
                    .leave_out(path, &format!("the tool '{kind}' that runs at a provider"))?,
                Tool::Function { name, .. } if only.is_some_and(|only| !only.contains(name)) => {}
                Tool::Function { .. } => tools.push(self.tool(tool)),
            }
        }
        // Choices among no tools are refused, and mean nothing.
        if tools.is_empty() {
            return Ok(());
        }
        self.body.push("tools", tools);
        if let Some(choice) = &request.tool_choice {
            self.body
                .push("tool_choice", choice_of(choice, only.is_some()));
        }
        match request.parallel_tools {
            Some(parallel) if self.quirks.parallel => {
                self.body.push("parallel_tool_calls", parallel);
            }
            Some(false) => self.lacks(
                crate::chat::Field::ParallelTools,
                "a bound of one call at a time",
            )?,
            _ => {}
        }
        Ok(())
    }

    fn tool(&self, tool: &'r Tool<'r>) -> Object<'r> {
        let Tool::Function {
            name,
            description,
            parameters,
            strict,
            cache,
        } = tool
        else {
            return Object::new();
        };
        let function = Object::new()
            .with("name", name)
            .maybe("description", description.as_ref())
            .maybe("parameters", parameters.clone())
            .maybe("strict", *strict);
        let tool = Object::new()
            .with("type", "function")
            .with("function", function);
        tool.maybe(
            "cache_control",
            cache.and_then(|marker| self.marker(marker)),
        )
    }
}

fn choice_of<'r>(choice: &'r ToolChoice<'_>, narrowed: bool) -> Value<'r> {
    let function = |name: &'r str| {
        Object::new()
            .with("type", "function")
            .with("function", Object::new().with("name", name))
    };
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => function(name).into(),
        ToolChoice::Allowed { required, .. } if narrowed => {
            if *required { "required" } else { "auto" }.into()
        }
        ToolChoice::Allowed { names, required } => {
            let tools: Vec<Object<'r>> = names.iter().map(|name| function(name)).collect();
            let allowed = Object::new()
                .with("mode", if *required { "required" } else { "auto" })
                .with("tools", tools);
            Object::new()
                .with("type", "allowed_tools")
                .with("allowed_tools", allowed)
                .into()
        }
    }
}
