//! The spool: orders that the runner has not taken yet.
//!
//! Knows nothing of the database. Invariants: an order is there as a whole or not at all; what a
//! newer cph wrote is left where it is; what cannot be read is laid aside and never lost.

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
    /// It was laid aside.
    Broken,
    /// Somebody was faster.
    Gone,
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
            // No file at all, or one that belongs to somebody else.
            Err(Error::Dir(dir::Error::NotAFile { .. })) => return self.lay_aside(name),
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
            _ => self.lay_aside(name),
        }
    }

    /// Whether only a newer cph knows what to do with it; nothing is touched.
    pub(crate) fn is_newer(&self, name: &str) -> bool {
        read(&self.dir, name).is_ok_and(|bytes| frame::decode(&bytes).is_newer)
    }

    /// It is in the database.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        Ok(self.dir.remove(name)?)
    }

    /// Removes what dispatches left that were killed while they wrote.
    pub(crate) fn sweep(&self) {
        sweep_drafts(&self.dir);
    }

    fn lay_aside(&self, name: &str) -> Result<Found, Error> {
        self.dir.move_to(name, &self.queue.dir.subdir(ASIDE)?)?;
        Ok(Found::Broken)
    }
}

impl Queue {
    /// The names of what was laid aside.
    pub(crate) fn laid_aside(&self) -> Vec<String> {
        let aside = self.dir.path().join(ASIDE);
        let dir = dir::open_private_dir_if_there(&aside);
        let names = dir.and_then(|dir| dir.list().ok()).unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    }
}
