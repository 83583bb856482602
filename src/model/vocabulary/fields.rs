//! What an orchestrator tells on each event: the published contract as data.
//!
//! Walked by translation, by the environment, and by the tests that hold `docs/orchestrator.md`
//! and the schemas in step. Invariants: within one event a name, of either vocabulary, belongs to
//! one field; a field of an event stands in front of a common one of the same name.

use crate::model::{Event, Processor};

/// The version of this contract: the highest `contract_version` that a payload may name.
pub(crate) const VERSION: u32 = 1;

/// One member of a payload.
#[derive(Debug)]
pub(crate) struct Field {
    /// What orchestrators call it.
    pub(crate) name: &'static str,
    /// What Claude Code calls it, where it has it.
    pub(crate) claude: Option<&'static str>,
    pub(crate) shape: Shape,
    pub(crate) is_required: bool,
    /// The environment variable that it becomes.
    pub(crate) variable: Option<&'static str>,
    /// One line for the published contract.
    pub(crate) doc: &'static str,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// Not below zero.
    Integer,
    /// Not below zero.
    Number,
    Flag,
    List,
    Object,
    Anything,
}

/// The fields of one event, beside the common ones.
#[derive(Debug)]
pub(crate) struct Contract {
    /// The orchestrator's name.
    pub(crate) event: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Field {
    pub(crate) fn name_for(&self, processor: Processor) -> Option<&'static str> {
        match processor {
            Processor::ClaudeCode => self.claude,
            Processor::TaskOrchestrator => Some(self.name),
        }
    }

    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// Claude Code has it, under this name.
    const fn claude(self, name: &'static str) -> Self {
        Self { claude: Some(name), ..self }
    }

    const fn variable(self, name: &'static str) -> Self {
        Self { variable: Some(name), ..self }
    }
}

impl Shape {
    /// The type in a JSON Schema; `None` where any is right.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Text => Some("string"),
            Self::Integer => Some("integer"),
            Self::Number => Some("number"),
            Self::Flag => Some("boolean"),
            Self::List => Some("array"),
            Self::Object => Some("object"),
            Self::Anything => None,
        }
    }
}

/// All fields that an event can have: its own, then the common ones.
pub(crate) fn fields_of(event: &Event) -> impl Iterator<Item = &'static Field> + Clone + use<> {
    let name = event.name_for(Processor::TaskOrchestrator);
    let own = CONTRACT.iter().find(|contract| Some(contract.event) == name);
    let own = own.map_or(&[] as &[_], |contract| contract.fields);
    let is_new = |field: &&Field| !own.iter().any(|other| other.name == field.name);
    own.iter().chain(COMMON.iter().filter(is_new))
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, claude: None, shape, is_required: false, variable: None, doc }
}

const fn text(name: &'static str, doc: &'static str) -> Field {
    field(name, Shape::Text, doc)
}

/// A field that both vocabularies call the same.
const fn shared(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    field(name, shape, doc).claude(name)
}

const TASK_ID: Field = text("task_id", "The task's id in the orchestrator").variable("TASK_ID");

const SPECIALIST: Field =
    text("specialist", "Who does, or did, the task; what a matcher's `role:` asks for")
        .claude("agent_type")
        .variable("TASK_SPECIALIST");

const SPECIALIST_ID: Field =
    text("specialist_id", "Tells specialists of one kind apart").claude("agent_id");

const TASK_INPUT: Field =
    field("task_input", Shape::Object, "What the task is started with; `updatedInput` replaces it")
        .claude("tool_input");

const LAST_MESSAGE: Field =
    text("last_message", "The last text that was written").claude("last_assistant_message");

const STOP_HOOK_ACTIVE: Field = shared(
    "stop_hook_active",
    Shape::Flag,
    "Whether work goes on only because a hook refused an earlier end",
);

const SUCCESS: Field = field("success", Shape::Flag, "Whether it did what it should");

