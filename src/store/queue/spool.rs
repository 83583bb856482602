//! The spool: orders that the runner has not taken yet.
//!
//! Knows nothing of the database. Invariants: an order is there as a whole or not at all; what a
//! newer cph wrote is left where it is; what cannot be read is laid aside and never lost, and holds
//! none of the others up, whatever it is.

use std::collections::BTreeSet;

use super::{Error, Queue, is_missing, order::Order, put, read, sweep_drafts};
use crate::{
    json::frame,
    model::job::Durability,
    sys::dir::{self, PrivateDir},
};

const SPOOL: &str = "spool";
const ASIDE: &str = "aside";
const ENDING: &str = ".job";

/// What a file of the spool is.
#[derive(Debug)]
pub(crate) enum Found {
    Order(Box<Order>),
    /// A newer cph knows what to do with it.
    Newer,
    /// It cannot be read and was laid aside.
    Broken,
    /// It can neither be read nor moved: a directory of somebody else's, for example.
    Stuck,
    /// Somebody was faster.
    Gone,
}

/// Why no runner of ours takes an order.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// A newer cph has left it.
    Newer,
    /// It cannot be read: why.
    Unreadable(String),
}

/// The spool of a queue.
#[derive(Debug)]
pub(crate) struct Spool<'q> {
    queue: &'q Queue,
    dir: PrivateDir,
}

impl Queue {
    pub(crate) fn spool(&self) -> Result<Spool<'_>, dir::Error> {
        Ok(Spool { queue: self, dir: self.dir.subdir(SPOOL)? })
    }
}

impl Spool<'_> {
    /// Leaves an order.
    pub(crate) fn leave(&self, order: &Order) -> Result<(), Error> {
        let is_durable = order.terms.durability == Durability::Power;
        // By name they sort like their events.
        let name = format!("{}-{}{ENDING}", order.occurrence, order.id);
        put(&self.dir, &name, &frame::encode(order)?, is_durable)
    }

    /// The names of all orders, by age within one boot.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let names = self.dir.list()?.into_iter();
        let is_order = |name: &String| name.ends_with(ENDING) && !name.starts_with('.');
        Ok(names.filter_map(|name| name.into_string().ok()).filter(is_order).collect())
    }

    /// Reads one, without taking it.
    pub(crate) fn look(&self, name: &str) -> Result<Found, Error> {
        let bytes = match read(&self.dir, name) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(Found::Gone),
            Err(error) if error.is_of_the_file() => return Ok(self.lay_aside(name)),
            Err(error) => return Err(error),
        };
        let frames = frame::decode(&bytes);
        if frames.is_newer {
            return Ok(Found::Newer);
        }
        match frame::values::<Order>(&frames).pop() {
            Some(order) if Order::is_name(&order.id) && Order::is_name(&order.occurrence) => {
                Ok(Found::Order(Box::new(order)))
            }
            _ => Ok(self.lay_aside(name)),
        }
    }

    /// Why one waits in vain; nothing is touched. `None`: a runner takes it, or lays it aside.
    pub(crate) fn obstacle(&self, name: &str) -> Option<Obstacle> {
        match read(&self.dir, name) {
            Ok(bytes) => frame::decode(&bytes).is_newer.then_some(Obstacle::Newer),
            Err(error) if !is_missing(&error) && error.is_of_the_file() => {
                Some(Obstacle::Unreadable(error.to_string()))
            }
            Err(_) => None,
        }
    }

    /// It is in the database.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        Ok(self.dir.remove(name)?)
    }

    /// Removes what dispatches left that were killed while they wrote.
    pub(crate) fn sweep(&self) {
        sweep_drafts(&self.dir);
    }

    fn lay_aside(&self, name: &str) -> Found {
        let moved = self.queue.dir.subdir(ASIDE).and_then(|aside| {
            let to = free_name(&aside, name)?;
            self.dir.move_to(name, &aside, to)
        });
        match moved {
            Ok(()) => Found::Broken,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Found::Gone,
            Err(_) => Found::Stuck,
        }
    }
}

/// What is there already is not replaced.
fn free_name(aside: &PrivateDir, name: &str) -> Result<String, dir::Error> {
    let (mut free, mut number) = (name.to_owned(), 1);
    while aside.inode(&free)?.is_some() {
        number += 1;
        free = format!("{name}.{number}");
    }
    Ok(free)
}

impl Queue {
    /// The names of what was laid aside.
    pub(crate) fn laid_aside(&self) -> Vec<String> {
        let names = self.aside().and_then(|dir| dir.list().ok()).unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    }

    /// What is wrong with something that was laid aside, and where it is.
    pub(crate) fn why_aside(&self, name: &str) -> String {
        let Some(aside) = self.aside() else { return format!("`{ASIDE}` cannot be opened") };
        let bytes = match read(&aside, name) {
            Ok(bytes) => bytes,
            Err(error) => return error.to_string(),
        };
        let what = match frame::decode(&bytes) {
            _ if bytes.is_empty() => "is empty",
            frames if frames.is_newer => "was left by a newer cph",
            frames if frames.bodies.is_empty() => "was cut short or changed",
            _ => "is no order that this cph knows",
        };
        format!("`{}` {what}", aside.path().join(name).display())
    }

    fn aside(&self) -> Option<PrivateDir> {
        dir::open_private_dir_if_there(&self.dir.path().join(ASIDE))
    }

    /// Which of `words` stand in orders that are not in the database, whatever their format is;
    /// `None`: nobody can tell, for one in the spool cannot be read.
    pub(super) fn mentioned(&self, words: &BTreeSet<String>) -> Option<BTreeSet<String>> {
        let spool = self.spool().ok()?;
        let mut found = BTreeSet::new();
        let mut note = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            found.extend(words.iter().filter(|word| text.contains(word.as_str())).cloned());
        };
        for name in spool.names().ok()? {
            match read(&spool.dir, &name) {
                Ok(bytes) => note(&bytes),
                Err(error) if is_missing(&error) => {}
                Err(_) => return None,
            }
        }
        // What was laid aside is out of the way also where it cannot be read.
        if let Some(aside) = self.aside() {
            self.laid_aside()
                .iter()
                .filter_map(|name| read(&aside, name).ok())
                .for_each(|b| note(&b));
        }
        Some(found)
    }
}
