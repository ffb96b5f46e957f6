//! The protocol's requests, answered from the catalogue of tools, resources and prompts.
//!
//! Promises: lists are in a stable order and hold only what the caller's key is enough for; what a tool refuses is a result
//! that the agent reads, what is no tool, no resource or no prompt is an error of the protocol.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject, PaginatedRequestParams,
    Prompt, PromptArgument, PromptMessage, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role, ServerCapabilities, ServerConfig,
    Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::calls::{Calls, Operations, Refusal};
use super::{Listed, McpError, prompts, resources, tool, tools};
use crate::kernel::clock::Clock;
use crate::platform::http::auth::Scope;
use crate::platform::http::{Caller, RequestId, TraceContext};

/// The revisions that are spoken.
const VERSIONS: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];
/// What an agent is told before anything else.
const INSTRUCTIONS: &str = "This service decides, per account (a company), which go-to-market motion is right now: \
    product-led, sales-assisted, sales-led, or with a partner. It keeps motions from colliding, hands accounts over to \
    people with a deadline, and can say afterwards why. Find an account with find_accounts, see what is known with \
    get_account_signals, ask what would be decided with orchestrate_account (a dry run unless dryRun is false), and read \
    why with explain_decision. Besides, it designs handoffs (define_handoff), plans renewals (plan_renewal), runs \
    go-to-market programmes (run_programme), and gives the tasks of all these to whoever claims them (claim_task). Every tool that writes only looks until you pass dryRun: false together with an \
    idempotencyKey: show the user the dry run first, and repeat an unsure call with the same key. A refusal names every \
    fault and what to do. You are offered only the tools that your key is enough for.";
/// The name under which a refusal's document stands beside its text.
const PROBLEM: &str = "gtm/problem";

/// Everything that is offered.
pub struct Catalogue {
    operations: Arc<Operations>,
    tools: Vec<tool::Entry>,
    resources: Vec<resources::Entry>,
    prompts: Vec<prompts::Prompt>,
}

impl Catalogue {
    /// Puts together what fits the API.
    ///
    /// # Errors
    /// Everything that names a call that there is not.
    pub fn new(operations: Operations) -> Result<Self, McpError> {
        let mut faults = Vec::new();
        let tools = tools::all(&operations, &mut faults);
        let (resources, prompts) = (resources::all(), prompts::all());
        let called = tools.iter().map(|tool| (tool.name, tool.calls));
        for (name, calls) in called.chain(resources.iter().map(|resource| (resource.name, resource.calls))) {
            let unknown = calls.iter().filter(|call| operations.get(call).is_none());
            faults.extend(unknown.map(|call| format!("{name}: the API has no call {call}")));
        }
        if faults.is_empty() {
            Ok(Self { operations: Arc::new(operations), tools, resources, prompts })
        } else {
            Err(McpError(faults))
        }
    }

    /// The lines of the documentation.
    pub fn listed(&self) -> [Vec<Listed>; 3] {
        let scopes =
            |calls: &[&str]| tool::scopes(calls, &self.operations).into_iter().map(Scope::as_str).collect();
        let tools = self.tools.iter().map(|entry| Listed {
            name: entry.name.to_owned(),
            summary: entry.description.to_owned(),
            scopes: scopes(entry.calls),
            writes: entry.effect.writes(),
            takes: takes(&entry.input),
        });
        let resources = self.resources.iter().map(|entry| Listed {
            name: entry.template.to_owned(),
            summary: entry.description.to_owned(),
            scopes: scopes(entry.calls),
            writes: false,
            takes: Vec::new(),
        });
        let prompts = self.prompts.iter().map(|prompt| Listed {
            name: prompt.name.to_owned(),
            summary: prompt.description.to_owned(),
            scopes: Vec::new(),
            writes: false,
            takes: prompt.arguments.iter().map(prompts::Argument::shown).collect(),
        });
        [tools.collect(), resources.collect(), prompts.collect()]
    }
}

/// The names of what a tool takes, with a star where they are required.
fn takes(input: &super::schema::Schema) -> Vec<String> {
    let required = input.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
    let names =
        input.get("properties").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
    names.map(|name| if is_required(name) { format!("{name}*") } else { name.clone() }).collect()
}

/// The server for one request: there is nothing to remember between two.
#[derive(Clone)]
pub struct Agents {
    pub api: Router,
    pub catalogue: Arc<Catalogue>,
    pub clock: Clock,
}

impl Agents {
    /// The API as this request may use it.
    fn calls(&self, context: &RequestContext<RoleServer>) -> Result<(Arc<Caller>, Calls), ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Arc<Caller>>());
        let (Some(parts), Some(caller)) = (parts, caller) else {
            return Err(ErrorData::internal_error("the request came without its caller", None));
        };
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let trace = parts.extensions.get::<TraceContext>().copied();
        let calls = Calls::new(
            self.api.clone(),
            Arc::clone(&self.catalogue.operations),
            Arc::clone(caller),
            self.clock.now(),
        );
        Ok((Arc::clone(caller), calls.under(request_id, trace)))
    }
}

/// A tool as clients list it.
fn tool_of(entry: &tool::Entry) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(!entry.effect.writes())
        .destructive(entry.effect == tool::Effect::Changes)
        // A repeat has the same key, and the key makes it one.
        .idempotent(true)
        // What is written leaves for the systems that the service is connected to.
        .open_world(entry.effect.writes());
    Tool::new(entry.name, entry.description, Arc::new(entry.input.clone()))
        .with_title(entry.title)
        .with_raw_output_schema(Arc::new(entry.output.clone()))
        .with_annotations(annotations)
}

