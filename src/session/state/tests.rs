use std::{fs, path::PathBuf, time::Duration};

use super::*;

struct Stage {
    _scratch: tempfile::TempDir,
    project: PathBuf,
    private: PrivateDir,
}

fn scene() -> Stage {
    let scratch = tempfile::tempdir().unwrap();
    let project = scratch.path().join("project");
    fs::create_dir_all(project.join(DIRECTORY)).unwrap();
    let private = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    Stage { _scratch: scratch, project, private }
}

impl Stage {
    fn file(&self) -> PathBuf {
        self.project.join(DIRECTORY).join(NAME)
    }

    fn update(&self, change: &Change) -> Outcome {
        update(&self.project, &self.private, change, Deadline::never()).unwrap()
    }

    fn put(&self, text: &str) {
        crate::sys::atomic::write(&self.file(), text.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn full() -> Change {
    Change {
        active_processor: Some(Processor::TaskOrchestrator),
        last_event: Some(LastEvent {
            event: "TaskComplete".into(),
            processor: Some(Processor::TaskOrchestrator),
            at: Some(at(1_795_223_707)),
        }),
        shared_hooks: Some(vec![".claude/hooks.json".into(), "a\"b".into()]),
        heartbeat: Some(Heartbeat { pid: 7, start: Some(5), at: at(1_795_223_707) }),
    }
}

#[test]
fn what_was_written_is_read() {
    let scene = scene();
    assert_eq!(read(&scene.project).unwrap(), None);
    assert_eq!(scene.update(&full()), Outcome::Written);
    let state = read(&scene.project).unwrap().unwrap();
    let Change { active_processor, last_event, shared_hooks, heartbeat } = full();
    assert_eq!(state.active_processor, active_processor);
    assert_eq!((state.last_event, state.heartbeat), (last_event, heartbeat));
    assert_eq!((Some(state.shared_hooks), state.is_newer), (shared_hooks, false));
}

#[test]
fn members_of_others_stay_as_they_are() {
    let scene = scene();
    let foreign = "{\"version\": 1, \"theirs\" : {\"n\": 1.50e3, \"n\": [ 2 ]},\
                   \"active_processor\": \"claude_code\", \"ä\": null}";
    scene.put(foreign);
    let change =
        Change { active_processor: Some(Processor::TaskOrchestrator), ..Change::default() };
    assert_eq!(scene.update(&change), Outcome::Written);
    let text = scene.text();
    assert!(text.contains("\"theirs\": {\"n\": 1.50e3, \"n\": [ 2 ]}"), "{text}");
    assert!(text.contains("\"ä\": null"), "{text}");
    let state = read(&scene.project).unwrap().unwrap();
    assert_eq!(state.active_processor, Some(Processor::TaskOrchestrator));
    // A change of nothing changes nothing more.
    assert_eq!(scene.update(&Change::default()), Outcome::Written);
    assert_eq!(scene.text(), text);
}

#[test]
fn a_newer_file_is_not_touched() {
    let scene = scene();
    for text in ["{\"version\": 2}", "{\"version\":\"next\", \"heartbeat\": []}"] {
        scene.put(text);
        assert_eq!(scene.update(&full()), Outcome::Newer);
        assert_eq!(scene.text(), text);
        assert!(read(&scene.project).unwrap().unwrap().is_newer);
    }
}

#[test]
fn odd_contents_are_missing_contents() {
    let scene = scene();
    for text in ["", "[1]", "{\"version\": 1, ", "\u{0}"] {
        scene.put(text);
        assert_eq!(read(&scene.project).unwrap().unwrap(), State::default(), "{text}");
        assert_eq!(scene.update(&full()), Outcome::Written);
        assert!(read(&scene.project).unwrap().unwrap().heartbeat.is_some());
    }
    scene.put(
        "{\"active_processor\": 3, \"last_event\": \"Stop\", \"shared_hooks\": {\"a\": 1},
          \"heartbeat\": {\"pid\": -1, \"at\": 5}}",
    );
    let state = read(&scene.project).unwrap().unwrap();
    assert_eq!(state.active_processor, None);
    assert_eq!(state.last_event.unwrap().event, "Stop");
    assert!(state.shared_hooks.is_empty() && state.heartbeat.is_none());
}

#[test]
fn no_directory_is_made_and_no_link_followed() {
    let scene = scene();
    let target = scene.project.join("precious");
    crate::sys::atomic::write(&target, b"{}").unwrap();
    std::os::unix::fs::symlink(&target, scene.file()).unwrap();
    assert!(read(&scene.project).is_err());
    assert!(update(&scene.project, &scene.private, &full(), Deadline::never()).is_err());
    assert_eq!(fs::read(&target).unwrap(), b"{}");
    fs::remove_dir_all(scene.project.join(DIRECTORY)).unwrap();
    assert_eq!(scene.update(&full()), Outcome::NoDirectory);
    assert!(!scene.project.join(DIRECTORY).exists());
}
