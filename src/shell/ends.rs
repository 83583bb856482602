//! With which exit codes a script can end.
//!
//! Does not run anything: what a program ends with is asked of the caller. Invariant: the answer
//! holds every code that is possible; it may hold more. So "not in it" is certain, "in it" is not.

use std::{collections::BTreeMap, ops::BitOr};

use super::{Command, Item, Join, Kind, List, Pipeline, Simple};

/// A set of exit codes: 0, 1, 2, and all others together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codes(u8);

impl Codes {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ZERO: Self = Self(1);
    pub(crate) const ONE: Self = Self(2);
    pub(crate) const TWO: Self = Self(4);
    pub(crate) const OTHER: Self = Self(8);
    pub(crate) const ANY: Self = Self(15);
    /// What a test ends with.
    pub(crate) const TRUTH: Self = Self(3);

    /// The set of one code.
    pub(crate) fn of(code: i64) -> Self {
        match code.rem_euclid(256) {
            0 => Self::ZERO,
            1 => Self::ONE,
            2 => Self::TWO,
            _ => Self::OTHER,
        }
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every code of the other set is in this one.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn holds(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    fn success(self) -> Self {
        Self(self.0 & Self::ZERO.0)
    }

    fn failures(self) -> Self {
        Self(self.0 & !Self::ZERO.0)
    }

    fn negated(self) -> Self {
        let fails = if self.has(Self::ZERO) { Self::ONE } else { Self::NONE };
        let works = if self.failures() == Self::NONE { Self::NONE } else { Self::ZERO };
        fails | works
    }
}

impl BitOr for Codes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a piece of script can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    /// What the next command finds in `$?`; none: it is never reached.
    falls: Codes,
    /// What the script ends with at once: `exit`, `set -e`.
    exits: Codes,
    /// What a function returns with.
    returns: Codes,
}

impl Flow {
    const ANYTHING: Self = Self { falls: Codes::ANY, exits: Codes::ANY, returns: Codes::NONE };

    fn falls(falls: Codes) -> Self {
        Self { falls, exits: Codes::NONE, returns: Codes::NONE }
    }

    /// Both ways are possible.
    fn or(self, other: Self) -> Self {
        Self {
            falls: self.falls | other.falls,
            exits: self.exits | other.exits,
            returns: self.returns | other.returns,
        }
    }

    /// First this, then, if it goes on, the other.
    fn then(self, next: Self) -> Self {
        if self.falls == Codes::NONE {
            return self;
        }
        Self {
            falls: next.falls,
            exits: self.exits | next.exits,
            returns: self.returns | next.returns,
        }
    }

    /// Seen from outside of a subshell.
    fn contained(self) -> Codes {
        self.falls | self.exits | self.returns
    }
}

/// Whether an option of the shell is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Option3 {
    Off,
    On,
    Unknown,
}

/// What a program can end with.
pub(crate) type Programs<'p> = &'p dyn Fn(&Simple) -> Codes;

/// Every code with which the script can end.
pub(crate) fn ends(script: &List, programs: Programs<'_>) -> Codes {
    let mut ends = Ends {
        programs,
        functions: BTreeMap::new(),
        errexit: Option3::Off,
        pipefail: Option3::Off,
        depth: 0,
        steps: 0,
        last: Codes::ZERO,
        is_opaque: false,
    };
    let flow = ends.list(script, false);
    if ends.is_opaque { Codes::ANY } else { flow.contained() }
}

/// More calls of functions than any hook needs; beyond, everything is possible.
const MOST_STEPS: u32 = 20_000;

/// More rounds of a loop than any hook needs to change all that it changes.
const MOST_ROUNDS: u32 = 16;

/// What a name may run.
#[derive(Clone, Debug)]
struct Function<'s> {
    bodies: Vec<&'s Command>,
    /// Whether it surely is defined.
    is_certain: bool,
}

struct Ends<'s, 'p> {
    programs: Programs<'p>,
    functions: BTreeMap<&'s str, Function<'s>>,
    errexit: Option3,
    pipefail: Option3,
    depth: u32,
    steps: u32,
    /// What `$?` can be.
    last: Codes,
    /// A trap or the like may change the end.
    is_opaque: bool,
}

