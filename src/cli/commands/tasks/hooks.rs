//! Hooks of type `orchestrator`: two engines that do not know each other meet here.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    dispatch::Situation,
    model::{Processor, orders::Orders},
    sys::{dir::PrivateDir, fifo, place::Env},
    tasks::{
        host::{self, Scene, Starter},
        run::{
            folder::{self, Options, REPORTS},
            report,
        },
    },
};

use super::run::Detaching;

/// Plans that were suggested, in the state of the project.
const PLANS: &str = "plans";

/// The latest plans are kept.
const MOST_PLANS: usize = 20;

/// Carries a hook out: what it prints.
pub(in crate::cli::commands) fn answer(
    situation: &Situation,
    env: &Env,
    orders: &Orders,
    payload: &[u8],
) -> Result<Vec<u8>, String> {
    // A run tells its own events by dispatch: planning those would start run after run.
    if situation.fired_by != Processor::ClaudeCode {
        return Ok(Vec::new());
    }
    let state = situation.state.as_ref().map_err(ToString::to_string)?;
    let payload: Value =
        serde_json::from_slice(payload).map_err(|error| format!("the payload: {error}"))?;
    let starter = ByProcess { situation, env, state };
    let scene = Scene {
        orders,
        payload: &payload,
        state,
        root: &situation.root,
        is_worker: env.get("CPH_RUN_ID").is_some(),
        deadline: situation.deadline,
        starter: &starter,
    };
    let answer = host::answer(&scene)?;
    Ok(answer.map(|answer| answer.to_string().into_bytes()).unwrap_or_default())
}

struct ByProcess<'p> {
    situation: &'p Situation,
    env: &'p Env,
    state: &'p PrivateDir,
}

impl Starter for ByProcess<'_> {
    fn keep(&self, text: &str) -> Result<PathBuf, String> {
        let kept = || {
            let plans = self.state.subdir(PLANS)?;
            let numbers = plans.list()?;
            let mut numbers: Vec<u64> = numbers
                .iter()
                .filter_map(|name| name.to_str()?.strip_suffix(".yaml")?.parse().ok())
                .collect();
            numbers.sort_unstable();
            for old in numbers.iter().rev().skip(MOST_PLANS) {
                plans.remove(format!("{old}.yaml"))?;
            }
            let mut number = numbers.last().map_or(1, |last| last + 1);
            loop {
                match plans.create_new(format!("{number}.yaml")) {
                    Ok(file) => break Ok((plans, number, file)),
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => break Err(error),
                }
            }
        };
        let (plans, number, mut file) =
            kept().map_err(|error| format!("the plan is not kept: {error}"))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(plans.path().join(format!("{number}.yaml")))
    }

    fn start(&self, text: &str, session: &str) -> Result<String, String> {
        let base = self.situation.root.clone();
        let made = folder::create(self.state, "-".to_owned(), base, Options::default(), text);
        let folder = made.map_err(|error| error.to_string())?;
        let detaching = Detaching {
            state: self.state,
            root: &self.situation.root,
            env: self.env,
            session: Some(session.to_owned()),
            is_forced: false,
        };
        detaching.start(folder)
    }

    fn cancel(&self, run: &str) {
        let told = folder::find(self.state, run).and_then(|dir| {
            let token = folder::record(&dir)?.token;
            Ok((dir, token))
        });
        if let Ok((dir, token)) = told {
            // Nobody reads it where the run is over already.
            drop(fifo::send(&dir.path().join(REPORTS), &report::cancel(&token)));
        }
    }
}