/// Fields that any event may have.
pub(crate) static COMMON: &[Field] = &[
    field(
        "contract_version",
        Shape::Integer,
        "The version of this contract that the payload follows; 1 when absent",
    ),
    shared("hook_event_name", Shape::Text, "The event, by the orchestrator's name").required(),
    shared("session_id", Shape::Text, "One run of the orchestrator, or the session it works for")
        .required()
        .variable("TASK_SESSION"),
    shared("cwd", Shape::Text, "Absolute path of the directory that is worked in").required(),
    TASK_ID,
    text("task_type", "What kind of task it is; what a matcher's `type:` asks for")
        .variable("TASK_TYPE"),
    SPECIALIST,
    text("output_dir", "Where the task's results go").variable("TASK_OUTPUT_DIR"),
    text("workspace", "The directory that belongs to the task").variable("TASK_WORKSPACE"),
    text("correlation_id", "The same for every telling of one occurrence, by whichever processor")
        .variable("TASK_CORRELATION_ID")
        .claude("correlation_id"),
    shared(
        "triggered_by",
        Shape::Text,
        "The processor whose event caused this one, such as `claude_code`",
    )
    .variable("TASK_TRIGGERED_BY"),
    shared("tool_use_id", Shape::Text, "Claude Code's id of the tool call that this is"),
];

/// Every event of the orchestrator, in the order of the table of events.
pub(crate) static CONTRACT: &[Contract] = &[
    Contract {
        event: "OrchestratorInitialize",
        fields: &[shared("source", Shape::Text, "How it began: `startup` or `resume`")],
    },
    Contract {
        event: "TaskPlan",
        fields: &[
            shared("prompt", Shape::Text, "What was asked for, in the asker's words").required(),
            field("plan", Shape::Anything, "What is to be done, as text or as an object"),
        ],
    },
    Contract { event: "PreTaskExecute", fields: &[TASK_ID.required(), TASK_INPUT.required()] },
    Contract {
        event: "PostTaskExecute",
        fields: &[
            TASK_ID.required(),
            TASK_INPUT.required(),
            field("result", Shape::Anything, "What came of it").claude("tool_response").required(),
            shared("duration_ms", Shape::Number, "How long it took"),
            SUCCESS,
        ],
    },
    Contract {
        event: "SpecialistComplete",
        fields: &[
            TASK_ID.required(),
            SPECIALIST.required(),
            SPECIALIST_ID,
            LAST_MESSAGE,
            STOP_HOOK_ACTIVE,
            SUCCESS,
        ],
    },
    Contract {
        event: "TaskComplete",
        fields: &[
            TASK_ID.required(),
            LAST_MESSAGE,
            STOP_HOOK_ACTIVE,
            field("result", Shape::Anything, "What came of it"),
            SUCCESS,
        ],
    },
    Contract {
        event: "SpecialistAssign",
        fields: &[TASK_ID.required(), SPECIALIST.required(), SPECIALIST_ID],
    },
    Contract {
        event: "TaskBreakdown",
        fields: &[
            TASK_ID.required(),
            field(
                "subtasks",
                Shape::List,
                "The smaller tasks: objects with a `task_id` and what else is known of them",
            )
            .required(),
        ],
    },
    Contract {
        event: "ArtifactSave",
        fields: &[
            TASK_ID.required(),
            text("artifact_path", "The file, absolute or relative to `cwd`").required(),
            text("artifact_type", "What the file is, such as `report` or `patch`"),
        ],
    },
    Contract {
        event: "MaintenanceRun",
        fields: &[
            text("action", "What is tidied up, such as `cleanup`").required(),
            text("trigger", "Why now: `schedule` or `manual`"),
        ],
    },
    Contract {
        event: "ContextSwitch",
        fields: &[
            text("from_task_id", "The task that is left; absent at the first one"),
            text("to_task_id", "The task that is taken up").required(),
            text("reason", "Why, in words"),
        ],
    },
    Contract {
        event: "DependencyResolve",
        fields: &[
            TASK_ID.required(),
            text("dependency_id", "The task that this one has waited for").required(),
            text("resolution", "How the waiting ended: `completed`, `failed` or `skipped`"),
        ],
    },
];