/// Lists have one page.
fn whole(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => {
            Err(ErrorData::invalid_params("This list has one page: ask for it without a cursor.", None))
        }
    }
}

/// What a tool refused, for whoever called it.
fn refused(refusal: &Refusal) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(refusal.text())]);
    let mut meta = MetaObject::default();
    meta.insert(PROBLEM.to_owned(), refusal.document().clone());
    result.meta = Some(meta);
    result
}

/// What a resource refused, as an error of the protocol.
fn failed(refusal: &Refusal) -> ErrorData {
    let (text, data) = (refusal.text(), Some(refusal.document().clone()));
    match refusal.status() {
        404 => ErrorData::resource_not_found(text, data),
        500.. => ErrorData::internal_error(text, data),
        _ => ErrorData::invalid_params(text, data),
    }
}

impl ServerHandler for Agents {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        let name = Implementation::new("gtm", env!("CARGO_PKG_VERSION"))
            .with_title("GTM Motion Orchestrator")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities).with_server_info(name).with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&VERSIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.catalogue.tools.iter().find(|entry| entry.name == name).map(tool_of)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        whole(request)?;
        let (caller, _) = self.calls(&context)?;
        let offered = |entry: &&tool::Entry| tool::may(&caller, entry.calls, &self.catalogue.operations);
        let tools = self.catalogue.tools.iter().filter(offered).map(tool_of).collect();
        Ok(ListToolsResult::with_all_items(tools).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (_, calls) = self.calls(&context)?;
        let Some(entry) = self.catalogue.tools.iter().find(|entry| entry.name == request.name) else {
            let known: Vec<&str> = self.catalogue.tools.iter().map(|entry| entry.name).collect();
            let text = format!("There is no tool {}; there are {}.", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        };
        let arguments = Value::Object(request.arguments.unwrap_or_default()).to_string();
        let result = match entry.run(calls, arguments.into_bytes()).await {
            Ok(told) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(told.text)]);
                result.structured_content = Some(told.structured);
                result
            }
            Err(refusal) => refused(&refusal),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        whole(request)?;
        let (caller, calls) = self.calls(&context)?;
        let mut found = Vec::new();
        for entry in &self.catalogue.resources {
            if tool::may(&caller, entry.calls, &self.catalogue.operations) {
                found.extend(entry.list(calls.clone()).await.map_err(|refusal| failed(&refusal))?);
            }
        }
        let shown = |one: resources::Found| {
            Resource::new(one.uri, one.name).with_title(one.title).with_mime_type(one.mime_type)
        };
        let resources = found.into_iter().map(shown).collect();
        Ok(ListResourcesResult::with_all_items(resources).with_cache_scope(CacheScope::Private))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        whole(request)?;
        let (caller, _) = self.calls(&context)?;
        let offered = self.catalogue.resources.iter().filter(|entry| {
            entry.template.contains('{') && tool::may(&caller, entry.calls, &self.catalogue.operations)
        });
        let templates = offered.map(|entry| {
            ResourceTemplate::new(entry.template, entry.name)
                .with_title(entry.title)
                .with_description(entry.description)
                .with_mime_type(entry.mime_type)
        });
        Ok(ListResourceTemplatesResult::with_all_items(templates.collect())
            .with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (_, calls) = self.calls(&context)?;
        let found =
            self.catalogue.resources.iter().find_map(|entry| Some((entry, entry.fits(&request.uri)?)));
        let Some((entry, given)) = found else {
            let known: Vec<&str> = self.catalogue.resources.iter().map(|entry| entry.template).collect();
            let text = format!("There is no resource {}; there are {}.", request.uri, known.join(", "));
            return Err(ErrorData::resource_not_found(text, Some(json!({ "uri": request.uri }))));
        };
        let document = entry.read(calls, given).await.map_err(|refusal| {
            let mut error = failed(&refusal);
            if let Some(data) = error.data.as_mut() {
                data["uri"] = request.uri.as_str().into();
            }
            error
        })?;
        let contents = ResourceContents::text(document.text, request.uri).with_mime_type(document.mime_type);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        whole(request)?;
        let shown = |prompt: &prompts::Prompt| {
            let arguments = prompt.arguments.iter().map(|argument| {
                PromptArgument::new(argument.name)
                    .with_description(argument.description)
                    .with_required(argument.required)
            });
            Prompt::new(prompt.name, Some(prompt.description), Some(arguments.collect()))
                .with_title(prompt.title)
        };
        Ok(ListPromptsResult::with_all_items(self.catalogue.prompts.iter().map(shown).collect()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let Some(prompt) = self.catalogue.prompts.iter().find(|prompt| prompt.name == request.name) else {
            let known: Vec<&str> = self.catalogue.prompts.iter().map(|prompt| prompt.name).collect();
            let text = format!("There is no prompt {}; there are {}.", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        };
        let given: BTreeMap<String, String> = request
            .arguments
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let text = prompt.written(&given).map_err(|fault| ErrorData::invalid_params(fault, None))?;
        let message = PromptMessage::new_text(Role::User, text);
        Ok(GetPromptResult::new(vec![message]).with_description(prompt.description).into())
    }
}