impl<'s> Ends<'s, '_> {
    /// `is_tested`: a failure in it does not end the script even with `set -e`.
    fn list(&mut self, list: &'s List, is_tested: bool) -> Flow {
        let mut flow = Flow::falls(Codes::ZERO);
        for item in &list.0 {
            let next = self.item(item, is_tested);
            flow = flow.then(next);
            self.last = flow.falls;
            if flow.falls == Codes::NONE {
                break;
            }
        }
        flow
    }

    fn item(&mut self, item: &'s Item, is_tested: bool) -> Flow {
        if item.is_background {
            return Flow::falls(Codes::ZERO);
        }
        let mut flow = self.pipeline(&item.first, is_tested || !item.rest.is_empty());
        for (index, (join, pipeline)) in item.rest.iter().enumerate() {
            let goes_on = match join {
                Join::And => flow.falls.success(),
                Join::Or => flow.falls.failures(),
            };
            if goes_on == Codes::NONE {
                continue;
            }
            let stays = match join {
                Join::And => flow.falls.failures(),
                Join::Or => flow.falls.success(),
            };
            self.last = goes_on;
            let is_last = index + 1 == item.rest.len();
            let next = self.guessing(|ends| ends.pipeline(pipeline, is_tested || !is_last));
            flow = Flow { falls: goes_on, ..flow }.then(next);
            flow.falls = flow.falls | stays;
        }
        flow
    }

    fn pipeline(&mut self, pipeline: &'s Pipeline, is_tested: bool) -> Flow {
        let is_tested = is_tested || pipeline.is_negated;
        let [only] = pipeline.stages.as_slice() else {
            // All stages begin with the same `$?`.
            let (mut falls, last) = (Codes::NONE, self.last);
            for (index, stage) in pipeline.stages.iter().enumerate() {
                self.last = last;
                let codes = self.apart(|ends| ends.command(stage, is_tested)).contained();
                if index + 1 == pipeline.stages.len() {
                    falls = falls | codes;
                } else if self.pipefail != Option3::Off {
                    falls = falls | codes.failures();
                }
            }
            return self.checked(negate(Flow::falls(falls), pipeline), is_tested);
        };
        negate(self.command(only, is_tested), pipeline)
    }

    /// Runs what changes nothing of the shell around it.
    fn apart(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let (errexit, pipefail) = (self.errexit, self.pipefail);
        let functions = self.functions.clone();
        let flow = run(self);
        (self.errexit, self.pipefail) = (errexit, pipefail);
        self.functions = functions;
        flow
    }

    /// What `set -e` makes of a failure.
    fn checked(&self, flow: Flow, is_tested: bool) -> Flow {
        if is_tested {
            return flow;
        }
        let (falls, exits) = match self.errexit {
            Option3::Off => (flow.falls, Codes::NONE),
            Option3::On => (flow.falls.success(), flow.falls.failures()),
            Option3::Unknown => (flow.falls, flow.falls.failures()),
        };
        Flow { falls, exits: flow.exits | exits, ..flow }
    }

    fn command(&mut self, command: &'s Command, is_tested: bool) -> Flow {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Flow::ANYTHING;
        }
        match &command.kind {
            Kind::Simple(simple) => {
                let flow = self.simple(simple, is_tested);
                self.checked(flow, is_tested)
            }
            Kind::Group(list) => self.list(list, is_tested),
            Kind::Subshell(list) => {
                let codes = self.apart(|ends| ends.list(list, is_tested)).contained();
                self.checked(Flow::falls(codes), is_tested)
            }
            Kind::If { branches, otherwise } => {
                self.conditions(branches, otherwise.as_ref(), is_tested)
            }
            Kind::Loop { condition, body } => {
                let first = Flow { falls: Codes::ZERO, ..self.list(condition, true) };
                first.or(self.repeatedly(|ends| {
                    let body = ends.list(body, is_tested);
                    let condition = ends.list(condition, true);
                    body.or(Flow { falls: Codes::ZERO, ..condition })
                }))
            }
            Kind::For { body, .. } => {
                self.repeatedly(|ends| ends.list(body, is_tested)).or(Flow::falls(Codes::ZERO))
            }
            Kind::Case { arms, .. } => {
                let start = Flow::falls(Codes::ZERO);
                arms.iter().fold(start, |flow, arm| {
                    let last = self.last;
                    let one = self.guessing(|ends| ends.list(&arm.body, is_tested));
                    self.last = last;
                    flow.or(one)
                })
            }
            Kind::Function { name, body } => {
                let function = Function { bodies: vec![body], is_certain: true };
                self.functions.insert(name, function);
                Flow::falls(Codes::ZERO)
            }
            Kind::Test(_) | Kind::Arithmetic(_) => {
                self.checked(Flow::falls(Codes::TRUTH), is_tested)
            }
        }
    }

    /// Runs what may run again and again, until it finds nothing that an earlier time has changed.
    fn repeatedly(&mut self, run: impl Fn(&mut Self) -> Flow) -> Flow {
        let mut all = Flow::falls(Codes::NONE);
        for _ in 0..MOST_ROUNDS {
            let (before, last) = (self.found(), self.last);
            let flow = self.guessing(&run);
            all = all.or(flow);
            self.last = last | flow.falls;
            if flow.falls == Codes::NONE || self.found() == before && self.last == last {
                return all;
            }
        }
        Flow::ANYTHING
    }

    /// What a part of a script may find changed by an earlier one, but for `$?`.
    fn found(&self) -> (Option3, Option3, usize, usize) {
        let bodies = self.functions.values().map(|function| function.bodies.len()).sum();
        let certain = self.functions.values().filter(|function| function.is_certain).count();
        (self.errexit, self.pipefail, bodies, certain)
    }

    /// Runs what may run or not: options that it changes are unknown afterwards.
    fn guessing(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let (errexit, pipefail) = (self.errexit, self.pipefail);
        let functions = self.functions.clone();
        let flow = run(self);
        for (name, function) in &mut self.functions {
            match functions.get(name) {
                Some(before) => {
                    function.is_certain &= before.is_certain;
                    for body in &before.bodies {
                        if !function.bodies.iter().any(|known| std::ptr::eq(*known, *body)) {
                            function.bodies.push(body);
                        }
                    }
                }
                None => function.is_certain = false,
            }
        }
        if self.errexit != errexit {
            self.errexit = Option3::Unknown;
        }
        if self.pipefail != pipefail {
            self.pipefail = Option3::Unknown;
        }
        flow
    }

    fn conditions(
        &mut self,
        branches: &'s [(List, List)],
        otherwise: Option<&'s List>,
        is_tested: bool,
    ) -> Flow {
        let (mut all, mut reached) = (Flow::falls(Codes::NONE), true);
        for (condition, body) in branches {
            let asked = self.list(condition, true);
            all = all.or(Flow { falls: Codes::NONE, ..asked });
            if asked.falls.has(Codes::ZERO) {
                self.last = Codes::ZERO;
                let flow = self.guessing(|ends| ends.list(body, is_tested));
                all = all.or(flow);
            }
            self.last = asked.falls.failures();
            reached = asked.falls.failures() != Codes::NONE;
            if !reached {
                break;
            }
        }
        let rest = match otherwise {
            Some(list) if reached => self.guessing(|ends| ends.list(list, is_tested)),
            None if reached => Flow::falls(Codes::ZERO),
            _ => return all,
        };
        all.or(rest)
    }

    fn simple(&mut self, simple: &'s Simple, is_tested: bool) -> Flow {
        let Some(program) = simple.words.first() else {
            return Flow::falls(self.of_assignments(simple));
        };
        let Some(name) = program.literal() else {
            return Flow { exits: Codes::NONE, ..Flow::falls(Codes::ANY) };
        };
        if let Some(function) = self.functions.get(name.as_ref()).cloned() {
            return self.call(&function, simple, is_tested);
        }
        let code = |or: Codes| match simple.words.get(1) {
            None => or,
            Some(word) => {
                word.literal().and_then(|text| text.parse().ok()).map_or(Codes::ANY, Codes::of)
            }
        };
        let nothing = Flow::falls(Codes::NONE);
        match name.as_ref() {
            "exit" => Flow { exits: code(self.status_of(simple)), ..nothing },
            "return" => {
                // Outside of a function some shells end, others complain and go on.
                let falls = if self.depth == 0 { Codes::ANY } else { Codes::NONE };
                Flow { returns: code(self.status_of(simple)), ..Flow::falls(falls) }
            }
            "exec" if simple.words.len() > 1 => {
                let words = simple.words[1..].to_vec();
                let program = Simple { assignments: Vec::new(), words };
                Flow { exits: (self.programs)(&program), ..nothing }
            }
            "set" => {
                self.set(simple);
                Flow::falls(Codes::ZERO)
            }
            "trap" | "kill" => {
                self.is_opaque |= simple.words.len() > 1 && name == "trap" && is_loud_trap(simple);
                Flow::falls(Codes::TRUTH)
            }
            "." | "source" | "eval" => Flow::ANYTHING,
            "break" | "continue" => nothing.or(Flow::falls(Codes::ZERO)),
            "exec" | "true" | ":" | "echo" | "printf" | "shift" | "export" | "local"
            | "declare" | "readonly" | "typeset" | "unset" | "umask" | "shopt" => {
                Flow::falls(Codes::ZERO)
            }
            "false" => Flow::falls(Codes::ONE),
            "test" | "[" | "read" | "cd" => Flow::falls(Codes::TRUTH),
            _ => Flow::falls((self.programs)(simple)),
        }
    }

    /// `exit` and `exit $?`.
    fn status_of(&self, simple: &Simple) -> Codes {
        if simple.words.len() == 1 { self.last } else { Codes::ANY }
    }

    /// `x=$(cmd)` ends with what the command ends with.
    fn of_assignments(&mut self, simple: &'s Simple) -> Codes {
        let words = simple.assignments.iter().flat_map(|assignment| &assignment.values);
        let mut codes = Codes::ZERO;
        for part in words.flat_map(|word| &word.parts) {
            if let super::Part::Command { list, .. } = part {
                codes = self.apart(|ends| ends.list(list, true)).contained();
            }
        }
        codes
    }

    fn call(&mut self, function: &Function<'s>, simple: &Simple, is_tested: bool) -> Flow {
        if self.depth >= 20 || function.bodies.len() > 8 {
            return Flow::ANYTHING;
        }
        self.depth += 1;
        let unknown = if function.is_certain { Codes::NONE } else { (self.programs)(simple) };
        let last = self.last;
        let mut flow = Flow::falls(unknown);
        for body in &function.bodies {
            self.last = last;
            flow = flow.or(self.guessing(|ends| ends.command(body, is_tested)));
        }
        self.depth -= 1;
        Flow { falls: flow.falls | flow.returns, exits: flow.exits, returns: Codes::NONE }
    }

    fn set(&mut self, simple: &Simple) {
        let words: Vec<_> = simple.words[1..].iter().map(super::Word::literal).collect();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(word) = word else {
                (self.errexit, self.pipefail) = (Option3::Unknown, Option3::Unknown);
                return;
            };
            let on = if word.starts_with('-') { Option3::On } else { Option3::Off };
            if !word.starts_with(['-', '+']) || word == "--" {
                return;
            }
            if word.contains('e') {
                self.errexit = on;
            }
            if word.ends_with('o') {
                match words.next().and_then(|name| name.as_deref()) {
                    Some("errexit") => self.errexit = on,
                    Some("pipefail") => self.pipefail = on,
                    _ => {}
                }
            }
        }
    }
}

fn negate(flow: Flow, pipeline: &Pipeline) -> Flow {
    if pipeline.is_negated { Flow { falls: flow.falls.negated(), ..flow } } else { flow }
}

/// A trap that may change what the script ends with.
fn is_loud_trap(simple: &Simple) -> bool {
    let action = simple.literal(1).unwrap_or("exit".into());
    let quiet = ["rm ", "kill ", "wait", "-", "echo ", "printf ", "popd", "cd "];
    action.contains("exit") || !(action.is_empty() || quiet.iter().any(|q| action.starts_with(q)))
}
